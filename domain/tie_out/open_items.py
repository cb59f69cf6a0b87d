"""The state of a tie-out under way: the lines and entries without a partner (open), and the pairings found so far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from operator import attrgetter

from domain.fund.reconciliation import Difference
from domain.tie_out.criteria import differences, reasons
from domain.tie_out.parts import Cash, Days, Entry, Line, Pairing


class OpenItems:
    """The statement lines and the entries that are not paired yet, and the pairings found so far."""

    def __init__(self, days: Days, lines: Iterable[Line], entries: Iterable[Entry]) -> None:
        self.days = days
        self._lines = {line.number: line for line in sorted(lines, key=attrgetter("order"))}
        self._entries = {entry.at: entry for entry in sorted(entries, key=attrgetter("order"))}
        self.pairings: list[Pairing] = []
        everything = (*self._lines.values(), *self._entries.values())
        self._amounts = Counter((each.direction, each.amount) for each in everything)

    def occurrences(self, each: Cash) -> int:
        """How many lines and entries, paired or not, have the amount and the direction of `each`."""
        return self._amounts[each.direction, each.amount]

    def open_lines(self) -> list[Line]:
        """The lines not paired yet, in order of day."""
        return list(self._lines.values())

    def open_entries(self) -> list[Entry]:
        """The entries not paired yet, in order of day."""
        return list(self._entries.values())

    def add_duplicate(self, line: Line, twin: int) -> None:
        """Record `line` as a duplicate of the line with the number `twin`, in a pairing of its own without entries."""
        del self._lines[line.number]
        self.pairings.append(Pairing((line,), (), differs=(Difference.DUPLICATE,), twin=twin))

    def set_aside(self, pairing: Pairing) -> None:
        """Record a pairing of lines that have no entries."""
        for line in pairing.lines:
            del self._lines[line.number]
        self.pairings.append(pairing)

    def pair(self, lines: Sequence[Line], entries: Sequence[Entry]) -> None:
        for line in lines:
            del self._lines[line.number]
        for entry in entries:
            del self._entries[entry.at]
        why = tuple(reasons(lines, entries, self.days))
        differs = tuple(differences(lines, entries, self.days))
        self.pairings.append(Pairing(tuple(lines), tuple(entries), why, differs))
