"""What a project keeps of each thing it has to do with: a round, an application, an award, a payment …

Each subject knows the version of its last step, how many `steps` it took since it came up, and in `past` what it was
before the last of them, so that a step can be reversed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

from immutables import Map
from msgspec import Struct
from msgspec.structs import replace

from domain.event import Cause, Poster
from domain.money import Money
from domain.normalise import normalized
from domain.rules.every_post import NameTaken
from domain.state.fund import Gate


def no_name_twice(kind: str, names: Iterable[object]) -> None:
    """Raises NameTaken for the first of `names` that stands twice."""
    for name, count in Counter(names).items():
        if count > 1:
            raise NameTaken(kind=kind, name=str(name))


# Subjects --------------------------------------------------------------------


class BankAccount(Struct, frozen=True):
    """A bank account that may be stored: its last four digits, and a keyed digest to compare it by."""

    last4: str
    digest: str


class Payee(Struct, frozen=True):
    name: str
    uscc: str
    account: BankAccount

    def __str__(self) -> str:
        return f"{self.name} ({self.uscc}, …{self.account.last4})"


class ActualPayee(Struct, frozen=True):
    """Whom the bank says it paid. A bank slip may leave the code out."""

    name: str
    account: BankAccount
    uscc: str | None = None

    def is_of(self, payee: Payee) -> bool:
        """Whether this is `payee`, as far as the bank tells."""
        same_name = normalized(self.name) == normalized(payee.name)
        return same_name and self.account == payee.account and self.uscc in (None, payee.uscc)


class Screening(StrEnum):
    PENDING = "pending"
    PASSED = "passed"
    FAILED = "failed"


class Application(Struct, frozen=True):
    """`number` is its 受理号. Live unless `withdrawn`; `award` is what it was given."""

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
    """A public notice 公示; `version` is that of the event that started it. `decided`: an award list rests on it."""

    version: int
    applications: frozenset[str]
    first_day: date
    last_day: date
    completed: Cause | None = None
    decided: bool = False


class Shown(Struct, frozen=True):
    """That an application was shown to the public: by which notice, started and completed."""

    started: int
    completed: Cause


class RoundStatus(StrEnum):
    UNDER_WAY = "under_way"
    DECIDED = "decided"
    FAILED = "failed"


class Round(Struct, frozen=True):
    """One round of applications, from its call to the first decision, or to its failure.

    `review` is the one in force, `notice` the last one on it and `earlier` those before; `noticed` tells by which
    completed notice each application was shown.
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
    """An objection 异议 to an application, or to a whole notice; `concerns`: the applications put in doubt."""

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


class AwardStatus(StrEnum):
    LIVE = "live"
    DECLINED = "declined"
    REVOKED = "revoked"
    TERMINATED = "terminated"


class Award(Struct, frozen=True):
    """`gates`: those open for it, and by which event. `since`: its acceptance's last change.

    `payee_by`, `ends_by`, `acceptance_by`, `due_by` (of `rectify_by`): which event said so last.
    """

    version: int
    application: str
    payee: Payee
    decided: Cause
    by: Poster
    since: date
    gates: Map[Gate, Cause]
    payee_by: Cause
    status: AwardStatus = AwardStatus.LIVE
    ends_on: date | None = None
    ends_by: int | None = None
    acceptance: Acceptance = Acceptance.NONE
    acceptance_by: int | None = None
    failures: int = 0
    rectify_by: date | None = None
    due_by: int | None = None
    steps: int = 0
    past: tuple[Award, ...] = ()


class PaymentStatus(StrEnum):
    REQUESTED = "requested"
    APPROVED = "approved"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    INSTRUCTED = "instructed"
    CONFIRMED = "confirmed"
    FAILED = "failed"


class Payment(Struct, frozen=True):
    """`since` is the day of its last step; `paid_in` the year its confirmation is booked in.

    `levels` are those of approval in force when it was requested; None in old logs: those of the fund's establishment.
    """

    version: int
    award: str
    batch: int
    payee: Payee
    status: PaymentStatus
    by: Poster
    since: date
    levels: tuple[str, ...] | None = None
    approvals: int = 0
    paid_in: int | None = None
    steps: int = 0
    past: tuple[Payment, ...] = ()


class Recovery(Struct, frozen=True):
    """Money of a payment that must come back 追缴: what was ordered and waived."""

    version: int
    payment: str
    ordered: Cause
    by: Poster
    due_on: date
    amount: Money
    waived: Money = Money()
    steps: int = 0
    past: tuple[Recovery, ...] = ()


class Waiver(Struct, frozen=True):
    """A rule that is waived for one award or application, and who granted it."""

    version: int
    by: Poster
    steps: int = 0
    past: tuple[Waiver, ...] = ()


S = TypeVar("S", Application, Round, Objection, Award, Payment, Recovery, Waiver)


MAX_UNDO_STEPS = 20
"""So many steps of one subject can be reversed, one after the other: what is older is not remembered."""


def stepped(subject: S, version: int, **changes: Any) -> S:
    """`subject` after a step of this version, remembering what it was."""
    before = replace(subject, past=()) if subject.past else subject
    past = (*subject.past, before)[-MAX_UNDO_STEPS:]
    return replace(subject, version=version, steps=subject.steps + 1, past=past, **changes)
