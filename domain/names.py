"""Names and numbers as people mean them: the same however wide, spaced or cased they were typed."""

from __future__ import annotations

import unicodedata


def plain(text: str) -> str:
    """What `text` is compared by: full width as half width, no white space, one case."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())
