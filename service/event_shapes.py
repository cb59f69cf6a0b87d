"""The shape of an event's JSON: which members this version of the program knows, at any depth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from msgspec import inspect

Shape: TypeAlias = "Mapping[str, Shape] | tuple[str, ...] | None"
"""The shape of a value. For an object: its members, each with its shape. For a text that must be one of several: these
texts. For a list: the shape of its items. Otherwise None."""


def shape_of(kind: inspect.Type) -> Shape:
    """The shape of the values of a type, which `msgspec.inspect.type_info` has described as `kind`."""
    match kind:
        case inspect.StructType(fields=fields):
            return {field.encode_name: shape_of(field.type) for field in fields}
        case inspect.LiteralType(values=values):
            return tuple(sorted(map(str, values)))
        case inspect.EnumType(cls=enum):
            return tuple(sorted(str(member.value) for member in enum))
        case inspect.VarTupleType(item_type=item) | inspect.ListType(item_type=item):
            return shape_of(item)
        case inspect.UnionType(types=types):
            return next((shape for each in types if (shape := shape_of(each)) is not None), None)
    return None


def unknown_members(shape: Shape, value: Any, path: str = "") -> Iterator[str]:
    """The path of each part of `value` that is not in `shape`, such as `moves[].channel`.

    `value`: decoded JSON, which has the path `path`. A part is not in the shape if it is an unknown member of an
    object, or a text that is none of the known ones. The same path may occur several times.
    """
    match value:
        case dict() if isinstance(shape, Mapping):
            for name, each in value.items():
                at = f"{path}.{name}" if path else name
                if name in shape:
                    yield from unknown_members(shape[name], each, at)
                else:
                    yield at
        case list():
            for each in value:
                yield from unknown_members(shape, each, f"{path}[]")
        case str() if isinstance(shape, tuple) and value not in shape:
            yield path
