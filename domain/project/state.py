"""What is true now of a project: its round of applications, its awards, its payments and its money.

Everything that grows is a persistent map, so a long life costs no more per event than a short one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from immutables import Map

from domain.fund import Gate
from domain.names import plain
from domain.posting import Accounts
from domain.rules.call import NoRoundUnderWay
from domain.rules.every_post import NameTaken, UnknownName
from domain.rules.project import ProjectIsClosed


def no_name_twice(kind: str, names: Iterable[object]) -> None:
    """Raises NameTaken for the first of `names` that stands twice."""
    for name, count in Counter(names).items():
        if count > 1:
            raise NameTaken(kind=kind, name=str(name))


@dataclass(frozen=True, slots=True)
class BankAccount:
    """A bank account that may be stored: its last four digits, and a keyed digest to compare it by."""

    last4: str
    digest: str


@dataclass(frozen=True, slots=True)
class Payee:
    name: str
    uscc: str
    account: BankAccount

    def __str__(self) -> str:
        return f"{self.name} ({self.uscc}, …{self.account.last4})"


@dataclass(frozen=True, slots=True)
class ActualPayee:
    """Whom the bank says it paid. A bank slip may leave the code out."""

    name: str
    account: BankAccount
    uscc: str | None = None

    def is_of(self, payee: Payee) -> bool:
        """Whether this is `payee`, as far as the bank tells."""
        same_name = plain(self.name) == plain(payee.name)
        return same_name and self.account == payee.account and self.uscc in (None, payee.uscc)


class Screening(StrEnum):
    PENDING = "pending"
    PASSED = "passed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Application:
    round: int
    uscc: str
    received_on: date
    screening: Screening = Screening.PENDING
    score: Decimal | None = None
    award: str | None = None

    @property
    def standing(self) -> bool:
        """It may be put on a notice and awarded."""
        return self.screening is Screening.PASSED and self.score is not None and self.award is None


@dataclass(frozen=True, slots=True)
class Notice:
    """A public notice 公示; `version` is that of the event that started it."""

    version: int
    applications: frozenset[str]
    last_day: date
    completed_on: date | None = None


@dataclass(frozen=True, slots=True)
class Round:
    """One round of applications, from its call to the first decision. `review` is the version of the one in force."""

    number: int
    opens_on: date
    closes_on: date
    closed_on: date | None = None
    review: int | None = None
    reviewed_on: date | None = None
    notice: Notice | None = None
    decided: bool = False


class Acceptance(StrEnum):
    NONE = "none"
    REQUESTED = "requested"
    PASSED = "passed"
    FAILED = "failed"
    RECTIFYING = "rectifying"


@dataclass(frozen=True, slots=True)
class Award:
    """`gates`: those open for it, since when. `since`: its acceptance's last change. `paid_on`: its last payment."""

    application: str
    payee: Payee
    decided_on: date
    since: date
    gates: Map[Gate, date]
    acceptance: Acceptance = Acceptance.NONE
    failures: int = 0
    rectify_by: date | None = None
    paid_on: date | None = None


class PaymentStatus(StrEnum):
    REQUESTED = "requested"
    APPROVED = "approved"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    INSTRUCTED = "instructed"
    CONFIRMED = "confirmed"
    FAILED = "failed"
    RETURNED = "returned"


@dataclass(frozen=True, slots=True)
class Payment:
    """`since` is the day of its last step; `paid_in` the year its confirmation is booked in."""

    award: str
    batch: int
    payee: Payee
    status: PaymentStatus
    requester: str
    requester_key: str
    since: date
    approvals: int = 0
    paid_in: int | None = None


@dataclass(frozen=True, slots=True)
class Project:
    """One line of the plan. `applicants` finds the live application of an applicant in a round."""

    code: str
    fund: str
    accounts: Accounts = field(default_factory=lambda: Accounts("project"))
    closed: bool = False
    round: Round | None = None
    applications: Map[str, Application] = Map()
    applicants: Map[tuple[int, str], str] = Map()
    awards: Map[str, Award] = Map()
    payments: Map[str, Payment] = Map()

    def must_be_open(self) -> None:
        """Raises ProjectIsClosed."""
        if self.closed:
            raise ProjectIsClosed(project=self.code)

    def current_round(self) -> Round:
        """The last round, decided or not. Raises NoRoundUnderWay before the first call."""
        if self.round is None:
            raise NoRoundUnderWay
        return self.round

    def undecided_round(self) -> Round:
        """The round under way. Raises NoRoundUnderWay."""
        current = self.current_round()
        if current.decided:
            raise NoRoundUnderWay
        return current

    def application(self, name: str) -> Application:
        """Raises UnknownName."""
        if name not in self.applications:
            raise UnknownName(kind="application", name=name)
        return self.applications[name]

    def award(self, name: str) -> Award:
        """Raises UnknownName."""
        if name not in self.awards:
            raise UnknownName(kind="award", name=name)
        return self.awards[name]

    def payment(self, name: str) -> Payment:
        """Raises UnknownName."""
        if name not in self.payments:
            raise UnknownName(kind="payment", name=name)
        return self.payments[name]

    def applied(self, number: int) -> dict[str, Application]:
        """The applications of round `number`. Walks them all: for reviews, not for posts that come often."""
        return {name: each for name, each in self.applications.items() if each.round == number}

    def unused(self, kind: str, name: str) -> None:
        """Raises NameTaken if the project has an application, award or payment (`kind`) of that name."""
        taken = {"application": self.applications, "award": self.awards, "payment": self.payments}[kind]
        if name in taken:
            raise NameTaken(kind=kind, name=name)
