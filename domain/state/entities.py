"""The entities of a project's state: rounds, applications, objections, awards, payments, recoveries and waivers.

Each entity stores the `version` of its last step (an event that changed it), the number of `steps` since its creation,
and in `past` its states before the last steps, so that a step can be reversed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

from immutables import Map
from msgspec import Struct
from msgspec.structs import replace

from domain.event import Cause, Poster
from domain.event_part import EventPart
from domain.money import Money
from domain.normalise import normalized
from domain.rules.every_post import NameTaken
from domain.state.fund import Gate


def no_name_twice(kind: str, names: Iterable[object]) -> None:
    """Raises NameTaken for the first of `names` that occurs twice. `kind`: what is named, such as "award"."""
    for name, count in Counter(names).items():
        if count > 1:
            raise NameTaken(kind=kind, name=str(name))


# Entities --------------------------------------------------------------------


class BankAccount(EventPart, frozen=True):
    """A bank account in the form that may be stored: its last four digits, and a keyed digest for comparison."""

    last4: str
    digest: str


class Payee(EventPart, frozen=True):
    name: str
    uscc: str
    account: BankAccount

    def __str__(self) -> str:
        return f"{self.name} ({self.uscc}, …{self.account.last4})"


class ActualPayee(EventPart, frozen=True):
    """The payee on the bank slip. The slip may omit the social credit code."""

    name: str
    account: BankAccount
    uscc: str | None = None

    def is_of(self, payee: Payee) -> bool:
        """Whether the fields that the bank provides match `payee`."""
        same_name = normalized(self.name) == normalized(payee.name)
        return same_name and self.account == payee.account and self.uscc in (None, payee.uscc)


class Screening(StrEnum):
    PENDING = "pending"
    PASSED = "passed"
    FAILED = "failed"


class Application(Struct, frozen=True):
    """An application. `number` is its 受理号, the number it got on receipt; `award` is the name of its award, if any.

    `excluded`: an objection to it was upheld.
    """

    version: int
    received: Cause
    number: str
    round: int
    uscc: str
    screening: Screening = Screening.PENDING
    withdrawn: bool = False
    excluded: bool = False
    award: str | None = None
    steps: int = 0
    past: tuple[Application, ...] = ()


class Notice(Struct, frozen=True):
    """A public notice 公示.

    `version`: the version of its NoticeStarted event. `amounts`: the amount proposed for each application listed.
    `completed`: its NoticeCompleted event, None before that event.
    """

    version: int
    amounts: Map[str, Money]
    first_day: date
    last_day: date
    completed: Cause | None = None

    @property
    def applications(self) -> frozenset[str]:
        return frozenset(self.amounts)


class Shown(Struct, frozen=True):
    """The completed notice that listed an application, and the amount that it proposed for it.

    `started` is the version of its NoticeStarted event.
    """

    started: int
    completed: Cause
    amount: Money


class RoundStatus(StrEnum):
    UNDER_WAY = "under_way"
    DECIDED = "decided"
    FAILED = "failed"


class Round(Struct, frozen=True):
    """One round of applications, from its call to its decision or failure.

    `review`: the review in force. `notice`: the last notice since that review. `earlier`: the notices between that
    review and `notice`. `noticed`: for each application, the completed notice that listed the application. `closed_on`:
    the day on which the call was closed.
    """

    version: int
    number: int
    published: Cause
    opens_on: date
    closes_on: date
    closed_on: date | None = None
    review: Cause | None = None
    scores: Map[str, Decimal] = Map()
    notice: Notice | None = None
    earlier: tuple[Notice, ...] = ()
    noticed: Map[str, Shown] = Map()
    status: RoundStatus = RoundStatus.UNDER_WAY
    steps: int = 0
    past: tuple[Round, ...] = ()


class Objection(Struct, frozen=True):
    """An objection 异议 to one application, or to a whole notice; `concerns` are the applications that it affects."""

    version: int
    round: int
    application: str | None
    concerns: frozenset[str]
    received: Cause
    resolved: bool = False
    steps: int = 0
    past: tuple[Objection, ...] = ()


class Acceptance(StrEnum):
    NONE = "none"
    REQUESTED = "requested"
    PASSED = "passed"
    FAILED = "failed"
    RECTIFYING = "rectifying"


class Check(Struct, frozen=True):
    """The state of an award at one of its checkpoints.

    `since`, `version`: the day and the version of the last step there; None before the first one. `rectify_by`: the
    last day of the rectification. `due_by`: the version of the event that last set `rectify_by`.
    """

    status: Acceptance = Acceptance.NONE
    since: date | None = None
    version: int | None = None
    failures: int = 0
    rectify_by: date | None = None
    due_by: int | None = None


NOT_CHECKED = Check()


class AwardStatus(StrEnum):
    LIVE = "live"
    DECLINED = "declined"
    REVOKED = "revoked"
    TERMINATED = "terminated"


class Award(Struct, frozen=True):
    """The award of one application, live or ended.

    `gates`: the open gates, each with the event that opened the gate. `payee_by`: the event that last set `payee`.
    `ends_on`: the last day of the agreement. `ends_by`: the version of the event that last set `ends_on`. `checks`: the
    state at each checkpoint that had a step. Gates and checkpoints have the names that `Line.gate` gives them.
    """

    version: int
    application: str
    payee: Payee
    decided: Cause
    by: Poster
    gates: Map[str, Cause]
    payee_by: Cause
    status: AwardStatus = AwardStatus.LIVE
    ends_on: date | None = None
    ends_by: int | None = None
    checks: Map[str, Check] = Map()
    steps: int = 0
    past: tuple[Award, ...] = ()

    def check(self, checkpoint: str = Gate.ACCEPTANCE) -> Check:
        """The state at `checkpoint`; by default, at the last one."""
        return self.checks.get(checkpoint, NOT_CHECKED)

    def checked_since(self, version: int) -> Iterator[tuple[str, int]]:
        """The checkpoints with a step after the event of this `version`, each with the version of its last step."""
        return ((n, each.version) for n, each in self.checks.items() if each.version and each.version > version)


class PaymentStatus(StrEnum):
    REQUESTED = "requested"
    APPROVED = "approved"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    INSTRUCTED = "instructed"
    CONFIRMED = "confirmed"
    FAILED = "failed"


class Payment(Struct, frozen=True):
    """A payment of an award.

    `since`: the day of the payment's last step. `by`: who requested it. `approved_by`: who approved it, level by level.
    `paid_in`: the year in which the payment's confirmation is booked. `levels`: the approval levels in force when the
    payment was requested; None in old logs, where the levels at the fund's establishment apply. `by_waiver`: its payee
    was not the award's when it was requested.
    """

    version: int
    award: str
    batch: int
    payee: Payee
    status: PaymentStatus
    by: Poster
    since: date
    levels: tuple[str, ...] | None = None
    approved_by: tuple[Poster, ...] = ()
    paid_in: int | None = None
    by_waiver: bool = False
    steps: int = 0
    past: tuple[Payment, ...] = ()


class Recovery(Struct, frozen=True):
    """An order 追缴 to get back money of a payment. `amount` is the amount ordered, `waived` the amount waived.

    `lapsed`: the amount that is no longer demanded, because the money had already been returned when the recovery
    was waived. `lapsed_by`: the version of the last waiver that increased `lapsed`.
    """

    version: int
    payment: str
    ordered: Cause
    by: Poster
    due_on: date
    amount: Money
    waived: Money = Money()
    lapsed: Money = Money()
    lapsed_by: int | None = None
    steps: int = 0
    past: tuple[Recovery, ...] = ()


class Waiver(Struct, frozen=True):
    """The waiver of a rule for one award or application. `by`: who granted it.

    `payee`: the only payee that the waiver allows. `at_most`: the most that this payee may receive. Both are None if
    the rule is not about a payee, and in waivers by the first edition of the rules, which allowed any payee.
    """

    version: int
    by: Poster
    payee: Payee | None = None
    at_most: Money | None = None
    steps: int = 0
    past: tuple[Waiver, ...] = ()


S = TypeVar("S", Application, Round, Objection, Award, Payment, Recovery, Waiver)


MAX_UNDO_STEPS = 20
"""How many steps of one entity can be reversed, counted from the last. The states before earlier steps are not kept."""


def stepped(entity: S, version: int, **changes: Any) -> S:
    """The `entity` after the event of this `version`. The state before the event is added to the entity's `past`.

    `changes`: the new values of the changed fields.
    """
    before = replace(entity, past=()) if entity.past else entity
    past = (*entity.past, before)[-MAX_UNDO_STEPS:]
    return replace(entity, version=version, steps=entity.steps + 1, past=past, **changes)
