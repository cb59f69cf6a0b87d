"""The result of reading a file: a statement (its lines, and how the file was read), or the errors in the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from msgspec import Struct, field
from msgspec.structs import replace

from domain.fund.reconciliation import Direction
from domain.money import Money
from domain.tie_out import Line

MAX_LINES = 5_000
"""Maximum number of lines in a statement; a longer statement must be split by date."""
MAX_ERRORS = 20
"""Maximum number of errors of a file that are reported."""
Error = tuple[str, str, str]
"""An error: its place in the file (empty if it concerns the whole file), and the message in English and in Chinese."""


class StatementWrong(Exception):
    """The file is not a valid statement; `errors` has the places and the reasons."""

    def __init__(self, errors: Sequence[Error]) -> None:
        super().__init__(errors)
        self.errors = errors


def too_long() -> StatementWrong:
    return StatementWrong(
        [
            (
                "",
                f"The statement has more than {MAX_LINES} lines: split it by date.",
                f"超过 {MAX_LINES} 行，请按日期拆分。",
            )
        ]
    )


class Choices(Struct, frozen=True):
    """What the client says about a file that the file itself does not make certain.

    `columns`: a part of a line, such as `date`, and its heading in the file, where it is not a usual one. `negative`:
    what a negative amount is, `paid` or `received`. `paid_word`, `received_word`: the words in the direction column for
    money paid out and received. `ignored`: headings of columns that need not be read.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    negative: str | None = None
    paid_word: str | None = None
    received_word: str | None = None
    ignored: tuple[str, ...] = ()


class Statement(Struct, frozen=True):
    """A statement's lines, and how its file was read.

    `columns`: the column heading of each part of a line. `rows`: the place of each line in the file. `skipped`: rows
    that are not lines, such as totals, each as its place and its text. `unread`: the headings of the columns that were
    not read. `unchecked`: the parts of a line that the file does not have, so that they were not compared.
    `direction_by`: what says which lines pay out: `headings`, a `column`, the `balances`, or a `parameter`; None in a
    format that leaves no choice. `adds_up`: whether the balances and totals in the file agree with its lines; None if
    it has none. `contradictions`: where they do not.
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
    unread: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()
    direction_by: str | None = None
    adds_up: bool | None = None
    contradictions: tuple[Error, ...] = ()

    def total(self, direction: Direction) -> Money:
        """The sum of the amounts of the statement's incoming or of its outgoing lines, as `direction` says."""
        return Money(sum(line.amount for line in self.lines if line.direction is direction))

    def of(self, first_day: date, last_day: date) -> Statement:
        """A copy of the statement with this `first_day` and `last_day`, and the same lines."""
        return replace(self, first_day=first_day, last_day=last_day)
