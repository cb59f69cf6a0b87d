"""The entities of a project's state: rounds, applications, objections, awards, payments, recoveries, waivers and holds.

Each entity stores the `version` of its last step (an event that changed it) and the number of `steps` since its
creation. So that a step can be reversed, `past` has the states before the last steps, at most MAX_UNDO_STEPS of them.
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
from domain.recipient import Recipient
from domain.rules.every_post import NameTaken
from domain.state.finding import Finding
from domain.state.fund import Gate, NoticeOrder, Settings


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


class Payee(Recipient, frozen=True, kw_only=True):
    """A recipient with the account that is paid."""

    account: BankAccount

    def __str__(self) -> str:
        return f"{self.name} ({self.code}, …{self.account.last4})"


class ActualPayee(Recipient, frozen=True, kw_only=True):
    """The payee on the bank slip. The slip may omit the identity."""

    account: BankAccount

    def is_of(self, payee: Payee) -> bool:
        """Whether the fields that the bank provides match `payee`."""
        same_name = normalized(self.name) == normalized(payee.name)
        return same_name and self.account == payee.account and self.identity in (None, payee.identity)


class Screening(StrEnum):
    PENDING = "pending"
    PASSED = "passed"
    FAILED = "failed"


class Application(Struct, frozen=True):
    """An application, or an entry of a list, which is treated like an application.

    `number`: the number 受理号 that the application got on receipt; for an entry, its name. `received`: the event of
    its receipt; for an entry, the first notice that listed it. `award`: the name of its award, None if it has none.

    `identity`: the identity of the applicant on receipt. `renamed`: the identities that the applicant got later, the
    latest one last. `renamed_by`: the person who recorded the latest one. `excluded`: whether an objection to the
    application was upheld.
    """

    version: int
    received: Cause
    number: str
    round: int
    identity: str
    screening: Screening = Screening.PENDING
    withdrawn: bool = False
    excluded: bool = False
    award: str | None = None
    renamed: tuple[str, ...] = ()
    renamed_by: Poster | None = None
    steps: int = 0
    past: tuple[Application, ...] = ()

    @property
    def identities(self) -> tuple[str, ...]:
        """The identities that the applicant has and had, the present one last."""
        return (self.identity, *self.renamed)


class Notice(Struct, frozen=True):
    """A public notice 公示.

    `version`: the version of its NoticeStarted event. `amounts`: the amount proposed for each application, by the
    application's name. `completed`: its NoticeCompleted event; None before that event. `by`: the person who started it.
    """

    version: int
    amounts: Map[str, Money]
    first_day: date
    last_day: date
    completed: Cause | None = None
    by: Poster | None = None

    @property
    def applications(self) -> frozenset[str]:
        return frozenset(self.amounts)


class Shown(Struct, frozen=True):
    """What a completed notice showed for one application: `amount`, the amount that it proposed.

    `started`: the version of the notice's NoticeStarted event. `completed`: its NoticeCompleted event. `before`: what
    an earlier completed notice showed for the application; None if there was none. `awarded`: the fen that the
    application's award had when the notice was completed; 0 if there was no award.
    """

    started: int
    completed: Cause
    amount: Money
    before: Shown | None = None
    awarded: int = 0


class RoundStatus(StrEnum):
    UNDER_WAY = "under_way"
    DECIDED = "decided"
    FAILED = "failed"


class Round(Struct, frozen=True):
    """One round, from its call to its decision or failure. The round of a list begins with its first notice.

    `review`: the review in force. `notice`: the last notice since that review. `earlier`: the other notices since that
    review. `noticed`: for each application, what the last completed notice that listed it showed. `closed_on`: the day
    on which the call was closed. `by`: the person who published the call. `reviewed_by`: the person who concluded the
    review.

    `is_list`: whether the awards of the round are chosen from a list. Such a round has no applications and no scores:
    its notices list the entries. Its `opens_on`, `closes_on` and `closed_on` are all the day on which its first notice
    was started.
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
    by: Poster | None = None
    reviewed_by: Poster | None = None
    is_list: bool = False
    steps: int = 0
    past: tuple[Round, ...] = ()

    def notice_comes_first(self, settings: Settings) -> bool:
        """Whether a notice must precede the decision: always for a list, and otherwise as the fund's settings say."""
        return self.is_list or settings.notice_order is NoticeOrder.BEFORE_DECISION


class Objection(Struct, frozen=True):
    """An objection 异议 to one application, or to a whole notice; `concerns` are the applications that it affects.

    `supplementary`: the version of the notice objected to, if this is a supplementary notice, otherwise None. A notice
    is supplementary if all applications in `concerns` were awarded, and shown by an earlier notice, before it started.
    """

    version: int
    round: int
    application: str | None
    concerns: frozenset[str]
    received: Cause
    resolved: bool = False
    supplementary: int | None = None
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

    `since` and `version`: the day and the version of the last event that changed this state; both are None before the
    first such event. `rectify_by`: the last day of the rectification. `due_by`: the version of the event that last set
    `rectify_by`.
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

    `gates`: the open gates, each with the event that opened it. `payee_by`: the event that last set `payee`. `ends_on`:
    the last day of the agreement. `ends_by`: the version of the event that last set `ends_on`. `first_end`: the last
    day that the agreement had when it was signed first. `checks`: the state at each checkpoint that has had an event.
    Gates and checkpoints have the names that `Line.gate` returns.
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
    first_end: date | None = None
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

    `amount`: the amount requested. `since`: the day of the payment's last step. `by`: the person who requested it.
    `approved_by`: the person who approved it at each level, in order. `paid_in`: the year in which its confirmation was
    booked; None before that. `levels`: the approval levels in force when it was requested; None in old logs, where the
    levels at the fund's establishment apply.

    `by_waiver`: whether a waiver allowed its payee when it was requested. `irregular`: the improper rules that its
    request broke. `unordered`: the account that the bank paid it out of, if nobody had ordered it; otherwise None.
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
    amount: Money = Money()
    irregular: tuple[str, ...] = ()
    unordered: str | None = None
    steps: int = 0
    past: tuple[Payment, ...] = ()

    @property
    def more(self) -> int:
        """The fen that a later step of the payment adds to what the payee already has: always 0."""
        return 0

    @property
    def first_version(self) -> int:
        """The version of the event that requested or found the payment."""
        return self.past[0].version if self.past else self.version


class Recovery(Struct, frozen=True):
    """An order 追缴 to get back money of a payment. `amount` is the amount ordered, `waived` the amount waived.

    `interest`: the interest ordered in addition to `amount`. `interest_waived`: the part of this interest that was
    waived. `lapsed`: the part of `amount` that is no longer demanded, because the payment's money had already come back
    in another way when the recovery was waived. `lapsed_by`: the version of the last waiver that increased `lapsed`.
    `due_by`: the version of the last RecoveryExtended that set `due_on`; None if the order set it.
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
    interest: Money = Money()
    interest_waived: Money = Money()
    due_by: int | None = None
    steps: int = 0
    past: tuple[Recovery, ...] = ()


class Hold(Struct, frozen=True):
    """A hold 冻结 on an award, or on the whole project if `award` is None.

    `amount`: the money that must stay unpaid; None means all of it. `until`: the day by which the hold is to be renewed
    or released. The hold stays in force after that day, until it is released.
    """

    version: int
    stands_since: Cause
    award: str | None = None
    amount: Money | None = None
    until: date | None = None
    released: bool = False
    steps: int = 0
    past: tuple[Hold, ...] = ()


class WaivedPayee(Struct, frozen=True):
    """A payee that a waiver allows. `version`: the last WaiverGranted that allowed it. `by`: the poster of that event.

    `at_most`: the most that the payee may receive by the waiver; None for a waiver of PayeeNotApplicant, which has no
    limit.
    """

    version: int
    by: Poster
    payee: Payee
    at_most: Money | None = None


class Waiver(Struct, frozen=True):
    """The waiver of a rule for one award or application. `by`: the person who granted it last.

    `payees`: for a rule about payees, the payees that it allows. It is empty if the waiver was granted by the first
    edition of the rules; such a waiver allows any payee. `at_most`: for a waiver of AboveNotice, the largest amount
    that the award may have. `awarded`: the fen that the award had when the waiver was granted last.
    """

    version: int
    by: Poster
    at_most: Money | None = None
    awarded: int = 0
    payees: tuple[WaivedPayee, ...] = ()
    steps: int = 0
    past: tuple[Waiver, ...] = ()


S = TypeVar("S", Application, Round, Objection, Award, Payment, Recovery, Waiver, Hold, Finding)


MAX_UNDO_STEPS = 20
"""How many steps of one entity can be reversed, counted from the last. The states before earlier steps are not kept."""


def stepped(entity: S, version: int, **changes: Any) -> S:
    """The `entity` after an event that changed it. The state before the event is added to the entity's `past`.

    `version`: the version of the event. `changes`: the new values of the changed fields.
    """
    before = replace(entity, past=()) if entity.past else entity
    past = (*entity.past, before)[-MAX_UNDO_STEPS:]
    return replace(entity, version=version, steps=entity.steps + 1, past=past, **changes)


def unstepped(entity: S) -> S | None:
    """The `entity` before its last step; None if that step created it."""
    assert entity.past or not entity.steps, "a step whose previous state was dropped is not reversed"
    if not entity.past:
        return None
    *past, before = entity.past
    return replace(before, past=tuple(past))
