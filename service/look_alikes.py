"""When two names look alike, also across scripts: by Unicode's table of confusable characters (UTS 39).

Only new decisions depend on it: a rule that needs two people, and the name of a new key. Nothing that the log has is
derived from it, so that a newer table changes no state.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from confusable_homoglyphs.confusables import confusables_data

from domain.normalise import normalized


def _prototypes() -> dict[str, str]:
    """Maps each confusable character to the text that stands for all that look like it, such as Cyrillic а to Latin a.

    The library lists each pair in both directions. A character that looks like one other text only is the one that is
    mapped; of two characters that look like each other and like nothing else, the one with the higher code.
    """
    pairs = {_bare(text): [_bare(each["c"]) for each in others] for text, others in confusables_data.items()}
    return {
        text: others[0]
        for text, others in pairs.items()
        if len(text) == len(others) == 1 and (len(pairs[others[0]]) > 1 or len(others[0]) > 1 or others[0] < text)
    }


def _bare(text: str) -> str:
    """`text` without the marks of direction that the library has around letters written from right to left."""
    return text.replace("\N{LEFT-TO-RIGHT MARK}", "")


def _mapped(text: str, table: Mapping[int, str]) -> str:
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", text).translate(table))


_LISTED = _prototypes()
_FIRST = str.maketrans(_LISTED)
PROTOTYPES = {character: _mapped(text, _FIRST) for character, text in _LISTED.items()}
"""What stands for each confusable character. These texts are made of prototypes only."""
_TABLE = str.maketrans(PROTOTYPES)


def skeleton(text: str) -> str:
    """The skeleton of UTS 39: texts that look alike have the same one. It is for comparison only."""
    return _mapped(text, _TABLE)


def alike(one: str, other: str) -> bool:
    """Whether two names look alike, regardless of character width, white space and case.

    The letters I and l look alike as they were typed, a and A once they are folded: so both orders are compared.
    """
    folded_first = skeleton(normalized(one)) == skeleton(normalized(other))
    return folded_first or normalized(skeleton(one)) == normalized(skeleton(other))
