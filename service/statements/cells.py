"""What stands in a cell, read strictly: days, amounts, names and numbers, as text or as a spreadsheet keeps them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from domain.money import MAX_FEN
from domain.normalise import normalized
from domain.state.entities import BankAccount
from service.text import is_visible

Cell = str | int | float | bool | date | datetime | None
AccountOf = Callable[[str], BankAccount]
"""Makes an account number into what may be kept of it."""
MAX_CELL_LENGTH = 4_000
"""Characters of a cell; a longer one is no statement's."""
MAX_EXACT_DIGITS = 15
"""Digits that a spreadsheet's number keeps: of a longer one the last are lost."""

_DAY = re.compile(
    r"(\d{4})(?:[-/.年](\d{1,2})[-/.月](\d{1,2})日?|(\d{2})(\d{2}))(?:[T ]?\d{1,2}:?\d{2}(?::?\d{2}(?:\.\d{1,9})?)?)?",
    re.ASCII,
)
_AMOUNT_SIGNS = re.compile(r"[0-9０-９,，.．+＋\-－()（）¥￥元 人民币RMBCNY]*")
_AMOUNT = re.compile(r"([+-]?)(0|[1-9]\d{0,2}(?:,\d{3})+|[1-9]\d{0,19})(?:\.(\d{1,2})0{0,9})?", re.ASCII)
_LONG_NUMBER = re.compile(r"(?:\d[\W_]{0,3}){8,}?(?=(?:\d[\W_]{0,3}){4}(?!\d))", re.ASCII)
_LOST_DIGITS = re.compile(r"\d(?:\.\d+)?E\+\d{2,3}", re.ASCII)


class Wrong(ValueError):
    """What stands there is not what it should be; said in English and Chinese, without what may be an account."""

    def __init__(self, english: str, chinese: str) -> None:
        super().__init__(english)
        self.english, self.chinese = english, chinese


def text(cell: Cell) -> str:
    """A cell as a person reads it; empty if nothing is in it. Raises Wrong if it is too long for one."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    written = str(cell)
    if len(written) > MAX_CELL_LENGTH:
        raise Wrong("A cell is too long.", "单元格内容过长。")
    return " ".join(unicodedata.normalize("NFC", written).split())


def masked(written: str, most: int = 200) -> str:
    """What people may read again: without unseen characters, and without long numbers, which may be accounts."""
    visible = unicodedata.normalize("NFC", "".join(each for each in written if is_visible(each)))
    while (shorter := _LONG_NUMBER.sub("****", visible)) != visible:
        visible = shorter
    return " ".join(visible.split())[:most].strip()


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
    raise Wrong(f"{_shown(written)!r} is no day.", f"“{_shown(written)}”不是日期。")


def _shown(written: str) -> str:
    return masked(written, 50)


def amount(cell: Cell) -> int:
    """Fen, less than zero if it is written so; 0 if nothing is. Raises Wrong: for a third decimal too."""
    written = _decimal(cell) if isinstance(cell, float) else text(cell)
    signs = None if isinstance(cell, bool | date) else _AMOUNT_SIGNS.fullmatch(written)
    cleaned = unicodedata.normalize("NFKC", written).strip() if signs else ""
    cleaned = re.sub(r"^(人民币|RMB|CNY|¥) ?", "", cleaned).removesuffix("元")
    if written in ("", "-", "--", "—"):
        return 0
    if bracketed := re.fullmatch(r"\((.+)\)", cleaned):
        cleaned = f"-{bracketed[1]}"
    found = _AMOUNT.fullmatch(cleaned)
    if found is None:
        raise Wrong(f"{_shown(written)!r} is no amount in yuan and fen.", f"“{_shown(written)}”不是元、分金额。")
    sign, whole, fen = found.groups("")
    value = int(whole.replace(",", "") + fen.ljust(2, "0"))
    if value > MAX_FEN:
        raise Wrong(f"{_shown(written)!r} is too much.", f"“{_shown(written)}”过大。")
    return -value if sign == "-" else value


def _decimal(number: float) -> str:
    """What a spreadsheet shows of a number: its fifteen digits, not the binary fraction behind them."""
    try:
        return f"{Decimal(f'{number:.15g}'):f}"[:50]
    except InvalidOperation:
        return str(number)


def number(cell: Cell) -> str | None:
    """A reference or a voucher's number; None if there is none, or a sheet has lost its last digits. Raises Wrong."""
    written = text(cell)
    if not written or _lost(cell) or not is_visible(written):
        return None
    if len(written) > 100:
        raise Wrong(f"{_shown(written)!r}… is too long a number.", f"“{_shown(written)}”…编号过长。")
    return written


def _lost(cell: Cell) -> bool:
    if isinstance(cell, str):
        return bool(_LOST_DIGITS.fullmatch(cell.strip()))
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return len(str(abs(int(cell)))) > MAX_EXACT_DIGITS if abs(cell) < 1e300 else True
    return False


def name(cell: Cell) -> str | None:
    """Whom or what it was for, as it may be kept; None if nothing is said."""
    return masked(text(cell)) or None


def account(cell: Cell, account_of: AccountOf) -> BankAccount | None:
    """What may be kept of an account number; of one that is masked, its last four. None if digits were lost."""
    written = re.sub(r"[ -]", "", normalized(text(cell))).upper()
    if not written or len(written) > 40 or _lost(cell):
        return None
    if hidden := re.fullmatch(r"[0-9A-Z]{0,20}?(?:\*+|X{2,}|\.{2,})([0-9]{4})", written):
        return BankAccount(hidden[1], "")
    return account_of(written) if re.fullmatch(r"[0-9A-Z]{5,34}", written) else None
