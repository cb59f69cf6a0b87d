"""Rules for interest 孳息."""

from __future__ import annotations

from dataclasses import dataclass

from domain.money import Money
from domain.rules.refused import Refused, setting


@dataclass(eq=False)
class InterestTooLarge(Refused):
    """Interest of this fund may have at most {ceiling} yuan, not {amount}."""

    zh = "本专项资金的孳息至多 {ceiling} 元，填报后为 {amount} 元。"
    remedy = "Check the amount for a typing error; if it is right, first raise max_appropriation by SettingsChanged."
    remedy_zh = "核对金额是否有误；如无误，先变更规则参数（SettingsChanged）提高 max_appropriation。"
    source = setting("max_appropriation")
    ceiling: Money
    amount: Money


@dataclass(eq=False)
class NothingReceived(Refused):
    """The receipt has neither principal nor interest."""

    zh = "到账的本金和孳息均为零。"
    remedy = "Give the principal in `amount`, the interest in `interest`, or both."
    remedy_zh = "本金填 amount，孳息填 interest，至少填一项。"


@dataclass(eq=False)
class MoreThanInterest(Refused):
    """The recovery {recovery} demands {outstanding} yuan of interest, less than {amount} yuan."""

    zh = "追缴 {recovery} 尚欠孳息 {outstanding} 元，少于 {amount} 元。"
    remedy = "Give no more than the interest that the order demands; record other interest by InterestReceived."
    remedy_zh = "孳息不超过追缴决定尚欠数；其他孳息另行登记（InterestReceived）。"
    recovery: str
    outstanding: Money
    amount: Money
