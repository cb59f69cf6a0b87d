"""The fund's money: appropriations, allotments and their withdrawal, reallocations, reinstatements and surrenders."""

from __future__ import annotations

from typing import assert_never, get_args

from msgspec.structs import replace

from domain import posting
from domain.decision_context import Context, Decision
from domain.event import Allowed, Fact, Recorded, Reversible
from domain.fen import MAX_BOUND, FenSet
from domain.fund.lifecycle import FundFact
from domain.interest import with_interest
from domain.mirrors import AllotmentReceived, AllotmentReduced, FundsPaidOut, FundsReturned, FundsReturnReversed
from domain.money import Money
from domain.origin import OF_ORIGIN, of_origin, of_source
from domain.posting import ACCOUNTS, POOL, RECOVERED, Move, Place, issue, move
from domain.rules.every_post import BalanceTooSmall, MissingCitation, UnknownStream
from domain.rules.fund import (
    AllotmentExceedsPlan,
    AppropriationsTooLarge,
    AppropriationTooLarge,
    BatchNotInPlan,
    FundIsClosed,
    NotInPlan,
    SameProject,
    SerialsExhausted,
    SourceMismatch,
    UnknownSource,
)
from domain.rules.project import ProjectIsClosed, ProjectOfOtherFund
from domain.state.fund import UNNAMED, Appropriation, Fund, plan_after

OF_PROJECT = (UnknownStream, ProjectOfOtherFund, ProjectIsClosed)
"""The rules that may refuse any event of this chapter that names a project."""

# Events ----------------------------------------------------------------------


class AppropriationReceived(FundFact, frozen=True):
    """An appropriation of `amount` was received: its fen enter the pool and get the ledger's next serials.

    `funding_source` is the source in the plan that gave the money; if it is omitted, the money is that of the plan's
    first source. `budget_year` is the first year in which the money may be spent.
    """

    zh = "指标下达"
    about_zh = (
        "收到下达的指标：资金进入待分配资金，取得账簿的下一段编号；funding_source 为计划所列资金来源，不填即第一个。"
    )
    reversible = Reversible(in_part=True)
    cites = (("上级指标文号", "本级指标文号"),)
    refused_by = (UnknownSource, AppropriationTooLarge, AppropriationsTooLarge, SerialsExhausted)
    amount: Money
    budget_year: int
    funding_source: str | None = None

    def takes_serials(self) -> bool:
        return True


class FundsAllotted(FundFact, frozen=True):
    """Money was allotted from the pool to one batch of an open project, within the amount planned for that batch."""

    zh = "资金分配"
    about_zh = "从待分配资金向某项目的某批次分配，不得超过计划。"
    reversible = Reversible(in_part=True)
    records_too = ("AllotmentReceived",)
    cites = (("资金分配文", "指标文"),)
    refused_by = (*OF_PROJECT, NotInPlan, BatchNotInPlan, AllotmentExceedsPlan, *OF_ORIGIN, BalanceTooSmall)
    project: str
    batch: int
    amount: Money
    funding_source: str | None = None
    appropriation: int | None = None

    def also_reads(self) -> tuple[str, ...]:
        return (f"project/{self.project}",)


class AllotmentWithdrawn(FundFact, frozen=True):
    """Money that is not awarded was withdrawn from a batch of a project's line and returned to the pool."""

    zh = "资金分配收回"
    about_zh = "把项目额度中未立项的资金收回待分配资金。"
    reversible = Reversible(in_part=True)
    records_too = ("AllotmentReduced",)
    cites = (("批复",),)
    refused_by = (*OF_PROJECT, *OF_ORIGIN, BalanceTooSmall)
    project: str
    batch: int
    amount: Money
    funding_source: str | None = None
    appropriation: int | None = None

    def also_reads(self) -> tuple[str, ...]:
        return (f"project/{self.project}",)


class FundsReallocated(FundFact, frozen=True):
    """Money was moved from one project's line to another project's line.

    In the plan, `amount` is subtracted from the batch `from_batch` of the first line and added to the batch `to_batch`
    of the second line.
    """

    zh = "资金调剂"
    about_zh = "把一个项目额度中的资金调剂给另一项目，两者的计划随之增减。"
    reversible = Reversible(in_part=True)
    records_too = ("AllotmentReduced", "AllotmentReceived")
    cites = (("调剂批复",),)
    refused_by = (SameProject, *OF_PROJECT, NotInPlan, BatchNotInPlan, *OF_ORIGIN, BalanceTooSmall)
    from_project: str
    from_batch: int
    to_project: str
    to_batch: int
    amount: Money
    funding_source: str | None = None
    appropriation: int | None = None

    def also_reads(self) -> tuple[str, ...]:
        return (f"project/{self.from_project}", f"project/{self.to_project}")


class FundsReinstated(FundFact, frozen=True):
    """Money recovered from an award was reinstated: it moves from `recovered` to the pool and can be allotted again."""

    zh = "恢复指标"
    about_zh = "把已追回的资金恢复为待分配资金。"
    reversible = Reversible(in_part=True)
    cites = (("恢复文",),)
    refused_by = (*OF_ORIGIN, BalanceTooSmall)
    project: str
    award: str
    batch: int
    amount: Money
    funding_source: str | None = None
    appropriation: int | None = None


class SurplusSurrendered(FundFact, frozen=True):
    """Surplus money was surrendered to the authority that appropriated it, out of the pool or out of recovered money.

    `account` is `pool` or `recovered`. If it is `recovered`, `project`, `award` and `batch` are required; if it is
    `pool`, they are not allowed.
    """

    zh = "结余上缴"
    about_zh = "上缴结余：从待分配资金（引用收回指标文），或从已追回资金（引用缴款书，填立项和批次）。"
    allowed = Allowed.ALWAYS
    reversible = Reversible(in_part=True)
    cites = (("收回指标文", "缴款书"),)
    claims = ("缴款书",)
    claims_for = "（上缴）"
    refused_by = (SourceMismatch, *OF_ORIGIN, BalanceTooSmall, FundIsClosed)
    account: str
    amount: Money
    project: str | None = None
    award: str | None = None
    batch: int | None = None
    funding_source: str | None = None
    appropriation: int | None = None


SURRENDER_CITES = {POOL: "收回指标文", RECOVERED: "缴款书"}
"""The document kind that a surrender must cite, by the account that the money is taken from."""
ORIGIN = ACCOUNTS[RECOVERED].key
"""The fields of SurplusSurrendered that say from which project, award and batch surrendered money was recovered."""

Posted = (
    AppropriationReceived | FundsAllotted | AllotmentWithdrawn | FundsReallocated | FundsReinstated | SurplusSurrendered
)
Event = Posted | FundsReturned | FundsReturnReversed | FundsPaidOut
FACTS: tuple[type[Fact], ...] = get_args(Event)

# Evolve ----------------------------------------------------------------------


def evolve(fund: Fund, fact: Event, event: Recorded) -> Fund:
    match fact:
        case AppropriationReceived():
            [issued] = event.moves
            source = fact.funding_source or UNNAMED
            received = Appropriation(fact.amount, fact.budget_year, fen=issued.fen, source=fact.funding_source)
            return replace(
                fund,
                appropriations=fund.appropriations.set(event.version, received),
                ever_appropriated=Money(fund.ever_appropriated + fact.amount),
                issued=fund.issued.set(source, fund.issued.get(source, FenSet()) + issued.fen),
            )
        case FundsReallocated():
            return replace(fund, lines=plan_after(fund.lines, event.moves))
        case FundsReturned():
            closed = frozenset({fact.project}) if fact.closes else frozenset()
            return with_interest(replace(fund, closed_projects=fund.closed_projects | closed), event)
        case FundsReturnReversed():
            reopened = frozenset({fact.project}) if fact.reopens else frozenset()
            return replace(fund, closed_projects=fund.closed_projects - reopened)
        case FundsAllotted() | AllotmentWithdrawn() | FundsReinstated() | SurplusSurrendered() | FundsPaidOut():
            return fund
        case _:
            assert_never(fact)


# Decide ----------------------------------------------------------------------


def decide(context: Context, fund: Fund, fact: Posted) -> Decision:
    match fact:
        case AppropriationReceived():
            return _appropriate(context, fund, fact)
        case FundsAllotted():
            return _allot(context, fund, fact)
        case AllotmentWithdrawn():
            return _withdraw(context, fund, fact)
        case FundsReallocated():
            return _reallocate(context, fund, fact)
        case FundsReinstated():
            place = Place(fact.project, fact.batch, fact.award)
            origin = of_origin(fund, fact)
            return context.allow(move(fund.accounts, "FundsReinstated", place, fact.amount, origin=origin))
        case SurplusSurrendered():
            return _surrender(context, fund, fact)
        case _:
            assert_never(fact)


def _appropriate(context: Context, fund: Fund, fact: AppropriationReceived) -> Decision:
    if fact.funding_source is not None and fund.plan is not None:
        of_source(fund, fact.funding_source)
    of_one, of_all = fund.settings.ceilings
    total = Money(fund.ever_appropriated + fact.amount)
    if fact.amount > of_one:
        raise AppropriationTooLarge(ceiling=of_one, amount=fact.amount)
    if total > of_all:
        raise AppropriationsTooLarge(ceiling=of_all, total=total)
    first = context.ledger.next_serial
    if fact.amount > MAX_BOUND - first:
        raise SerialsExhausted(left=Money(MAX_BOUND - first), amount=fact.amount)
    return context.allow(issue("AppropriationReceived", FenSet.span(first, first + fact.amount)))


def _allot(context: Context, fund: Fund, fact: FundsAllotted) -> Decision:
    context.ledger.open_project(fact.project, fund.code)
    planned = fund.line(fact.project).batch(fact.batch)
    allotted = Money(fund.allotted.get((fact.project, fact.batch), 0))
    if allotted + fact.amount > planned.amount:
        raise AllotmentExceedsPlan(
            project=fact.project,
            batch=fact.batch,
            allotted=allotted,
            amount=fact.amount,
            planned=planned.amount,
        )
    place = Place(fact.project, fact.batch)
    moved = move(fund.accounts, "FundsAllotted", place, fact.amount, origin=of_origin(fund, fact))
    return context.allow(moved, mirrors=mirrors_of(moved))


def _withdraw(context: Context, fund: Fund, fact: AllotmentWithdrawn) -> Decision:
    project = context.ledger.open_project(fact.project, fund.code)
    place = Place(fact.project, fact.batch)
    moved = move(project.accounts, "AllotmentWithdrawn", place, fact.amount, origin=of_origin(fund, fact))
    return context.allow(moved, mirrors=mirrors_of(moved))


def _reallocate(context: Context, fund: Fund, fact: FundsReallocated) -> Decision:
    """The decision to accept a reallocation. Raises the rule that `fact` breaks.

    The money moves from the line of `fact.from_project` to the pool, and from the pool to the line of
    `fact.to_project`. There are two moves, because one move can name only one project.
    """
    if fact.from_project == fact.to_project:
        raise SameProject(project=fact.from_project)
    project = context.ledger.open_project(fact.from_project, fund.code)
    context.ledger.open_project(fact.to_project, fund.code)
    fund.line(fact.from_project).batch(fact.from_batch)
    fund.line(fact.to_project).batch(fact.to_batch)
    place = Place(fact.from_project, fact.from_batch)
    taken = move(project.accounts, "FundsReallocated", place, fact.amount, "taken", origin=of_origin(fund, fact))
    rule = posting.rule("FundsReallocated", "given")
    given = Move(rule.source, rule.target, Place(fact.to_project, fact.to_batch), taken.fen)
    return context.allow(taken, given, mirrors=mirrors_of(taken, given))


def mirrors_of(*moves: Move) -> tuple[tuple[str, Fact], ...]:
    """One mirror for each of `moves`, with the name of the project's stream to record the mirror on.

    Each move must put money into a project's line (its mirror is AllotmentReceived) or take money out of the line (its
    mirror is AllotmentReduced).
    """
    mirrors: list[tuple[str, Fact]] = []
    for moved in moves:
        assert moved.place.batch is not None
        mirror = AllotmentReceived if moved.target == posting.LINE else AllotmentReduced
        mirrors.append((f"project/{moved.place.project}", mirror(moved.place.batch, moved.amount)))
    return tuple(mirrors)


def _surrender(context: Context, fund: Fund, fact: SurplusSurrendered) -> Decision:
    if fund.closed and fact.account != RECOVERED:
        raise FundIsClosed(fund=fund.code)
    kind = SURRENDER_CITES.get(fact.account)
    given = tuple(name for name in ORIGIN if getattr(fact, name) is not None)
    if kind is None or given != (ORIGIN if fact.account == RECOVERED else ()):
        raise SourceMismatch(account=fact.account)
    if all(document.kind != kind for document in context.header.documents):
        raise MissingCitation(kinds=kind)
    place = Place(fact.project, fact.batch, fact.award)
    origin = of_origin(fund, fact)
    return context.allow(move(fund.accounts, "SurplusSurrendered", place, fact.amount, fact.account, origin=origin))
