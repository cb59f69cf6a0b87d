"""Encodes events as the log stores, serves and hashes them: flat JSON, with money as exact strings in yuan."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from datetime import date
from typing import Any, cast, get_args, get_origin

import msgspec
from immutables import Map

from domain.decision import FACTS
from domain.documents import Document
from domain.event import Fact, Header, Recorded, Reference
from domain.fen import FenSet
from domain.ledger_view import Stream
from domain.money import Money
from domain.posting import Move, Place
from domain.state.fund import Fund
from domain.state.project import Project
from service import __version__
from service.config import OperatorError


class _Move(msgspec.Struct, rename={"source": "from", "target": "to"}, omit_defaults=True):
    source: str
    target: str
    fen: FenSet
    amount: Money
    project: str | None = None
    batch: int | None = None
    award: str | None = None
    payment: str | None = None


class _Envelope(msgspec.Struct, omit_defaults=True):
    """The members of an event's JSON that do not depend on the type of the event."""

    fund: str
    occurred_on: date
    booked_on: date
    actor: str
    key: str
    source: str
    source_id: str
    role: str | None = None
    documents: tuple[Document, ...] = ()
    content_sha256: str | None = None
    moves: tuple[_Move, ...] = ()
    mirrors: Reference | None = None


ENVELOPE = frozenset(_Envelope.__struct_fields__)
_FIELDS = {name: ENVELOPE | set(fact.__struct_fields__) for name, fact in FACTS.items()}
"""The names of the members that the JSON of an event may have, by the name of its type."""
_NULL = re.compile(rb',"[A-Za-z0-9_]+":null|"[A-Za-z0-9_]+":null,?')
"""Matches a field with the value null, and its comma, in the JSON of a fact. Cannot match inside a string, because
quotes are escaped there."""


def encode(event: Recorded) -> str:
    """The JSON of an event for the log.

    If the fact has a field `fund`, the JSON has this name twice. Then jsonb keeps the last value, which is the fact's.
    """
    header = event.header
    envelope = _Envelope(
        event.fund,
        header.occurred_on,
        event.booked_on,
        header.actor,
        header.key,
        header.source,
        header.source_id,
        header.role,
        header.documents,
        header.content_sha256,
        tuple([_Move(m.source, m.target, m.fen, m.amount, *m.place) for m in event.moves]),
        event.mirrors,
    )
    circumstances, fact = _ENCODER.encode(envelope), _NULL.sub(b"", _ENCODER.encode(event.fact))
    return (circumstances if fact == b"{}" else circumstances[:-1] + b"," + fact[1:]).decode()


class NewerEvent(OperatorError):
    """The log has an event of a newer version of this program.

    This version does not know the event's type, or some of the event's fields. `fields`: the names of the unknown
    fields; empty if the type is unknown.
    """

    def __init__(self, event_type: str, fields: Collection[str] = ()) -> None:
        names = ", ".join(sorted(fields))
        unknown = f"{names} of {event_type}" if names else event_type
        super().__init__(
            f"the log has an event with {unknown}, which version {__version__} does not know: upgrade Suyuan\n"
            f"日志中有 {event_type} 类型的事件{f'（字段 {names}）' if names else ''}，"
            f"版本 {__version__} 不认识：请使用更新的版本"
        )
        self.event_type, self.fields = event_type, sorted(fields)


def decode(stream: str, version: int, name: str, body: str) -> Recorded:
    """The event of type `name` with the JSON `body`.

    Raises msgspec.ValidationError if `body` cannot be decoded. Raises NewerEvent if this program does not know the type
    or a field: without that field, the state would be wrong and nobody would notice.
    """
    if name not in _FACT_DECODERS:
        raise NewerEvent(name)
    if not (fields := _NAMES_DECODER.decode(body).keys()) <= _FIELDS[name]:
        raise NewerEvent(name, fields - _FIELDS[name])
    envelope = _ENVELOPE_DECODER.decode(body)
    header = Header(*[getattr(envelope, part) for part in Header.__struct_fields__])
    moves = tuple(
        Move(m.source, m.target, Place(m.project, m.batch, m.award, m.payment), m.fen) for m in envelope.moves
    )
    fact = cast(Fact, _FACT_DECODERS[name].decode(body))
    return Recorded(stream, version, envelope.fund, header, fact, moves, envelope.mirrors)


def leaf(event: object) -> bytes:
    """The Merkle tree leaf (RFC 6962) of a served event: SHA-256 of a zero byte and the event's canonical JSON.

    In the log's JSON all names are ASCII, and all scalar values are strings, integers or booleans. JSON with its keys
    sorted and no whitespace is therefore already the canonical form of RFC 8785.
    """
    return hashlib.sha256(b"\0" + msgspec.json.encode(event, order="sorted")).digest()


def encode_stream(stream: Stream) -> str:
    """The JSON of a stream's state.

    It is saved as a snapshot, so that the stream need not be replayed from its first event.
    """
    return msgspec.json.encode((stream.booked_on, stream.state), enc_hook=_write).decode()


def decode_stream(name: str, version: int, body: str) -> Stream:
    """The stream `name` at `version`, from the JSON that encode_stream returned."""
    booked_on, state = _STATE_DECODERS[name.partition("/")[0]].decode(body)
    return Stream(version, booked_on, state)


def _write(value: Any) -> Any:
    """Convert `value` for msgspec: Money and FenSet to text, a Map to a list of pairs.

    Raises TypeError for a value of another type.
    """
    if isinstance(value, Money | FenSet):
        return str(value)
    if isinstance(value, Map):
        return list(value.items())
    raise TypeError(value)


def _read(kind: Any, value: Any) -> Any:
    if kind is Money:
        return Money.parse(value)
    if kind is FenSet:
        return FenSet.parse(value)
    if get_origin(kind) is Map:
        return Map(msgspec.convert(value, list[tuple[get_args(kind)]], dec_hook=_read))  # type: ignore[misc]
    raise TypeError(kind)


_ENCODER = msgspec.json.Encoder(enc_hook=_write)
_ENVELOPE_DECODER = msgspec.json.Decoder(_Envelope, dec_hook=_read)
_NAMES_DECODER = msgspec.json.Decoder(dict[str, msgspec.Raw])
_FACT_DECODERS: Mapping[str, msgspec.json.Decoder[Any]] = {
    name: msgspec.json.Decoder(fact, dec_hook=_read) for name, fact in FACTS.items()
}
_STATE_DECODERS: Mapping[str, msgspec.json.Decoder[Any]] = {
    "fund": msgspec.json.Decoder(tuple[date, Fund], dec_hook=_read),
    "project": msgspec.json.Decoder(tuple[date, Project], dec_hook=_read),
}
