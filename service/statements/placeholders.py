"""What banks print where a number or a name is missing."""

from __future__ import annotations

import re

from domain.normalise import normalized

_PLACEHOLDER = re.compile(r"0+|[-_/.*#]+|无|空|暂无|none|null|nil|n/?a|not-?provided|non-?ref|no-?ref|unknown")


def is_placeholder(written: str) -> bool:
    """Whether the text says only that there is nothing: `0`, zeros, dashes, 无, NOTPROVIDED, in any case and width."""
    return bool(_PLACEHOLDER.fullmatch(normalized(written)))
