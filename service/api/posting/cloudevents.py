"""Parses posted CloudEvents 1.0, strictly: an unknown attribute is an error, not an extension that is dropped."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote

import msgspec
from marshmallow import ValidationError
from marshmallow.experimental.context import Context

from domain.decision import POSTABLE
from domain.event import EDITION, Header, Posted
from service.api.posting.event_schemas import SCHEMAS
from service.api.posting.fields import MESSAGES, Bilingual, Choice, Integer, Pattern, Source, Text, bank_account
from service.api.posting.shapes import QuickSchema
from service.identities import personal_id
from service.ledger.outcomes import Post
from service.ledger.recorder import Identity


class Data(Bilingual):
    """The `data` of an event: here any JSON object. The schema of the event type validates its content later."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self.make_error("type")
        return value


class EnvelopeSchema(QuickSchema):
    """The attributes of a CloudEvent in structured mode."""

    specversion = Choice("1.0", required=True)
    id = Text(max_length=128, required=True)
    source = Source(required=True)
    type = Choice(*sorted(POSTABLE), required=True)
    subject = Pattern(
        r"(fund|project)/[a-z0-9][a-z0-9-]{0,63}",
        "It must be the name of a stream, such as fund/yx-ip-2018 or project/yx-ip-2018-03.",
        "须为流名称，如 fund/yx-ip-2018 或 project/yx-ip-2018-03。",
        required=True,
    )
    time = Text(max_length=64)
    datacontenttype = Choice("application/json")
    dataschema = Text(max_length=256)
    traceparent = Text(max_length=256)
    tracestate = Text(max_length=512)
    expectedversion = Integer(0, 2**53)
    data = Data(required=True)


ENVELOPE = EnvelopeSchema()

Envelope = Mapping[str, Any]
"""The validated attributes of an event; its `data` is not validated yet."""


def parse_envelope(event: Any) -> Envelope:
    """The validated attributes of a structured CloudEvent, with its `data` as it was sent. Raises ValidationError."""
    envelope: dict[str, Any] = ENVELOPE.load(_object(event))
    streams = SCHEMAS[envelope["type"]].fact.streams
    if envelope["subject"].partition("/")[0] not in streams:
        message = (
            f"This type must be posted to a {' or '.join(streams)} stream. 此类型的流须为 {' 或 '.join(streams)}。"
        )
        raise ValidationError({"subject": [message]})
    return envelope


def parse_post(envelope: Envelope, sender: str, secret: bytes, person: str | None = None) -> Post:
    """The post for a validated envelope. Raises ValidationError.

    `sender`: the name of the principal. `secret`: the key of the digests that replace the numbers of accounts and
    identity cards. `person`: whom the principal's key or token names as the person who uses it.
    """
    schema = SCHEMAS[envelope["type"]]
    try:
        with Context(secret):
            loaded = schema.load(envelope["data"])
    except ValidationError as error:
        raise ValidationError({"data": error.messages}) from error
    identity = Identity(envelope["source"], envelope["id"], _digest(envelope, secret))
    header = Header(
        key=sender,
        source=identity.source,
        source_id=identity.id,
        content_sha256=identity.digest.hex(),
        person=person,
        edition=EDITION,
        **loaded.circumstances,
    )
    posted = Posted(envelope["subject"], loaded.fact, header)
    return Post(posted, identity, envelope.get("expectedversion"))


def from_headers(headers: Iterable[tuple[str, str]], data: Any) -> dict[str, Any]:
    """The event of a request in binary mode. Its attributes are in the `ce-` headers; `data` is the parsed body.

    Raises ValidationError if a header is not percent-encoded UTF-8.
    """
    attributes = {name[3:].lower(): value for name, value in headers if name.lower().startswith("ce-")}
    event: dict[str, Any] = {}
    for name, value in attributes.items():
        try:
            event[name] = unquote(value.encode("ascii").decode(), errors="strict")
        except UnicodeError as error:
            raise ValidationError({name: ["It must be percent-encoded UTF-8. 须为百分号编码的 UTF-8。"]}) from error
    if "data" in event:
        raise ValidationError({"data": [str(MESSAGES["unknown"])]})
    if re.fullmatch("0|[1-9][0-9]{0,15}", event.get("expectedversion", ""), re.ASCII):
        event["expectedversion"] = int(event["expectedversion"])
    return {**event, "data": data}


def _object(event: Any) -> Mapping[str, Any]:
    if not isinstance(event, dict):
        raise ValidationError([str(MESSAGES["type"])])
    return event


def _digest(envelope: Mapping[str, Any], secret: bytes) -> bytes:
    """SHA-256 of a post's content: its type, subject and data, written as JSON with sorted keys.

    Numbers of accounts and identity cards are replaced by their keyed digests first, so that nobody can guess them
    from this digest.
    """
    content = {name: envelope[name] for name in ("type", "subject", "data")}
    return hashlib.sha256(msgspec.json.encode(_masked(content, secret), order="sorted")).digest()


def _masked(value: Any, secret: bytes) -> Any:
    """`value` with the digest of each number in its place; `value` itself if it has none."""
    if type(value) not in (dict, list):
        return value
    changes = {}
    for name, each in value.items() if type(value) is dict else enumerate(value):
        kind = type(each)
        if kind is dict or kind is list:
            masked = _masked(each, secret)
            if masked is not each:
                changes[name] = masked
        elif kind is str and name == "account":
            changes[name] = bank_account(secret, each).digest
        elif kind is str and name == "id_card":
            changes[name] = personal_id(secret, each).digest
    if not changes:
        return value
    if type(value) is dict:
        return {**value, **changes}
    return [changes.get(index, each) for index, each in enumerate(value)]
