"""What a project refuses when money is to come back."""

from __future__ import annotations

from dataclasses import dataclass

from domain.money import Money
from domain.rules.refused import Refused


@dataclass(eq=False)
class RecoveryOutstanding(Refused):
    """The recovery {recovery} still asks {amount} back."""

    zh = "追缴 {recovery} 尚有 {amount} 元未收回。"
    remedy = "Post what has come in, or have the rest waived."
    remedy_zh = "登记到账金额，或经批准豁免余额。"
    recovery: str
    amount: Money


@dataclass(eq=False)
class MoreThanPaid(Refused):
    """The payment {payment} has {left} that can be ordered back, less than {amount}."""

    zh = "支付 {payment} 可追缴 {left} 元，少于 {amount} 元。"
    remedy = "Order back no more than the payment brought out and other recoveries do not ask for."
    remedy_zh = "追缴金额不超过该笔支付的实付余额，并扣除其他追缴。"
    payment: str
    left: Money
    amount: Money


@dataclass(eq=False)
class MoreThanOutstanding(Refused):
    """The recovery {recovery} asks for {outstanding} at most, less than {amount}."""

    zh = "追缴 {recovery} 尚欠 {outstanding} 元，少于 {amount} 元。"
    remedy = "Give no more than is outstanding."
    remedy_zh = "金额不超过尚欠数。"
    recovery: str
    outstanding: Money
    amount: Money
