"""Compares two versions of the OpenAPI document: members may be added, but not removed or changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

TEXTS = ("description", "summary", "title", "version", "examples")
"""Names of the members of the OpenAPI document whose values may change freely, because no client depends on them."""
LOWER_LIMITS, UPPER_LIMITS = ("minimum", "minLength", "minItems"), ("maximum", "maxLength", "maxItems")
"""Names of the JSON Schema members that set a lower or an upper limit. The limits on requests may be relaxed, but never
tightened."""


def removals(old: Any, new: Any, path: str = "") -> Iterator[str]:
    """The incompatible changes from `old` to `new`, each as a message with its path in the document.

    A field of a request that was one of several texts may become any text.
    """
    name = path.rpartition("/")[2]
    if name == "examples":
        return
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _in_objects(old, new, path)
    elif isinstance(old, list) and isinstance(new, list):
        yield from _in_lists(old, new, path)
    elif old != new and name not in TEXTS and not (_is_in_request(path) and _is_relaxed(name, old, new)):
        yield f"{path}: {old!r} is now {new!r}"


def _is_in_request(path: str) -> bool:
    """Whether the member at `path` of the OpenAPI document describes a request rather than a response.

    removals() allows different changes in requests and in responses: a limit may be relaxed, and what was excluded may
    be allowed, only in a request; a new member may be required only in a response.
    """
    return ".data/" in path or ".event/" in path or "/parameters/" in path


def _is_relaxed(name: str, old: Any, new: Any) -> bool:
    if name == "pattern":  # `^…$`: what was allowed still is, if it is the first of several alternatives
        return bool(new.startswith(f"^({old[1:-1]}|"))
    return (name in LOWER_LIMITS and new < old) or (name in UPPER_LIMITS and new > old)


def _in_objects(old: dict[str, Any], new: dict[str, Any], path: str) -> Iterator[str]:
    for name, value in old.items():
        if name in new:
            yield from removals(value, new[name], f"{path}/{name}")
        elif name not in TEXTS and not (name in ("not", "enum") and _is_in_request(path)):
            yield f"{path}/{name} is gone"
    if new.get("in") and new.get("required") and not old.get("required"):
        yield f"{path} is now required"


def _in_lists(old: list[Any], new: list[Any], path: str) -> Iterator[str]:
    name = path.rpartition("/")[2]
    if name == "required" and _is_in_request(path):
        yield from (f"{path}/{each} is now required" for each in new if each not in old)
    elif name == "parameters":
        new_by_name = {(each["in"], each["name"]): each for each in new}
        for each in old:
            if (each["in"], each["name"]) in new_by_name:
                yield from removals(each, new_by_name[each["in"], each["name"]], f"{path}/{each['name']}")
            else:
                yield f"{path}/{each['name']} is gone"
        old_names = {(each["in"], each["name"]) for each in old}
        added = [each for each in new if (each["in"], each["name"]) not in old_names]
        yield from (f"{path}/{each['name']} is new and required" for each in added if each.get("required"))
    else:
        yield from (f"{path}: {each!r} is gone" for each in old if each not in new)
