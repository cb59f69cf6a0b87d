"""Alerts of a fund today: what is due, overdue or unusual, each with the events that caused it.

The service finds the alerts that depend on movements of money, from the projections; this module finds all others.
Source: DOMAIN, "What auditors of such funds ask for".
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from enum import StrEnum
from operator import itemgetter
from typing import Any, NamedTuple

from immutables import Map
from msgspec import Struct

from domain.decision import TITLES
from domain.event import Reference
from domain.fen import MAX_BOUND
from domain.ledger_view import LedgerView
from domain.money import Money
from domain.origin import received_from
from domain.period import following, last_day, months_after, months_between, period_of
from domain.posting import INTEREST, POOL
from domain.rules import RULES
from domain.rules.refused import ACCOUNTING, BOOKS, BUDGET, DUTIES, PRACTICE, SEED, Source, setting
from domain.state.entities import Acceptance, Award, AwardStatus, RoundStatus
from domain.state.finding import Finding
from domain.state.fund import Fund, Gate
from domain.state.project import Project


class Urgency(StrEnum):
    """How urgent an alert is, the most urgent first.

    OVERDUE: the alert's due day is past. DUE: the due day is today or later. ODD: the alert reports something unusual
    and has no due day.
    """

    OVERDUE = "overdue"
    DUE = "due"
    ODD = "odd"


class Sentence(NamedTuple):
    """The message of an alert in two languages, with placeholders for the alert's facts.

    `rule`: the name of the rule that the alert is about; None if there is no such rule. `because`: the source of the
    alert if `rule` is None. `source`: the source of `rule`, or `because`.
    """

    en: str
    zh: str
    rule: str | None = None
    because: Source = PRACTICE

    @property
    def source(self) -> Source:
        return RULES[self.rule].source if self.rule else self.because


SENTENCES = {
    "fund-held": Sentence(
        "The event at position {position} (version {version} of {stream}, {type}) cannot be folded into {projection}:"
        " {finding}. Until it is corrected and released with `suyuan rebuild --release {fund}`, the balances and"
        " registers of the fund do not change, and no other alerts are computed.",
        "日志第 {position} 号事件（{stream} 第 {version} 号，{type}）无法推算到表 {projection}：{finding}。更正并以"
        " suyuan rebuild --release {fund} 恢复之前，该资金的余额和台账不更新，也不计算其他预警。",
        because=BOOKS,
    ),
    "call-to-close": Sentence(
        "The window of round {round} ended on {due_on}, but the call is not closed.",
        "第 {round} 轮受理期于 {due_on} 届满，尚未登记征集截止。",
        "CallStillOpen",
    ),
    "notice-to-complete": Sentence(
        "The notice of round {round} runs until {due_on}; its end must be recorded from the next day on.",
        "第 {round} 轮公示至 {due_on}，次日起应登记公示结束。",
        "NoNotice",
    ),
    "objection-open": Sentence(
        "The objection {objection}, received on {since}, is not resolved.",
        "{since} 收到的异议 {objection} 尚未处理。",
        "ObjectionOpen",
    ),
    "objection-upheld": Sentence(
        "An objection to the application {application} was upheld, but the award {award} is still live.",
        "对申报 {application} 的异议成立，立项 {award} 仍有效。",
        "ObjectionUpheld",
    ),
    "fewer-awards": Sentence(
        "The plan requires exactly {planned} awards; there are {taken}.",
        "计划要求立项恰为 {planned} 个，现有 {taken} 个。",
        because=SEED,
    ),
    "awards-missing": Sentence(
        "The project was closed; of the awards that its plan requires exactly, {missing} were not made.",
        "项目已结项，立项比计划要求的个数少 {missing} 个。",
        because=SEED,
    ),
    "more-awards": Sentence(
        "The plan in force allows {planned} awards; there are {taken}.",
        "现行计划限立项 {planned} 个，现有 {taken} 个。",
        "NoPlacesLeft",
    ),
    "rectification": Sentence(
        "The rectification of award {award} is due on {due_on}.",
        "立项 {award} 的整改期限为 {due_on}。",
        "RectificationOverdue",
    ),
    "checkpoint-rectification": Sentence(
        "The rectification of award {award} after its {checkpoint} is due on {due_on}.",
        "立项 {award} 在“{checkpoint}”后的整改期限为 {due_on}。",
        "RectificationOverdue",
    ),
    "agreement-ended": Sentence(
        "The agreement on award {award} ended on {due_on}, but acceptance is not passed.",
        "立项 {award} 的合同于 {due_on} 到期，尚未通过验收。",
    ),
    "acceptance-due": Sentence(
        "The agreement on award {award} has ended; its acceptance is due by {due_on}.",
        "立项 {award} 的合同已到期，应于 {due_on} 前通过验收。",
        because=setting("acceptance_months"),
    ),
    "recovery": Sentence(
        "The recovery {recovery} still has {amount} yuan outstanding; it is due on {due_on}.",
        "追缴 {recovery} 尚欠 {amount} 元，期限 {due_on}。",
        "RecoveryOutstanding",
    ),
    "hold-stands": Sentence(
        "The hold {hold} stands since {since}.",
        "{since} 起的冻结 {hold} 尚未解除。",
        "HoldStands",
    ),
    "hold-to-renew": Sentence(
        "The hold {hold} is to be renewed or released by {due_on}.",
        "冻结 {hold} 应于 {due_on} 前续期或解除。",
        "HoldStands",
    ),
    "finding-open": Sentence(
        "The finding {finding}, recorded on {since}, is not settled.",
        "{since} 登记的问题 {finding} 尚未销号。",
        because=BOOKS,
    ),
    "finding-due": Sentence(
        "The finding {finding} is to be put right by {due_on}.",
        "问题 {finding} 的整改期限为 {due_on}。",
        because=BOOKS,
    ),
    "interest-held": Sentence(
        "{amount} yuan of interest is not surrendered yet.",
        "尚有孳息 {amount} 元未上缴。",
        "MoneyLeft",
    ),
    "waiver": Sentence(
        "The rule {rule} was waived for the {kind} {name}.",
        "已对 {name} 豁免规则 {rule}。",
        because=DUTIES,
    ),
    "period-to-close": Sentence(
        "The books of {period} must be closed by {due_on}; {months} months have ended without being closed.",
        "{period} 的账簿应于 {due_on} 前结账；已过未结账的共 {months} 个月。",
        "PeriodOutOfTurn",
    ),
    "calendar-to-import": Sentence(
        "The ledger has no calendar of {year}: no public notice may last beyond {due_on} until it is imported.",
        "账簿中没有 {year} 年的放假安排，导入之前，公示期不得晚于 {due_on}。",
        "CalendarUnknown",
    ),
    "serials-used": Sentence(
        "The ledger has used {percent} % of the serial numbers of all funds, for {amount} yuan.",
        "账簿已用去全部资金共用编号的 {percent}%，合计 {amount} 元。",
        "SerialsExhausted",
    ),
    "plan-exceeds-pool": Sentence(
        "The plan has {planned} yuan left to allot; the pool holds {pool} yuan.",
        "计划尚需分配 {planned} 元，待分配资金只有 {pool} 元。",
        "PlanExceedsPool",
    ),
    "source-behind": Sentence(
        "The source {name} is to give {planned} yuan; it has given {received} yuan.",
        "资金来源“{name}”应到位 {planned} 元，已到位 {received} 元。",
        because=PRACTICE,
    ),
    "plan-exceeds-sources": Sentence(
        "The plan has {planned} yuan left to allot; the pool holds {pool}, and its sources are to give {to_come} more.",
        "计划尚需分配 {planned} 元，待分配资金只有 {pool} 元，各来源尚应到位 {to_come} 元。",
        "PlanExceedsSources",
    ),
    "unspent": Sentence(
        "{amount} yuan of the appropriation of {received_on} is not spent; it may be spent until {due_on}.",
        "{received_on} 下达的指标尚有 {amount} 元未支出，使用期限为 {due_on}。",
        because=BUDGET,
    ),
    "never-paid": Sentence(
        "{amount} yuan of batch {batch} was allotted on {since} and awarded to {award}; none of it was ever paid.",
        "第 {batch} 批于 {since} 分配、已立项给 {award} 的 {amount} 元，至今分文未付。",
        because=setting("idle_days"),
    ),
    "never-awarded": Sentence(
        "{amount} yuan of batch {batch} was allotted on {since} and is not awarded yet.",
        "第 {batch} 批于 {since} 分配的 {amount} 元，至今未立项。",
        because=setting("idle_days"),
    ),
    "december-rush": Sentence(
        "Of the {total} yuan paid in {year}, {amount} yuan was paid in December.",
        "{year} 年支付 {total} 元，其中 12 月支付 {amount} 元。",
        because=setting("december_percent"),
    ),
    "payee-differs": Sentence(
        "The bank paid {amount} yuan to {payee}, not to the payee of the payment request.",
        "银行将 {amount} 元支付给 {payee}，与申请的收款人不符。",
        "PayeeMismatch",
    ),
    "payee-not-applicant": Sentence(
        "The award {award} of {applicant} is paid to {payee}, by {type}.",
        "立项 {award} 的申报单位为 {applicant}，收款人为 {payee}，依据是{type}。",
        "PayeeNotApplicant",
    ),
    "account-shared": Sentence(
        "The bank account ending in {last4} belongs to several payees: {payees}.",
        "尾号 {last4} 的银行账户为多个收款人共用：{payees}。",
        because=PRACTICE,
    ),
    "recipient-twice": Sentence(
        "{recipient} ({code}) has several awards in different projects: {awards}.",
        "{recipient}（{code}）在不同项目中重复获得立项：{awards}。",
        because=PRACTICE,
    ),
    "number-shared": Sentence(
        "The {kind} {number} was used twice, by two senders, or as a document of another issuer or day: it may be the"
        " same document.",
        "{kind} {number} 用了两次：由两个来源使用，或作为不同单位、不同日期的凭证使用，可能是同一份凭证。",
        "DocumentAlreadyUsed",
    ),
    "statement-outdated": Sentence(
        "The statement of {first_day} to {last_day} was accepted, but {entry}, version {version} of {stream}, on which"
        " it rests, was reversed wholly or in part at position {position}: reconcile the statement again.",
        "{first_day} 至 {last_day} 的对账单已确认，其所依据的 {stream} 第 {version} 号事件（{entry}）已由日志第"
        " {position} 号事件冲销（全部或部分），须重新对账。",
        because=ACCOUNTING,
    ),
}
"""The message of each alert, by the alert's name."""
EVENT_TYPES = ("entry", "type")
"""The alert facts whose value is an event type. In the Chinese message, the type's Chinese name replaces the value."""


class Alert(Struct, frozen=True):
    """One alert. `by`: references to the events that caused the alert."""

    name: str
    urgency: Urgency
    facts: dict[str, Any]
    by: tuple[Reference, ...] = ()
    project: str | None = None
    due_on: date | None = None

    @property
    def en(self) -> str:
        return SENTENCES[self.name].en.format(**self.facts, due_on=self.due_on)

    @property
    def zh(self) -> str:
        facts = {name: TITLES.get(value, value) if name in EVENT_TYPES else value for name, value in self.facts.items()}
        return SENTENCES[self.name].zh.format(**facts, due_on=self.due_on)


SERIALS_PERCENT = 1
CALENDAR_DUE_DAYS = 60
"""This many days before the ledger's calendar ends, an alert begins to ask for the calendar of the next year.

The next year's calendar is published by then.
"""


def urgency(due_on: date, today: date) -> Urgency:
    """The urgency, on the day `today`, of an alert with the due day `due_on`: OVERDUE after that day, otherwise DUE."""
    return Urgency.OVERDUE if today > due_on else Urgency.DUE


def alerts(ledger: LedgerView, fund: str, projects: tuple[str, ...]) -> Iterator[Alert]:
    """The alerts, on the day `ledger.today`, of the fund with the code `fund` and of its projects with these codes.

    Alerts that depend on the movements of money are not included: the service finds them from the projections.
    """
    state = ledger.fund(fund)
    yield from _of_fund(state, ledger.today)
    yield from _of_calendar(ledger, state)
    yield from _of_serials(ledger, state)
    for code in projects:
        project = ledger.project(code)
        yield from _of_rounds(project, ledger.today)
        yield from _of_awards(state, project, ledger.today)
        yield from _of_recoveries(project, ledger.today)
        yield from _of_holds(project, ledger.today)
        yield from _of_findings(project.findings, f"project/{code}", code, ledger.today)


def _of_fund(fund: Fund, today: date) -> Iterator[Alert]:
    stream = f"fund/{fund.code}"
    days = fund.settings.period_close_days
    if days is not None and not fund.closed:
        through = fund.closed_through
        period = following(period_of(through)) if through else period_of(fund.established_on)
        due_on = last_day(period) + timedelta(days=days)
        if today > last_day(period):
            by = (Reference(stream, fund.closed_by or 1),)
            facts = {"period": period, "months": months_between(last_day(period), today)}
            yield Alert("period-to-close", urgency(due_on, today), facts, by, due_on=due_on)
    yield from _of_findings(fund.findings, stream, None, today)
    if interest := fund.accounts.balance(INTEREST):
        yield Alert("interest-held", Urgency.ODD, {"amount": interest})
    if fund.plan is not None and not fund.closed:
        yield from _of_sources(fund, Reference(stream, fund.plan))


def _of_sources(fund: Fund, plan: Reference) -> Iterator[Alert]:
    """The alerts that a source is behind the plan, and that the plan needs more than its sources are still to give."""
    planned, pool = Money(fund.to_allot(fund.lines.values())), fund.accounts.balance(POOL)
    if not fund.sources and planned > pool:
        yield Alert("plan-exceeds-pool", Urgency.ODD, {"planned": planned, "pool": pool}, (plan,))
    to_come = 0
    for source in fund.sources:
        received = received_from(fund, source.source)
        if received < source.amount:
            to_come += source.amount - received
            facts = {"name": source.name, "planned": source.amount, "received": received}
            yield Alert("source-behind", Urgency.ODD, facts, (plan,))
    if fund.sources and planned > pool + to_come:
        facts = {"planned": planned, "pool": pool, "to_come": Money(to_come)}
        yield Alert("plan-exceeds-sources", Urgency.ODD, facts, (plan,))


def _of_calendar(ledger: LedgerView, fund: Fund) -> Iterator[Alert]:
    """The alert that asks to import the calendar of the first year that has none, from this year on.

    The due day of the alert is 31 December of the preceding year. The alert begins CALENDAR_DUE_DAYS days before its
    due day. The whole ledger has one calendar, but every fund that is not closed gets the alert, because the fund may
    still publish a notice.
    """
    year = ledger.missing_year(ledger.today.year)
    due_on = date(year - 1, 12, 31)
    if not fund.closed and (due_on - ledger.today).days <= CALENDAR_DUE_DAYS:
        yield Alert("calendar-to-import", urgency(due_on, ledger.today), {"year": year}, due_on=due_on)


def _of_serials(ledger: LedgerView, fund: Fund) -> Iterator[Alert]:
    """The alert that the ledger has used SERIALS_PERCENT of its serial numbers or more.

    All funds share the serial numbers, so every fund that is not closed gets the alert.
    """
    percent = ledger.next_serial * 100 // MAX_BOUND
    if not fund.closed and percent >= SERIALS_PERCENT:
        yield Alert("serials-used", Urgency.ODD, {"percent": percent, "amount": Money(ledger.next_serial)})


def _of_rounds(project: Project, today: date) -> Iterator[Alert]:
    stream = f"project/{project.code}"
    current = project.rounds.get(str(project.round))
    if current and current.status is not RoundStatus.FAILED and not project.closed:
        by = (Reference(stream, current.version),)
        facts = {"round": current.number}
        if current.closed_on is None and today > current.closes_on:
            yield Alert("call-to-close", Urgency.OVERDUE, facts, by, project.code, current.closes_on)
        notice = current.notice
        if notice and notice.completed is None:
            by = (Reference(stream, notice.version),)
            late = urgency(notice.last_day, today)
            yield Alert("notice-to-complete", late, facts, by, project.code, notice.last_day)
    for name in sorted(project.open_objections):
        received = project.objections[name].received
        by = (Reference(stream, received.version),)
        yield Alert("objection-open", Urgency.ODD, {"objection": name, "since": received.on}, by, project.code)


def _of_awards(fund: Fund, project: Project, today: date) -> Iterator[Alert]:
    stream = f"project/{project.code}"
    if project.closed_at and project.awards_missing:
        by = (Reference(stream, project.closed_at),)
        yield Alert("awards-missing", Urgency.ODD, {"missing": project.awards_missing}, by, project.code)
    if not project.closed:
        yield from _of_places(fund, project)
        live = ((name, award) for name, award in project.awards.items() if award.status is AwardStatus.LIVE)
        of_awards = [(name, alert) for name, award in live for alert in _of_award(fund, project, name, award, today)]
        yield from (alert for _, alert in sorted(of_awards, key=itemgetter(0)))
    for key, waiver in sorted(project.waivers.items()):
        rule, kind, waived = key.split("/", 2)
        about = {"rule": rule, "kind": kind, "name": waived}
        yield Alert("waiver", Urgency.ODD, about, (Reference(stream, waiver.version),), project.code)


def _of_places(fund: Fund, project: Project) -> Iterator[Alert]:
    """The alert that a project has more awards than its line in the plan allows, or fewer than the line requires.

    A line requires a number of awards only if its `award_rule` is "exact".
    """
    line = fund.lines.get(project.code)
    if line is None or not project.awards:
        return
    taken = project.places_taken(line)
    lists = {award.decided.version for award in project.awards.values()}
    by = tuple(Reference(f"project/{project.code}", version) for version in sorted(lists))
    facts = {"planned": line.awards, "taken": taken}
    if taken < line.awards and line.award_rule == "exact":
        yield Alert("fewer-awards", Urgency.ODD, facts, by, project.code)
    if taken > line.awards:
        yield Alert("more-awards", Urgency.ODD, facts, by, project.code)


def _of_award(fund: Fund, project: Project, name: str, award: Award, today: date) -> Iterator[Alert]:
    stream, application = f"project/{project.code}", project.applications[award.application]
    if application.excluded:
        facts, by = {"application": award.application, "award": name}, (Reference(stream, application.version),)
        yield Alert("objection-upheld", Urgency.ODD, facts, by, project.code)
    for checkpoint, check in sorted(award.checks.items()):
        if check.status is Acceptance.RECTIFYING and check.rectify_by and check.due_by:
            late, by = urgency(check.rectify_by, today), (Reference(stream, check.due_by),)
            which = {} if checkpoint == Gate.ACCEPTANCE else {"checkpoint": checkpoint}
            alert = "checkpoint-rectification" if which else "rectification"
            yield Alert(alert, late, {"award": name, **which}, by, project.code, check.rectify_by)
    if award.ends_on and award.ends_by and award.check().status is not Acceptance.PASSED:
        by, months = (Reference(stream, award.ends_by),), fund.settings.acceptance_months
        if months is None and award.ends_on < today:
            yield Alert("agreement-ended", Urgency.OVERDUE, {"award": name}, by, project.code, award.ends_on)
        if months is not None and award.ends_on <= today:
            due_on = months_after(award.ends_on, months)
            yield Alert("acceptance-due", urgency(due_on, today), {"award": name}, by, project.code, due_on)


def _of_recoveries(project: Project, today: date) -> Iterator[Alert]:
    for name, left in project.all_demanded():
        recovery = project.recoveries[name]
        by = (Reference(f"project/{project.code}", recovery.due_by or recovery.ordered.version),)
        late = urgency(recovery.due_on, today)
        yield Alert("recovery", late, {"recovery": name, "amount": Money(left)}, by, project.code, recovery.due_on)


def _of_holds(project: Project, today: date) -> Iterator[Alert]:
    for name in sorted(project.standing_holds):
        hold = project.holds[name]
        by = (Reference(f"project/{project.code}", hold.stands_since.version),)
        if hold.until is None:
            facts = {"hold": name, "since": hold.stands_since.on}
            yield Alert("hold-stands", Urgency.ODD, facts, by, project.code)
        else:
            yield Alert("hold-to-renew", urgency(hold.until, today), {"hold": name}, by, project.code, hold.until)


def _of_findings(findings: Map[str, Finding], stream: str, project: str | None, today: date) -> Iterator[Alert]:
    for name, finding in sorted(findings.items()):
        by = (Reference(stream, finding.opened.version),)
        if finding.settled:
            continue
        if finding.due_on is None:
            facts = {"finding": name, "since": finding.opened.on}
            yield Alert("finding-open", Urgency.ODD, facts, by, project)
        else:
            late = urgency(finding.due_on, today)
            yield Alert("finding-due", late, {"finding": name}, by, project, finding.due_on)
