"""The two matching stages that pair lines with entries because they share a bank reference or voucher number."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from operator import attrgetter

from msgspec import Struct, field

from domain.tie_out.criteria import total
from domain.tie_out.open_items import OpenItems
from domain.tie_out.parts import Entry, Line


class Group(Struct):
    """Lines and entries that may belong together, ordered by day.

    They share a reference or voucher number, or another property that a matching stage compares, such as the payee.
    """

    lines: list[Line] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)


def by_number(items: OpenItems) -> None:
    """Pair lines with entries that share a bank reference or voucher number.

    A group is formed by lines and entries that share numbers, directly or through other members of the group. The
    lines of a group are paired with its entries only if their sums are equal, and the group has only one line or only
    one entry.
    """
    for group in _connected(items):
        if total(group.lines) == total(group.entries) and 1 in (len(group.lines), len(group.entries)):
            items.pair(group.lines, group.entries)


def by_number_with_differences(items: OpenItems) -> None:
    """Pair lines with entries that share a bank reference or voucher number, even if their sums differ.

    The groups are formed as in `by_number`, from the lines and entries that the stages before this one left unpaired.
    Every group is paired, even one with several lines and several entries.
    """
    for group in _connected(items):
        items.pair(group.lines, group.entries)


def _connected(items: OpenItems) -> Iterator[Group]:
    sharing: dict[Hashable, list[Line | Entry]] = {}
    everything: list[Line | Entry] = [*items.open_lines(), *items.open_entries()]
    for each in everything:
        for number in each.numbers.values():
            sharing.setdefault(number, []).append(each)
    for line in items.open_lines():
        connected: dict[Line | Entry, None] = {}
        to_visit: list[Line | Entry] = [line]
        while to_visit:
            each = to_visit.pop()
            connected[each] = None
            for number in each.numbers.values():
                to_visit += sharing.pop(number, ())
        lines = sorted((each for each in connected if isinstance(each, Line)), key=attrgetter("order"))
        entries = sorted((each for each in connected if isinstance(each, Entry)), key=attrgetter("order"))
        if entries:
            yield Group(lines, entries)
