"""Amounts: integer fen (分) internally, decimal strings in yuan on the wire, 万元 on reports (DOMAIN.md, "Money")."""

from __future__ import annotations

import re
from operator import index
from typing import Self, SupportsIndex

UNITS = {"分": 0, "元": 2, "万元": 6}
"""The units in which a plan may print its amounts, each with the number of decimal places down to a fen."""
MAX_FEN = 10**14
"""The maximum of one amount: 10**12 yuan; the ledger has serials for 92 000 such amounts."""
_YUAN = re.compile(r"(0|[1-9][0-9]{0,14})\.[0-9]{2}")


class Money(int):
    """An amount in fen that prints in yuan. Arithmetic returns a plain int: wrap the result in Money to print it.

    >>> Money(102_000_000)
    Money(1020000.00)
    """

    __slots__ = ()

    def __new__(cls, fen: SupportsIndex = 0) -> Self:
        """An amount of `fen`, which must be an integer.

        index() raises TypeError for a float or a string; int() would truncate the float and parse the string.
        """
        return super().__new__(cls, index(fen))

    @classmethod
    def parse(cls, yuan: str) -> Self:
        """The amount in the text `yuan`, written as str() writes it, with exactly two decimals.

        Raises ValueError if `yuan` is written in another way, is negative, or has more than 15 digits before the point.
        """
        if not _YUAN.fullmatch(yuan):
            raise ValueError(f"not an amount in yuan with two places: {yuan!r}")
        return cls(int(yuan.replace(".", "")))

    @property
    def wan(self) -> str:
        """The exact amount in 万元 (10 000 yuan) as a decimal text, without trailing zeros."""
        return self.in_unit("万元")

    def in_unit(self, unit: str) -> str:
        """The exact amount in `unit`, which is one of UNITS, as a decimal text without trailing zeros."""
        return self._decimal(UNITS[unit]).rstrip("0").rstrip(".")

    def __str__(self) -> str:
        return self._decimal(2)

    def __repr__(self) -> str:
        return f"Money({self})"

    def __format__(self, spec: str) -> str:
        """The amount in yuan, formatted as a text: `spec` may give a width.

        A `spec` for numbers, such as `.2f`, raises ValueError: applied to the integer, it would show fen, not yuan.
        """
        return format(str(self), spec)

    def _decimal(self, places: int) -> str:
        whole, rest = divmod(abs(self), 10**places)
        return f"{'-' if self < 0 else ''}{whole}.{rest:0{places}}"
