"""What is true now of a special fund: its settings, its plan, what it allotted, and its money."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from enum import StrEnum

from immutables import Map
from msgspec import Struct
from msgspec.structs import replace

from domain.fen import FenSet
from domain.money import Money
from domain.posting import ACCOUNTS, LINE, Accounts, Move
from domain.rules.fund import BatchNotInPlan, NotInPlan


class Gate(StrEnum):
    """What must have happened on an award before a batch of it may be paid."""

    AWARD = "award"
    AGREEMENT = "agreement"
    ACCEPTANCE = "acceptance"


class NoticeOrder(StrEnum):
    """Whether the public is shown the awards before the meeting decides them, or after."""

    BEFORE_DECISION = "before_decision"
    AFTER_DECISION = "after_decision"


class Settings(Struct, frozen=True):
    """The fund's own parameters, never constants in code.

    `approvals`: the levels of a payment, in order; none if payments are approved elsewhere and only recorded here.
    `quantum`: what amounts shared out by score are multiples of. `years_to_spend`: the budget year is the first; what
    is unspent at the end of the last is surplus. `period_close_days`: how many days after a month its close is due.
    `idle_days`: after how many days money that is allotted and of which nothing was paid is told. `december_percent`:
    from which part of a year's payments on December's are told. `reconcile_before_close`: a period is closed only when
    accepted statements cover all of its days.
    """

    notice_working_days: int
    approvals: tuple[str, ...]
    acceptance_tries: int
    notice_order: NoticeOrder = NoticeOrder.BEFORE_DECISION
    rectification_months: int | None = None
    quantum: Money = Money(1)
    years_to_spend: int = 2
    period_close_days: int | None = None
    idle_days: int = 180
    december_percent: int = 30
    reconcile_before_close: bool = False


class Task(Struct, frozen=True):
    code: str
    name: str


class PlannedBatch(Struct, frozen=True):
    """A batch of the whole plan and the sum of its lines."""

    batch: int
    name: str
    total: Money


class LineBatch(Struct, frozen=True):
    """What one line of the plan has in one batch, and the gate it is paid behind."""

    batch: int
    amount: Money
    gate: Gate


class Line(Struct, frozen=True):
    """One project of the plan, named as in the body and as in the annex."""

    project: str
    number: int
    name: str
    name_annex: str
    tasks: tuple[str, ...]
    award_rule: str
    awards: int
    fixed_total: bool
    total: Money
    batches: tuple[LineBatch, ...]
    name_en: str | None = None
    number_raw: str | None = None

    def find(self, number: int) -> LineBatch | None:
        return next((batch for batch in self.batches if batch.batch == number), None)

    def batch(self, number: int) -> LineBatch:
        """Raises BatchNotInPlan."""
        batch = self.find(number)
        if batch is None:
            raise BatchNotInPlan(project=self.project, batch=number)
        return batch

    def behind(self, gate: Gate) -> Iterator[LineBatch]:
        return (batch for batch in self.batches if batch.gate is gate)

    def changed(self, number: int, by: int) -> Line:
        """The line with `by` fen more, or fewer, in one batch."""
        batches = tuple(
            replace(each, amount=Money(each.amount + by)) if each.batch == number else each for each in self.batches
        )
        return replace(self, batches=batches, total=Money(self.total + by))


class Draft(Struct, frozen=True):
    version: int
    lines: tuple[Line, ...]


class Carried(Struct, frozen=True):
    """That something was carried forward out of a year."""

    version: int
    year: int


class Appropriation(Struct, frozen=True):
    """One appropriation: its amount as received, its budget year, and the years it was carried out of."""

    amount: Money
    budget_year: int
    carried: tuple[Carried, ...] = ()

    @property
    def next_year(self) -> int:
        """The year that is next to be carried out of."""
        return self.carried[-1].year + 1 if self.carried else self.budget_year


class Reconciled(Struct, frozen=True):
    """That a statement was accepted: by which version, and the days it covers."""

    version: int
    first_day: date
    last_day: date


class Fund(Struct, frozen=True):
    """`allotted` is net of all that came back, by project and batch; `plan` the version that put the plan in force.

    `first_approvals`: the levels of its establishment. `closed_through`: the last day of the last closed period, and
    `closed_by` the version that closed it. `reconciled`: the acceptances of each statement, by its file and days.
    `reversed`: which fen of an entry were moved back.
    """

    code: str
    settings: Settings
    accounts: Accounts = Accounts("fund")
    established_on: date = date.min
    first_approvals: tuple[str, ...] = ()
    settings_version: int = 1
    draft: Draft | None = None
    lines: Map[str, Line] = Map()
    plan: int | None = None
    adopted_on: date | None = None
    allotted: Map[tuple[str, int], int] = Map()
    appropriations: Map[int, Appropriation] = Map()
    closed_projects: frozenset[str] = frozenset()
    closed_through: date | None = None
    closed_by: int | None = None
    closed_at: int | None = None
    reconciled: Map[str, tuple[Reconciled, ...]] = Map()
    reversed: Map[int, FenSet] = Map()

    @property
    def closed(self) -> bool:
        return self.closed_at is not None

    def first_unreconciled(self, first: date, last: date) -> date | None:
        """The first day from `first` to `last` that no accepted statement covers."""
        day = first
        in_force = (each[-1] for each in self.reconciled.values())
        for accepted in sorted(in_force, key=lambda each: each.first_day):
            if accepted.first_day <= day <= accepted.last_day:
                day = accepted.last_day + timedelta(days=1)
        return day if day <= last else None

    def line(self, project: str) -> Line:
        """The plan's line for `project`. Raises NotInPlan."""
        line = self.lines.get(project)
        if line is None:
            raise NotInPlan(project=project)
        return line

    def wholly_allotted(self, project: str) -> bool:
        """Nothing of the plan's line is left to allot."""
        batches = self.line(project).batches
        return all(self.allotted.get((project, batch.batch), 0) == batch.amount for batch in batches)

    def to_allot(self, lines: Iterable[Line]) -> int:
        """What `lines` still ask of the pool: their amounts not allotted yet, closed projects left out."""
        return sum(
            batch.amount - self.allotted.get((line.project, batch.batch), 0)
            for line in lines
            if line.project not in self.closed_projects
            for batch in line.batches
        )


def allotted_after(allotted: Map[tuple[str, int], int], moves: Iterable[Move]) -> Map[tuple[str, int], int]:
    """What is allotted after money has crossed between the fund and its projects."""
    for moved in moves:
        leaves = ACCOUNTS[moved.source].owner == "fund"
        enters = ACCOUNTS[moved.target].owner == "fund"
        project, batch = moved.place.project, moved.place.batch
        if leaves != enters and project is not None and batch is not None:
            sign = 1 if leaves else -1
            allotted = allotted.set((project, batch), allotted.get((project, batch), 0) + sign * moved.amount)
    return allotted


def plan_after(lines: Map[str, Line], moves: Iterable[Move]) -> Map[str, Line]:
    """The plan after a reallocation: each line has as much more, or less, as was moved into or out of it."""
    for moved in moves:
        project, batch = moved.place.project, moved.place.batch
        assert project is not None
        assert batch is not None
        sign = 1 if moved.target == LINE else -1
        lines = lines.set(project, lines[project].changed(batch, sign * moved.amount))
    return lines
