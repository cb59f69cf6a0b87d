"""Collects the lines, the skipped parts and the errors of a file while it is read, up to their maximum numbers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from msgspec.structs import replace

from domain.tie_out import Line
from service.statements.agreement import Period, widened
from service.statements.balances import Checked
from service.statements.cells import Wrong, masked
from service.statements.statement import MAX_ERRORS, MAX_LINES, Error, Statement, StatementWrong, too_long


@dataclass(slots=True)
class Collector:
    """What has been read of a file so far. `rows`: the place of each line."""

    lines: list[Line] = field(default_factory=list)
    rows: list[str] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    errors: list[Error] = field(default_factory=list)

    def add(self, where: str, line: Line) -> None:
        """Add a line, numbered in order. Raises StatementWrong if there are too many."""
        if len(self.lines) == MAX_LINES:
            raise too_long()
        self.lines.append(replace(line, number=len(self.lines) + 1))
        self.rows.append(where)

    def skip(self, where: str, *words: str | None) -> None:
        """Record a part of the file that is not a line, such as a notice of 0.00. `words`: what the part says."""
        if len(self.skipped) == MAX_LINES:
            raise too_long()
        self.skipped.append((where, masked(" ".join(filter(None, words)))))

    @contextmanager
    def at(self, where: str) -> Iterator[None]:
        """Record a Wrong that is raised in the block as an error at `where`. Raises StatementWrong at MAX_ERRORS."""
        try:
            yield
        except Wrong as wrong:
            self.errors.append((where, wrong.english, wrong.chinese))
            if len(self.errors) == MAX_ERRORS:
                raise StatementWrong(self.errors) from wrong

    def statement(self, sha256: str, form: str, period: Period, checked: Checked, encoding: str | None) -> Statement:
        """The statement of all lines. Raises StatementWrong if there were errors.

        `period`: the days that the file states; it is widened to the days of the lines.
        """
        if self.errors:
            raise StatementWrong(self.errors)
        (first, last), outside = widened(period, self.lines, self.rows)
        return Statement(
            sha256,
            form,
            tuple(self.lines),
            first,
            last,
            encoding=encoding,
            rows=tuple(self.rows),
            skipped=tuple(self.skipped),
            adds_up=checked.adds_up,
            contradictions=(*checked.contradictions, *outside),
        )
