"""Why the ledger says no. Each class is a rule: its docstring the message, `zh` the Chinese, its fields the numbers."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from typing import ClassVar

from domain.money import Money


@dataclass(eq=False)
class Refused(Exception):
    """The ledger refuses this event."""

    zh: ClassVar[str] = "账簿拒绝此事件。"

    @property
    def facts(self) -> dict[str, object]:
        """The numbers of this refusal, by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def __str__(self) -> str:
        return (self.__doc__ or "").format(**self.facts)

    @property
    def chinese(self) -> str:
        return self.zh.format(**self.facts)


# Every post ------------------------------------------------------------------


@dataclass(eq=False)
class UnknownStream(Refused):
    """There is no {stream} in this ledger."""

    zh = "账簿中没有 {stream}。"
    stream: str


@dataclass(eq=False)
class OccurredAfterBooked(Refused):
    """The event occurred on {occurred_on}, after the day it is booked on, {booked_on}."""

    zh = "业务日期 {occurred_on} 晚于记账日期 {booked_on}。"
    occurred_on: date
    booked_on: date


@dataclass(eq=False)
class BookedInFuture(Refused):
    """The booking date {booked_on} is after today, {today}."""

    zh = "记账日期 {booked_on} 晚于今天 {today}。"
    booked_on: date
    today: date


@dataclass(eq=False)
class BookedOutOfOrder(Refused):
    """The booking date {booked_on} is before {last_booked_on}, the last one of {stream}."""

    zh = "记账日期 {booked_on} 早于 {stream} 的最近记账日期 {last_booked_on}。"
    stream: str
    booked_on: date
    last_booked_on: date


@dataclass(eq=False)
class BeforeItsCause(Refused):
    """It occurred on {occurred_on}, before what it depends on: {cause}, of {cause_on}."""

    zh = "业务日期 {occurred_on} 早于其依据（{cause}，{cause_on}）。"
    occurred_on: date
    cause: str
    cause_on: date


@dataclass(eq=False)
class MissingCitation(Refused):
    """The event must cite a document of one of these kinds: {kinds}."""

    zh = "缺少必须引用的文件，应为其中一种：{kinds}。"
    kinds: str


@dataclass(eq=False)
class DocumentAlreadyUsed(Refused):
    """The {kind} {number} is already used, by version {version} of {stream}."""

    zh = "{kind} {number} 已被 {stream} 第 {version} 号事件使用。"
    kind: str
    number: str
    stream: str
    version: int


@dataclass(eq=False)
class BalanceTooSmall(Refused):
    """The account {account} holds {available} yuan, less than the {amount} asked for."""

    zh = "账户 {account} 余额 {available} 元，少于所需的 {amount} 元。"
    account: str
    available: Money
    amount: Money


# Fund ------------------------------------------------------------------------


@dataclass(eq=False)
class FundExists(Refused):
    """The fund code {fund} is already used."""

    zh = "专项资金代码 {fund} 已被使用。"
    fund: str


@dataclass(eq=False)
class FundIsClosed(Refused):
    """The fund {fund} is closed."""

    zh = "专项资金 {fund} 已结项。"
    fund: str


@dataclass(eq=False)
class SerialsExhausted(Refused):
    """The ledger has {left} serials left, fewer than the {amount} asked for."""

    zh = "账簿剩余编号 {left} 元，少于所需的 {amount} 元。"
    left: Money
    amount: Money


@dataclass(eq=False)
class PlanAlreadyAdopted(Refused):
    """A plan is already adopted; it can only be revised."""

    zh = "资金安排计划已经批准，只能调整。"


@dataclass(eq=False)
class PlanSumsDisagree(Refused):
    """The plan's sums disagree: {what} is stated as {stated} and adds up to {computed}."""

    zh = "计划合计不符：{what} 填报 {stated}，实际合计 {computed}。"
    what: str
    stated: Money
    computed: Money


@dataclass(eq=False)
class PlanNamesTwice(Refused):
    """The plan names {what} more than once."""

    zh = "计划中 {what} 重复。"
    what: str


@dataclass(eq=False)
class PlanNamesUnknown(Refused):
    """The plan's line {project} names {what}, which the plan does not list."""

    zh = "计划项目 {project} 引用了计划未列出的 {what}。"
    project: str
    what: str


@dataclass(eq=False)
class NotTheLatestDraft(Refused):
    """The draft to adopt is version {latest} of the fund, not {draft}."""

    zh = "应批准的计划草案是第 {latest} 号事件，不是第 {draft} 号。"
    draft: int
    latest: int | None


@dataclass(eq=False)
class PlanExceedsPool(Refused):
    """The plan adds up to {planned}, more than the pool's {pool}."""

    zh = "计划总额 {planned} 元超过资金池 {pool} 元。"
    planned: Money
    pool: Money


@dataclass(eq=False)
class NotInPlan(Refused):
    """The adopted plan has no line for {project}, batch {batch}."""

    zh = "已批准的计划中没有项目 {project} 第 {batch} 批。"
    project: str
    batch: int | None = None


@dataclass(eq=False)
class AllotmentExceedsPlan(Refused):
    """{project}, batch {batch}: {allotted} already allotted and {amount} more exceed the planned {planned}."""

    zh = "项目 {project} 第 {batch} 批：已分配 {allotted} 元，再加 {amount} 元将超过计划 {planned} 元。"
    project: str
    batch: int
    allotted: Money
    amount: Money
    planned: Money


@dataclass(eq=False)
class MoneyLeft(Refused):
    """Nothing may be left in {accounts}, but {amount} is."""

    zh = "{accounts} 中尚有 {amount} 元，须为零。"
    accounts: str
    amount: Money


@dataclass(eq=False)
class ProjectsStillOpen(Refused):
    """These allotted projects are not closed: {projects}."""

    zh = "以下已分配资金的项目尚未结项：{projects}。"
    projects: str


# Project ---------------------------------------------------------------------


@dataclass(eq=False)
class ProjectExists(Refused):
    """The project {project} is already open."""

    zh = "项目 {project} 已经设立。"
    project: str


@dataclass(eq=False)
class ProjectOfOtherFund(Refused):
    """The project {project} belongs to the fund {fund}."""

    zh = "项目 {project} 属于专项资金 {fund}。"
    project: str
    fund: str


@dataclass(eq=False)
class ProjectIsClosed(Refused):
    """The project {project} is closed."""

    zh = "项目 {project} 已结项。"
    project: str


@dataclass(eq=False)
class RoundUnderWay(Refused):
    """Round {round} is still under way."""

    zh = "第 {round} 轮征集尚未结束。"
    round: int


@dataclass(eq=False)
class NoRoundUnderWay(Refused):
    """No round is under way."""

    zh = "当前没有进行中的征集。"


@dataclass(eq=False)
class RoundOutOfTurn(Refused):
    """The next round is {expected}, not {round}."""

    zh = "下一轮应为第 {expected} 轮，不是第 {round} 轮。"
    round: int
    expected: int


@dataclass(eq=False)
class WindowEmpty(Refused):
    """The last day {last_day} is before the first day {first_day}."""

    zh = "截止日 {last_day} 早于起始日 {first_day}。"
    first_day: date
    last_day: date


@dataclass(eq=False)
class NoPlacesLeft(Refused):
    """The project may have at most {limit} awards: {taken} are taken and {asked} more are asked for."""

    zh = "项目立项数量上限 {limit}，已占 {taken}，再加 {asked} 超限。"
    limit: int
    taken: int
    asked: int


@dataclass(eq=False)
class LineUsedUp(Refused):
    """All of {project}'s line is awarded: a further round could award nothing."""

    zh = "项目 {project} 的额度已全部立项，再征集也无可立项。"
    project: str


@dataclass(eq=False)
class CallIsClosed(Refused):
    """The call of round {round} is closed."""

    zh = "第 {round} 轮征集已截止。"
    round: int


@dataclass(eq=False)
class CallStillOpen(Refused):
    """The call of round {round} is not closed yet."""

    zh = "第 {round} 轮征集尚未截止。"
    round: int


@dataclass(eq=False)
class DeadlineNotPassed(Refused):
    """{what}: the last day is {last_day}, and {occurred_on} is not after it."""

    zh = "{what}：最后一天为 {last_day}，{occurred_on} 尚未过期。"
    what: str
    last_day: date
    occurred_on: date


@dataclass(eq=False)
class OutsideWindow(Refused):
    """{occurred_on} is outside the window from {opens_on} to {closes_on}."""

    zh = "{occurred_on} 不在受理期 {opens_on} 至 {closes_on} 内。"
    occurred_on: date
    opens_on: date
    closes_on: date


@dataclass(eq=False)
class InvalidCode(Refused):
    """{uscc} is not a valid unified social credit code."""

    zh = "{uscc} 不是有效的统一社会信用代码。"
    uscc: str


@dataclass(eq=False)
class AlreadyApplied(Refused):
    """{uscc} already has the live application {application} in round {round}."""

    zh = "{uscc} 在第 {round} 轮已有有效申报 {application}。"
    uscc: str
    application: str
    round: int


@dataclass(eq=False)
class NameTaken(Refused):
    """The {kind} {name} already exists in this project."""

    zh = "本项目中已有 {kind} {name}。"
    kind: str
    name: str


@dataclass(eq=False)
class UnknownName(Refused):
    """There is no {kind} {name} in this project."""

    zh = "本项目中没有 {kind} {name}。"
    kind: str
    name: str


@dataclass(eq=False)
class ApplicationNotLive(Refused):
    """The application {application} is not live in the round under way."""

    zh = "申报 {application} 在本轮中已失效。"
    application: str


@dataclass(eq=False)
class AlreadyReviewed(Refused):
    """Round {round} is already reviewed."""

    zh = "第 {round} 轮已完成评审。"
    round: int


@dataclass(eq=False)
class NotAllScreened(Refused):
    """These live applications are not screened yet: {applications}."""

    zh = "以下有效申报尚未审查：{applications}。"
    applications: str


@dataclass(eq=False)
class ScoresMismatch(Refused):
    """The scores must cover exactly the applications that passed screening; they differ in: {applications}."""

    zh = "评分须恰好覆盖通过审查的申报，差异：{applications}。"
    applications: str


@dataclass(eq=False)
class NoticeRunning(Refused):
    """A public notice is running until {last_day}."""

    zh = "公示进行中，截止 {last_day}。"
    last_day: date


@dataclass(eq=False)
class NotStanding(Refused):
    """The application {application} does not stand: it must be live, screened in, scored and not awarded."""

    zh = "申报 {application} 不具备立项资格：须有效、通过审查、已评分且未立项。"
    application: str


@dataclass(eq=False)
class NoticeTooShort(Refused):
    """The notice runs {days} working days, fewer than {required}."""

    zh = "公示期 {days} 个工作日，少于规定的 {required} 个。"
    days: int
    required: int


@dataclass(eq=False)
class CalendarUnknown(Refused):
    """The working days from {first_day} to {last_day} are not known: no official calendar for those years."""

    zh = "{first_day} 至 {last_day} 的工作日未知：没有该年度的官方日历。"
    first_day: date
    last_day: date


@dataclass(eq=False)
class NoNotice(Refused):
    """No public notice is {wanted}."""

    zh = "没有处于“{wanted}”状态的公示。"
    wanted: str


@dataclass(eq=False)
class NotInNotice(Refused):
    """The application {application} was not in the public notice."""

    zh = "申报 {application} 未列入公示。"
    application: str


@dataclass(eq=False)
class BasisMismatch(Refused):
    """The award list cites {what} version {cited}; the one in force is {current}."""

    zh = "立项名单引用的 {what} 为第 {cited} 号事件，现行有效的是第 {current} 号。"
    what: str
    cited: int
    current: int | None


@dataclass(eq=False)
class ScoreMismatch(Refused):
    """The application {application} scored {reviewed}, not {score}."""

    zh = "申报 {application} 的评审得分为 {reviewed}，不是 {score}。"
    application: str
    score: Decimal
    reviewed: Decimal


@dataclass(eq=False)
class FixedTotalNotUsed(Refused):
    """The total is fixed: batch {batch} would leave {left} of the line unawarded."""

    zh = "总额不变：第 {batch} 批将剩余 {left} 元未安排。"
    batch: int
    left: Money


@dataclass(eq=False)
class LineNotAllotted(Refused):
    """The total is fixed and decided once: batch {batch} has {allotted} allotted of {planned} planned."""

    zh = "总额不变且首次立项：第 {batch} 批计划 {planned} 元，已分配 {allotted} 元。"
    batch: int
    allotted: Money
    planned: Money


@dataclass(eq=False)
class PayeeMismatch(Refused):
    """The payee {payee} is not the award's payee, {awarded}."""

    zh = "收款人 {payee} 与立项收款人 {awarded} 不一致。"
    payee: str
    awarded: str


@dataclass(eq=False)
class PaymentStatusWrong(Refused):
    """The payment {payment} is {status}; it must be {wanted}."""

    zh = "支付 {payment} 的状态为 {status}，应为 {wanted}。"
    payment: str
    status: str
    wanted: str


@dataclass(eq=False)
class RequesterMayNotApprove(Refused):
    """The payment {payment} was requested by the same person or key: {requester}."""

    zh = "支付 {payment} 的申请人（或其密钥）{requester} 不得自行审批。"
    payment: str
    requester: str


@dataclass(eq=False)
class ApprovalOutOfTurn(Refused):
    """The next approval of the payment {payment} is {expected}, not {level}."""

    zh = "支付 {payment} 的下一级审批为 {expected}，不是 {level}。"
    payment: str
    level: str
    expected: str


@dataclass(eq=False)
class AmountMismatch(Refused):
    """The amount must be the whole {expected}, not {amount}."""

    zh = "金额须为全额 {expected} 元，不是 {amount} 元。"
    amount: Money
    expected: Money


@dataclass(eq=False)
class AcceptanceStatusWrong(Refused):
    """The acceptance of award {award} is {status}; it must be {wanted}."""

    zh = "立项 {award} 的验收状态为 {status}，应为 {wanted}。"
    award: str
    status: str
    wanted: str


@dataclass(eq=False)
class EarlierBatchesUnsettled(Refused):
    """Batch {batch} of award {award} still has {amount} not paid."""

    zh = "立项 {award} 第 {batch} 批尚有 {amount} 元未支付。"
    award: str
    batch: int
    amount: Money


@dataclass(eq=False)
class NoTriesLeft(Refused):
    """The award {award} has failed acceptance {failed} times; {allowed} are allowed."""

    zh = "立项 {award} 验收已 {failed} 次未通过，最多允许 {allowed} 次。"
    award: str
    failed: int
    allowed: int


@dataclass(eq=False)
class RectificationOverdue(Refused):
    """The rectification of award {award} was due on {due_on}; {occurred_on} is after it."""

    zh = "立项 {award} 的整改期限为 {due_on}，{occurred_on} 已逾期。"
    award: str
    due_on: date
    occurred_on: date
