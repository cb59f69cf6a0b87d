"""A special fund: its appropriations, its plan, and what is allotted to each project's batch.

Read top to bottom: what may happen (events), what is true now (state), what each event changes (evolve), what is
allowed (decide). Source: DOMAIN, "Fund".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import ClassVar, assert_never, cast, get_args

from immutables import Map

from domain.case import Case, Decision
from domain.fen import MAX_BOUND, FenSet
from domain.mirrors import AllotmentReceived, FundsReturned
from domain.money import Money
from domain.posting import ACCOUNTS, POOL, RECOVERED, Accounts, Move, Place, issue, move
from domain.record import Fact, Recorded
from domain.rules.every_post import BalanceTooSmall
from domain.rules.fund import (
    AllotmentExceedsPlan,
    BatchNotInPlan,
    FundExists,
    FundIsClosed,
    MoneyLeft,
    NotInPlan,
    NotTheLatestDraft,
    PlanAlreadyAdopted,
    PlanExceedsPool,
    PlanNamesTwice,
    PlanNamesUnknown,
    PlanSumsDisagree,
    ProjectsStillOpen,
    SerialsExhausted,
)
from domain.rules.project import ProjectIsClosed, ProjectOfOtherFund


class Gate(StrEnum):
    """What must have happened on an award before a batch of it may be paid."""

    AWARD = "award"
    AGREEMENT = "agreement"
    ACCEPTANCE = "acceptance"


@dataclass(frozen=True, slots=True)
class Settings:
    """The fund's own parameters, never constants in code."""

    notice_working_days: int
    approvals: tuple[str, ...]
    acceptance_tries: int


@dataclass(frozen=True, slots=True)
class Task:
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class PlannedBatch:
    """A batch of the whole plan and the sum of its lines."""

    batch: int
    name: str
    total: Money


@dataclass(frozen=True, slots=True)
class LineBatch:
    """What one line of the plan has in one batch, and the gate it is paid behind."""

    batch: int
    amount: Money
    gate: Gate


@dataclass(frozen=True, slots=True)
class Line:
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

    def batch(self, number: int) -> LineBatch | None:
        return next((batch for batch in self.batches if batch.batch == number), None)

    def behind(self, gate: Gate) -> Iterator[LineBatch]:
        return (batch for batch in self.batches if batch.gate is gate)


# Events ----------------------------------------------------------------------


class FundFact(Fact):
    __slots__ = ()
    stream: ClassVar[str] = "fund"


@dataclass(frozen=True, slots=True)
class FundEstablished(FundFact):
    """A special fund begins, with settings of its own; its code is that of the stream and is used once."""

    zh = "专项资金设立"
    cites = (("立项依据",),)
    refused_by = (FundExists,)
    name: str
    settings: Settings
    name_en: str | None = None


@dataclass(frozen=True, slots=True)
class AppropriationReceived(FundFact):
    """Money is appropriated to the fund: it enters the pool and takes the ledger's next serials."""

    zh = "指标下达"
    cites = (("上级指标文号", "本级指标文号"),)
    refused_by = (SerialsExhausted,)
    amount: Money
    budget_year: int


@dataclass(frozen=True, slots=True)
class PlanDrafted(FundFact):
    """The whole plan is drafted, whatever an earlier draft said. Its lines, batches and total must agree."""

    zh = "计划起草"
    refused_by = (PlanAlreadyAdopted, PlanNamesTwice, PlanNamesUnknown, PlanSumsDisagree)
    title: str
    total: Money
    tasks: tuple[Task, ...]
    batches: tuple[PlannedBatch, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class PlanAdopted(FundFact):
    """The latest draft becomes the fund's plan. `draft` is the version of the PlanDrafted it adopts."""

    zh = "计划批准"
    cites = (("局文", "纪要"),)
    refused_by = (PlanAlreadyAdopted, NotTheLatestDraft, PlanExceedsPool)
    draft: int


@dataclass(frozen=True, slots=True)
class FundsAllotted(FundFact):
    """Money of the pool goes to one batch of an open project, never more than the plan has for it."""

    zh = "资金分配"
    records_too = "AllotmentReceived"
    cites = (("资金分配文", "指标文"),)
    refused_by = (ProjectOfOtherFund, ProjectIsClosed, BatchNotInPlan, AllotmentExceedsPlan, BalanceTooSmall)
    project: str
    batch: int
    amount: Money


@dataclass(frozen=True, slots=True)
class FundClosed(FundFact):
    """The fund ends: nothing is left in it, and every project it allotted to is closed."""

    zh = "专项资金结项"
    cites = (("结项",),)
    refused_by = (MoneyLeft, ProjectsStillOpen)


Posted = FundEstablished | AppropriationReceived | PlanDrafted | PlanAdopted | FundsAllotted | FundClosed
Event = Posted | FundsReturned
FACTS: tuple[type[Fact], ...] = get_args(Posted)


# State -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Draft:
    version: int
    lines: tuple[Line, ...]
    total: Money


@dataclass(frozen=True, slots=True)
class Fund:
    """`allotted` is net of all that came back, by project and batch."""

    code: str
    settings: Settings
    accounts: Accounts = Accounts("fund")
    draft: Draft | None = None
    lines: Map[str, Line] = Map()
    adopted_on: date | None = None
    allotted: Map[tuple[str, int], int] = Map()
    closed_projects: frozenset[str] = frozenset()
    closed: bool = False

    def line(self, project: str) -> Line:
        """The adopted plan's line for `project`. Raises NotInPlan."""
        line = self.lines.get(project)
        if line is None:
            raise NotInPlan(project=project)
        return line

    def wholly_allotted(self, project: str) -> bool:
        """Nothing of the plan's line is left to allot."""
        batches = self.line(project).batches
        return all(self.allotted.get((project, batch.batch), 0) == batch.amount for batch in batches)


# Evolve ----------------------------------------------------------------------


def evolve(fund: Fund | None, event: Recorded) -> Fund:
    fact = cast(Event, event.fact)
    if isinstance(fact, FundEstablished):
        return Fund(code=event.fund, settings=fact.settings)
    assert fund is not None, "a fund's first event is FundEstablished"
    fund = replace(fund, accounts=fund.accounts.apply(event.moves), allotted=_allotted(fund.allotted, event.moves))
    match fact:
        case AppropriationReceived() | FundsAllotted():
            return fund
        case PlanDrafted():
            return replace(fund, draft=Draft(event.version, fact.lines, fact.total))
        case PlanAdopted():
            assert fund.draft is not None, "the plan adopted was drafted"
            lines = Map({line.project: line for line in fund.draft.lines})
            return replace(fund, lines=lines, adopted_on=event.booked_on)
        case FundsReturned():
            closed = frozenset({fact.project}) if fact.closes else frozenset()
            return replace(fund, closed_projects=fund.closed_projects | closed)
        case FundClosed():
            return replace(fund, closed=True)
        case _:
            assert_never(fact)


def _allotted(allotted: Map[tuple[str, int], int], moves: Iterable[Move]) -> Map[tuple[str, int], int]:
    for moved in moves:
        leaves = ACCOUNTS[moved.source].owner == "fund"
        enters = ACCOUNTS[moved.target].owner == "fund"
        project, batch = moved.place.project, moved.place.batch
        if leaves != enters and project is not None and batch is not None:
            sign = 1 if leaves else -1
            allotted = allotted.set((project, batch), allotted.get((project, batch), 0) + sign * moved.amount)
    return allotted


# Decide ----------------------------------------------------------------------


def decide(case: Case, fund: Fund | None, posted: Fact) -> Decision:
    """The moves and mirrors that `posted` would record. Raises the rule it breaks."""
    fact = cast(Posted, posted)
    if isinstance(fact, FundEstablished):
        if fund is not None:
            raise FundExists(fund=fund.code)
        return case.allow()
    assert fund is not None, "decide() has seen to it that the stream exists"
    if fund.closed:
        raise FundIsClosed(fund=fund.code)
    match fact:
        case AppropriationReceived():
            return _appropriate(case, fact)
        case PlanDrafted():
            return _draft(case, fund, fact)
        case PlanAdopted():
            return _adopt(case, fund, fact)
        case FundsAllotted():
            return _allot(case, fund, fact)
        case FundClosed():
            return _close(case, fund)
        case _:
            assert_never(fact)


def _appropriate(case: Case, fact: AppropriationReceived) -> Decision:
    first = case.books.next_serial
    if fact.amount > MAX_BOUND - first:
        raise SerialsExhausted(left=Money(MAX_BOUND - first), amount=fact.amount)
    return case.allow(issue("AppropriationReceived", FenSet.span(first, first + fact.amount)))


def _draft(case: Case, fund: Fund, plan: PlanDrafted) -> Decision:
    if fund.adopted_on is not None:
        raise PlanAlreadyAdopted
    _names_once("batch", (batch.batch for batch in plan.batches))
    _names_once("task", (task.code for task in plan.tasks))
    _names_once("project", (line.project for line in plan.lines))
    _names_once("number", (line.number for line in plan.lines))
    tasks, batches = {task.code for task in plan.tasks}, {batch.batch for batch in plan.batches}
    for line in plan.lines:
        _names_once(f"{line.project} batch", (batch.batch for batch in line.batches))
        for unknown in sorted(set(line.tasks) - tasks):
            raise PlanNamesUnknown(project=line.project, what=f"task {unknown}")
        for missing in sorted({batch.batch for batch in line.batches} - batches):
            raise PlanNamesUnknown(project=line.project, what=f"batch {missing}")
        _sums_agree(line.project, line.total, (batch.amount for batch in line.batches))
    for total in plan.batches:
        amounts = (b.amount for line in plan.lines for b in line.batches if b.batch == total.batch)
        _sums_agree(f"batch {total.batch}", total.total, amounts)
    _sums_agree("total", plan.total, (line.total for line in plan.lines))
    return case.allow()


def _names_once(kind: str, names: Iterable[object]) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            raise PlanNamesTwice(what=f"{kind} {name}")


def _sums_agree(what: str, stated: Money, amounts: Iterable[int]) -> None:
    computed = sum(amounts)
    if stated != computed:
        raise PlanSumsDisagree(what=what, stated=stated, computed=Money(computed))


def _adopt(case: Case, fund: Fund, fact: PlanAdopted) -> Decision:
    if fund.adopted_on is not None:
        raise PlanAlreadyAdopted
    if fund.draft is None or fund.draft.version != fact.draft:
        latest = fund.draft.version if fund.draft else None
        raise NotTheLatestDraft(draft=fact.draft, latest=latest)
    pool = fund.accounts.balance(POOL)
    if fund.draft.total > pool:
        raise PlanExceedsPool(planned=fund.draft.total, pool=pool)
    return case.allow()


def _allot(case: Case, fund: Fund, fact: FundsAllotted) -> Decision:
    project = case.books.project(fact.project)
    if project.fund != fund.code:
        raise ProjectOfOtherFund(project=fact.project, fund=project.fund)
    project.must_be_open()
    planned = fund.line(fact.project).batch(fact.batch)
    if planned is None:
        raise BatchNotInPlan(project=fact.project, batch=fact.batch)
    allotted = Money(fund.allotted.get((fact.project, fact.batch), 0))
    if allotted + fact.amount > planned.amount:
        raise AllotmentExceedsPlan(
            project=fact.project,
            batch=fact.batch,
            allotted=allotted,
            amount=fact.amount,
            planned=planned.amount,
        )
    moved = move(fund.accounts, "FundsAllotted", Place(fact.project, fact.batch), fact.amount)
    mirror = (f"project/{fact.project}", AllotmentReceived(batch=fact.batch, amount=fact.amount))
    return case.allow(moved, mirror=mirror)


def _close(case: Case, fund: Fund) -> Decision:
    left = fund.accounts.total((POOL, RECOVERED))
    if left:
        raise MoneyLeft(accounts=f"{POOL}, {RECOVERED}", amount=left)
    still_open = {project for project, _ in fund.allotted} - fund.closed_projects
    if still_open:
        raise ProjectsStillOpen(projects=", ".join(sorted(still_open)))
    return case.allow()
