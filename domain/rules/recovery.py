"""Rules for recoveries."""

from __future__ import annotations

from dataclasses import dataclass

from domain.money import Money
from domain.rules.refused import Refused


@dataclass(eq=False)
class RecoveryOutstanding(Refused):
    """The recovery {recovery} still has {amount} yuan outstanding."""

    zh = "追缴 {recovery} 尚有 {amount} 元未收回。"
    remedy = "Post the money that has been received, or have the rest waived."
    remedy_zh = "登记到账金额，或经批准豁免余额。"
    recovery: str
    amount: Money


@dataclass(eq=False)
class MoreThanPaid(Refused):
    """Only {left} yuan of the payment {payment} can be ordered to be recovered, less than {amount} yuan."""

    zh = "支付 {payment} 可追缴 {left} 元，少于 {amount} 元。"
    remedy = "Order back no more than the payment paid out, less what its other recoveries already claim."
    remedy_zh = "追缴金额不超过该笔支付的实付余额，并扣除其他追缴。"
    payment: str
    left: Money
    amount: Money


@dataclass(eq=False)
class MoreThanOutstanding(Refused):
    """The recovery {recovery} has {outstanding} yuan outstanding, less than {amount} yuan."""

    zh = "追缴 {recovery} 尚欠 {outstanding} 元，少于 {amount} 元。"
    remedy = "Give no more than the outstanding amount."
    remedy_zh = "金额不超过尚欠数。"
    recovery: str
    outstanding: Money
    amount: Money


@dataclass(eq=False)
class RecoverySettled(Refused):
    """The recovery {recovery} has nothing outstanding, so that its due day cannot be put off."""

    zh = "追缴 {recovery} 已无尚欠金额，不能延期。"
    remedy = "Name a recovery that still has money outstanding."
    remedy_zh = "填写尚有欠缴金额的追缴。"
    recovery: str
