"""Names and numbers as people mean them: the same however wide, spaced or cased they were typed."""

from __future__ import annotations

import re
import unicodedata

_ALIKE = str.maketrans("‐‑‒–—―−⁃ー‧・•⋅", "---------····")
"""Dashes of any length and middle dots: who reads them takes them for one."""


def normalized(text: str) -> str:
    """What `text` is compared by: full width as half width, no white space, one case, one dash, one middle dot."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split()).translate(_ALIKE)


def number_order(number: str) -> tuple[tuple[int, str], ...]:
    """What numbered names are sorted by: figures by their value, so that 受理9 comes before 受理10."""
    parts = re.findall("[0-9]+|[^0-9]+", normalized(number))
    return tuple((int(part), "") if part.isdecimal() else (-1, part) for part in parts)
