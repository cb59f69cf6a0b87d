"""Parses the amounts and counts of files that programs write for programs: an empty amount is an error, never zero."""

from __future__ import annotations

import re

from domain.money import MAX_FEN
from service.statements import cells
from service.statements.cells import Wrong


def amount(written: str | None) -> int:
    """The amount in fen, which may be negative or zero. Raises Wrong if it is missing or not exact to the fen."""
    fen = cells.amount(written)
    if fen == 0 and not re.search("[0-9]", written or ""):
        raise Wrong("The amount is missing.", "缺少金额。")
    return fen


def count(written: str) -> int:
    """A number of lines. Raises Wrong."""
    if not re.fullmatch("[0-9]{1,9}", written):
        raise Wrong("The number of lines is not a number.", "笔数不是数字。")
    return int(written)


def decimal(written: str) -> int:
    """The signed amount in fen, with a comma or a point before the fen and no separators. Raises Wrong."""
    parts = re.fullmatch(r"([+-]?)([0-9]{1,15})(?:[.,]([0-9]{0,2}))?", written.strip())
    if parts is None:
        raise Wrong(
            f"{cells.masked(written, 50)!r} is not an amount in yuan and fen.",
            f"“{cells.masked(written, 50)}”不是元、分金额。",
        )
    sign, yuan, fen = parts.groups("")
    value = int(yuan + fen.ljust(2, "0"))
    if value > MAX_FEN:
        raise Wrong(f"{cells.masked(written, 50)!r} is too large.", f"“{cells.masked(written, 50)}”过大。")
    return -value if sign == "-" else value
