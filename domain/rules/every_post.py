"""Rules that events of several chapters may break: on streams, dates, documents, balances, names and entries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from domain.money import Money
from domain.rules.refused import ACCOUNTING, Refused


@dataclass(eq=False)
class UnknownStream(Refused):
    """The ledger has no stream {stream}."""

    zh = "账簿中没有 {stream}。"
    remedy = "Check the code for a typing error; if it is right, establish the fund or open the project first."
    remedy_zh = "核对代码是否有误；如无误，先设立该专项资金或项目。"
    stream: str


@dataclass(eq=False)
class OccurredAfterBooked(Refused):
    """The event occurred on {occurred_on}, after its booking date {booked_on}."""

    zh = "业务日期 {occurred_on} 晚于记账日期 {booked_on}。"
    remedy = "Book the event on the day it occurred or later, or omit booked_on and let the ledger choose the date."
    remedy_zh = "记账日期不得早于业务日期；也可不填，由账簿确定。"
    occurred_on: date
    booked_on: date


@dataclass(eq=False)
class BookedInFuture(Refused):
    """The booking date {booked_on} is after today, {today}: nothing may be booked ahead."""

    zh = "{booked_on} 晚于今天 {today}，不能提前记账。"
    remedy = "Correct the date, or post the event on that day."
    remedy_zh = "更正日期，或待该日到来后再提交。"
    booked_on: date
    today: date


@dataclass(eq=False)
class BookedOutOfOrder(Refused):
    """The booking date {booked_on} is before {last_booked_on}, the last booking date of {stream}."""

    zh = "记账日期 {booked_on} 早于 {stream} 的最近记账日期 {last_booked_on}。"
    remedy = "Omit booked_on: the ledger keeps the date of occurrence and books the event on the earliest day allowed."
    remedy_zh = "不填记账日期：业务日期照实保留，账簿按允许的最早日期记账。"
    source = ACCOUNTING
    stream: str
    booked_on: date
    last_booked_on: date


@dataclass(eq=False)
class BeforeItsCause(Refused):
    """The date {occurred_on} is too early: it must not be before {cause}, dated {cause_on}."""

    zh = "业务日期 {occurred_on} 早于其依据（{cause}，{cause_on}）。"
    remedy = "Give a date no earlier than the date of the event or step that it depends on."
    remedy_zh = "更正日期，使其不早于所依据事项的日期。"
    occurred_on: date
    cause: str
    cause_on: date


@dataclass(eq=False)
class MissingCitation(Refused):
    """A required document is not cited: {kinds}."""

    zh = "缺少必须引用的文件：{kinds}。"
    remedy = (
        "Add a document of the required kind (if several are named, any one of them), with its number, to the event's"
        " documents."
    )
    remedy_zh = "在引用文件中补充所列种类（列有多种的，任一种）的文件及其文号。"
    source = ACCOUNTING
    kinds: str


@dataclass(eq=False)
class DocumentAlreadyUsed(Refused):
    """The {kind} {number} is already used by version {version} of {stream}."""

    zh = "{kind} {number} 已被 {stream} 第 {version} 号事件使用。"
    remedy = (
        "Cite this entry's own document; if one document covers several entries, give each its own `item`. If another"
        " bank or division uses the number, or the bank uses it on another day, state the `issuer` and the `date` of"
        " the document. Do not post again what is already recorded."
    )
    remedy_zh = (
        "填写本笔业务自己的凭证号；一张凭证对应多笔的，逐笔填写分录号 item；号码相同而银行、单位或日期不同的，"
        "填写凭证的出具单位 issuer 和日期 date；已入账的，不得重复提交。"
    )
    source = ACCOUNTING
    kind: str
    number: str
    stream: str
    version: int


@dataclass(eq=False)
class BalanceTooSmall(Refused):
    """The account {account} holds {available} yuan for {place}, less than the {amount} yuan requested."""

    zh = "{place} 的 {account} 余额 {available} 元，少于所需的 {amount} 元。"
    remedy = "Request no more than is available, or move money into the account first."
    remedy_zh = "申请金额不超过可用余额，或先向该账户补足资金。"
    account: str
    place: str
    available: Money
    amount: Money


@dataclass(eq=False)
class UnknownName(Refused):
    """The project has no {kind} {name}."""

    zh = "本项目中没有 {kind} {name}。"
    remedy = "Use the name exactly as it was first posted, or first post the event that introduces it."
    remedy_zh = "名称须与登记时完全一致；尚未登记的，先行登记。"
    kind: str
    name: str


@dataclass(eq=False)
class NameTaken(Refused):
    """The {kind} {name} already exists in this project or is listed twice."""

    zh = "本项目中已有 {kind} {name}。"
    remedy = "Use each name once: choose a new one, or remove the repetition from the list."
    remedy_zh = "每个名称只用一次：另取新名称，或删去名单中的重复项。"
    kind: str
    name: str


@dataclass(eq=False)
class WindowEmpty(Refused):
    """The last day {last_day} is before the first day {first_day}."""

    zh = "截止日 {last_day} 早于起始日 {first_day}。"
    remedy = "Give a last day that is not before the first day."
    remedy_zh = "更正日期，使截止日不早于起始日。"
    first_day: date
    last_day: date


@dataclass(eq=False)
class UnknownEntry(Refused):
    """The stream {stream} has no entry of version {version} to refer to."""

    zh = "{stream} 中没有可供引用的第 {version} 号事件。"
    remedy = "Give the version of the entry as the stream's list of events shows it."
    remedy_zh = "按该业务流的事件列表填写版本号。"
    stream: str
    version: int


@dataclass(eq=False)
class PeriodIsClosed(Refused):
    """The books are closed through {closed_through}; nothing can be booked on {booked_on} any more."""

    zh = "账簿已结账至 {closed_through}，不能再以 {booked_on} 记账。"
    remedy = "Omit booked_on: the ledger keeps the date of occurrence and books the event in the open period."
    remedy_zh = "不填记账日期：业务日期照实保留，账簿记入未结账期间。"
    source = ACCOUNTING
    booked_on: date
    closed_through: date
