"""The current state of a project: its rounds of applications, its awards, its payments and its money.

All collections that grow are persistent maps, so the cost of an event does not grow with the project's history.
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
from domain.posting import (
    COMMITTED,
    IN_APPROVAL,
    IN_FLIGHT,
    LINE,
    OF_PAYMENT,
    PAID,
    PAYABLE,
    Accounts,
    Move,
    Place,
)
from domain.rules.award import AwardEnded, AwardInFlight
from domain.rules.call import NoRoundUnderWay, NotStanding, ObjectionOpen
from domain.rules.every_post import NameTaken, UnknownName
from domain.rules.project import ProjectIsClosed
from domain.state.entities import (
    Application,
    Award,
    AwardStatus,
    Hold,
    Objection,
    Payee,
    Payment,
    Recovery,
    Round,
    RoundStatus,
    Screening,
    Shown,
    Waiver,
    stepped,
    unstepped,
)
from domain.state.finding import Finding
from domain.state.fund import Line

UNPAID = (LINE, COMMITTED, PAYABLE, IN_APPROVAL)
"""The accounts whose money the bank is not instructed to pay."""


class Project(Struct, frozen=True):
    """The state of a project. A project is opened for a line of the plan.

    `round`: the number of the last round; 0 before the first. `applicants`: by round number and by the applicant's
    identity on receipt, the sorted names of the applications that are not withdrawn. `renamed`: the names of the
    applications whose applicant got another identity. `ended`: the names of the awards that are no longer live.
    `closed_at`: the version of ProjectClosed; None while the project is open. `awards_missing`: how many of the awards
    that the plan requires were missing when the project was closed.

    `paid_on`: for each award, the confirmation day of each confirmed payment, by the payment's name. `awarded`: for
    each award, the number of fen that it got out of the line, minus those that went back to the line. `by_waiver`: for
    each award, the names of its payments whose payee a waiver allowed. `apart`: the names of the payments that were
    requested while the gate was shut, or that nobody had ordered. Their money may be in `paid` although the gate is
    shut. `recoveries_of`: for each payment, the names of its recoveries. `recovered`: for each recovery, the number of
    fen of principal received. `interest_received`: for each recovery, the number of fen of interest received.
    `reversed`: by the version of a reversed entry, the fen that reversals moved back. `holds` and `findings`: by name.
    `standing_holds`: the names of the holds that are not released.
    """

    code: str
    fund: str
    accounts: Accounts
    closed_at: int | None = None
    awards_missing: int | None = None
    round: int = 0
    rounds: Map[str, Round] = Map()
    applications: Map[str, Application] = Map()
    applicants: Map[tuple[int, str], tuple[str, ...]] = Map()
    renamed: frozenset[str] = frozenset()
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
    awarded: Map[str, int] = Map()
    by_waiver: Map[str, tuple[str, ...]] = Map()
    apart: frozenset[str] = frozenset()
    interest_received: Map[str, int] = Map()
    holds: Map[str, Hold] = Map()
    standing_holds: frozenset[str] = frozenset()
    findings: Map[str, Finding] = Map()

    @property
    def closed(self) -> bool:
        return self.closed_at is not None

    def must_be_open(self) -> None:
        """Raises ProjectIsClosed if the project is closed."""
        if self.closed:
            raise ProjectIsClosed(project=self.code)

    # Rounds

    def current_round(self) -> Round:
        """The last round, under way or decided. Raises NoRoundUnderWay if there is no round or the last one failed."""
        current = self.rounds.get(str(self.round))
        if current is None or current.status is RoundStatus.FAILED:
            raise NoRoundUnderWay
        return current

    def undecided_round(self) -> Round:
        """The round under way. Raises NoRoundUnderWay if the last round is decided or failed, or there is no round."""
        current = self.current_round()
        if current.status is not RoundStatus.UNDER_WAY:
            raise NoRoundUnderWay
        return current

    def no_objection_open(self) -> None:
        """Raises ObjectionOpen if any objection of the project is not resolved yet."""
        if self.open_objections:
            raise ObjectionOpen(objections=", ".join(sorted(self.open_objections)))

    def live_applications(self, number: int) -> dict[str, Application]:
        """The applications of round `number` that are not withdrawn, by name.

        The time is linear in all applications of the project: call this for reviews, not for frequent posts.
        """
        return {n: each for n, each in self.applications.items() if each.round == number and not each.withdrawn}

    def applied(self, number: int, identity: str) -> tuple[str, ...]:
        """The live applications in round `number` of the recipient with this identity, on receipt or since a rename."""
        renamed = ((name, self.applications[name]) for name in sorted(self.renamed))
        later = (n for n, e in renamed if e.round == number and identity in e.renamed and not e.withdrawn)
        return tuple(dict.fromkeys((*self.applicants.get((number, identity), ()), *later)))

    def eligible(self, name: str) -> bool:
        """Whether the application `name` may be listed in a notice and awarded: see `ineligible_because`."""
        return self.ineligible_because(name) is None

    def must_be_eligible(self, name: str) -> None:
        """Raises NotStanding if the application `name` may not be listed in a notice and awarded."""
        if reason := self.ineligible_because(name):
            raise NotStanding(application=name, lacks=reason)

    def ineligible_because(self, name: str) -> str | None:
        """Why the application `name` is not eligible to be listed in a notice and awarded; None if it is eligible.

        The reason is one of these codes: `withdrawn`, `excluded`, `awarded`, `past` (its round failed or is not the
        last one), `unscreened` (it has not passed screening), `unscored`. An entry of a list counts as screened and
        needs no score.
        """
        each = self.applications[name]
        current = self.rounds[str(each.round)]
        reasons = {
            "withdrawn": each.withdrawn,
            "excluded": each.excluded,
            "awarded": each.award is not None,
            "past": each.round != self.round or current.status is RoundStatus.FAILED,
            "unscreened": each.screening is not Screening.PASSED,
            "unscored": not current.is_list and name not in current.scores,
        }
        return next((reason for reason, holds in reasons.items() if holds), None)

    def shown(self, award: str) -> Shown | None:
        """The completed notice that listed the application of the award `award`; None if there is none yet."""
        name = self.awards[award].application
        return self.rounds[str(self.applications[name].round)].noticed.get(name)

    def not_shown(self) -> Iterator[str]:
        """The names of the live awards that no completed notice has listed.

        The time is linear in all awards of the project: use this only for rare events.
        """
        return (name for name in sorted(self.awards) if name not in self.ended and self.shown(name) is None)

    # Names

    def application(self, name: str) -> Application:
        """The application `name`. Raises UnknownName."""
        if name not in self.applications:
            raise UnknownName(kind="application", name=name)
        return self.applications[name]

    def objection(self, name: str) -> Objection:
        """The objection `name`. Raises UnknownName."""
        if name not in self.objections:
            raise UnknownName(kind="objection", name=name)
        return self.objections[name]

    def award(self, name: str) -> Award:
        """The award `name`. Raises UnknownName."""
        if name not in self.awards:
            raise UnknownName(kind="award", name=name)
        return self.awards[name]

    def live_award(self, name: str) -> Award:
        """The award `name`, which must be live. Raises UnknownName, or AwardEnded if it is not live any more."""
        award = self.award(name)
        if award.status is not AwardStatus.LIVE:
            raise AwardEnded(award=name, status=award.status)
        return award

    def payment(self, name: str) -> Payment:
        """The payment `name`. Raises UnknownName."""
        if name not in self.payments:
            raise UnknownName(kind="payment", name=name)
        return self.payments[name]

    def recovery(self, name: str) -> Recovery:
        """The recovery `name`. Raises UnknownName."""
        if name not in self.recoveries:
            raise UnknownName(kind="recovery", name=name)
        return self.recoveries[name]

    def hold(self, name: str) -> Hold:
        """The hold `name`. Raises UnknownName."""
        if name not in self.holds:
            raise UnknownName(kind="hold", name=name)
        return self.holds[name]

    def unused(self, kind: str, name: str) -> None:
        """Raises NameTaken if the project has an entity of this kind and name."""
        if name in self.entities(kind):
            raise NameTaken(kind=kind, name=name)

    # Money

    def place(self, award: str, batch: int, payment: str | None = None) -> Place:
        return Place(self.code, batch, award, payment)

    def held(self, line: Line, award: str, accounts: Iterable[str]) -> int:
        """The number of fen of the award `award` in these accounts together, over all batches of `line`."""
        wanted = tuple(accounts)
        return sum(
            self.accounts.balance(account, self.place(award, batch.batch))
            for batch in line.batches
            for account in wanted
        )

    def unpaid(self, award: str | None) -> int:
        """The fen that the bank is not instructed to pay: those of `award`, or of the whole project if `award` is None.

        The time is linear in the accounts of the project: call this only if the project has a hold.
        """
        return sum(
            amount
            for (account, place), amount in self.accounts.sums.items()
            if account in UNPAID and (award is None or place.award == award)
        )

    def none_in_flight(self, line: Line, award: str) -> None:
        """Raises AwardInFlight if the award `award` has money in approval or in transit in any batch of `line`."""
        if amount := self.held(line, award, IN_FLIGHT):
            raise AwardInFlight(award=award, amount=Money(amount))

    def places_taken(self, line: Line) -> int:
        """How many awards of this project count toward the award limit of its line `line`.

        Every live award counts. An ended award counts only while it has money in the account `paid`. Money that a bank
        paid without an order is ignored here: a bank can pay it at any time, even after another award took the place.
        """
        freed = sum(self.held(line, award, (PAID,)) == self._paid_unordered(award) for award in self.ended)
        return len(self.awards) - freed

    def _paid_unordered(self, award: str) -> int:
        payments = ((name, self.payments[name]) for name in self.apart)
        return sum(self.paid(name).total for name, each in payments if each.award == award and each.unordered)

    def paid(self, name: str) -> FenSet:
        """The fen of the payment `name` that are still in the account `paid`."""
        payment = self.payments[name]
        return self.accounts.fen(PAID, self.place(payment.award, payment.batch, name))

    def paid_to_other(self, award: str, payee: Payee) -> int:
        """The fen in approval, in transit and paid of the payments of `award` that a waiver let `payee` have."""
        return sum(
            self.accounts.fen(account, self.place(award, payment.batch, name)).total
            for name in self.by_waiver.get(award, ())
            if (payment := self.payments[name]).payee == payee
            for account in OF_PAYMENT
        )

    def demanded(self, name: str) -> int:
        """How many fen of principal the recovery `name` still demands: ordered, less received, waived and lapsed.

        At each waiver, the ledger compares the demand with the payment's money in the account `paid`. The excess of the
        demand lapses, because that money had already come back in another way. Interest is not included.
        """
        recovery = self.recoveries[name]
        return recovery.amount - recovery.waived - recovery.lapsed - self.recovered.get(name, 0)

    def interest_outstanding(self, name: str) -> int:
        """How many fen of interest the recovery `name` still demands: those ordered, less those received and waived."""
        recovery = self.recoveries[name]
        return recovery.interest - recovery.interest_waived - self.interest_received.get(name, 0)

    def outstanding(self, name: str) -> int:
        """How many fen the recovery `name` still demands, but at most as many as its payment still has in `paid`."""
        return min(self.demanded(name), self.paid(self.recoveries[name].payment).total)

    def all_outstanding(self) -> Iterator[tuple[str, int]]:
        """Each recovery that has an outstanding amount: its name, and the amount in fen as `outstanding` counts it."""
        return ((name, left) for name in sorted(self.recoveries) if (left := self.outstanding(name)) > 0)

    def all_demanded(self) -> Iterator[tuple[str, int]]:
        """Each recovery that demands principal or interest: its name, and both together in fen."""
        for name in sorted(self.recoveries):
            if left := max(self.outstanding(name), 0) + self.interest_outstanding(name):
                yield name, left

    def paid_apart(self, award: str, batch: int, account: str) -> int:
        """The fen of `award` in a batch that are in `account` and belong to payments in `apart`.

        These payments were requested while the gate was shut, or nobody had ordered them. The result is 0 for an
        account that is not divided by payments.
        """
        if account not in OF_PAYMENT:
            return 0
        return sum(
            self.accounts.fen(account, self.place(award, batch, name)).total
            for name in self.apart
            if (self.payments[name].award, self.payments[name].batch) == (award, batch)
        )

    # Entities

    def entities(self, kind: str) -> Map[str, Any]:
        """The project's entities of one kind, such as "award" (the kinds are the keys of FIELD_OF), by name."""
        entities: Map[str, Any] = getattr(self, FIELD_OF[kind])
        return entities

    def with_entity(self, kind: str, name: str, entity: Any) -> Project:
        """The project with `entity` under this kind and name, in place of any entity that is there now."""
        return replace(self, **{FIELD_OF[kind]: self.entities(kind).set(name, entity)})

    def step(self, kind: str, name: str, version: int, **changes: Any) -> Project:
        """The project after an event changed the entity `name` of `kind`; `version` is the version of the event.

        `changes` are the new values of the changed fields. The state before the event is kept in the entity's `past`,
        so that the step can be undone.
        """
        return self.with_entity(kind, name, stepped(self.entities(kind)[name], version, **changes))

    def undo(self, kind: str, name: str) -> Project:
        """The project with the entity `name` of `kind` as it was before its last step.

        If that step created the entity, the entity is removed.
        """
        before = unstepped(self.entities(kind)[name])
        if before is None:
            return replace(self, **{FIELD_OF[kind]: self.entities(kind).delete(name)})
        return self.with_entity(kind, name, before)


def awarded_after(awarded: Map[str, int], moves: Iterable[Move]) -> Map[str, int]:
    """The map `awarded` (number of fen by award) after `moves`. Only moves from the line or to it change the map.

    A move from the line to `paid` does not change it: a bank paid that money without an order, so it was never awarded.
    """
    for moved in moves:
        accounts = (moved.source, moved.target)
        if moved.place.award is not None and LINE in accounts and PAID not in accounts:
            sign = 1 if moved.source == LINE else -1
            amount = awarded.get(moved.place.award, 0) + sign * moved.amount
            awarded = awarded.set(moved.place.award, amount) if amount else awarded.delete(moved.place.award)
    return awarded


FIELD_OF = {
    "round": "rounds",
    "application": "applications",
    "objection": "objections",
    "award": "awards",
    "payment": "payments",
    "recovery": "recoveries",
    "waiver": "waivers",
    "hold": "holds",
    "finding": "findings",
}
"""Maps each kind of entity to the field of Project that holds the entities of this kind."""
