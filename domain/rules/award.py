"""Rules for the award list and for awards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from domain.money import Money
from domain.rules.refused import PRACTICE, SEED, Refused, setting


@dataclass(eq=False)
class NoPlacesLeft(Refused):
    """The plan allows {limit} awards; {taken} awards count toward this limit, and {asked} more are requested."""

    zh = "项目立项数量上限 {limit}，已占 {taken}，再加 {asked} 超限。"
    remedy = "Award no more applications than the plan allows; an award that ends unpaid frees its place."
    remedy_zh = "立项数量不超过计划上限；未支付即终结的立项腾出名额。"
    source = SEED
    improper = True
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
    improper = True
    application: str


@dataclass(eq=False)
class EndMovedWithoutExtension(Refused):
    """The agreement on award {award} ends on {ends_on}; signing it again cannot move its end to {asked}."""

    zh = "立项 {award} 的合同于 {ends_on} 到期；重新签订不能将结束日改为 {asked}。"
    remedy = (
        "Post ExtensionGranted with its approval for a later end. If the end was recorded wrongly, reverse the"
        " AgreementSigned and post it again."
    )
    remedy_zh = "延长结束日，凭批复登记延期（ExtensionGranted）；结束日登记有误的，冲销原合同签订后重新登记。"
    source = PRACTICE
    award: str
    ends_on: date
    asked: date


@dataclass(eq=False)
class ExtensionTooLong(Refused):
    """The agreement on award {award}, first until {first_end}, may last until {latest}, and not until {asked}."""

    zh = "立项 {award} 的合同原定 {first_end} 到期，至多延至 {latest}，不能延至 {asked}。"
    remedy = "Grant an end no later than that: the fund's setting `extension_months` counts from the end first agreed."
    remedy_zh = "所批结束日不晚于该日：规则参数 extension_months 自最初约定的结束日起计。"
    source = setting("extension_months")
    award: str
    first_end: date
    latest: date
    asked: date


@dataclass(eq=False)
class PayeeNotApplicant(Refused):
    """The list pays {payee}, who is not the applicant of {application} ({applicant})."""

    zh = "名单的收款人 {payee} 不是申报 {application} 的申报单位（{applicant}）。"
    remedy = "Award to the applicant, or have the rule waived for this application and payee (WaiverGranted)."
    remedy_zh = "收款人填申报单位；确需另付他人的，经批准对该申报、该收款人豁免（WaiverGranted）。"
    source = PRACTICE
    waivable = "application"
    improper = True
    application: str
    payee: str
    applicant: str


@dataclass(eq=False)
class AboveNotice(Refused):
    """The public notice showed {shown} yuan for the application {application}; it would be awarded {amount} yuan."""

    zh = "申报 {application} 公示金额为 {shown} 元，立项金额将为 {amount} 元。"
    remedy = (
        "Award no more than the notice showed; to award or pay more, complete a supplementary notice that lists the"
        " application with the new amount, or have the rule waived for the award."
    )
    remedy_zh = "立项金额不超过公示金额；确需增加的，按新金额补充公示，公示期满后再办理，或经批准对该立项豁免。"
    source = setting("notice_binds_amounts")
    waivable = "award"
    improper = True
    application: str
    shown: Money
    amount: Money


@dataclass(eq=False)
class ShareMismatch(Refused):
    """The plan says how the project's money is shared: {share}; a list with by_score {by_score} does not agree."""

    zh = "计划规定本项目的分配方式为 {share}，名单的 by_score 为 {by_score}，与之不符。"
    remedy = (
        "Decide with by_score if the plan's line shares by score, and without it if the meeting decides the shares."
    )
    remedy_zh = "计划规定按得分分配的，名单填 by_score；规定由会议决定的，不填。"
    source = SEED
    improper = True
    share: str
    by_score: bool


@dataclass(eq=False)
class BasisMismatch(Refused):
    """The award list cites {what} version {cited}; the version in force is {current}."""

    zh = "立项名单引用的 {what} 版本号：{cited}；现行有效的版本号：{current}。"
    remedy = (
        "Give the versions of the project's latest ReviewConcluded and NoticeStarted events. A list has no review: omit"
        " it."
    )
    remedy_zh = "填写本项目最近一次评审结论和公示开始事件的版本号；按名单立项的没有评审，不填。"
    what: str
    cited: int | None
    current: int | None


@dataclass(eq=False)
class ScoreMismatch(Refused):
    """The application {application} was scored {reviewed} in the review, not {score}."""

    zh = "申报 {application} 的评审得分为 {reviewed}，不是 {score}。"
    remedy = "Copy the score from the latest review. The entries of a list have none: omit the score."
    remedy_zh = "得分照最近一次评审结果填写；按名单立项的没有得分，不填。"
    application: str
    score: Decimal | None
    reviewed: Decimal | None


@dataclass(eq=False)
class FixedTotalNotUsed(Refused):
    """The project's total is fixed, but {left} yuan of batch {batch} would remain unawarded."""

    zh = "总额不变：第 {batch} 批将剩余 {left} 元未安排。"
    remedy = "Award the whole line: the awards of each batch must add up to the amount that the line holds for it."
    remedy_zh = "将额度全部安排：各批次立项金额合计须等于该批次额度。"
    source = SEED
    improper = True
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
    improper = True
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
    improper = True
    award: str
