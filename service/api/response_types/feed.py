"""The forms of the feed, beside its events."""

from __future__ import annotations

from typing import Annotated, TypedDict

from msgspec import Meta

from service.api.response_types.every import Position


class Digest(TypedDict):
    """A range of the log.

    `sha256` is of its events' hashes in order; each is of a zero byte and the event's JSON with sorted keys and no
    spaces (RFC 8785).
    """

    after: Position
    upto: Position
    count: int
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
