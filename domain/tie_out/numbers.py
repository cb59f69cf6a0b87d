"""Paired by a bank reference or a voucher that they share."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from operator import attrgetter

from msgspec import Struct, field

from domain.tie_out.evidence import total
from domain.tie_out.parts import Entry, Line
from domain.tie_out.table import Table


class Group(Struct):
    """Lines and entries that share something, by day."""

    lines: list[Line] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)


def by_number(table: Table) -> None:
    """One and those that share a bank reference or a voucher with it, directly or through others, of the same sum."""
    for group in _connected(table):
        if total(group.lines) == total(group.entries) and 1 in (len(group.lines), len(group.entries)):
            table.pair(group.lines, group.entries)


def what_is_left_of_a_number(table: Table) -> None:
    """The others of these: several of either side, or of another amount."""
    for group in _connected(table):
        table.pair(group.lines, group.entries)


def _connected(table: Table) -> Iterator[Group]:
    sharing: dict[Hashable, list[Line | Entry]] = {}
    everything: list[Line | Entry] = [*table.open_lines(), *table.open_entries()]
    for each in everything:
        for number in each.numbers.values():
            sharing.setdefault(number, []).append(each)
    for line in table.open_lines():
        together: dict[Line | Entry, None] = {}
        reached: list[Line | Entry] = [line]
        while reached:
            each = reached.pop()
            together[each] = None
            for number in each.numbers.values():
                reached += sharing.pop(number, ())
        lines = sorted((each for each in together if isinstance(each, Line)), key=attrgetter("order"))
        entries = sorted((each for each in together if isinstance(each, Entry)), key=attrgetter("order"))
        if entries:
            yield Group(lines, entries)
