"""Rules for waivers, and for the separation of duties."""

from __future__ import annotations

from dataclasses import dataclass

from domain.money import Money
from domain.rules.refused import DUTIES, PRACTICE, Refused


@dataclass(eq=False)
class NotWaivable(Refused):
    """The rule {rule} cannot be waived for a single {kind}."""

    zh = "规则 {rule} 不能针对单个 {kind} 豁免。"
    remedy = "See /v1/rules for the rules that can be waived, and name either the award or the application, not both."
    remedy_zh = "在 /v1/rules 查看可豁免的规则；立项和申报只填其一。"
    rule: str
    kind: str


@dataclass(eq=False)
class AlreadyWaived(Refused):
    """The rule {rule} is already waived for {name}."""

    zh = "规则 {rule} 已对 {name} 豁免。"
    remedy = "Grant each waiver only once; a waiver with an amount can be granted again with another amount."
    remedy_zh = "同一豁免只批准一次；写明金额的，可按新的金额再次批准。"
    rule: str
    name: str


@dataclass(eq=False)
class WaiverIncomplete(Refused):
    """The waiver of {rule} does not say {lacks}."""

    zh = "豁免 {rule} 未写明 {lacks}。"
    remedy = (
        "Name the payee whom the waiver is for and, for payments, the most that this payee may receive. For an award"
        " above its notice, give the most that the award may have."
    )
    remedy_zh = "写明所豁免的收款人；用于支付的，还须写明其最多可收的金额；豁免超过公示金额的，写明立项金额上限。"
    source = PRACTICE
    rule: str
    lacks: str


@dataclass(eq=False)
class WaiverUsedUp(Refused):
    """The waiver allows {payee} to receive {at_most} yuan; {used} are paid or under way, and {amount} are requested."""

    zh = "豁免允许 {payee} 最多收款 {at_most} 元，已支付和在办 {used} 元，本次申请 {amount} 元。"
    remedy = "Request no more than the waiver leaves, or have a waiver with a larger amount granted."
    remedy_zh = "申请金额不超过豁免余额；确需增加的，另行批准更高的金额。"
    source = PRACTICE
    improper = True
    payee: str
    at_most: Money
    used: Money
    amount: Money


@dataclass(eq=False)
class SamePerson(Refused):
    """{who} has already acted in this matter: another person, with another key, must take this step."""

    zh = "{who} 已经办过此事项，须由另一人使用另一密钥办理。"
    remedy = "Have another person post it, or name another approver."
    remedy_zh = "由另一人办理，或填写另一位批准人。"
    source = DUTIES
    who: str
