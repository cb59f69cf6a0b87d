"""A published contract changes only by adding: what a new one would take away from the one before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

WORDS = ("description", "summary", "title", "version", "examples")
"""What may be said otherwise."""
LOWER_LIMITS, UPPER_LIMITS = ("minimum", "minLength", "minItems"), ("maximum", "maxLength", "maxItems")
"""The limits of what is sent: they may grow wider, never narrower."""


def taken_away(kept: Any, now: Any, at: str = "") -> Iterator[str]:
    """Where `now` no longer keeps what `kept` promised: a promise may gain members, and never lose or change one."""
    name = at.rpartition("/")[2]
    if name == "examples":
        return
    if isinstance(kept, dict) and isinstance(now, dict):
        yield from _of_objects(kept, now, at)
    elif isinstance(kept, list) and isinstance(now, list):
        yield from _of_lists(kept, now, at)
    elif kept != now and name not in WORDS and not (_is_posted(at) and _is_wider(name, kept, now)):
        yield f"{at}: {kept!r} is now {now!r}"


def _is_posted(at: str) -> bool:
    """Whether this place is in what is sent; in answers a member may be promised, but no limit lifted."""
    return ".data/" in at or ".event/" in at or "/parameters/" in at


def _is_wider(name: str, kept: Any, now: Any) -> bool:
    return (name in LOWER_LIMITS and now < kept) or (name in UPPER_LIMITS and now > kept)


def _of_objects(kept: dict[str, Any], now: dict[str, Any], at: str) -> Iterator[str]:
    for name, promise in kept.items():
        if name in now:
            yield from taken_away(promise, now[name], f"{at}/{name}")
        elif name not in WORDS:
            yield f"{at}/{name} is gone"
    if now.get("in") and now.get("required") and not kept.get("required"):
        yield f"{at} is now required"


def _of_lists(kept: list[Any], now: list[Any], at: str) -> Iterator[str]:
    name = at.rpartition("/")[2]
    if name == "required" and _is_posted(at):
        yield from (f"{at}/{each} is now required" for each in now if each not in kept)
    elif name == "parameters":
        named = {(each["in"], each["name"]): each for each in now}
        for each in kept:
            if (each["in"], each["name"]) in named:
                yield from taken_away(each, named[each["in"], each["name"]], f"{at}/{each['name']}")
            else:
                yield f"{at}/{each['name']} is gone"
        known = {(each["in"], each["name"]) for each in kept}
        new = [each for each in now if (each["in"], each["name"]) not in known]
        yield from (f"{at}/{each['name']} is new and required" for each in new if each.get("required"))
    else:
        yield from (f"{at}: {each!r} is gone" for each in kept if each not in now)
