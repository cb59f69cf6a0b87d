"""Parses cells strictly: dates, amounts, names and numbers, as text or as the typed values of a spreadsheet."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from domain.money import MAX_FEN
from domain.normalise import normalized
from domain.state.entities import BankAccount
from service.statements.placeholders import is_placeholder
from service.text import is_visible

Cell = str | int | float | bool | date | datetime | None
AccountOf = Callable[[str], BankAccount]
"""A function that turns an account number into the form that may be stored: its last four digits and a digest."""
MAX_CELL_LENGTH = 4_000
"""The maximum number of characters in a cell; a longer cell is an error."""
MAX_EXACT_DIGITS = 15
"""How many digits a spreadsheet keeps of a number; all digits after these are lost."""

_DAY = re.compile(
    r"(\d{4})(?:[-/.年](\d{1,2})[-/.月](\d{1,2})日?|(\d{2})(\d{2}))(?:[T ]?\d{1,2}:?\d{2}(?::?\d{2}(?:\.\d{1,9})?)?)?",
    re.ASCII,
)
_AMOUNT_SIGNS = re.compile(r"[0-9０-９,，.．+＋\-－()（）¥￥元 人民币RMBCNY]*")
_AMOUNT = re.compile(r"([+-]?)(0|[1-9]\d{0,2}(?:,\d{3})+|[1-9]\d{0,19})(?:\.(\d{1,2})0{0,9})?", re.ASCII)
_LONG_NUMBER = re.compile(r"(?:\d[\W_]{0,3}){8,}?(?=(?:\d[\W_]{0,3}){4}(?!\d))", re.ASCII)
_LOST_DIGITS = re.compile(r"\d(?:\.\d+)?E\+\d{2,3}", re.ASCII)


class Wrong(ValueError):
    """The value of a cell is invalid. The messages in English and Chinese never contain a full account number."""

    def __init__(self, english: str, chinese: str) -> None:
        super().__init__(english)
        self.english, self.chinese = english, chinese


def text(cell: Cell) -> str:
    """The text of a cell in Unicode form NFC with single spaces; "" if empty. Raises Wrong if too long."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    written = str(cell)
    if len(written) > MAX_CELL_LENGTH:
        raise Wrong("The cell is too long.", "单元格内容过长。")
    return " ".join(unicodedata.normalize("NFC", written).split())


def masked(written: str, max_length: int = 200) -> str:
    """The form of `written` that may be stored and shown, cut to `max_length` characters.

    Invisible characters are removed. Long numbers are masked, because they may be account numbers.
    """
    visible = unicodedata.normalize("NFC", "".join(each for each in written if is_visible(each)))
    while (shorter := _LONG_NUMBER.sub("****", visible)) != visible:
        visible = shorter
    return " ".join(visible.split())[:max_length].strip()


def day(cell: Cell) -> date:
    """The date in a cell: year, month and day in this order, in any usual notation. A time of day is dropped.

    Raises Wrong if the cell has no such date.
    """
    if isinstance(cell, datetime):
        parsed = cell.date()
    elif isinstance(cell, date):
        parsed = cell
    else:
        parsed = _written_day(unicodedata.normalize("NFKC", text(cell)))
    if not 1949 <= parsed.year <= 2199:
        raise Wrong(f"{parsed} is outside the years 1949 to 2199.", f"{parsed} 不在 1949 至 2199 年之间。")
    return parsed


def _written_day(written: str) -> date:
    parts = _DAY.fullmatch(written)
    try:
        if parts:
            return date(int(parts[1]), int(parts[2] or parts[4]), int(parts[3] or parts[5]))
    except ValueError:
        pass
    raise Wrong(f"{_shown(written)!r} is not a date.", f"“{_shown(written)}”不是日期。")


def _shown(written: str) -> str:
    return masked(written, 50)


def amount(cell: Cell) -> int:
    """The amount in fen, which may be negative; 0 if the cell is empty or a dash.

    Raises Wrong if the cell is not an exact amount: a fraction of a fen is an error, never rounded.
    """
    written = _decimal(cell) if isinstance(cell, float) else text(cell)
    signs = None if isinstance(cell, bool | date) else _AMOUNT_SIGNS.fullmatch(written)
    cleaned = unicodedata.normalize("NFKC", written).strip() if signs else ""
    cleaned = re.sub(r"^(人民币|RMB|CNY|¥) ?", "", cleaned).removesuffix("元")
    if written in ("", "-", "--", "—"):
        return 0
    if bracketed := re.fullmatch(r"\((.+)\)", cleaned):
        cleaned = f"-{bracketed[1]}"
    match = _AMOUNT.fullmatch(cleaned)
    if match is None:
        raise Wrong(f"{_shown(written)!r} is not an amount in yuan and fen.", f"“{_shown(written)}”不是元、分金额。")
    sign, whole, fen = match.groups("")
    value = int(whole.replace(",", "") + fen.ljust(2, "0"))
    if value > MAX_FEN:
        raise Wrong(f"{_shown(written)!r} is too large.", f"“{_shown(written)}”过大。")
    return -value if sign == "-" else value


def _decimal(number: float) -> str:
    """The decimal number that a spreadsheet shows for `number`: rounded to 15 digits."""
    try:
        return f"{Decimal(f'{number:.15g}'):f}"[:50]
    except InvalidOperation:
        return str(number)


def number(cell: Cell) -> str | None:
    """A reference or voucher number; None if the cell is empty or has a placeholder, and if it has lost digits.

    A mark that only keeps a spreadsheet from changing the number is not part of it. Raises Wrong if the number is too
    long.
    """
    written = text(cell).lstrip("'`‘’").strip()
    if not written or is_placeholder(written) or _digits_lost(cell) or not is_visible(written):
        return None
    if len(written) > 100:
        raise Wrong(f"The number {_shown(written)!r}… is too long.", f"“{_shown(written)}”…编号过长。")
    return written


def _digits_lost(cell: Cell) -> bool:
    """Whether the cell has a long number whose last digits the spreadsheet may have lost."""
    if isinstance(cell, str):
        return bool(_LOST_DIGITS.fullmatch(cell.strip()))
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return len(str(abs(int(cell)))) > MAX_EXACT_DIGITS if abs(cell) < 1e300 else True
    return False


def name(cell: Cell) -> str | None:
    """The name of a payee, or a summary, in the form that may be stored; None if the cell is empty."""
    return masked(text(cell)) or None


def account(cell: Cell, account_of: AccountOf) -> BankAccount | None:
    """An account number in the form that may be stored. If the number is masked, only the last four digits are kept.

    None if the cell is empty or not an account number, or if the spreadsheet lost digits.
    """
    written = re.sub(r"[ -]", "", normalized(text(cell))).upper()
    if not written or len(written) > 40 or _digits_lost(cell):
        return None
    if masked_number := re.fullmatch(r"[0-9A-Z]{0,20}?(?:\*+|X{2,}|\.{2,})([0-9]{4})", written):
        return BankAccount(masked_number[1], "")
    return account_of(written) if re.fullmatch(r"[0-9A-Z]{5,34}", written) else None
