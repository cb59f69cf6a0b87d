"""The rows below the headings of a sheet: which are lines, totals, carried balances or notes, and what a line says."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from domain.normalise import normalized
from service.statements import cells, headings, labels
from service.statements.cells import AccountOf, Cell, Wrong
from service.statements.headings import AMOUNTS, raw, where
from service.statements.statement import Error

_PERIOD = "(?:本|上|全|前|当|[0-9]{1,2})?(?:页|日|期|月份?|季度?|年度?)?"
TOTAL_ROW = re.compile(
    f"{_PERIOD}(?:合计|总计|小计|共计|累计|累计数|累计发生额|发生额合计|发生额累计)(?:金额)?:?|total:?"
)
RUNNING_TOTAL = re.compile("累计")
CARRIED_BALANCE_ROW = re.compile(
    r"(?:本|上|期初|期末|月初|月末|年初|年末)?(?:页|日|期|月|年度?)?(?:余额|结转|结余):?|承前页?|过次页?"
)
OPENING_ROW, CLOSING_ROW = re.compile("期初|月初|年初|^上[日期月年]"), re.compile("期末|月末|年末|^本[日期月年]")
"""TOTAL_ROW matches the text of a cell that marks its row as a total. CARRIED_BALANCE_ROW matches the text of a cell
that marks its row as a carried balance, if the row has no amount; OPENING_ROW and CLOSING_ROW match those that are the
first and the last balance of the statement."""
NAME_PARTS = ("payee", "payer", "account", "payer_account", "reference", "voucher")
"""The parts of a line whose values may look like the mark of a total or a carried balance, for example a payee's name.
Their cells are not matched with TOTAL_ROW and CARRIED_BALANCE_ROW."""
MOVED = AMOUNTS[:3]
"""The parts of a line that say how much was moved."""


@dataclass(slots=True)
class Row:
    """A row below the headings, whose columns are `positions`, the column index of each part of a line.

    `titles`: the headings of the sheet. Of a line: `on` is its day, `written` its amount in fen; `way` is 1 if its
    column or direction says that it is received, -1 if paid out; `fen` is what the account gains by it, if debits are
    payments. `errors`: what cannot be read in it.
    """

    number: int
    cells: Sequence[Cell]
    positions: Mapping[str, int]
    titles: Sequence[str]
    on: date | None = None
    written: int = 0
    way: int = 1
    fen: int = 0
    details: dict[str, Any] = field(default_factory=dict)
    balance: int | None = None
    errors: list[Error] = field(default_factory=list)

    @property
    def where(self) -> str:
        return f"row {self.number}"

    @property
    def text(self) -> str:
        return " ".join(filter(None, (cells.masked(raw(cell)) for cell in self.cells)))[:200]

    def cell(self, part: str) -> Cell:
        at = self.positions.get(part)
        return self.cells[at] if at is not None and at < len(self.cells) else None

    def written_in(self, part: str) -> str:
        return raw(self.cell(part)).strip()

    # What kind of row it is ---------------------------------------------------------

    def is_empty(self) -> bool:
        return not any(raw(cell).strip() for cell in self.cells)

    def is_total(self) -> bool:
        return any(map(TOTAL_ROW.fullmatch, self.marks()))

    def is_carried(self) -> bool:
        return not self.has_amount() and any(map(CARRIED_BALANCE_ROW.fullmatch, self.marks()))

    def is_no_line(self) -> bool:
        """Whether the row repeats the headings, is a note without day and amount, or begins with a label."""
        titles = [headings.title(cell) for cell in self.cells]
        if all(each in ("", heading) for each, heading in zip(titles, self.titles, strict=False)):
            return True
        if labels.begins_with_label(self.cells) or (not self.has_amount() and not self._has_day()):
            return True
        return not self.written_in("date") and not self._has_amount_that_is_read()

    def is_like_a_line(self) -> bool:
        """Whether the row has a day and an amount, whatever else is wrong with it, and is no total."""
        return bool(self.written_in("date")) and self.has_amount() and not self.is_total()

    def marks(self) -> list[str]:
        """The texts that may mark the row as a total or a carried balance."""
        names = {self.positions.get(part) for part in NAME_PARTS}
        return [normalized(raw(cell)) for at, cell in enumerate(self.cells) if at not in names]

    def has_amount(self) -> bool:
        return any(self.written_in(part) for part in MOVED)

    def _has_day(self) -> bool:
        try:
            return bool(cells.day(self.cell("date")))
        except Wrong:
            return False

    def _has_amount_that_is_read(self) -> bool:
        return any(map(self.amount_or_none, MOVED))

    def amount_or_none(self, part: str) -> int | None:
        """The amount in fen in this part of the row; None if there is none that can be read."""
        try:
            return cells.amount(self.cell(part)) or None
        except Wrong:
            return None

    # What a line says ----------------------------------------------------------------

    def read(self, account_of: AccountOf) -> list[tuple[str, int]]:
        """Read the row as a line, into `on`, `balance`, `details` and `errors`.

        Returns the amounts in fen that are not zero, each with the part that it stands in.
        """
        self._check_width()
        self.on = self.part("date", cells.day)
        self.part("currency", _currency)
        self.balance = self.part("balance", balance)
        readers = {
            **dict.fromkeys(("payee", "payer", "summary"), cells.name),
            **dict.fromkeys(("account", "payer_account"), lambda cell: cells.account(cell, account_of)),
            **dict.fromkeys(("reference", "voucher"), cells.number),
        }
        self.details = {part: self.part(part, reader) for part, reader in readers.items()}
        amounts = [(part, self.part(part, cells.amount)) for part in MOVED if part in self.positions]
        return [(part, amount) for part, amount in amounts if amount]

    def part(self, part: str, reader: Callable[[Cell], Any]) -> Any:
        """What `reader` reads in this part of the row; None if the sheet lacks it, or if it is wrong."""
        if part not in self.positions:
            return None
        try:
            return reader(self.cell(part))
        except Wrong as wrong:
            self.add_error(part, wrong.english, wrong.chinese)
            return None

    def add_error(self, part: str, english: str, chinese: str) -> None:
        self.errors.append((where(self.number, self.positions.get(part, 0)), english, chinese))

    def _check_width(self) -> None:
        """Add an error if the row has a filled cell beyond the last heading.

        The cause may be an amount such as 1,000 without quotes, which was split at its comma.
        """
        width = len(self.titles)
        beyond = next((at for at, cell in enumerate(self.cells) if at >= width and raw(cell).strip()), None)
        if beyond is not None:
            place = where(self.number, beyond)
            self.errors.append((place, "The row has more cells than there are headings.", "该行的列数多于标题。"))


def balance(cell: Cell) -> int | None:
    """The balance in a cell; None if it is empty, as where a bank prints one for each day or a formula has no value."""
    return cells.amount(cell) if raw(cell).strip(" -—") else None


def _currency(cell: Cell) -> None:
    """Raises Wrong if the currency is not the yuan."""
    if normalized(raw(cell)) not in labels.CURRENCIES | {""}:
        raise Wrong("The amount must be in yuan.", "币种须为人民币。")
