"""Rules for the award list and for awards."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from domain.money import Money
from domain.rules.refused import SEED, Refused, setting


@dataclass(eq=False)
class NoPlacesLeft(Refused):
    """The plan allows {limit} awards; {taken} awards count toward this limit, and {asked} more are requested."""

    zh = "项目立项数量上限 {limit}，已占 {taken}，再加 {asked} 超限。"
    remedy = "Award no more applications than the plan allows; an award that ends unpaid frees its place."
    remedy_zh = "立项数量不超过计划上限；未支付即终结的立项腾出名额。"
    source = SEED
    limit: int
    taken: int
    asked: int


@dataclass(eq=False)
class NotInNotice(Refused):
    """The application {application} was not listed in the public notice."""

    zh = "申报 {application} 未列入公示。"
    remedy = (
        "Name an application that the notice lists; to award or pay another one, complete a new notice that lists it."
    )
    remedy_zh = "填写已列入公示的申报；未公示的，重新公示后再立项或支付。"
    source = SEED
    application: str


@dataclass(eq=False)
class BasisMismatch(Refused):
    """The award list cites {what} version {cited}; the version in force is {current}."""

    zh = "立项名单引用的 {what} 版本号：{cited}；现行有效的版本号：{current}。"
    remedy = "Give the versions of the project's latest ReviewConcluded and NoticeStarted events."
    remedy_zh = "填写本项目最近一次评审结论和公示开始事件的版本号。"
    what: str
    cited: int | None
    current: int | None


@dataclass(eq=False)
class ScoreMismatch(Refused):
    """The application {application} was scored {reviewed} in the review, not {score}."""

    zh = "申报 {application} 的评审得分为 {reviewed}，不是 {score}。"
    remedy = "Copy the score from the latest review."
    remedy_zh = "得分照最近一次评审结果填写。"
    application: str
    score: Decimal
    reviewed: Decimal


@dataclass(eq=False)
class FixedTotalNotUsed(Refused):
    """The project's total is fixed, but {left} yuan of batch {batch} would remain unawarded."""

    zh = "总额不变：第 {batch} 批将剩余 {left} 元未安排。"
    remedy = "Award the whole line: the awards of each batch must add up to the amount that the line holds for it."
    remedy_zh = "将额度全部安排：各批次立项金额合计须等于该批次额度。"
    source = SEED
    batch: int
    left: Money


@dataclass(eq=False)
class LineNotAllotted(Refused):
    """The total is fixed, but only {allotted} of the {planned} yuan planned for batch {batch} is allotted."""

    zh = "总额不变且首次立项：第 {batch} 批计划 {planned} 元，已分配 {allotted} 元。"
    remedy = "Allot all that is planned for the project, then decide its first award list."
    remedy_zh = "先将该项目的计划额度全部分配到位，再作出立项决定。"
    source = SEED
    batch: int
    allotted: Money
    planned: Money


@dataclass(eq=False)
class AwardEnded(Refused):
    """The award {award} has ended; its status is {status}."""

    zh = "立项 {award} 的状态为 {status}。"
    remedy = "Use a live award; money paid on an ended award can only be returned or recovered."
    remedy_zh = "只对有效立项办理；已终结的立项只受理退款和追缴。"
    award: str
    status: str


@dataclass(eq=False)
class AwardInFlight(Refused):
    """The award {award} has {amount} yuan in approval or in transit."""

    zh = "立项 {award} 有 {amount} 元在审批中或在途。"
    remedy = "Cancel the payment, or wait for the bank's answer, then post this event again."
    remedy_zh = "先作废该笔支付，或待银行回执后再提交。"
    award: str
    amount: Money


@dataclass(eq=False)
class AwardPaid(Refused):
    """The award {award} has already been paid {amount} yuan."""

    zh = "立项 {award} 已支付 {amount} 元。"
    remedy = "Terminate the award instead, and order the recovery of the money that must be paid back."
    remedy_zh = "改为终止立项，应退回的款项另行追缴。"
    award: str
    amount: Money


@dataclass(eq=False)
class NothingToExtend(Refused):
    """An extension must change an existing date of award {award}: an agreement's end or a rectification's due date."""

    zh = "立项 {award} 没有可延长的期限：已签合同的终止日，或整改期限。"
    remedy = "Give ends_on for a signed agreement, or due_on for an ordered rectification."
    remedy_zh = "填写已签合同的新终止日，或已责令整改的新期限。"
    award: str


@dataclass(eq=False)
class AllocationMismatch(Refused):
    """The award {award} has {amount} yuan of batch {batch}; the allocation by score gives {expected} yuan."""

    zh = "立项 {award} 第 {batch} 批为 {amount} 元，按得分分配应为 {expected} 元。"
    remedy = "Take the amounts from the project's allocation, or decide without by_score and state the method."
    remedy_zh = "按分配测算结果填写金额；另有办法的，不填 by_score 并说明方法。"
    source = SEED
    award: str
    batch: int
    amount: Money
    expected: Money


@dataclass(eq=False)
class NothingToShareBy(Refused):
    """No score is above zero, so nothing can be allocated by score."""

    zh = "没有大于零的得分，无法按得分分配。"
    remedy = "Decide without by_score and state the method, or hold the review again."
    remedy_zh = "不填 by_score 并说明方法，或重新评审。"
    source = SEED


@dataclass(eq=False)
class QuantumTooCoarse(Refused):
    """The {amount} yuan to allocate in batch {batch} are not a multiple of the quantum, {quantum} yuan."""

    zh = "第 {batch} 批待分配 {amount} 元，不是 {quantum} 元的整倍数。"
    remedy = "Choose a smaller quantum."
    remedy_zh = "选用更小的取整单位。"
    source = setting("quantum")
    batch: int
    amount: Money
    quantum: Money


@dataclass(eq=False)
class NobodyListed(Refused):
    """The award list is empty: it names no eligible application."""

    zh = "名单为空：没有具备立项资格的申报。"
    remedy = "List at least one eligible application; if there is none, post CallFailed."
    remedy_zh = "至少列入一份具备立项资格的申报；没有的，登记征集流标（CallFailed）。"
    source = SEED


@dataclass(eq=False)
class AwardNotShown(Refused):
    """No completed public notice has listed the application of the award {award}."""

    zh = "立项 {award} 尚未公示。"
    remedy = "Complete a notice that lists the award, or revoke the award; then pay it, or publish the next call."
    remedy_zh = "先将其公示并登记公示结束，或撤销该立项，再办理支付或发布下一轮征集。"
    source = setting("notice_order")
    award: str
