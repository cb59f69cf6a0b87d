"""Marshmallow schemas of JSON objects, and the fields whose values are objects or lists."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, ClassVar, cast

from marshmallow import Schema, ValidationError, fields, post_load

from service.api.posting.fields import MESSAGES
from service.api.posting.readers import UNREADABLE, Namer, Readable, Reader, Unreadable, generate


class QuickSchema(Schema):
    """A schema that loads what is right with a generated reader, and leaves everything else to marshmallow."""

    error_messages = cast(dict[str, str], MESSAGES)

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.read: Reader = generate(self, self.build)

    def load(self, data: Any, **options: Any) -> Any:
        """Load `data` with the same result as marshmallow's own `load`. Raises ValidationError."""
        with suppress(ValidationError, Unreadable):
            return self.read(data)
        try:
            return super().load(data, **options)
        except ValidationError as error:
            # Marshmallow's frames have the error: a cycle that would keep megabytes until the garbage collector runs.
            raise error.with_traceback(None) from None

    def build(self, loaded: dict[str, Any]) -> Any:
        """The object built from the loaded fields; here the dictionary itself. Subclasses override it."""
        return loaded

    @post_load
    def _build_after_load(self, data: Any, **_: Any) -> Any:
        """Make marshmallow's own `load` return the same object as the reader."""
        return self.build(dict(data))


class Shape(QuickSchema):
    """A JSON object with the declared fields and no others, loaded as an instance of the class `makes`."""

    makes: ClassVar[type[Any]]

    def build(self, loaded: dict[str, Any]) -> Any:
        return self.makes(**loaded)


class One(fields.Nested):
    """A field whose value is one JSON object, which a Shape loads."""

    default_error_messages = MESSAGES

    def expression(self, value: str, name: Namer) -> str:
        """How a generated reader reads the field (readers.py)."""
        return f"{name(cast(QuickSchema, self.schema).read)}({value})"


MAX_ERRORS = 20
"""Maximum number of invalid items that are reported for one list."""


class Rows(fields.List[Any]):
    """A list of `min_items` to `max_items` items, loaded as a tuple."""

    default_error_messages = MESSAGES

    def __init__(self, item: fields.Field[Any], max_items: int = 1_000, min_items: int = 1, **options: Any) -> None:
        super().__init__(item, **options)
        self.min_items, self.max_items = min_items, max_items

    @property
    def json_schema(self) -> dict[str, Any]:
        return {"minItems": self.min_items, "maxItems": self.max_items}

    def expression(self, value: str, name: Namer) -> str:
        """How a generated reader reads the field (readers.py)."""
        items = f"[{cast(Readable, self.inner).expression('each', name)} for each in {value}]"
        is_right = f"type({value}) is list and {self.min_items} <= len({value}) <= {self.max_items}"
        return f"tuple({items}) if {is_right} else {UNREADABLE}"

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        if not isinstance(value, list):
            raise self.make_error("invalid")
        if not self.min_items <= len(value) <= self.max_items:
            raise ValidationError(
                f"It must have {self.min_items} to {self.max_items} items."
                f" 须有 {self.min_items} 至 {self.max_items} 项。"
            )
        loaded, errors = [], {}
        for index, each in enumerate(value):
            try:
                loaded.append(self.inner.deserialize(each))
            except ValidationError as error:
                errors[index] = error.messages
                if len(errors) == MAX_ERRORS:
                    break  # a body full of errors must not cost more than a valid one
        if errors:
            raise ValidationError(errors)
        return tuple(loaded)
