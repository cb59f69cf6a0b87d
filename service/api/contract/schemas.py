"""The JSON Schemas of requests (from the marshmallow fields that parse them) and of responses (from their types)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import Schema

from service.api.contract.glossary import FIELDS
from service.api.posting.cloudevents import EnvelopeSchema
from service.api.posting.event_schemas import SCHEMAS

# No schema gets a name, so that nested schemas are written inline.
_plugin = MarshmallowPlugin(schema_name_resolver=lambda _: None)  # type: ignore[arg-type, return-value]
_spec = APISpec("", "", "3.1.0", plugins=[_plugin])
assert _plugin.converter is not None, "APISpec sets the converter"


def _attributes(_: Any, field: Any, **__: Any) -> dict[str, Any]:
    """The JSON Schema that a field of `posting.fields` declares, with the field's glossary entry as its title."""
    declared = dict(getattr(field, "json_schema", {}))
    chinese, english = FIELDS.get(field.name, ("", ""))
    return {**declared, "title": f"{chinese} {english}".strip()} if chinese else declared


_plugin.converter.add_attribute_function(_attributes)  # type: ignore[no-untyped-call]


def of_shape(shape: Schema) -> dict[str, Any]:
    """The JSON Schema of an object with the fields of `shape` and no others."""
    assert _plugin.converter is not None
    schema: dict[str, Any] = _closed(_plugin.converter.schema2jsonschema(shape))  # type: ignore[no-untyped-call]
    return schema


def _closed(schema: Any) -> Any:
    """`schema` with `additionalProperties: false` in every object, and without defaults.

    A Shape accepts only the fields that it declares.
    """
    if isinstance(schema, dict):
        closed = {name: _closed(each) for name, each in schema.items() if name != "default"}
        return {**closed, "additionalProperties": False} if "properties" in schema else closed
    return [_closed(each) for each in schema] if isinstance(schema, list) else schema


DATA = {name: of_shape(schema) for name, schema in SCHEMAS.items()}
"""The JSON Schema of the `data` of each event type."""
_ENVELOPE = of_shape(EnvelopeSchema())


def of_event(name: str, reference: str) -> dict[str, Any]:
    """The JSON Schema of a posted CloudEvent of the type `name`. `reference` points to the schema of its `data`."""
    streams = SCHEMAS[name].fact.streams
    kind = streams[0] if len(streams) == 1 else f"({'|'.join(streams)})"
    properties = {
        "type": {"const": name},
        "subject": {"type": "string", "pattern": f"^{kind}/[a-z0-9][a-z0-9-]{{0,63}}$"},
        "data": {"$ref": reference},
    }
    return {**_ENVELOPE, "properties": {**_ENVELOPE["properties"], **properties}}


def of_answers(types: Iterable[Any]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The JSON Schemas of responses of these types, and the components to which the schemas refer."""
    schemas, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    return list(schemas), components
