"""Generates a fast reader from each marshmallow schema: a Python function that reads what is right, in one pass.

Marshmallow makes nine checks for each field, and a call for each class that a field inherits from; reading took half
of the time of a post. A reader knows the fields when it is generated, and has one expression for each. It reads exactly
what marshmallow reads, to equal objects. If it cannot read something, marshmallow reads it, or says what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, Protocol

from marshmallow import Schema, missing

Reader = Callable[[Any], Any]
"""Reads a JSON object. Raises Unreadable or ValidationError if marshmallow must read it."""
Namer = Callable[[object], str]
"""Gives an object a name by which an expression can use it."""


class Unreadable(Exception):
    """A reader cannot read the value: marshmallow must read it, and say what is wrong with it."""


class Readable(Protocol):
    """A marshmallow field that says how a reader reads it."""

    def expression(self, value: str, name: Namer) -> str:
        """A Python expression for the loaded value. `value`: the variable that has the JSON value, or MISSING.

        The expression raises Unreadable or ValidationError if `value` is MISSING, or is not a value of the field.
        """
        ...


def unreadable() -> NoReturn:
    raise Unreadable


UNREADABLE = "unreadable()"
"""The expression for a value that the reader cannot read."""


def generate(schema: Schema, build: Callable[[dict[str, Any]], Any]) -> Reader:
    """A reader of the objects that `schema` describes. `build` makes the result from the loaded fields."""
    names: dict[str, Any] = {"unreadable": unreadable, "MISSING": missing, "build": build}

    def name(thing: object) -> str:
        given = f"_{len(names)}"
        names[given] = thing
        return given

    required = {key: field for key, field in schema.load_fields.items() if field.required}
    optional = {key: field for key, field in schema.load_fields.items() if not field.required}
    lines = ["def read(data):", "    if type(data) is not dict:", f"        {UNREADABLE}", "    get = data.get"]
    for number, (key, field) in enumerate(required.items()):
        lines += [f"    v{number} = get({key!r}, MISSING)", f"    v{number} = {_expression(field, f'v{number}', name)}"]
    members = ", ".join(f"{key!r}: v{number}" for number, key in enumerate(required))
    lines += [f"    loaded = {{{members}}}", f"    known = {len(required)}"]
    for key, field in optional.items():
        lines += [f"    value = get({key!r}, MISSING)", "    if value is not MISSING:"]
        lines += [f"        loaded[{key!r}] = {_expression(field, 'value', name)}", "        known += 1"]
        if field.load_default is not missing:
            lines += ["    else:", f"        loaded[{key!r}] = {name(field.load_default)}"]
    lines += ["    if known != len(data):", f"        {UNREADABLE}", "    return build(loaded)"]
    exec("\n".join(lines), names)  # noqa: S102 - the text has the names of fields, and no input
    reader: Reader = names["read"]
    return reader


def _expression(field: Any, value: str, name: Namer) -> str:
    readable: Readable = field
    return readable.expression(value, name)
