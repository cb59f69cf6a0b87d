"""What stands in a cell, read strictly: days, amounts, names and numbers, as text or as a spreadsheet keeps them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from domain.names import plain
from domain.project.subjects import BankAccount
from service.api.fields import MOST_FEN, seen

Cell = str | int | float | bool | date | datetime | None
AccountOf = Callable[[str], BankAccount]
"""Makes an account number into what may be kept of it."""

_DAY = re.compile(r"(\d{4})(?:[-/.年](\d{1,2})[-/.月](\d{1,2})日?|(\d{2})(\d{2}))(?:[T ].*|\d{6})?", re.ASCII)
_AMOUNT = re.compile(r"([+-]?)(\d{1,3}(?:,\d{3})+|\d+)(?:\.(\d{1,2})0*)?", re.ASCII)
_LONG_NUMBER = re.compile(r"(?:\d[ -]?){8,}(?=(?:\d[ -]?){4})")
MOST_EXACT = 15
"""Digits that a spreadsheet's number keeps: of a longer one the last are lost."""


class Wrong(ValueError):
    """What stands there is not what it should be; said in English and Chinese."""

    def __init__(self, english: str, chinese: str) -> None:
        super().__init__(english)
        self.english, self.chinese = english, chinese


def text(cell: Cell) -> str:
    """A cell as a person reads it; empty if nothing is in it."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return " ".join(unicodedata.normalize("NFC", str(cell)).split())


def day(cell: Cell) -> date:
    """A day, however it is written with year, month and day in this order. Raises Wrong."""
    if isinstance(cell, datetime):
        found = cell.date()
    elif isinstance(cell, date):
        found = cell
    else:
        found = _written_day(unicodedata.normalize("NFKC", text(cell)))
    if not 1949 <= found.year <= 2199:
        raise Wrong(f"{found} lies outside 1949 to 2199.", f"{found} 不在 1949 至 2199 年之间。")
    return found


def _written_day(written: str) -> date:
    parts = _DAY.fullmatch(written)
    try:
        if parts:
            return date(int(parts[1]), int(parts[2] or parts[4]), int(parts[3] or parts[5]))
    except ValueError:
        pass
    raise Wrong(f"{written[:50]!r} is no day.", f"“{written[:50]}”不是日期。")


def amount(cell: Cell) -> int:
    """Fen, less than zero if it is written so; 0 if nothing is. Raises Wrong: for a third decimal too."""
    written = text(cell)
    if isinstance(cell, float):
        written = _decimal(cell)
    cleaned = re.sub(r"^(人民币|RMB|CNY|[¥￥])", "", unicodedata.normalize("NFKC", written).replace(" ", ""))
    cleaned = cleaned.removesuffix("元")
    if cleaned in ("", "-", "--", "—"):
        return 0
    if bracketed := re.fullmatch(r"\((.+)\)", cleaned):
        cleaned = f"-{bracketed[1]}"
    found = None if isinstance(cell, bool | date) else _AMOUNT.fullmatch(cleaned)
    if found is None:
        raise Wrong(f"{written[:50]!r} is no amount in yuan and fen.", f"“{written[:50]}”不是元、分金额。")
    sign, whole, fen = found.groups("")
    value = int(whole.replace(",", "") + fen.ljust(2, "0"))
    if value > MOST_FEN:
        raise Wrong(f"{written[:50]!r} is too much.", f"“{written[:50]}”过大。")
    return -value if sign == "-" else value


def _decimal(number: float) -> str:
    """What a spreadsheet shows of a number: its fifteen digits, not the binary fraction behind them."""
    try:
        return f"{Decimal(f'{number:.15g}'):f}"
    except InvalidOperation:
        return str(number)


def number(cell: Cell) -> str | None:
    """A reference or a voucher's number; None if there is none, or a sheet has lost its last digits."""
    written = text(cell)
    if not written or _lost(cell) or not seen(written):
        return None
    if len(written) > 100:
        raise Wrong(f"{written[:50]!r}… is too long a number.", f"“{written[:50]}”…编号过长。")
    return written


def _lost(cell: Cell) -> bool:
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return isinstance(cell, float) or len(str(abs(cell))) > MOST_EXACT
    return False


def name(cell: Cell, most: int = 200) -> str | None:
    """Whom or what it was for, without long numbers, which may be accounts; None if nothing is said."""
    written = _LONG_NUMBER.sub("****", "".join(each for each in text(cell) if seen(each))).strip()
    return written[:most].strip() or None


def account(cell: Cell, account_of: AccountOf) -> BankAccount | None:
    """What may be kept of an account number; of one that is masked, its last four. None if digits were lost."""
    written = re.sub(r"[ -]", "", plain(text(cell))).upper()
    if not written or _lost(cell):
        return None
    if re.fullmatch(r"[0-9A-Z]{5,34}", written):
        return account_of(written)
    if masked := re.fullmatch(r"[0-9A-Z]*[*X.]+([0-9A-Z]{4})", written):
        return BankAccount(masked[1], "")
    return None
