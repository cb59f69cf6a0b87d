"""What speaks for a line and an entry belonging together, and how they differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product, starmap

from domain.fund.reconciliation import Difference, Direction
from domain.tie_out.parts import Cash, Days, Entry, Line


def total(each: Iterable[Cash]) -> int:
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
    return bool(line.name) and line.name == entry.name


def right_payee(line: Line, entry: Entry) -> bool:
    """Nothing that the line tells of the payee speaks against the entry's. What comes in may come from a bank."""
    if line.direction is Direction.IN:
        return True
    told = _one_account(line, entry)
    return told if told is not None else not line.payee or same_name(line, entry)


def reasons(lines: Sequence[Line], entries: Sequence[Entry], days: Days) -> Iterator[str]:
    shared = {number for line in lines for number in line.numbers.values()}
    kinds = {kind for entry in entries for kind, number in entry.numbers.items() if number in shared}
    yield from sorted(kinds)
    if total(lines) == total(entries):
        yield "amount" if len(lines) == len(entries) == 1 else "sum"
    if all(same_account(*pair) for pair in _unlike(lines, entries)):
        yield "account"
    if all(same_name(*pair) for pair in _unlike(lines, entries)):
        yield "payee"
    if _near(lines, entries, days):
        yield "date"


def differs(lines: Sequence[Line], entries: Sequence[Entry], days: Days) -> Iterator[Difference]:
    several = min(len(lines), len(entries)) > 1  # of equal sums, but no one of them is of equal amount
    if total(lines) != total(entries) or several:
        yield Difference.AMOUNT_DIFFERS
    if not all(right_payee(*pair) for pair in _unlike(lines, entries)):
        yield Difference.PAYEE_DIFFERS
    if not _near(lines, entries, days):
        yield Difference.DATE_DIFFERS


def _unlike(lines: Sequence[Line], entries: Sequence[Entry]) -> Iterator[tuple[Line, Entry]]:
    """Each line with each entry, one for all that name the same payee."""
    named = {(line.name, line.account): line for line in lines}
    of = {(entry.name, entry.account): entry for entry in entries}
    return product(named.values(), of.values())


def _near(lines: Sequence[Line], entries: Sequence[Entry], days: Days) -> bool:
    told = {line.on: line for line in lines}
    booked = {entry.on: entry for entry in entries}
    return all(starmap(days.near, product(told.values(), booked.values())))


def may_be(line: Line, entry: Entry) -> bool:
    """Their numbers do not say that they are of different payments."""
    return all(entry.numbers.get(kind, number) == number for kind, number in line.numbers.items())


def likely(line: Line, entry: Entry) -> bool:
    return right_payee(line, entry) and may_be(line, entry)
