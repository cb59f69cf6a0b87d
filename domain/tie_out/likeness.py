"""Paired by payee, amount and day: one with one, and one with several that come to the same."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Hashable, Sequence
from datetime import date, timedelta
from enum import Enum
from operator import attrgetter
from typing import Any, TypeVar

from domain.names import plain
from domain.tie_out.evidence import right_payee
from domain.tie_out.numbers import Group
from domain.tie_out.parts import Days, Entry, Line
from domain.tie_out.table import Table

Key = Callable[[Any], Hashable]
Stage = Callable[[Table], None]
Each = TypeVar("Each", Line, Entry)


MOST_ASKED, MOST_SUMMED = 100, 1_000
"""How many that are near enough are looked at, so that no statement takes long: for one, and for a sum."""


class Apart(Enum):
    """How many days may lie between a line and its entry."""

    NONE = "none"
    TOLERATED = "tolerated"
    ANY = "any"


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


def by_account(each: Line | Entry) -> Hashable:
    return (each.direction, each.account.digest) if each.account and each.account.digest else None


def by_payee(each: Line | Entry) -> Hashable:
    return (each.direction, plain(each.payee)) if each.payee else None


def by_direction(each: Line | Entry) -> Hashable:
    return each.direction


def by_namelessness(each: Line | Entry) -> Hashable:
    """Lines that do not say whom they paid, and all entries."""
    return None if isinstance(each, Line) and (each.payee or each.account) else each.direction


def with_amount(key: Key) -> Key:
    return lambda each: None if (shared := key(each)) is None else (shared, each.amount)


def one_by_one(key: Key, apart: Apart, fits: Callable[[Line, Entry], bool] = right_payee) -> Stage:
    """Pair within each group, the earlier with the earlier: of windows of one width that leaves most for the others."""

    def stage(table: Table) -> None:
        for group in _groups(table, key):
            for line in group.lines:
                near = _within(group.entries, line.on, apart, table.days)[:MOST_ASKED]
                if found := next((entry for entry in near if fits(line, entry)), None):
                    group.entries.remove(found)
                    table.pair([line], [found])

    return stage


def summed(key: Key, apart: Apart) -> Stage:
    """Pair one with several that follow each other and come to the same: first a line with entries, then turned."""

    def stage(table: Table) -> None:
        for group in _groups(table, key):
            for line in list(group.lines):
                if run := _run(_within(group.entries, line.on, apart, table.days)[:MOST_SUMMED], line.amount):
                    group.lines.remove(line)
                    group.entries = [entry for entry in group.entries if entry not in run]
                    table.pair([line], run)
            for entry in group.entries:
                if several := _run(_within(group.lines, entry.on, apart, table.days)[:MOST_SUMMED], entry.amount):
                    group.lines = [line for line in group.lines if line not in several]
                    table.pair(several, [entry])

    return stage


def _within(those: Sequence[Each], day: date, apart: Apart, days: Days) -> Sequence[Each]:
    """Those of `those`, which are in the order of their days, that are near enough."""
    if apart is Apart.ANY:
        return those
    tolerance = timedelta(days=days.tolerance if apart is Apart.TOLERATED else 0)
    first = bisect_left(those, day - tolerance, key=attrgetter("on"))
    last = bisect_right(those, day + tolerance, key=attrgetter("on"))
    return those[first:last]


def _run(those: Sequence[Each], amount: int) -> Sequence[Each]:
    """The first two or more that follow each other and come to `amount`; none if there are none."""
    start = total = 0
    for end, each in enumerate(those):
        total += each.amount
        while total > amount:
            total -= those[start].amount
            start += 1
        if total == amount and end > start:
            return those[start : end + 1]
    return ()
