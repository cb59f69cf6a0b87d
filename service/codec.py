"""Encodes events as the log stores, serves and hashes them: flat JSON, with money as exact strings in yuan."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any, Literal, cast, get_args, get_origin

import msgspec
from immutables import Map
from msgspec.inspect import type_info

from domain.decision import FACTS
from domain.documents import Document
from domain.event import DistinguishedBy, Fact, Header, Irregularity, Recorded, Reference
from domain.event_part import EventPart
from domain.fen import FenSet
from domain.ledger_view import Stream
from domain.money import Money
from domain.posting import ACCOUNTS, Move, Place
from domain.state.fund import Fund
from domain.state.project import Project
from service import __version__
from service.config import OperatorError
from service.event_shapes import Shape, shape_of, unknown_members

if TYPE_CHECKING:
    AccountName = str
else:
    AccountName = Literal[tuple(ACCOUNTS)]


class _Move(EventPart, frozen=True, rename={"source": "from", "target": "to"}, omit_defaults=True):
    source: AccountName
    target: AccountName
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
    person: str | None = None
    distinguished_by: DistinguishedBy | None = None
    edition: int = 1
    irregular: tuple[Irregularity, ...] = ()
    own_bank: str | None = None
    moves: tuple[_Move, ...] = ()
    mirrors: Reference | None = None


def _shape(kind: type[msgspec.Struct]) -> Mapping[str, Shape]:
    return cast("Mapping[str, Shape]", shape_of(type_info(kind)))


ENVELOPE = frozenset(_Envelope.__struct_fields__)
_SHAPES: Mapping[str, Mapping[str, Shape]] = {
    name: {**_shape(_Envelope), **_shape(fact)} for name, fact in FACTS.items()
}
"""The members that the JSON of an event may have, by the name of its type."""
KNOWN = hashlib.sha256(msgspec.json.encode(_SHAPES, order="sorted")).hexdigest()[:16]
"""A digest of the types of events, their members at any depth, and the accounts that this version knows."""
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
        header.person,
        header.distinguished_by,
        header.edition,
        header.irregular,
        header.own_bank,
        tuple([_Move(m.source, m.target, m.fen, m.amount, *m.place) for m in event.moves]),
        event.mirrors,
    )
    circumstances, fact = _ENCODER.encode(envelope), _NULL.sub(b"", _ENCODER.encode(event.fact))
    return (circumstances if fact == b"{}" else circumstances[:-1] + b"," + fact[1:]).decode()


class NewerEvent(OperatorError):
    """The log has an event that this version of the program cannot read, because a newer version recorded it.

    `stream`: the stream of the event. `fields`: the paths of the fields that this version does not know, such as
    `moves[].channel`; empty if it does not know the type.
    """

    remedy, remedy_zh = "upgrade Suyuan", "请使用更新的版本"

    def __init__(self, stream: str, event_type: str, fields: Collection[str] = ()) -> None:
        names = ", ".join(sorted(fields))
        unreadable = f"{names} of {event_type}" if names else event_type
        super().__init__(
            f"{stream} has an event with {unreadable}, which version {__version__} cannot read: {self.remedy}\n"
            f"{stream} 有 {event_type} 类型的事件{f'（字段 {names}）' if names else ''}，"
            f"版本 {__version__} 无法读取：{self.remedy_zh}"
        )
        self.stream, self.event_type, self.fields = stream, event_type, sorted(fields)


class UnreadableEvent(NewerEvent):
    """The log has an event that lacks a field, or has a known field in a form that this version cannot read.

    A newer version may have recorded it. It is more likely that the log was changed. `fields` names the field; it is
    empty if the event is not a JSON object.
    """

    remedy = "upgrade Suyuan; if the newest version cannot read it either, the log was changed"
    remedy_zh = "请使用更新的版本；如最新版本也无法读取，则日志已被改动"


def decode(stream: str, version: int, name: str, body: str) -> Recorded:
    """The event of type `name` with the JSON `body`.

    Raises NewerEvent if this program does not know the type, a member at any depth, or an account: without it, the
    state would be wrong and nobody would notice. Raises UnreadableEvent if `body` has not the form of the type.
    """
    if name not in _FACT_DECODERS:
        raise NewerEvent(stream, name)
    try:
        known = _NAMES_DECODER.decode(body).keys() <= _SHAPES[name].keys()
        envelope = _ENVELOPE_DECODER.decode(body)
        fact = cast(Fact, _FACT_DECODERS[name].decode(body))
    except ValueError as error:
        raise _unreadable(stream, name, body, error) from error
    if not known:
        raise _unreadable(stream, name, body)
    header = Header(*[getattr(envelope, part) for part in Header.__struct_fields__])
    moves = tuple(
        Move(m.source, m.target, Place(m.project, m.batch, m.award, m.payment), m.fen) for m in envelope.moves
    )
    return Recorded(stream, version, envelope.fund, header, fact, moves, envelope.mirrors)


def _unreadable(stream: str, name: str, body: str, error: ValueError | None = None) -> NewerEvent:
    """The exception to raise for an event that cannot be decoded. `error`: the error of the decoder, if it had one."""
    if unknown := set(unknown_members(_SHAPES[name], msgspec.json.decode(body))):
        return NewerEvent(stream, name, unknown)
    missing, at = _MISSING.search(str(error)), _AT.search(str(error))
    path = ".".join(match["name"] for match in (at, missing) if match)
    return UnreadableEvent(stream, name, {_INDEX.sub("[]", path)} - {""})


_MISSING = re.compile(r"missing required field `(?P<name>[^`]+)`")
_AT = re.compile(r" - at `\$\.?(?P<name>[^`]+)`")
"""They find the name of a missing field, and the path of a value, in the message of msgspec's ValidationError."""
_INDEX = re.compile(r"\[[^]]*\]")


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
