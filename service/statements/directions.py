"""Which lines of a sheet pay out, and which receive: by its columns, by words, by signs, or by its balances."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from domain.fund.reconciliation import Direction
from domain.normalise import normalized
from service.statements.balances import Step, Totals, first_break, follow_by_day
from service.statements.headings import Headings
from service.statements.statement import Choices

_OUT = (
    "借 借方 借记 支 支出 支取 支付 付 付款 付出 出 出账 转出 转账支出 汇出 取 取款 往 往账 "
    "d dr dt dbit debit s soll out -"
)
_IN = (
    "贷 贷方 贷记 收 收入 收款 收取 入 入账 进账 转入 转账收入 汇入 存 存款 存入 来 来账 "
    "c cr ct crdt credit h haben in +"
)
_BOTH = {(Direction.OUT, "借"): ("dr", "debit"), (Direction.IN, "贷"): ("cr", "credit")}
WORDS = {
    **dict.fromkeys(_OUT.split(), Direction.OUT),
    **dict.fromkeys(_IN.split(), Direction.IN),
    **{f"{zh}{sep}{en}": way for (way, zh), names in _BOTH.items() for en in names for sep in ("", "/", "(", "-")},
    **{f"{zh}({en})": way for (way, zh), names in _BOTH.items() for en in names},
}
"""The words for the direction of a line, as a bank writes them."""
_LEDGER_WORD = re.compile("借|贷|^(?:d|dr|c|cr|debit|credit)$")
_JOURNAL = re.compile("日记账|明细账|科目|凭证字号|分录")


def words(choices: Choices) -> Mapping[str, Direction]:
    """The usual words, and those that the client named."""
    named = {Direction.OUT: choices.paid_word, Direction.IN: choices.received_word}
    return {**WORDS, **{normalized(word): way for way, word in named.items() if word}}


def may_be_reversed(words: Sequence[str]) -> bool:
    """Whether the headings or words are debit and credit: an account's holder books them the other way than its bank.

    The words for paying and receiving are the same in both books.
    """
    return bool(words) and all(_LEDGER_WORD.search(word) for word in words)


def is_journal(headings: Headings, titles: Sequence[str]) -> bool:
    """Whether the sheet is a journal of the account's holder, in which a debit is money received."""
    return any(_JOURNAL.search(each) for each in (*headings.titles, *titles))


def proven_sign(steps: Callable[[int], Sequence[Step]], totals: Callable[[int], Totals]) -> int | None:
    """1 if only the amounts as written agree with the balances, -1 if only the reverse does; None if neither is proven.

    `steps`, `totals`: those of the sheet if its amounts have this sign.
    """
    points = [step.balance for step in steps(1) if step.balance is not None]
    stated = totals(1)
    if len(points) + (stated.opening is not None) + (stated.closing is not None) < 2:
        return None
    by_day = [sign for sign in (1, -1) if follow_by_day(steps(sign), totals(sign))]
    fits = by_day or [sign for sign in (1, -1) if first_break(steps(sign), totals(sign)) is None]
    return fits[0] if len(fits) == 1 else None


def swapped(totals: Totals) -> Totals:
    """The totals of a sheet whose debits are receipts."""
    return Totals(
        totals.opening, totals.closing, totals.lines, totals.lines_in, totals.lines_out, totals.received, totals.out
    )
