"""Rules for text: inputs have only visible characters, dates are `YYYY-MM-DD`, messages escape invisible characters."""

from __future__ import annotations

import re
import unicodedata

DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)

ORDINARY = re.compile("[ -~\u00a1-\u00ac\u00ae-\u017f\u2010-\u2027\u3001-\u303f\u4e00-\u9fff\uff01-\uff5e]*")
"""Matches text of characters that are all visible. Other text is checked character by character."""
INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u2d7f\u3164\uffa0\U0001107f\U00016fe4\U0001d159\ufffc")
INVISIBLE_KINDS = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})


def is_visible(text: str) -> bool:
    """Whether every character is visible.

    Controls, zero-width characters, bidi marks, fillers and variation selectors are not visible.
    """
    return bool(ORDINARY.fullmatch(text)) or not any(map(_is_invisible, text))


def _is_invisible(character: str) -> bool:
    kind = unicodedata.category(character)
    return (
        kind in INVISIBLE_KINDS
        or (kind == "Zs" and character not in " \u3000")
        or character in INVISIBLE
        or "VARIATION SELECTOR" in unicodedata.name(character, "")
    )


def escaped(text: str) -> str:
    r"""The text with every invisible character escaped, such as `\n` or `\u200b`, so that no terminal interprets it."""
    return "".join(_escape(each) if _is_invisible(each) else each for each in text)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode()
