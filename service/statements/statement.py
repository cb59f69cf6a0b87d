"""What a statement is once it is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from msgspec import Struct, field
from msgspec.structs import replace

from domain.fund.reconciliation import Direction
from domain.money import Money
from domain.tie_out import Line

MAX_LINES = 5_000
"""A longer statement is to be split by days."""
MAX_ERRORS = 20
"""How many wrong places are told."""
Error = tuple[str, str, str]
"""Where, and what is wrong in English and Chinese."""


class StatementWrong(Exception):
    """The file cannot be taken for a statement; `errors` say where and why."""

    def __init__(self, errors: Sequence[Error]) -> None:
        super().__init__(errors)
        self.errors = errors


def too_long() -> StatementWrong:
    return StatementWrong(
        [("", f"It has more than {MAX_LINES} lines: split it by days.", f"超过 {MAX_LINES} 行，请按日期拆分。")]
    )


class Statement(Struct, frozen=True):
    """A statement's lines and what is known of its file. `columns`: the heading that each part was read from.

    `rows`: where each line stands in the file. `skipped`: rows that are no lines, such as totals. `adds_up`: whether
    its own balances follow from its lines; None if it tells none.
    """

    sha256: str
    form: str
    lines: tuple[Line, ...]
    first_day: date | None = None
    last_day: date | None = None
    encoding: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    rows: tuple[str, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()
    adds_up: bool | None = None

    def total(self, direction: Direction) -> Money:
        """The sum of the lines that went this way."""
        return Money(sum(line.amount for line in self.lines if line.direction is direction))

    def of(self, first_day: date, last_day: date) -> Statement:
        """The same, of these days."""
        return replace(self, first_day=first_day, last_day=last_day)
