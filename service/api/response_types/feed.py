"""The response types of the event feed, apart from the events."""

from __future__ import annotations

from typing import Annotated, TypedDict

from msgspec import Meta

from service.api.response_types.every import Position


class Digest(TypedDict):
    """The digest of a range of the log: positions greater than `after`, up to and including `upto`.

    `sha256` is the SHA-256 of the concatenated hashes of the events, in order. The hash of an event is the SHA-256 of
    a zero byte followed by the event's JSON with sorted keys and without spaces (RFC 8785).
    """

    after: Position
    upto: Position
    count: int
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
