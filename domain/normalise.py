"""Normalizes names and numbers for comparison, regardless of character width, white space and case."""

from __future__ import annotations

import re
import unicodedata

from domain.case_folding import FOLDED

_ALIKE = dict(zip("‐‑‒–—―−⁃ー‧・•⋅", "---------····", strict=True))
"""Maps all dashes to one dash and all middle dots to one middle dot, because readers do not distinguish them."""
_SPACE = dict.fromkeys("\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\u1680\u2028\u2029", "")
"""Removes the white space characters that NFKC leaves unchanged: they are mapped to the empty string."""
_TABLE = str.maketrans({**FOLDED, **_ALIKE, **_SPACE})


def normalized(text: str) -> str:
    """The form of `text` for comparison: NFKC (half width), case-folded, without white space.

    All dashes become the same dash, and all middle dots the same middle dot. The PostgreSQL function `plain` returns
    the same form for every text.
    """
    return unicodedata.normalize("NFKC", text).translate(_TABLE)


def number_order(number: str) -> tuple[tuple[int, str], ...]:
    """The sort key of a document number: its digits compare by value, so that 受理9 sorts before 受理10."""
    parts = re.findall("[0-9]+|[^0-9]+", normalized(number))
    return tuple((int(part), "") if part.isdecimal() else (-1, part) for part in parts)
