"""Steps of the fund: each returns a post that is plausible in the current state, or None if there is none."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from msgspec.structs import replace

from domain.event import Fact, Posted
from domain.fund.funding import (
    AllotmentWithdrawn,
    AppropriationReceived,
    FundsAllotted,
    FundsReallocated,
    FundsReinstated,
    SurplusSurrendered,
)
from domain.fund.lifecycle import FundRenamed, PeriodClosed, SettingsChanged, YearCarriedForward
from domain.fund.plan import Annex, PlanRevised
from domain.money import MAX_FEN, Money
from domain.period import following, last_day, period_of
from domain.posting import LINE, POOL, RECOVERED, AccountAt
from domain.state.fund import Gate, Line, LineBatch, NoticeOrder, Selection, Settings, Source
from domain.state.project import Project
from tests.lives import line, plan
from tests.random_life.base import Life, of_some_origin

OTHER_FUND = "fund/g"


def appropriate(life: Life, _: Project) -> Fact | None:
    source = life.pick((None, *(each.source for each in life.fund.sources)))
    return AppropriationReceived(life.amount(), life.day.year, source) if life.chance(40) else None


def in_other_fund(life: Life, _: Project) -> Posted:
    """A post about money of another fund. The serials of this money come from the same ledger."""
    if life.chance(60):
        return life.post(AppropriationReceived(life.amount(), life.day.year), OTHER_FUND)
    return life.post(SurplusSurrendered(POOL, life.amount()), OTHER_FUND, cites=[life.document("收回指标文")])


def allot(life: Life, project: Project) -> Fact | None:
    planned = life.fund.lines.get(project.code)
    if planned is None:
        return None
    batch = life.pick(planned.batches)
    left = max(batch.amount - life.fund.allotted.get((project.code, batch.batch), 0), 0)
    if not left and life.chance(85):
        return None
    amount = left if left and life.chance(80) else life.amount()
    return FundsAllotted(project.code, batch.batch, Money(amount))


def withdraw(life: Life, project: Project) -> Fact | None:
    at = unawarded_account(life, project)
    return at and AllotmentWithdrawn(project.code, at.place.batch, part_or_all(life, project, at))


def reallocate(life: Life, project: Project) -> Fact | None:
    at = unawarded_account(life, project)
    others = [each for code, each in life.fund.lines.items() if code != project.code]
    if at is None or not others:
        return None
    other = life.pick(sorted(others, key=lambda each: each.number))
    to_batch = life.pick(other.batches).batch
    return FundsReallocated(project.code, at.place.batch, other.project, to_batch, part_or_all(life, project, at))


def unawarded_account(life: Life, project: Project) -> AccountAt | None:
    """An account of the project with money that is not awarded; None if there is no such money."""
    lines = sorted(at for at in project.accounts.holdings if at.account == LINE)
    return life.pick(lines) if lines else None


def part_or_all(life: Life, project: Project, at: AccountAt) -> Money:
    """All money of an account, or a part of the money; sometimes slightly more than the account has."""
    held = project.accounts.holdings[at].total
    return Money(held) if life.chance(30) else life.amount(held + 3)


def reinstate(life: Life, _: Project) -> Fact | None:
    at = recovered_account(life)
    if at is None:
        return None
    held = life.fund.accounts.holdings[at].total
    amount = Money(held) if life.chance(50) else life.amount(held + 3)
    return FundsReinstated(at.place.project, at.place.award, at.place.batch, amount)


def surrender(life: Life, _: Project) -> Posted | None:
    at, pool = recovered_account(life), life.fund.accounts.balance(POOL)
    if at and life.chance(70):
        posted = surrender_recovered(life, at, life.amount(life.fund.accounts.holdings[at].total))
    elif pool and life.chance(25):
        posted = surrender_pool(life, life.amount(pool // 4))
    else:
        return None
    return replace(posted, fact=of_some_origin(life, posted.fact))


def recovered_account(life: Life) -> AccountAt | None:
    """An account of the fund with recovered money; None if there is no such money."""
    accounts = sorted(at for at in life.fund.accounts.holdings if at.account == RECOVERED)
    return life.pick(accounts) if accounts else None


def surrender_recovered(life: Life, at: AccountAt, amount: Money) -> Posted:
    fact = SurplusSurrendered(RECOVERED, amount, at.place.project, at.place.award, at.place.batch)
    return life.post(fact, cites=[life.document("缴款书")])


def surrender_pool(life: Life, amount: Money) -> Posted:
    return life.post(SurplusSurrendered(POOL, amount), cites=[life.document("收回指标文")])


def carry_forward(life: Life, _: Project) -> Fact:
    version = life.pick(sorted(life.fund.appropriations))
    appropriation = life.fund.appropriations[version]
    year = appropriation.next_year if life.chance(80) else life.day.year - 1
    return YearCarriedForward(version, year, life.amount(appropriation.amount))


def close_period(life: Life, _: Project) -> Fact | None:
    through = life.fund.closed_through
    period = following(period_of(through)) if through else period_of(date(2019, 1, 1))
    return PeriodClosed(period) if last_day(period) < life.day and life.chance(25) else None


def new_settings(life: Life) -> Settings:
    return Settings(
        notice_working_days=life.pick((1, 3, 5)),
        approvals=life.pick(((), ("审批",), ("审核", "审批"), ("审核", "审批"))),
        acceptance_tries=life.pick((1, 2)),
        notice_order=life.pick(tuple(NoticeOrder)),
        rectification_months=life.pick((None, 1)),
        quantum=life.pick((Money(1), Money(10))),
        years_to_spend=life.pick((1, 2)),
        period_close_days=life.pick((None, 10)),
        reconcile_before_close=life.pick((False, True)),
        max_appropriation=(ceiling := life.pick((None, Money(MAX_FEN)))),
        max_total=ceiling,
        notice_binds_amounts=life.pick((None, None, False)),
        approvers_differ=life.pick((None, None, None, True, False)),
        bank=life.pick((None, "甲银行")),
        extension_months=life.pick((None, None, 1)),
        acceptance_months=life.pick((None, 2)),
        applications_per_recipient=2 if ceiling else None,
    )


def change_settings(life: Life, _: Project) -> Fact:
    return SettingsChanged(new_settings(life))


def rename(life: Life, _: Project) -> Fact | None:
    return FundRenamed(f"专项资金{life.day.year}", life.pick((None, "Fund"))) if life.chance(30) else None


def revise_plan(life: Life, project: Project) -> Fact | None:
    """A revision of the plan in which one line is changed, dropped, or added again."""
    lines = plan_lines(life)
    mine = life.fund.lines.get(project.code)
    if mine is None:
        number = max((each.number for each in lines), default=0) + 1
        changed = [line(project.code, number, 1, amounts=("0.30",), gates=(Gate.AWARD,))]
    else:
        changed = life.pick(REVISIONS)(life, mine)
    others = [each for each in lines if each.project != project.code]
    lines = [*others, *changed]
    return revised(_sources_for(life, lines), *lines) if lines else None


def plan_lines(life: Life) -> list[Line]:
    """The lines of the plan in force."""
    return sorted(life.fund.lines.values(), key=lambda each: each.number)


def _sources_for(life: Life, lines: Sequence[Line]) -> tuple[Source, ...]:
    """The sources of the plan in force; if they give less than these lines need, mostly the last one gives the rest."""
    *others, last = life.fund.sources or (None,)
    missing = sum(each.total for each in lines) - sum(each.amount for each in life.fund.sources)
    if last is None or missing <= 0 or life.chance(10):
        return life.fund.sources
    return (*(each for each in others if each), replace(last, amount=Money(last.amount + missing)))


def revised(sources: tuple[Source, ...], *lines: Line) -> PlanRevised:
    """A revision of the plan to these sources and lines, with correct sums. That of three lines has an annex."""
    whole, annex = plan(*lines), Annex("附件2", unit="万元") if len(lines) == 3 else None
    return PlanRevised("调整计划", whole.total, whole.tasks, whole.batches, whole.lines, sources or None, annex)


def with_batches(original: Line, *batches: LineBatch) -> Line:
    """The line `original` with the batches `batches` and the sum of their amounts as its total."""
    return replace(original, batches=batches, total=Money(sum(each.amount for each in batches)))


def _other_amount(life: Life, mine: Line) -> list[Line]:
    *others, batch = mine.batches
    allotted = life.fund.allotted.get((mine.project, batch.batch), 0)
    amount = Money(max(allotted, 1)) if life.chance(40) else life.amount()
    return [with_batches(mine, *others, replace(batch, amount=amount))]


def _other_gate(life: Life, mine: Line) -> list[Line]:
    *others, batch = mine.batches
    return [with_batches(mine, *others, replace(batch, gate=life.pick((*Gate, *(mine.checkpoints or ())))))]


def _other_checkpoints(life: Life, mine: Line) -> list[Line]:
    """The line with other checkpoints, where its gates allow it: money that is allotted keeps them."""
    return [replace(mine, checkpoints=life.pick((None, ("midterm", "final"), ("final",))))]


def _other_selection(_: Life, mine: Line) -> list[Line]:
    return [replace(mine, selection=None if mine.is_list else Selection.LIST)]


def _other_limit(life: Life, mine: Line) -> list[Line]:
    return [replace(mine, awards=life.random.randint(1, 4), fixed_total=life.chance(30))]


def _add_batch(life: Life, mine: Line) -> list[Line]:
    number = max(each.batch for each in mine.batches) + 1
    return [
        with_batches(mine, *mine.batches, LineBatch(number, Money(10), life.pick((*Gate, *(mine.checkpoints or ())))))
    ]


def _drop_batch(_: Life, mine: Line) -> list[Line]:
    kept = mine.batches[:-1]
    return [with_batches(mine, *kept)] if kept else []


def _drop_line(_: Life, __: Line) -> list[Line]:
    return []


REVISIONS = (
    *(_other_amount,) * 5,
    _other_gate,
    _other_checkpoints,
    _other_limit,
    _other_selection,
    _add_batch,
    _drop_batch,
    _drop_line,
)

FUND_STEPS = {
    allot: 3,
    appropriate: 1,
    withdraw: 1,
    reallocate: 1,
    reinstate: 1,
    surrender: 1,
    carry_forward: 1,
    close_period: 1,
    change_settings: 1,
    rename: 1,
    in_other_fund: 1,
    revise_plan: 1,
}
