"""Paired by payee, amount and day: one with one, and one with several that come to the same."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Hashable, Sequence
from datetime import date, timedelta
from enum import Enum
from functools import partial
from operator import attrgetter
from typing import Any, TypeVar

from domain.tie_out.evidence import likely, may_be
from domain.tie_out.numbers import Group
from domain.tie_out.parts import Cash, Days, Entry, Line
from domain.tie_out.table import Table

Key = Callable[[Any], Hashable]
Stage = Callable[[Table], None]
Each = TypeVar("Each", Line, Entry)


MAX_CANDIDATES, MAX_SUMS = 20, 1_000
"""How many that are near enough are looked at, so that no statement takes long: for one, and for a sum."""


class Apart(Enum):
    """How many days may lie between a line and its entry."""

    NONE = "the same day"
    NEAR = "as many as are tolerated, in one month"
    TOLERATED = "as many as are tolerated"
    ANY = "however many"


def _groups(table: Table, key: Key) -> list[Group]:
    """Those that have lines and entries, in the order of their first lines. Whose key is None belongs to none."""
    groups: dict[Hashable, Group] = {}
    for line in table.open_lines():
        if (shared := key(line)) is not None:
            groups.setdefault(shared, Group()).lines.append(line)
    for entry in table.open_entries():
        if group := groups.get(key(entry)):
            group.entries.append(entry)
    return [group for group in groups.values() if group.entries]


def by_account(each: Cash) -> Hashable:
    return (each.direction, each.account.digest) if each.account and each.account.digest else None


def by_payee(each: Cash) -> Hashable:
    return (each.direction, each.name) if each.name else None


def by_direction(each: Cash) -> Hashable:
    return each.direction


def by_namelessness(each: Cash) -> Hashable:
    """Lines that do not say whom they paid, and all entries."""
    return None if isinstance(each, Line) and (each.payee or each.account) else each.direction


def with_amount(key: Key) -> Key:
    return lambda each: None if (shared := key(each)) is None else (shared, each.amount)


def by_reference(each: Cash) -> Hashable:
    return each.numbers.get("reference")


def by_voucher(each: Cash) -> Hashable:
    return each.numbers.get("voucher")


def one_by_one(key: Key, apart: Apart, fits: Callable[[Line, Entry], bool] = likely) -> Stage:
    """Pair within each group, the earlier with the earlier: of windows of one width that leaves most for the others.

    Where any day will do, with the nearest.
    """

    def stage(table: Table) -> None:
        for group in _groups(table, key):
            for line in group.lines:
                at = _chosen(group.entries, line, apart, table.days, fits)
                if at is not None:
                    table.pair([line], [group.entries.pop(at)])

    return stage


def _chosen(
    entries: Sequence[Entry], line: Line, apart: Apart, days: Days, fits: Callable[[Line, Entry], bool]
) -> int | None:
    """Where the entry stands that a line is paired with."""
    first, last = _window(entries, line.on, apart, days)
    if apart is Apart.ANY:
        middle = bisect_left(entries, line.on, key=attrgetter("on"))
        first, last = max(first, middle - MAX_CANDIDATES), min(last, middle + MAX_CANDIDATES)
        found = [at for at in range(first, last) if fits(line, entries[at])]
        return min(found, key=lambda at: (abs((entries[at].on - line.on).days), at), default=None)
    asked = range(first, min(last, first + MAX_CANDIDATES))
    return next((at for at in asked if fits(line, entries[at]) and _in(apart, line, entries[at], days)), None)


def _in(apart: Apart, line: Line, entry: Entry, days: Days) -> bool:
    return apart is not Apart.NEAR or days.near(line, entry)


def summed(key: Key, apart: Apart) -> Stage:
    """Pair one with several that follow each other and come to the same: first a line with entries, then turned."""

    def stage(table: Table) -> None:
        for group in _groups(table, key):
            for line in list(group.lines):
                if several := _taken(group.entries, line, apart, table.days, partial(may_be, line)):
                    group.lines.remove(line)
                    table.pair([line], several)
            for entry in group.entries:
                if those := _taken(group.lines, entry, apart, table.days, partial(_of_it, entry)):
                    table.pair(those, [entry])

    return stage


def _of_it(entry: Entry, line: Line) -> bool:
    return may_be(line, entry)


def _taken(those: list[Each], one: Cash, apart: Apart, days: Days, fits: Callable[[Each], bool]) -> list[Each]:
    """Two or more that come to what `one` is, taken out of `those`; none if there are none."""
    first, last = _window(those, one.on, apart, days)
    run = _run([each.amount for each in those[first : min(last, first + MAX_SUMS)]], one.amount)
    taken = those[first + run.start : first + run.stop]
    if not taken or not all(map(fits, taken)):
        return []
    del those[first + run.start : first + run.stop]
    return taken


def _window(those: Sequence[Each], day: date, apart: Apart, days: Days) -> tuple[int, int]:
    """From where to where those stand, which are in the order of their days, that are near enough."""
    if apart is Apart.ANY:
        return 0, len(those)
    tolerance = timedelta(days=0 if apart is Apart.NONE else days.tolerance)
    first = bisect_left(those, day - tolerance, key=attrgetter("on"))
    return first, bisect_right(those, day + tolerance, key=attrgetter("on"))


def _run(amounts: Sequence[int], amount: int) -> range:
    """Where the first two or more stand that follow each other and come to `amount`."""
    start = total = 0
    for end, each in enumerate(amounts):
        total += each
        while total > amount:
            total -= amounts[start]
            start += 1
        if total == amount and end > start:
            return range(start, end + 1)
    return range(0)
