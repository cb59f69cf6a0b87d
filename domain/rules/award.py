"""What a project refuses to award."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from domain.money import Money
from domain.rules.refused import SEED, Refused, setting


@dataclass(eq=False)
class NoPlacesLeft(Refused):
    """Of the project's places for awards, {limit} in all, {taken} are taken and {asked} more are asked for."""

    zh = "项目立项数量上限 {limit}，已占 {taken}，再加 {asked} 超限。"
    remedy = "Award no more than the plan allows; an award that ends unpaid frees its place."
    remedy_zh = "立项数量不超过计划上限；未支付即终结的立项腾出名额。"
    source = SEED
    limit: int
    taken: int
    asked: int


@dataclass(eq=False)
class NotInNotice(Refused):
    """The application {application} was not in the public notice."""

    zh = "申报 {application} 未列入公示。"
    remedy = "Name an application that the notice listed; to award or pay another, complete a new notice that lists it."
    remedy_zh = "填写已列入公示的申报；未公示的，重新公示后再立项或支付。"
    source = SEED
    application: str


@dataclass(eq=False)
class BasisMismatch(Refused):
    """The award list cites {what} version {cited}; the one in force is {current}."""

    zh = "立项名单引用的 {what} 版本号：{cited}；现行有效的版本号：{current}。"
    remedy = "Give the versions of the project's latest ReviewConcluded and NoticeStarted."
    remedy_zh = "填写本项目最近一次评审结论和公示开始事件的版本号。"
    what: str
    cited: int | None
    current: int | None


@dataclass(eq=False)
class ScoreMismatch(Refused):
    """The application {application} scored {reviewed}, not {score}."""

    zh = "申报 {application} 的评审得分为 {reviewed}，不是 {score}。"
    remedy = "Copy the score from the latest review."
    remedy_zh = "得分照最近一次评审结果填写。"
    application: str
    score: Decimal
    reviewed: Decimal


@dataclass(eq=False)
class FixedTotalNotUsed(Refused):
    """The total is fixed: batch {batch} would leave {left} of the line unawarded."""

    zh = "总额不变：第 {batch} 批将剩余 {left} 元未安排。"
    remedy = "Share out the whole line: let the awards of each batch add up to all that it holds."
    remedy_zh = "将额度全部安排：各批次立项金额合计须等于该批次额度。"
    source = SEED
    batch: int
    left: Money


@dataclass(eq=False)
class LineNotAllotted(Refused):
    """The total is fixed and decided once: batch {batch} has {allotted} allotted of {planned} planned."""

    zh = "总额不变且首次立项：第 {batch} 批计划 {planned} 元，已分配 {allotted} 元。"
    remedy = "Allot all that is planned for the project, then decide its award list."
    remedy_zh = "先将该项目的计划额度全部分配到位，再作出立项决定。"
    source = SEED
    batch: int
    allotted: Money
    planned: Money


@dataclass(eq=False)
class AwardEnded(Refused):
    """The award {award} is {status}."""

    zh = "立项 {award} 的状态为 {status}。"
    remedy = "Post to a live award; what is paid on an ended one can only be returned or recovered."
    remedy_zh = "只对有效立项办理；已终结的立项只受理退款和追缴。"
    award: str
    status: str


@dataclass(eq=False)
class AwardInFlight(Refused):
    """The award {award} has {amount} in approval or in transit."""

    zh = "立项 {award} 有 {amount} 元在审批中或在途。"
    remedy = "Cancel the payment, or wait for the bank's answer, then post it again."
    remedy_zh = "先作废该笔支付，或待银行回执后再提交。"
    award: str
    amount: Money


@dataclass(eq=False)
class AwardPaid(Refused):
    """The award {award} has been paid {amount}."""

    zh = "立项 {award} 已支付 {amount} 元。"
    remedy = "Terminate the award, and order the recovery of what must come back."
    remedy_zh = "改为终止立项，应退回的款项另行追缴。"
    award: str
    amount: Money


@dataclass(eq=False)
class NothingToExtend(Refused):
    """The award {award} has no such date to extend: a signed agreement's end, or a rectification's due day."""

    zh = "立项 {award} 没有可延长的期限：已签合同的终止日，或整改期限。"
    remedy = "Give ends_on of a signed agreement, or due_on of an ordered rectification."
    remedy_zh = "填写已签合同的新终止日，或已责令整改的新期限。"
    award: str


@dataclass(eq=False)
class AllocationMismatch(Refused):
    """The award {award} has {amount} of batch {batch}; the allocation by score gives {expected}."""

    zh = "立项 {award} 第 {batch} 批为 {amount} 元，按得分分配应为 {expected} 元。"
    remedy = "Take the amounts from the project's allocation, or decide without by_score and say the method."
    remedy_zh = "按分配测算结果填写金额；另有办法的，不填 by_score 并说明方法。"
    source = SEED
    award: str
    batch: int
    amount: Money
    expected: Money


@dataclass(eq=False)
class NothingToShareBy(Refused):
    """No score is above zero: there is nothing to share out by."""

    zh = "没有大于零的得分，无法按得分分配。"
    remedy = "Decide without by_score and say the method, or hold the review again."
    remedy_zh = "不填 by_score 并说明方法，或重新评审。"
    source = SEED


@dataclass(eq=False)
class QuantumTooCoarse(Refused):
    """Batch {batch} shares out {amount}, which is no multiple of {quantum}."""

    zh = "第 {batch} 批待分配 {amount} 元，不是 {quantum} 元的整倍数。"
    remedy = "Choose a finer quantum."
    remedy_zh = "选用更小的取整单位。"
    source = setting("quantum")
    batch: int
    amount: Money
    quantum: Money


@dataclass(eq=False)
class NobodyListed(Refused):
    """The list names nobody: no application that stands is to be awarded."""

    zh = "名单为空：没有具备立项资格的申报。"
    remedy = "List at least one application that stands; if there is none, let the call fail (CallFailed)."
    remedy_zh = "至少列入一份具备立项资格的申报；没有的，登记征集流标（CallFailed）。"
    source = SEED


@dataclass(eq=False)
class AwardNotShown(Refused):
    """The award {award} was not shown to the public yet."""

    zh = "立项 {award} 尚未公示。"
    remedy = "Complete a notice that lists it, or revoke it; then pay it, or publish the next call."
    remedy_zh = "先将其公示并登记公示结束，或撤销该立项，再办理支付或发布下一轮征集。"
    source = setting("notice_order")
    award: str
