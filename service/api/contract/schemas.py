"""JSON Schemas: of what may be posted, from the fields that read it; of what is answered, from its types."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import Schema

from service.api.contract.glossary import FIELDS
from service.api.posting.cloudevents import Envelope
from service.api.posting.event_schemas import SCHEMAS

# Without a name a nested shape stands where it is used.
_plugin = MarshmallowPlugin(schema_name_resolver=lambda _: None)  # type: ignore[arg-type, return-value]
_spec = APISpec("", "", "3.1.0", plugins=[_plugin])
assert _plugin.converter is not None, "the specification has given it one"


def _own(_: Any, field: Any, **__: Any) -> dict[str, Any]:
    """What our own fields say of themselves, and the glossary of their names."""
    own = dict(getattr(field, "json_schema", {}))
    chinese, english = FIELDS.get(field.name, ("", ""))
    return {**own, "title": f"{chinese} {english}".strip()} if chinese else own


_plugin.converter.add_attribute_function(_own)  # type: ignore[no-untyped-call]


def of_shape(shape: Schema) -> dict[str, Any]:
    """The JSON Schema of an object with the shape's fields and no others."""
    assert _plugin.converter is not None
    schema: dict[str, Any] = _closed(_plugin.converter.schema2jsonschema(shape))  # type: ignore[no-untyped-call]
    return schema


def _closed(schema: Any) -> Any:
    """The schema with every object in it closed to other names, as our shapes are."""
    if isinstance(schema, dict):
        closed = {name: _closed(each) for name, each in schema.items() if name != "default"}
        return {**closed, "additionalProperties": False} if "properties" in schema else closed
    return [_closed(each) for each in schema] if isinstance(schema, list) else schema


DATA = {name: of_shape(schema) for name, schema in SCHEMAS.items()}
"""By event type: the schema of its `data`."""
_ENVELOPE = of_shape(Envelope())


def of_event(name: str, reference: str) -> dict[str, Any]:
    """The schema of a posted CloudEvent of this type, whose data's schema stands at `reference`."""
    streams = SCHEMAS[name].fact.streams
    kind = streams[0] if len(streams) == 1 else f"({'|'.join(streams)})"
    own = {
        "type": {"const": name},
        "subject": {"type": "string", "pattern": f"^{kind}/[a-z0-9][a-z0-9-]{{0,63}}$"},
        "data": {"$ref": reference},
    }
    return {**_ENVELOPE, "properties": {**_ENVELOPE["properties"], **own}}


def of_answers(types: Iterable[Any]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The schemas of answers of these types, and the components that they refer to."""
    schemas, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    return list(schemas), components
