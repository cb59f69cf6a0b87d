"""Parses strict JSON: UTF-8 only, no duplicate keys, no NaN or Infinity, no lone surrogates, limited depth."""

from __future__ import annotations

import json
from collections import Counter
from math import isinf
from typing import Any, NoReturn

MAX_DEPTH = 32
MAX_VALUES = 300_000
"""Maximum number of braces, brackets and commas in a body, which is about the number of its values. A body of 8 MiB may
have millions of empty arrays, each of which takes 56 bytes of memory and more. A list of 10 000 awards has 130 000, in
2 MB."""


class NotStrictJson(ValueError):
    """The body is not strict JSON."""


def parse(body: bytes) -> Any:
    """The value of a JSON body. Raises NotStrictJson, with the position of the fault if it is known."""
    if sum(map(body.count, (b"{", b"[", b","))) > MAX_VALUES:
        raise NotStrictJson(f"more than {MAX_VALUES} values")
    try:
        text = body.decode("utf-8")
        value = DECODER.decode(text)
    except RecursionError as error:
        raise NotStrictJson(f"nested more than {MAX_DEPTH} deep") from error
    except UnicodeDecodeError as error:
        raise NotStrictJson(f"not UTF-8 at byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise NotStrictJson(f"{error.msg} at line {error.lineno}, column {error.colno}") from error
    except NotStrictJson:
        raise
    except ValueError as error:  # an integer of thousands of digits
        raise NotStrictJson(str(error)) from error
    if text.count("{") + text.count("[") > MAX_DEPTH:
        _check_depth(value, MAX_DEPTH)
    if "\\u" in text:
        _check_characters(value)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        [(duplicate, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise NotStrictJson(f"the name {duplicate[:100]!r} occurs more than once in one object")
    return value


def _float(text: str) -> float:
    value = float(text)
    if isinf(value):
        raise NotStrictJson(f"{text[:100]} is too large")
    return value


def _no_constant(name: str) -> NoReturn:
    raise NotStrictJson(f"{name} is not JSON")


DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=_float, parse_constant=_no_constant)


def _check_depth(value: Any, levels: int) -> None:
    if levels == 0:
        raise NotStrictJson(f"nested more than {MAX_DEPTH} deep")
    for each in value.values() if isinstance(value, dict) else value:
        if isinstance(each, (dict, list)):
            _check_depth(each, levels - 1)


def _check_characters(value: Any) -> None:
    """Raise NotStrictJson if `value` contains a lone surrogate, which only an escape in the JSON can produce.

    A lone surrogate can be neither stored nor sent back as UTF-8.
    """
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise NotStrictJson("a name or a text contains a lone surrogate") from error
