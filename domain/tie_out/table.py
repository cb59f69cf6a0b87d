"""The table that lines and entries lie on until they are paired."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import attrgetter

from domain.fund.reconciliation import Difference
from domain.tie_out.evidence import differs, reasons
from domain.tie_out.parts import Days, Entry, Line, Pairing


class Table:
    """What is not paired yet, and what is."""

    def __init__(self, days: Days, lines: Iterable[Line], entries: Iterable[Entry]) -> None:
        self.days = days
        self._lines = {line.number: line for line in sorted(lines, key=attrgetter("order"))}
        self._entries = {entry.at: entry for entry in sorted(entries, key=attrgetter("order"))}
        self.found: list[Pairing] = []

    def open_lines(self) -> list[Line]:
        """By day."""
        return list(self._lines.values())

    def open_entries(self) -> list[Entry]:
        """By day."""
        return list(self._entries.values())

    def repeated(self, line: Line, twin: int) -> None:
        """The line says what line `twin` said."""
        del self._lines[line.number]
        self.found.append(Pairing((line,), (), differs=(Difference.DUPLICATE,), twin=twin))

    def pair(self, lines: Sequence[Line], entries: Sequence[Entry]) -> None:
        for line in lines:
            del self._lines[line.number]
        for entry in entries:
            del self._entries[entry.at]
        told = tuple(reasons(lines, entries, self.days))
        self.found.append(Pairing(tuple(lines), tuple(entries), told, tuple(differs(lines, entries, self.days))))
