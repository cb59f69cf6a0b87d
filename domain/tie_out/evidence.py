"""What speaks for a line and an entry belonging together, and how they differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from domain.documents import normal
from domain.fund.reconciliation import Difference, Direction
from domain.names import plain
from domain.tie_out.parts import Days, Entry, Line


def numbers(each: Line | Entry) -> Iterator[tuple[str, Direction, str]]:
    if each.reference:
        yield "reference", each.direction, normal(each.reference)
    if each.voucher:
        yield "voucher", each.direction, normal(each.voucher)


def total(each: Iterable[Line | Entry]) -> int:
    return sum(one.amount for one in each)


def _one_account(line: Line, entry: Entry) -> bool | None:
    """Whether it is one account; None if that is not told. Of a masked one only the last digits are."""
    if not line.account or not entry.account:
        return None
    if line.account.digest and entry.account.digest:
        return line.account.digest == entry.account.digest
    return None if line.account.last4 == entry.account.last4 else False


def same_account(line: Line, entry: Entry) -> bool:
    return _one_account(line, entry) is True


def same_name(line: Line, entry: Entry) -> bool:
    return bool(line.payee and entry.payee and plain(line.payee) == plain(entry.payee))


def right_payee(line: Line, entry: Entry) -> bool:
    """Nothing that the line tells of the payee speaks against the entry's. What comes in may come from a bank."""
    if line.direction is Direction.IN:
        return True
    told = _one_account(line, entry)
    return told if told is not None else not line.payee or same_name(line, entry)


def reasons(lines: Sequence[Line], entries: Sequence[Entry], days: Days) -> Iterator[str]:
    shared = {number for line in lines for number in numbers(line)}
    kinds = {number[0] for entry in entries for number in numbers(entry) if number in shared}
    yield from (kind for kind in ("reference", "voucher") if kind in kinds)
    pairs = [(line, entry) for line in lines for entry in entries]
    if total(lines) == total(entries):
        yield "amount" if len(pairs) == 1 else "sum"
    if all(same_account(*pair) for pair in pairs):
        yield "account"
    if all(same_name(*pair) for pair in pairs):
        yield "payee"
    if all(days.near(*pair) for pair in pairs):
        yield "date"


def differs(lines: Sequence[Line], entries: Sequence[Entry], days: Days) -> Iterator[Difference]:
    if total(lines) != total(entries):
        yield Difference.AMOUNT_DIFFERS
    if not all(any(right_payee(line, entry) for entry in entries) for line in lines):
        yield Difference.PAYEE_DIFFERS
    if not all(days.near(line, entry) for line in lines for entry in entries):
        yield Difference.DATE_DIFFERS


def may_be(line: Line, entry: Entry) -> bool:
    """Their numbers do not say that they are of different payments."""
    other = {kind: number for kind, _, number in numbers(entry)}
    return all(other.get(kind, number) == number for kind, _, number in numbers(line))


def likely(line: Line, entry: Entry) -> bool:
    return right_payee(line, entry) and may_be(line, entry)
