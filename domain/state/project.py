"""What is true now of a project: its rounds of applications, its awards, its payments and its money.

Everything that grows is a persistent map, so a long life costs no more per event than a short one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from immutables import Map
from msgspec import Struct
from msgspec.structs import replace

from domain.fen import FenSet
from domain.money import Money
from domain.posting import IN_FLIGHT, PAID, Accounts, Place
from domain.rules.award import AwardEnded, AwardInFlight
from domain.rules.call import NoRoundUnderWay, NotStanding, ObjectionOpen
from domain.rules.every_post import NameTaken, UnknownName
from domain.rules.project import ProjectIsClosed
from domain.state.entities import (
    Application,
    Award,
    AwardStatus,
    Objection,
    Payment,
    Recovery,
    Round,
    RoundStatus,
    Screening,
    Shown,
    Waiver,
    stepped,
)
from domain.state.fund import Line


class Project(Struct, frozen=True):
    """One line of the plan. `applicants` finds the live application of an applicant in a round.

    `ended` are the awards that are no longer live; `paid_on` tells by award when each of its payments was confirmed;
    `recovered` what each recovery received; `reversed` which fen of an entry were moved back.
    """

    code: str
    fund: str
    accounts: Accounts
    closed_at: int | None = None
    round: int = 0
    rounds: Map[str, Round] = Map()
    applications: Map[str, Application] = Map()
    applicants: Map[tuple[int, str], str] = Map()
    objections: Map[str, Objection] = Map()
    open_objections: frozenset[str] = frozenset()
    awards: Map[str, Award] = Map()
    ended: frozenset[str] = frozenset()
    payments: Map[str, Payment] = Map()
    paid_on: Map[str, Map[str, date]] = Map()
    recoveries: Map[str, Recovery] = Map()
    recoveries_of: Map[str, tuple[str, ...]] = Map()
    recovered: Map[str, int] = Map()
    waivers: Map[str, Waiver] = Map()
    reversed: Map[int, FenSet] = Map()

    @property
    def closed(self) -> bool:
        return self.closed_at is not None

    def must_be_open(self) -> None:
        """Raises ProjectIsClosed."""
        if self.closed:
            raise ProjectIsClosed(project=self.code)

    # Rounds

    def current_round(self) -> Round:
        """The last round, decided or not. Raises NoRoundUnderWay before the first call and after a failed one."""
        current = self.rounds.get(str(self.round))
        if current is None or current.status is RoundStatus.FAILED:
            raise NoRoundUnderWay
        return current

    def undecided_round(self) -> Round:
        """The round under way. Raises NoRoundUnderWay."""
        current = self.current_round()
        if current.status is not RoundStatus.UNDER_WAY:
            raise NoRoundUnderWay
        return current

    def no_objection_open(self) -> None:
        """Raises ObjectionOpen."""
        if self.open_objections:
            raise ObjectionOpen(objections=", ".join(sorted(self.open_objections)))

    def applied(self, number: int) -> dict[str, Application]:
        """The live applications of round `number`. Walks them all: for reviews, not for posts that come often."""
        return {n: each for n, each in self.applications.items() if each.round == number and not each.withdrawn}

    def standing(self, name: str) -> bool:
        """Whether the application may be put on a notice and awarded."""
        return self.lacks(name) is None

    def must_stand(self, name: str) -> None:
        """Raises NotStanding."""
        if lacks := self.lacks(name):
            raise NotStanding(application=name, lacks=lacks)

    def lacks(self, name: str) -> str | None:
        """What keeps the application from being put on a notice and awarded, in a word; None if nothing does."""
        each = self.applications[name]
        current = self.rounds[str(each.round)]
        against = {
            "withdrawn": each.withdrawn,
            "excluded": each.excluded,
            "awarded": each.award is not None,
            "past": each.round != self.round or current.status is RoundStatus.FAILED,
            "unscreened": each.screening is not Screening.PASSED,
            "unscored": name not in current.scores,
        }
        return next((word for word, holds in against.items() if holds), None)

    def shown(self, award: str) -> Shown | None:
        """By which completed notice the public was shown an award's application; None if by none yet."""
        name = self.awards[award].application
        return self.rounds[str(self.applications[name].round)].noticed.get(name)

    def not_shown(self) -> Iterator[str]:
        """The live awards that no completed notice has shown. Walks them all: for calls."""
        return (name for name in sorted(self.awards) if name not in self.ended and self.shown(name) is None)

    # Names

    def application(self, name: str) -> Application:
        """Raises UnknownName."""
        if name not in self.applications:
            raise UnknownName(kind="application", name=name)
        return self.applications[name]

    def objection(self, name: str) -> Objection:
        """Raises UnknownName."""
        if name not in self.objections:
            raise UnknownName(kind="objection", name=name)
        return self.objections[name]

    def award(self, name: str) -> Award:
        """Raises UnknownName."""
        if name not in self.awards:
            raise UnknownName(kind="award", name=name)
        return self.awards[name]

    def live_award(self, name: str) -> Award:
        """Raises UnknownName, AwardEnded."""
        award = self.award(name)
        if award.status is not AwardStatus.LIVE:
            raise AwardEnded(award=name, status=award.status)
        return award

    def payment(self, name: str) -> Payment:
        """Raises UnknownName."""
        if name not in self.payments:
            raise UnknownName(kind="payment", name=name)
        return self.payments[name]

    def recovery(self, name: str) -> Recovery:
        """Raises UnknownName."""
        if name not in self.recoveries:
            raise UnknownName(kind="recovery", name=name)
        return self.recoveries[name]

    def unused(self, kind: str, name: str) -> None:
        """Raises NameTaken if the project has something of this kind and name."""
        if name in self.subjects(kind):
            raise NameTaken(kind=kind, name=name)

    # Money

    def place(self, award: str, batch: int, payment: str | None = None) -> Place:
        return Place(self.code, batch, award, payment)

    def held(self, line: Line, award: str, accounts: Iterable[str]) -> int:
        """What the award has in these accounts, over all batches of the line, in fen."""
        wanted = tuple(accounts)
        return sum(
            self.accounts.balance(account, self.place(award, batch.batch))
            for batch in line.batches
            for account in wanted
        )

    def none_in_flight(self, line: Line, award: str) -> None:
        """Raises AwardInFlight."""
        if amount := self.held(line, award, IN_FLIGHT):
            raise AwardInFlight(award=award, amount=Money(amount))

    def places_taken(self, line: Line) -> int:
        """How many awards count against the plan's limit: the live, and the ended that kept money."""
        freed = sum(not self.held(line, award, (PAID,)) for award in self.ended)
        return len(self.awards) - freed

    def paid(self, name: str) -> FenSet:
        """The fen that stand paid by this payment."""
        payment = self.payments[name]
        return self.accounts.fen(PAID, self.place(payment.award, payment.batch, name))

    def outstanding(self, name: str, waived_less: int = 0) -> int:
        """What a recovery still asks back, in fen: never more than its payment has left."""
        recovery = self.recoveries[name]
        asked = recovery.amount - recovery.waived + waived_less - self.recovered.get(name, 0)
        return min(asked, self.paid(recovery.payment).total)

    def all_outstanding(self) -> Iterator[tuple[str, int]]:
        """The recoveries that still ask something back."""
        return ((name, left) for name in sorted(self.recoveries) if (left := self.outstanding(name)) > 0)

    # Subjects

    def subjects(self, kind: str) -> Map[str, Any]:
        """All that the project keeps of one kind, by name."""
        found: Map[str, Any] = getattr(self, KINDS[kind])
        return found

    def keep(self, kind: str, name: str, subject: Any) -> Project:
        """The project with this subject, new or changed."""
        return replace(self, **{KINDS[kind]: self.subjects(kind).set(name, subject)})

    def step(self, kind: str, name: str, version: int, **changes: Any) -> Project:
        """The project after a step of this version on one subject."""
        return self.keep(kind, name, stepped(self.subjects(kind)[name], version, **changes))

    def undo(self, kind: str, name: str) -> Project:
        """The project with one subject as it was before its last step; without it, if that was its first."""
        subject = self.subjects(kind)[name]
        assert subject.past or not subject.steps, "what is not remembered is not reversed"
        if not subject.past:
            return replace(self, **{KINDS[kind]: self.subjects(kind).delete(name)})
        *past, before = subject.past
        return self.keep(kind, name, replace(before, past=tuple(past)))


KINDS = {
    "round": "rounds",
    "application": "applications",
    "objection": "objections",
    "award": "awards",
    "payment": "payments",
    "recovery": "recoveries",
    "waiver": "waivers",
}
"""What a project keeps of each kind of subject."""
