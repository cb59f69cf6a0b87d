"""What a project refuses in the acceptance of an award."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from domain.money import Money
from domain.rules.refused import Refused


@dataclass(eq=False)
class AcceptanceStatusWrong(Refused):
    """The acceptance of award {award} is {status}; it must be {wanted}."""

    zh = "立项 {award} 的验收状态为 {status}，应为 {wanted}。"
    remedy = "Post the steps in order: request, pass or fail; after a failure, rectification and the next request."
    remedy_zh = "按顺序办理：申请验收，登记通过或未通过；未通过的，责令整改后再申请验收。"
    award: str
    status: str
    wanted: str


@dataclass(eq=False)
class EarlierBatchesUnsettled(Refused):
    """Batch {batch} of award {award} still has {amount} not paid."""

    zh = "立项 {award} 第 {batch} 批尚有 {amount} 元未支付。"
    remedy = "Pay the batch in full and post the bank's confirmations, then request acceptance."
    remedy_zh = "先将该批次资金全部支付并登记支付确认，再申请验收。"
    award: str
    batch: int
    amount: Money


@dataclass(eq=False)
class NoTriesLeft(Refused):
    """The award {award} has failed acceptance {failed} times; {allowed} are allowed."""

    zh = "立项 {award} 验收已 {failed} 次未通过，最多允许 {allowed} 次。"
    remedy = "Request no further acceptance of this award."
    remedy_zh = "该立项的验收次数已用完，不再申请验收。"
    award: str
    failed: int
    allowed: int


@dataclass(eq=False)
class RectificationOverdue(Refused):
    """The rectification of award {award} was due on {due_on}; {occurred_on} is after it."""

    zh = "立项 {award} 的整改期限为 {due_on}，{occurred_on} 已逾期。"
    remedy = "Request acceptance no later than the day on which the rectification is due."
    remedy_zh = "在整改期限届满前（含当日）申请验收。"
    award: str
    due_on: date
    occurred_on: date
