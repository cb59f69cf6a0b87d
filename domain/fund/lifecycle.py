"""A fund's lifecycle: its establishment, settings and carry-forwards, the closing of months, its own closing."""

from __future__ import annotations

from datetime import date
from typing import assert_never, get_args

from msgspec.structs import replace

from domain.decision_context import Context, Decision
from domain.documents import FUND_CODE, Claim
from domain.event import Allowed, Fact, Recorded, restores
from domain.fen import FenSet
from domain.money import Money
from domain.period import first_day, following, last_day, period_of
from domain.posting import INTEREST, POOL, RECOVERED
from domain.rules.every_post import UnknownEntry
from domain.rules.fund import (
    CarriedTooMuch,
    FundExists,
    MoneyLeft,
    PeriodNotOver,
    PeriodOutOfTurn,
    ProjectsStillOpen,
    YearNotOver,
    YearOutOfTurn,
)
from domain.rules.reconciliation import PeriodNotReconciled
from domain.state.fund import Carried, Fund, Settings

# Events ----------------------------------------------------------------------


class FundFact(Fact, frozen=True):
    streams = ("fund",)


class FundEstablished(FundFact, frozen=True):
    """A special fund was established with its settings. The fund's code is the stream's name and is used only once."""

    zh = "专项资金设立"
    about_zh = "设立一项专项资金并确定其规则参数；代码即事件流名称，只能使用一次。"
    allowed = Allowed.ALWAYS
    reversible = None
    cites = (("立项依据",),)
    refused_by = (FundExists,)
    name: str
    settings: Settings
    name_en: str | None = None

    def reserves(self, stream: str) -> tuple[Claim, ...]:
        return (Claim(FUND_CODE, stream.partition("/")[2]),)


class SettingsChanged(FundFact, frozen=True):
    """All settings of the fund were replaced; later decisions use the new settings.

    A payment that was requested before keeps the approval levels of its request. The ledger sets `settings_version`.
    """

    zh = "规则参数变更"
    about_zh = "整体变更规则参数，此后的决定适用新参数；已申请的支付仍按原审批级次。"
    reversible = None
    cites = (("批复", "立项依据"),)
    settings: Settings
    settings_version: int = 0


class FundRenamed(FundFact, frozen=True):
    """The fund has another name from now on. Its code, its plan and its money stay the same.

    If `name_en` is omitted, the fund has no English name from now on, because its English name belonged to the old
    name.
    """

    zh = "专项资金更名"
    about_zh = "专项资金更名：代码、计划和资金不变；未填英文名的，此后没有英文名。"
    reversible = None
    cites = (("批复",),)
    name: str
    name_en: str | None = None


class YearCarriedForward(FundFact, frozen=True):
    """The unspent `amount` of an appropriation at the end of `year` was carried forward, to be spent in the next year.

    `appropriation` is the version of the AppropriationReceived event. No money moves between accounts.
    """

    zh = "年度结转"
    about_zh = "年度终了后，把某笔指标的结余结转下年使用；不移动资金。"
    reversible = restores("appropriation")
    cites = (("结转批复",),)
    refused_by = (UnknownEntry, YearNotOver, YearOutOfTurn, CarriedTooMuch)
    appropriation: int
    year: int
    amount: Money


class PeriodClosed(FundFact, frozen=True):
    """The month `period` was closed for the fund and all its projects: no event can be booked in it any more.

    This event cannot be reversed.
    """

    zh = "会计期间结账"
    about_zh = "逐月结账：本专项资金及其全部项目不再在该月记账，不可撤销。"
    allowed = Allowed.ALWAYS
    reversible = None
    cites = (("对账单",),)
    refused_by = (PeriodOutOfTurn, PeriodNotOver, PeriodNotReconciled)
    period: str


class FundClosed(FundFact, frozen=True):
    """The fund was closed: pool, recovered money and interest are zero, all projects that had allotments are closed."""

    zh = "专项资金结项"
    about_zh = "专项资金结项：余额须为零，已分配资金的项目须已结项。"
    reversible = None
    cites = (("结项",),)
    refused_by = (MoneyLeft, ProjectsStillOpen)


Event = FundEstablished | SettingsChanged | FundRenamed | YearCarriedForward | PeriodClosed | FundClosed
FACTS: tuple[type[Fact], ...] = get_args(Event)

# Evolve ----------------------------------------------------------------------


def established(event: Recorded, fact: FundEstablished) -> Fund:
    """The initial state of a fund, from its FundEstablished event."""
    approvals = fact.settings.approvals
    return Fund(event.fund, fact.settings, established_on=event.booked_on, first_approvals=approvals)


def evolve(fund: Fund, fact: Event, event: Recorded) -> Fund:
    match fact:
        case FundEstablished():
            return established(event, fact)
        case SettingsChanged():
            return replace(fund, settings=fact.settings, settings_version=fact.settings_version)
        case FundRenamed():
            return fund
        case YearCarriedForward():
            appropriation = fund.appropriations[fact.appropriation]
            carried = (*appropriation.carried, Carried(event.version, fact.year))
            after = replace(appropriation, carried=carried)
            return replace(fund, appropriations=fund.appropriations.set(fact.appropriation, after))
        case PeriodClosed():
            return replace(fund, closed_through=last_day(fact.period), closed_by=event.version)
        case FundClosed():
            return replace(fund, closed_at=event.version)
        case _:
            assert_never(fact)


# Decide ----------------------------------------------------------------------


def decide(context: Context, fund: Fund, fact: Event) -> Decision:
    match fact:
        case FundEstablished():
            raise FundExists(fund=fund.code)
        case SettingsChanged():
            return context.allow(fact=replace(fact, settings_version=fund.settings_version + 1))
        case FundRenamed():
            return context.allow()
        case YearCarriedForward():
            return _carry(context, fund, fact)
        case PeriodClosed():
            return _close_period(context, fund, fact)
        case FundClosed():
            return _close(context, fund)
        case _:
            assert_never(fact)


def _carry(context: Context, fund: Fund, fact: YearCarriedForward) -> Decision:
    appropriation = fund.appropriations.get(fact.appropriation)
    if appropriation is None:
        raise UnknownEntry(stream=context.stream, version=fact.appropriation)
    if fact.year != appropriation.next_year:
        raise YearOutOfTurn(appropriation=fact.appropriation, year=fact.year, expected=appropriation.next_year)
    if context.occurred_on <= date(fact.year, 12, 31):
        raise YearNotOver(year=fact.year, occurred_on=context.occurred_on)
    kept = Money(appropriation.amount - fund.reversed.get(fact.appropriation, FenSet()).total)
    if fact.amount > kept:
        raise CarriedTooMuch(amount=fact.amount, appropriated=kept)
    return context.allow()


def _close_period(context: Context, fund: Fund, fact: PeriodClosed) -> Decision:
    through = fund.closed_through
    expected = following(period_of(through)) if through else period_of(fund.established_on)
    if fact.period != expected:
        raise PeriodOutOfTurn(period=fact.period, expected=expected)
    if context.occurred_on <= last_day(fact.period):
        raise PeriodNotOver(period=fact.period, last_day=last_day(fact.period), occurred_on=context.occurred_on)
    if fund.settings.reconcile_before_close:
        first = max(first_day(fact.period), fund.established_on)
        if missing := fund.first_unreconciled(first, last_day(fact.period)):
            raise PeriodNotReconciled(period=fact.period, day=missing)
    return context.allow()


def _close(context: Context, fund: Fund) -> Decision:
    left = {account: amount for account in (POOL, RECOVERED, INTEREST) if (amount := fund.accounts.total((account,)))}
    if left:
        raise MoneyLeft(accounts=", ".join(left), amount=Money(sum(left.values())))
    still_open = {project for project, _ in fund.allotted} - fund.closed_projects
    if still_open:
        raise ProjectsStillOpen(projects=", ".join(sorted(still_open)))
    return context.allow()
