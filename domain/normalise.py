"""Normalizes names and numbers for comparison, regardless of character width, white space and case."""

from __future__ import annotations

import re
import unicodedata

_ALIKE = str.maketrans("‐‑‒–—―−⁃ー‧・•⋅", "---------····")
"""Dashes of any length and middle dots, which readers do not distinguish."""


def normalized(text: str) -> str:
    """The form of `text` for comparison: NFKC (half width), case-folded, no white space, one dash, one middle dot."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split()).translate(_ALIKE)


def number_order(number: str) -> tuple[tuple[int, str], ...]:
    """The sort key of numbered names: digits compare by value, so that 受理9 sorts before 受理10."""
    parts = re.findall("[0-9]+|[^0-9]+", normalized(number))
    return tuple((int(part), "") if part.isdecimal() else (-1, part) for part in parts)
