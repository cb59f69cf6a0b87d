"""Matching stages by payee, amount and date.

A stage is a function that pairs lines and entries that have no partner yet: one line with one entry, one line with
several entries, or several lines with one entry. A key is a function of a line or entry; it returns what a stage
compares, such as the payee.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Hashable, Sequence
from datetime import date, timedelta
from enum import Enum
from functools import partial
from operator import attrgetter
from typing import Any, TypeVar

from domain.tie_out.criteria import no_number_conflict, plausible, total
from domain.tie_out.numbers import Group
from domain.tie_out.open_items import OpenItems
from domain.tie_out.parts import Cash, Days, Entry, Line

Key = Callable[[Any], Hashable]
Stage = Callable[[OpenItems], None]
Each = TypeVar("Each", Line, Entry)


MAX_FEE = 200_00
"""The largest fee, in fen, that a bank may include in the line of a batch."""
MAX_CANDIDATES, MAX_SUMS = 20, 1_000
"""The most entries examined for one line, and the most lines or entries examined for one sum.

These maximums limit the running time. With Window.ANY, MAX_CANDIDATES entries before the line's date are examined, and
as many on or after that date.
"""


class Window(Enum):
    """How far apart the dates of a line and its entry may be."""

    SAME_DAY = "the same day"
    SAME_MONTH = "within the tolerance and the same month"
    TOLERATED = "within the tolerance"
    ANY = "any distance"


def _groups(items: OpenItems, key: Key) -> list[Group]:
    """The lines and entries without a partner, grouped by the value that `key` returns for them.

    The groups are in the order of their first lines. Only groups with at least one line and at least one entry are
    returned. Lines and entries for which `key` returns None are in no group.
    """
    groups: dict[Hashable, Group] = {}
    for line in items.open_lines():
        if (shared := key(line)) is not None:
            groups.setdefault(shared, Group()).lines.append(line)
    for entry in items.open_entries():
        if group := groups.get(key(entry)):
            group.entries.append(entry)
    return [group for group in groups.values() if group.entries]


def by_account(each: Cash) -> Hashable:
    return (each.direction, each.account.digest) if each.account and each.account.digest else None


def by_payee(each: Cash) -> Hashable:
    return (each.direction, each.name) if each.name else None


def by_direction(each: Cash) -> Hashable:
    return each.direction


def by_missing_payee(each: Cash) -> Hashable:
    """A key by which lines with neither payee nor account match entries of the same direction.

    Returns None for a line that has a payee or an account.
    """
    return None if isinstance(each, Line) and (each.payee or each.account) else each.direction


def with_amount(key: Key) -> Key:
    return lambda each: None if (shared := key(each)) is None else (shared, each.amount)


def by_reference(each: Cash) -> Hashable:
    return each.numbers.get("reference")


def by_voucher(each: Cash) -> Hashable:
    return each.numbers.get("voucher")


def pair_singly(key: Key, window: Window, fits: Callable[[Line, Entry], bool] = plausible) -> Stage:
    """Returns a stage that pairs single lines with single entries, the earliest line first.

    An entry is a candidate for a line if `key` returns the same for both, the entry's date is in the `window` around
    the line's date, and `fits` accepts the pair. A line is paired with its earliest candidate. With Window.ANY, it is
    paired with the candidate of the nearest date. The windows of all lines have the same width, so pairing the earliest
    line first leaves the most candidates for later lines.
    """

    def stage(items: OpenItems) -> None:
        for group in _groups(items, key):
            for line in group.lines:
                at = _best(group.entries, line, window, items.days, fits)
                if at is not None:
                    items.pair([line], [group.entries.pop(at)])

    return stage


def _best(
    entries: Sequence[Entry], line: Line, window: Window, days: Days, fits: Callable[[Line, Entry], bool]
) -> int | None:
    """The index of the entry to pair with `line`; None if no entry can be paired. `entries` are ordered by date.

    Only entries whose dates are in the `window` and that `fits` accepts are considered. The earliest of these is
    chosen. With Window.ANY, the one whose date is nearest to the line's date is chosen. At most MAX_CANDIDATES entries
    are examined, with Window.ANY twice as many.
    """
    first, last = _bounds(entries, line.on, window, days)
    if window is Window.ANY:
        middle = bisect_left(entries, line.on, key=attrgetter("on"))
        first, last = max(first, middle - MAX_CANDIDATES), min(last, middle + MAX_CANDIDATES)
        fitting = [at for at in range(first, last) if fits(line, entries[at])]
        return min(fitting, key=lambda at: (abs((entries[at].on - line.on).days), at), default=None)
    examined = range(first, min(last, first + MAX_CANDIDATES))
    return next(
        (at for at in examined if fits(line, entries[at]) and _in_window(window, line, entries[at], days)), None
    )


def _in_window(window: Window, line: Line, entry: Entry, days: Days) -> bool:
    return window is not Window.SAME_MONTH or days.near(line, entry)


def pair_sums(key: Key, window: Window) -> Stage:
    """Returns a stage that pairs one line with several entries of the same total, then one entry with several lines.

    `key` must return the same for all lines and entries of a pairing. The several entries must be consecutive: in order
    of date, no other unpaired entry with the same key is between them. Several lines must be consecutive in the same
    way.
    """

    def stage(items: OpenItems) -> None:
        for group in _groups(items, key):
            for line in list(group.lines):
                if several := _take_run(group.entries, line, window, items.days, partial(no_number_conflict, line)):
                    group.lines.remove(line)
                    items.pair([line], several)
            for entry in group.entries:
                if several_lines := _take_run(group.lines, entry, window, items.days, partial(_agrees, entry)):
                    items.pair(several_lines, [entry])

    return stage


def pair_batches(items: OpenItems) -> None:
    """Pair the line of a batch with all entries of its day and direction that have no partner, if there are several.

    The line must have neither payee nor account. Its amount may exceed the sum of the entries by up to MAX_FEE, because
    a bank may include its fee.
    """
    for line in items.open_lines():
        if line.payee or line.account:
            continue
        same_day = [entry for entry in items.open_entries() if (entry.on, entry.direction) == (line.on, line.direction)]
        if len(same_day) > 1 and 0 <= line.amount - total(same_day) <= MAX_FEE:
            items.pair([line], same_day)


def _agrees(entry: Entry, line: Line) -> bool:
    return no_number_conflict(line, entry)


def _take_run(
    candidates: list[Each], one: Cash, window: Window, days: Days, fits: Callable[[Each], bool]
) -> list[Each]:
    """Find two or more consecutive `candidates` whose amounts add up to the amount of `one`; remove and return them.

    Only the first run with this sum in the window is considered. Returns an empty list, and removes nothing, if there
    is no such run or `fits` rejects any candidate of it.
    """
    first, last = _bounds(candidates, one.on, window, days)
    run = _find_run([each.amount for each in candidates[first : min(last, first + MAX_SUMS)]], one.amount)
    taken = candidates[first + run.start : first + run.stop]
    if not taken or not all(map(fits, taken)):
        return []
    del candidates[first + run.start : first + run.stop]
    return taken


def _bounds(candidates: Sequence[Each], day: date, window: Window, days: Days) -> tuple[int, int]:
    """The slice of `candidates` within the window around `day`, as its start index and its end index (exclusive).

    `candidates` are ordered by date. For Window.SAME_MONTH, only the tolerance is applied; months are not compared.
    """
    if window is Window.ANY:
        return 0, len(candidates)
    tolerance = timedelta(days=0 if window is Window.SAME_DAY else days.tolerance)
    first = bisect_left(candidates, day - tolerance, key=attrgetter("on"))
    return first, bisect_right(candidates, day + tolerance, key=attrgetter("on"))


def _find_run(amounts: Sequence[int], amount: int) -> range:
    """The indexes of the first run of two or more consecutive amounts whose sum is `amount`; empty if there is none."""
    start = total = 0
    for end, each in enumerate(amounts):
        total += each
        while total > amount:
            total -= amounts[start]
            start += 1
        if total == amount and end > start:
            return range(start, end + 1)
    return range(0)
