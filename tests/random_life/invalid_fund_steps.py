"""Posts that are invalid on purpose, by the rule that each should break: rules of every post and of the fund.

A step returns None if it is impossible in the current state. A rule that random steps break often enough has no step
here.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from msgspec.structs import replace

from domain.documents import Document
from domain.entry_reversed import EntryReversed
from domain.event import Fact, Posted
from domain.fund.funding import AppropriationReceived, FundsAllotted, FundsReallocated, SurplusSurrendered
from domain.fund.lifecycle import FundClosed, FundEstablished, PeriodClosed, SettingsChanged, YearCarriedForward
from domain.fund.plan import PlanAdopted, PlanRevised
from domain.money import Money
from domain.period import following, last_day, period_of
from domain.posting import POOL, RECOVERED
from domain.project import amendment, payment
from domain.project.lifecycle import ProjectOpened
from domain.state.fund import UNNAMED, Gate, Level, Line, Selection, Share, Source
from domain.state.project import Project
from tests.lives import actual, line
from tests.random_life.award_steps import pick_award
from tests.random_life.base import FUNDS, Life
from tests.random_life.fund_steps import (
    OTHER_FUND,
    new_settings,
    plan_lines,
    recovered_account,
    revised,
    surrender_pool,
    surrender_recovered,
    with_batches,
)
from tests.scenario import TODAY

StepResult = Fact | Posted | None
InvalidStep = Callable[["Life", Project], StepResult]
TINY, HUGE = Money(1), Money(10**9)
RECEIVED = AppropriationReceived(TINY, 2019)
LONG_AGO, ONE_DAY = date(2018, 12, 1), timedelta(days=1)


def _in_closed_period(life: Life, _: Project) -> StepResult:
    through = life.fund.closed_through
    return life.post(RECEIVED, on=through, booked=through) if through else None


def _before_the_award(life: Life, project: Project) -> StepResult:
    name = pick_award(life, project)
    return name and life.post(amendment.AwardRevoked(name, "提前"), f"project/{project.code}", on=LONG_AGO)


def _surrender_of_wrong_source(life: Life, project: Project) -> StepResult:
    """A surrender from the account `paid`, or from the pool with fields that only recovered money may have."""
    if life.chance(50):
        return life.post(SurplusSurrendered("paid", TINY), cites=[life.document("缴款书")])
    fields = {"project": project.code, "award": "L", "batch": 1}
    some = life.random.sample(sorted(fields), life.random.randint(1, 3))
    fact = SurplusSurrendered(POOL, TINY, **{name: fields[name] for name in some})
    return life.post(fact, cites=[life.document("收回指标文")])


def _number_used_twice(life: Life, project: Project) -> StepResult:
    used = sorted(claim for claim in life.ledger.claims if claim.kind == "流水号")
    if not used:
        return None
    claim = life.pick(used)
    on = date.fromisoformat(claim.day or claim.event_day)
    slip = Document("流水号", claim.number, issuer=claim.issuer or None, date=on)
    return life.post(payment.PaymentConfirmed("P0", TINY, actual()), f"project/{project.code}", cites=[slip])


def _name_used_twice(life: Life, project: Project) -> StepResult:
    name = life.pick_any(project.payments)
    if name is None:
        return None
    each = project.payments[name]
    return payment.PaymentRequested(name, each.award, each.batch, TINY, each.payee)


def _ends_before_it_starts(life: Life, project: Project) -> StepResult:
    name = pick_award(life, project)
    return name and amendment.AgreementSigned(name, life.day, life.day - ONE_DAY)


ANY_POST: dict[str, InvalidStep] = {
    "UnknownStream": lambda life, _: life.post(FundsAllotted("nowhere", 1, TINY)),
    "OccurredAfterBooked": lambda life, _: life.post(RECEIVED, booked=life.day - ONE_DAY),
    "BookedInFuture": lambda life, _: life.post(RECEIVED, on=TODAY + ONE_DAY),
    "BookedOutOfOrder": lambda life, _: life.post(RECEIVED, on=LONG_AGO, booked=LONG_AGO),
    "PeriodIsClosed": _in_closed_period,
    "BeforeItsCause": _before_the_award,
    "MissingCitation": lambda life, _: life.post(RECEIVED, cites=()),
    "DocumentAlreadyUsed": _number_used_twice,
    "UnknownName": lambda _, __: payment.PaymentCancelled("nobody", "随机"),
    "NameTaken": _name_used_twice,
    "WindowEmpty": _ends_before_it_starts,
    "UnknownEntry": lambda life, project: life.post(EntryReversed(10_000, "随机"), f"project/{project.code}"),
}


# The plan --------------------------------------------------------------------


def _wrong_sum(life: Life, _: Project) -> StepResult:
    whole = revised(life.fund.sources, *plan_lines(life))
    return replace(whole, total=Money(whole.total + 1))


def _line_twice(life: Life, _: Project) -> StepResult:
    lines = plan_lines(life)
    return revised(life.fund.sources, *lines, lines[0]) if lines else None


def _list_by_score(life: Life, _: Project) -> StepResult:
    *others, last = plan_lines(life) or [None]
    changed = last and replace(last, selection=Selection.LIST, share=Share.BY_SCORE)
    return revised(life.fund.sources, *others, changed) if changed else None


def _line_of_other_fund(life: Life, _: Project) -> StepResult:
    return revised(life.fund.sources, *plan_lines(life), line(f"{FUNDS[1]}-1", 99))


def _without_tasks(life: Life, _: Project) -> StepResult:
    lines = plan_lines(life)
    return replace(revised(life.fund.sources, *lines), tasks=()) if lines else None


def _changed_where_allotted(life: Life, project: Project, **changes: object) -> StepResult:
    """A revision of the plan that makes `changes` to the batches of the project's line that have allotted money."""
    lines = {each.project: each for each in plan_lines(life)}
    mine = lines.get(project.code)
    if mine is None:
        return None
    allotted = {batch for (code, batch), amount in life.fund.allotted.items() if code == project.code and amount}
    batches = (replace(b, **changes) if b.batch in allotted else b for b in mine.batches)
    return revised(life.fund.sources, *(lines | {project.code: with_batches(mine, *batches)}).values())


def _other_gate(life: Life, project: Project) -> StepResult:
    return _changed_where_allotted(life, project, gate=life.pick(tuple(Gate)))


def _far_too_much(life: Life, _: Project) -> PlanRevised:
    def with_huge_batch(each: Line) -> Line:
        return with_batches(each, replace(each.batches[0], amount=HUGE), *each.batches[1:])

    return revised((), *map(with_huge_batch, plan_lines(life)))


def _above_the_pool(life: Life, project: Project) -> StepResult:
    """A revision of far more money than the pool has, decided by the first edition of the rules."""
    return life.post(_far_too_much(life, project), edition=1)


def _above_its_sources(life: Life, project: Project) -> StepResult:
    sources = life.fund.sources or (Source("s1", "来源", Level.OTHER, TINY),)
    return replace(_far_too_much(life, project), sources=sources)


def _without_a_source(life: Life, _: Project) -> StepResult:
    """A plan without the sources that gave money. If none has, the step is an appropriation of one of them."""
    if not life.fund.sources:
        return None
    if set(life.fund.issued) <= {UNNAMED}:
        return AppropriationReceived(TINY, 2019, life.fund.sources[0].source)
    return revised((), *plan_lines(life))


def _more_than_an_appropriation_left(life: Life, _: Project) -> StepResult:
    """The surrender of all money of the pool, out of one appropriation."""
    pool = life.fund.accounts.fen(POOL)
    for version, each in sorted(life.fund.appropriations.items()):
        if pool and (pool & each.fen) != pool:
            fact = SurplusSurrendered(POOL, Money(pool.total), appropriation=version)
            return life.post(fact, cites=[life.document("收回指标文")])
    return AppropriationReceived(life.amount(), 2019)


# Years and periods -----------------------------------------------------------


def _expected_period(life: Life) -> str:
    through = life.fund.closed_through
    return following(period_of(through)) if through else "2019-01"


def _period_not_over(life: Life, _: Project) -> StepResult:
    period = _expected_period(life)
    return life.post(PeriodClosed(period), on=min(last_day(period), life.day))


def _carried(life: Life, amount: Money, *, over: bool) -> StepResult:
    """A carry-forward of `amount` out of the next year of an appropriation.

    The appropriation is the first whose next year is over, if `over` is true, or is not over, if `over` is false.
    """
    for version, each in sorted(life.fund.appropriations.items()):
        if (each.next_year < life.day.year) == over:
            return YearCarriedForward(version, each.next_year, amount)
    return None


def _close_before_projects(life: Life, _: Project) -> StepResult:
    """A closing of the fund. While the fund still has money, the step surrenders that money instead."""
    pool, at = life.fund.accounts.balance(POOL), recovered_account(life)
    if at:
        return surrender_recovered(life, at, life.fund.accounts.balance(RECOVERED, at.place))
    return surrender_pool(life, pool) if pool else FundClosed()


def _too_much_at_once(life: Life, __: Project) -> StepResult:
    """An appropriation above its ceiling. While the ceiling is above the last serial, the step lowers it instead."""
    ceiling, _ = life.fund.settings.ceilings
    if ceiling > TINY:
        return SettingsChanged(replace(life.fund.settings, max_appropriation=TINY, max_total=Money(10**13)))
    return AppropriationReceived(Money(ceiling + 1), 2019)


def _too_much_together(life: Life, _: Project) -> StepResult:
    """An appropriation above the ceiling of all. While others are allowed, the step lowers the ceiling instead."""
    total = life.fund.ever_appropriated
    if life.fund.settings.max_total != total or life.fund.settings.max_appropriation < TINY:
        return SettingsChanged(replace(life.fund.settings, max_total=total, max_appropriation=Money(10**12)))
    return AppropriationReceived(TINY, 2019)


FUND: dict[str, InvalidStep] = {
    "FundExists": lambda life, _: FundEstablished("又一个", new_settings(life)),
    "AppropriationTooLarge": _too_much_at_once,
    "AppropriationsTooLarge": _too_much_together,
    "PlanAlreadyAdopted": lambda _, __: PlanAdopted(draft=3),
    "PlanSumsDisagree": _wrong_sum,
    "PlanNamesTwice": _line_twice,
    "ListHasNoScores": _list_by_score,
    "CodeOfOtherFund": _line_of_other_fund,
    "PlanNamesUnknown": _without_tasks,
    "PlanExceedsPool": _above_the_pool,
    "PlanExceedsSources": _above_its_sources,
    "PlanLacksSource": _without_a_source,
    "UnknownSource": lambda life, _: life.post(AppropriationReceived(TINY, 2019, "nowhere")),
    "UnknownAppropriation": lambda life, _: life.post(
        SurplusSurrendered(POOL, TINY, appropriation=10_000), cites=[life.document("收回指标文")]
    ),
    "OriginTooSmall": _more_than_an_appropriation_left,
    "PlanBelowAllotted": lambda life, project: _changed_where_allotted(life, project, amount=TINY),
    "GateFixed": _other_gate,
    "PlanNotAdopted": lambda life, _: life.post(revised(life.fund.sources, *plan_lines(life)), OTHER_FUND),
    "NotTheLatestDraft": lambda life, _: life.post(PlanAdopted(draft=1), OTHER_FUND),
    "NotInPlan": lambda life, _: life.post(ProjectOpened("f"), "project/z"),
    "BatchNotInPlan": lambda _, project: FundsAllotted(project.code, 9, TINY),
    "MoneyLeft": lambda _, __: FundClosed(),
    "ProjectsStillOpen": _close_before_projects,
    "SameProject": lambda _, project: FundsReallocated(project.code, 1, project.code, 2, TINY),
    "SourceMismatch": _surrender_of_wrong_source,
    "YearNotOver": lambda life, _: _carried(life, TINY, over=False),
    "YearOutOfTurn": lambda life, _: YearCarriedForward(min(life.fund.appropriations), 2000, TINY),
    "CarriedTooMuch": lambda life, _: _carried(life, HUGE, over=True),
    "PeriodOutOfTurn": lambda _, __: PeriodClosed("2018-01"),
    "PeriodNotOver": _period_not_over,
    "ProjectExists": lambda life, project: life.post(ProjectOpened("f"), f"project/{project.code}"),
    "ProjectOfOtherFund": lambda life, project: life.post(FundsAllotted(project.code, 1, TINY), OTHER_FUND),
}

INVALID_FUND_STEPS = ANY_POST | FUND
