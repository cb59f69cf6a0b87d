"""Rules for payments and their approval."""

from __future__ import annotations

from dataclasses import dataclass

from domain.money import Money
from domain.rules.refused import DUTIES, SEED, Refused, setting


@dataclass(eq=False)
class PayeeMismatch(Refused):
    """The payee {payee} is not the award's payee, {awarded}."""

    zh = "收款人 {payee} 与立项收款人 {awarded} 不一致。"
    remedy = (
        "Request the payment for the award's payee: the same name, credit code and account. If that payee is no longer"
        " right, change it (PayeeChanged), or have the rule waived for this award (WaiverGranted)."
    )
    remedy_zh = (
        "收款人的名称、统一社会信用代码和账户须与立项一致；确需变更的，先登记收款人变更（PayeeChanged），"
        "或经批准对该立项豁免（WaiverGranted）。"
    )
    source = SEED
    waivable = "award"
    improper = True
    payee: str
    awarded: str


@dataclass(eq=False)
class PaymentStatusWrong(Refused):
    """The status of payment {payment} is {status}; it must be {wanted}."""

    zh = "支付 {payment} 的状态为 {status}，应为 {wanted}。"
    remedy = (
        "Look up the payment's status and post the step that follows it; if the payment has ended, request a new one."
        " Post returned money on the payment that was confirmed."
    )
    remedy_zh = "查明该笔支付的当前状态，按顺序提交下一步；已终结的，另行申请支付；退款登记在已确认的那笔支付上。"
    payment: str
    status: str
    wanted: str


@dataclass(eq=False)
class RequesterMayNotApprove(Refused):
    """The person or key that requested the payment {payment} must not approve or reject it: {requester}."""

    zh = "支付 {payment} 的申请人（或其密钥）{requester} 不得自行审批。"
    remedy = "Have another person approve or reject the payment, with another key."
    remedy_zh = "由申请人以外的人员使用另一密钥审批。"
    source = DUTIES
    payment: str
    requester: str


@dataclass(eq=False)
class ApproverTwice(Refused):
    """{approver} has approved the payment {payment} at another level already."""

    zh = "{approver} 已在另一级次审批过支付 {payment}，各级审批须由不同的人办理。"
    remedy = "Have another person approve this level."
    remedy_zh = "由另一人办理本级审批。"
    source = setting("approvers_differ")
    improper = True
    payment: str
    approver: str


@dataclass(eq=False)
class ApprovalOutOfTurn(Refused):
    """The next approval level of payment {payment} is {expected}, not {level}."""

    zh = "支付 {payment} 的下一级审批为 {expected}，不是 {level}。"
    remedy = "Post the approvals level by level, in the order of the fund's settings."
    remedy_zh = "按规则参数的审批级次逐级提交。"
    source = setting("approvals")
    improper = True
    payment: str
    level: str
    expected: str | None


@dataclass(eq=False)
class AmountMismatch(Refused):
    """The amount must be the full {expected} yuan, not {amount} yuan."""

    zh = "金额须为全额 {expected} 元，不是 {amount} 元。"
    remedy = "Give the full amount; only a return by the payee itself may be partial."
    remedy_zh = "金额填全额；仅收款人主动退款可以部分退回。"
    amount: Money
    expected: Money


@dataclass(eq=False)
class GateShut(Refused):
    """Batch {batch} of award {award} requires the gate {gate}, which is not open."""

    zh = "立项 {award} 第 {batch} 批的拨付条件“{gate}”尚未满足。"
    remedy = "First post the event that opens the gate: the signature of the agreement, or the passed acceptance."
    remedy_zh = "先登记使其满足的事项：合同签订，或验收通过。"
    source = SEED
    improper = True
    award: str
    batch: int
    gate: str


@dataclass(eq=False)
class PayeeUnchanged(Refused):
    """The new payee of award {award} is the same as the current one."""

    zh = "立项 {award} 的新收款人与原收款人相同。"
    remedy = "Give the payee after the change."
    remedy_zh = "填写变更后的收款人。"
    award: str
