"""Criteria for matching a line with an entry: why they may belong together, and how they differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product, starmap

from domain.fund.reconciliation import Difference, Direction
from domain.tie_out.parts import Cash, Days, Entry, Line


def total(each: Iterable[Cash]) -> int:
    return sum(one.amount for one in each)


def _account_matches(line: Line, entry: Entry) -> bool | None:
    """Whether the line and the entry name the same bank account; None if that is unknown.

    It is unknown if one of them names no account. It is also unknown if only the last four digits can be compared and
    these are equal.
    """
    if not line.account or not entry.account:
        return None
    if line.account.digest and entry.account.digest:
        return line.account.digest == entry.account.digest
    return None if line.account.last4 == entry.account.last4 else False


def same_account(line: Line, entry: Entry) -> bool:
    return _account_matches(line, entry) is True


def same_name(line: Line, entry: Entry) -> bool:
    return bool(line.name) and line.name == entry.name


def no_payee_conflict(line: Line, entry: Entry) -> bool:
    """False if the line and the entry name different payees.

    The accounts are compared; if it is unknown whether they are the same, the names are compared. Always true for
    incoming money, because the line may name a bank as the sender.
    """
    if line.direction is Direction.IN:
        return True
    same = _account_matches(line, entry)
    return same if same is not None else not line.payee or same_name(line, entry)


def reasons(lines: Sequence[Line], entries: Sequence[Entry], days: Days) -> Iterator[str]:
    """What the lines and entries have in common, such as "voucher", "sum" or "payee": keys of `parts.WEIGHTS`."""
    shared = {number for line in lines for number in line.numbers.values()}
    kinds = {kind for entry in entries for kind, number in entry.numbers.items() if number in shared}
    yield from sorted(kinds)
    if total(lines) == total(entries):
        yield "amount" if len(lines) == len(entries) == 1 else "sum"
    if all(same_account(*pair) for pair in _distinct_pairs(lines, entries)):
        yield "account"
    if all(same_name(*pair) for pair in _distinct_pairs(lines, entries)):
        yield "payee"
    if _all_near(lines, entries, days):
        yield "date"


def differences(lines: Sequence[Line], entries: Sequence[Entry], days: Days) -> Iterator[Difference]:
    several = min(len(lines), len(entries)) > 1  # even if the sums are equal, the single amounts differ
    if total(lines) != total(entries) or several:
        yield Difference.AMOUNT_DIFFERS
    if not all(no_payee_conflict(*pair) for pair in _distinct_pairs(lines, entries)):
        yield Difference.PAYEE_DIFFERS
    if not _all_near(lines, entries, days):
        yield Difference.DATE_DIFFERS


def _distinct_pairs(lines: Sequence[Line], entries: Sequence[Entry]) -> Iterator[tuple[Line, Entry]]:
    """One pair of a line and an entry for each combination of payee name and account of both.

    The criteria compare only payee names and accounts of these pairs. So the result is the same as for all pairs, but
    fewer comparisons are needed.
    """
    named = {(line.name, line.account): line for line in lines}
    of = {(entry.name, entry.account): entry for entry in entries}
    return product(named.values(), of.values())


def _all_near(lines: Sequence[Line], entries: Sequence[Entry], days: Days) -> bool:
    by_day = {line.on: line for line in lines}
    booked = {entry.on: entry for entry in entries}
    return all(starmap(days.near, product(by_day.values(), booked.values())))


def no_number_conflict(line: Line, entry: Entry) -> bool:
    """False if the line and the entry have different bank references or different voucher numbers.

    Then they are different payments. If one of them lacks a number, that number is not compared.
    """
    return all(entry.numbers.get(kind, number) == number for kind, number in line.numbers.items())


def plausible(line: Line, entry: Entry) -> bool:
    return no_payee_conflict(line, entry) and no_number_conflict(line, entry)
