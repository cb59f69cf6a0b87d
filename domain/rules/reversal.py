"""Rules for the reversal of an entry."""

from __future__ import annotations

from dataclasses import dataclass

from domain.money import Money
from domain.rules.refused import ACCOUNTING, Refused


@dataclass(eq=False)
class NotReversible(Refused):
    """An entry of type {entry} cannot be reversed."""

    zh = "{entry} 类型的事件不能冲销。"
    remedy = (
        "Post the event that ends or replaces it instead: a cancelled payment, a revised plan, changed settings, a next"
        " step. The close of a period and the closing of a fund are final. For a mirror, reverse the entry that it"
        " mirrors, in that entry's stream."
    )
    remedy_zh = (
        "改为登记相应的后续事项：支付作废、计划调整、规则参数变更或下一步骤。会计期间结账和专项资金结项不可撤销；"
        "对应事件须在原事件所在的事件流冲销原事件。"
    )
    entry: str


@dataclass(eq=False)
class AlreadyReversed(Refused):
    """The entry of version {version} is already fully reversed."""

    zh = "本事件流第 {version} 号事件已全部冲销。"
    remedy = "Reverse an entry only once."
    remedy_zh = "同一事件只冲销一次。"
    source = ACCOUNTING
    version: int


@dataclass(eq=False)
class NotInPart(Refused):
    """An entry of type {entry} can only be reversed as a whole."""

    zh = "{entry} 类型的事件只能全部冲销。"
    remedy = "Omit the amount."
    remedy_zh = "不填金额。"
    entry: str


@dataclass(eq=False)
class MoreThanLeft(Refused):
    """The entry of version {version} has {left} yuan left to reverse, less than {amount} yuan."""

    zh = "本事件流第 {version} 号事件可冲销 {left} 元，少于 {amount} 元。"
    remedy = "Give no more than is left, or omit the amount to reverse all of it."
    remedy_zh = "金额不超过可冲销数；全部冲销的，不填金额。"
    version: int
    left: Money
    amount: Money


@dataclass(eq=False)
class MovedOn(Refused):
    """The reversal needs {amount} yuan in {account}, but only {here} yuan of the entry's money is still there."""

    zh = "该事件的资金仍在账户 {account} 的只有 {here} 元，需退回 {amount} 元。"
    remedy = (
        "First undo the later moves of the money, the latest first: reverse them, or cancel or reject the payment"
        " request. An entry that can be reversed in part can be reversed by the amount that is still there."
    )
    remedy_zh = "按相反顺序先撤回后续事项：冲销，或作废、驳回支付申请；允许部分冲销的，可冲销尚存的部分。"
    source = ACCOUNTING
    account: str
    here: Money
    amount: Money


@dataclass(eq=False)
class NotTheLast(Refused):
    """The last event on the {kind} {name} is version {last}, not version {version}."""

    zh = "{kind} {name} 的最后一步是本事件流第 {last} 号事件，不是第 {version} 号。"
    remedy = "Reverse the steps in the opposite order, the last step first."
    remedy_zh = "按相反顺序冲销：先冲销最后一步。"
    source = ACCOUNTING
    kind: str
    name: str
    last: int
    version: int


@dataclass(eq=False)
class BeforeClosing(Refused):
    """The entry of version {version} was recorded before the closing of the fund or project, version {closing}."""

    zh = "本事件流第 {version} 号事件早于结项（第 {closing} 号）。"
    remedy = "Reverse the closing first."
    remedy_zh = "先冲销结项。"
    source = ACCOUNTING
    version: int
    closing: int


@dataclass(eq=False)
class WouldUnsettle(Refused):
    """The reversal would leave {amount} yuan in {account} that must not be there."""

    zh = "冲销后账户 {account} 将有 {amount} 元不应存在的余额。"
    remedy = "First reverse what depends on the entry: the payments, amendments and steps that followed it."
    remedy_zh = "先冲销以该事件为依据的后续事项（支付、调整和步骤）。"
    account: str
    amount: Money


@dataclass(eq=False)
class NotRemembered(Refused):
    """The {kind} {name} has too many later steps: the state before version {version} is no longer kept."""

    zh = "{kind} {name} 的后续步骤过多，本事件流第 {version} 号事件之前的状态已不保留。"
    remedy = "Correct it with a further step; only the last twenty steps can be reversed."
    remedy_zh = "以后续事项更正；只能冲销最近二十步。"
    kind: str
    name: str
    version: int
