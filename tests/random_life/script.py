"""A life as a short Python script that replays it and can be pasted into a test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any

from msgspec import NODEFAULT, Struct
from msgspec.structs import fields

from domain.event import Posted
from domain.money import Money
from tests.random_life.base import Life


@contextmanager
def replayable(life: Life) -> Iterator[None]:
    """Add a note to any exception raised within the context: the script that replays the life so far."""
    try:
        yield
    except Exception as error:
        error.add_note(f"To replay it:\n\n{script(life)}")
        raise


def script(life: Life) -> str:
    """Python source that replays all accepted posts, and then the last post if that was not accepted."""
    posts = list(life.accepted)
    last = life.last if life.last and life.last not in posts[-1:] else None
    imports: set[tuple[str, str]] = {("datetime", "date"), ("tests.scenario", "Scenario")}
    lines = [f"    {_post(each, imports)}," for each in posts]
    source = ["life = Scenario().given(", *lines, ")"]
    if last:
        source.append(f"events = life.when({_post(last, imports)}).events()")
    return "\n".join([*_imports(imports), "", *source, ""])


def _imports(imports: set[tuple[str, str]]) -> Iterator[str]:
    for module in sorted({module for module, _ in imports}):
        yield f"from {module} import {', '.join(sorted(name for of, name in imports if of == module))}"


def _post(posted: Posted, imports: set[tuple[str, str]]) -> str:
    imports.add(("tests.scenario", "post"))
    header = posted.header
    keywords = {"cites": header.documents, "actor": header.actor, "key": header.key, "person": header.person}
    if header.irregular:
        keywords["irregular"] = header.irregular
    if header.booked_on:
        keywords["booked"] = header.booked_on.isoformat()
    arguments = [posted.stream, posted.fact, header.occurred_on.isoformat()]
    written = [*(source(each, imports) for each in arguments)]
    written += [f"{name}={source(value, imports)}" for name, value in keywords.items()]
    return f"post({', '.join(written)})"


def source(value: Any, imports: set[tuple[str, str]]) -> str:
    """A Python expression of `value`. The names that the expression needs are added to `imports`."""
    match value:
        case tuple():
            inside = [source(each, imports) for each in value]
            return f"({', '.join(inside)}{',' if len(inside) == 1 else ''})"
        case Enum():
            name = f"{type(value).__name__}.{value.name}"
        case Money():
            name = f"Money({int(value)})"
        case Decimal():
            name = f"Decimal({str(value)!r})"
        case date():
            name = f"date({value.year}, {value.month}, {value.day})"
        case Struct():
            name = f"{type(value).__name__}({', '.join(_arguments(value, imports))})"
        case _:
            return repr(value)
    imports.add((type(value).__module__, type(value).__name__))
    return name


def _arguments(value: Any, imports: set[tuple[str, str]]) -> Iterator[str]:
    """The arguments of the expression that creates `value`. Fields that have their default are left out.

    From the first boolean or left-out field on, the arguments are given by name.
    """
    by_name = False
    for field in fields(value):
        content = getattr(value, field.name)
        by_name = by_name or isinstance(content, bool)
        if field.default is not NODEFAULT and content == field.default:
            by_name = True
            continue
        written = source(content, imports)
        yield f"{field.name}={written}" if by_name else written
