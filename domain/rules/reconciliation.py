"""Rules for reconciling a statement, and for closing a period whose days must be reconciled."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from domain.money import Money
from domain.rules.refused import ACCOUNTING, Refused, setting


@dataclass(eq=False)
class LineNotOnce(Refused):
    """Line {line} of a statement of {lines} lines appears {times} times in the matches and exceptions."""

    zh = "对账单共 {lines} 行，其中第 {line} 行在匹配与差异中出现 {times} 次。"
    remedy = "Put each line of the statement, from 1 to the number of lines, into one match or one exception."
    remedy_zh = "对账单从第 1 行到末行，每行归入一项匹配或一项差异，且只归入一次。"
    source = ACCOUNTING
    line: int
    lines: int
    times: int


@dataclass(eq=False)
class EntryListedTwice(Refused):
    """Version {version} of {stream} appears more than once in the matches and exceptions."""

    zh = "{stream} 第 {version} 号事件在匹配与差异中重复出现。"
    remedy = "List each entry of the books in only one match or exception."
    remedy_zh = "账簿的每笔业务只归入一项匹配或一项差异。"
    source = ACCOUNTING
    stream: str
    version: int


@dataclass(eq=False)
class NotCash(Refused):
    """Version {version} of {stream} is not a payment, return, recovery, interest or surrender of this fund."""

    zh = "{stream} 第 {version} 号事件不是本专项资金的支付、退回、追回、孳息或上缴。"
    remedy = "Name an event that a statement shows: a payment, a return, a recovery, interest, or a surrender of these."
    remedy_zh = "填写对账单能反映的事件：支付确认、账外支付、退票/退款、追回到账、孳息收入，或其上缴。"
    stream: str
    version: int


@dataclass(eq=False)
class NotAsRecorded(Refused):
    """Version {version} of {stream} is recorded with {recorded} yuan, not with {amount} yuan."""

    zh = "{stream} 第 {version} 号事件入账 {recorded} 元，与填写的 {amount} 元不符。"
    remedy = "Give the recorded amount of the entry, less what was reversed of it."
    remedy_zh = "按入账金额（减已冲销部分）填写。"
    stream: str
    version: int
    recorded: Money
    amount: Money


@dataclass(eq=False)
class StatementDoesNotTie(Refused):
    """The statement's total of money {direction} is {stated} yuan; its matches and exceptions add up to {computed}."""

    zh = "对账单{direction}方合计 {stated} 元，匹配与差异合计 {computed} 元。"
    remedy = "Take matches, exceptions and totals from the same response of /v1/reconciliations, and omit none."
    remedy_zh = "匹配、差异和合计须取自 /v1/reconciliations 的同一次答复，不得遗漏。"
    source = ACCOUNTING
    direction: str
    stated: Money
    computed: Money


@dataclass(eq=False)
class ExceptionUnexplained(Refused):
    """The exception of kind {difference} on {about} has no explanation."""

    zh = "差异（{difference}，{about}）未作说明。"
    remedy = "Explain each exception in its `explanation`, or correct the books and reconcile again."
    remedy_zh = "在 explanation 中逐项说明差异原因；账簿有误的，更正后重新对账。"
    source = ACCOUNTING
    difference: str
    about: str


@dataclass(eq=False)
class ExceptionMisnamed(Refused):
    """An exception of kind {difference} cannot have {lines} statement lines and {entries} entries."""

    zh = "差异（{difference}）不能由 {lines} 笔对账单和 {entries} 笔账簿业务构成。"
    remedy = "If money is on one side only, name only that side; if the two sides differ, name both."
    remedy_zh = "单方差异只列该方；金额、收款人、日期不符的，两方均须列出。"
    difference: str
    lines: int
    entries: int


@dataclass(eq=False)
class LineOutsideDays(Refused):
    """Line {line} is dated {on}, outside the statement's days from {first_day} to {last_day}."""

    zh = "第 {line} 笔日期为 {on}，不在对账单期间 {first_day} 至 {last_day} 内。"
    remedy = "Correct the days that the statement covers, or give its lines as they are in the file."
    remedy_zh = "更正对账单期间，或按文件填写明细。"
    line: int
    on: date
    first_day: date
    last_day: date


@dataclass(eq=False)
class StatementTooLong(Refused):
    """The statement's days, {first_day} to {last_day}, are more than a year."""

    zh = "{first_day} 至 {last_day} 超过一年。"
    remedy = "Reconcile statements of at most a year each, one after the other."
    remedy_zh = "每份对账单最长一年，逐份对账。"
    first_day: date
    last_day: date


@dataclass(eq=False)
class PeriodNotReconciled(Refused):
    """The period {period} is not reconciled: no accepted statement covers {day}."""

    zh = "期间 {period} 尚未对账：没有已确认的对账单覆盖 {day}。"
    remedy = "Reconcile a statement that covers this day and post StatementReconciled, then close the period."
    remedy_zh = "先以覆盖该日的对账单对账并登记对账确认（StatementReconciled），再结账。"
    source = setting("reconcile_before_close")
    period: str
    day: date
