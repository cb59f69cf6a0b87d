"""Rules for money that is held 冻结."""

from __future__ import annotations

from dataclasses import dataclass

from domain.money import Money
from domain.rules.refused import PRACTICE, Refused


@dataclass(eq=False)
class HoldStands(Refused):
    """The hold {hold} keeps (yuan): {held}; without {amount} yuan, {left} yuan of what is held would be left unpaid."""

    zh = "冻结 {hold} 限制的金额（元）：{held}；支付 {amount} 元后，被冻结范围内未付资金只余 {left} 元。"
    remedy = "Pay no more than the hold leaves free, or wait until it is released (HoldReleased)."
    remedy_zh = "支付金额不超过未冻结部分；或待解除冻结（HoldReleased）后办理。"
    source = PRACTICE
    improper = True
    hold: str
    held: str
    left: Money
    amount: Money


@dataclass(eq=False)
class HoldReleasedAlready(Refused):
    """The hold {hold} is already released."""

    zh = "冻结 {hold} 已经解除。"
    remedy = "Release a hold only once."
    remedy_zh = "同一冻结只解除一次。"
    hold: str


@dataclass(eq=False)
class StillHeld(Refused):
    """These holds are not released: {holds}."""

    zh = "以下冻结尚未解除：{holds}。"
    remedy = "Have each of these holds released (HoldReleased), then close the project."
    remedy_zh = "先逐一登记解除冻结（HoldReleased），再办理结项。"
    source = PRACTICE
    holds: str
