"""Receives the bodies of requests, within limits of size and time."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from granian.rsgi import ProtocolClosed, ProtocolError  # type: ignore[attr-defined]

from service.api.http.limits import LIMITS, MAX_BODY_BYTES
from service.server.declined import Declined, Disconnected

SMALL_BODY_BYTES = 64 * 1024
"""A larger body is a large body. A post with a large body is never handled together with other posts."""
MAX_SMALL_VALUES = 100
"""An event with more commas and opening brackets is not handled together with other posts either: it may have many
rows, or many errors."""
MAX_LARGE_BYTES_PER_SENDER, MAX_LARGE_BYTES = MAX_BODY_BYTES, 3 * MAX_BODY_BYTES
"""Maximum number of bytes in the large bodies of all requests that are not answered yet, per sender and in total."""
BODY_SECONDS = 10.0
MIN_BYTES_PER_SECOND = 64 * 1024
"""A body must arrive within BODY_SECONDS plus its length divided by this rate."""
DISCARD_SECONDS, PART_SECONDS, DISCARDED_BYTES = 5.0, 1.0, 64 * 1024 * 1024
"""The body of a declined request is read until so many bytes have arrived, or this time has passed, or no part of it
has arrived for PART_SECONDS."""


def length_of(headers: Any) -> int:
    """The length of the body, from the headers. Raises Declined if it is not given, or too large."""
    if headers.get("transfer-encoding") is not None:
        raise Declined("length-required")
    given = headers.get("content-length") or "0"
    length = int(given) if given.isascii() and given.isdigit() and len(given) < 16 else MAX_BODY_BYTES + 1
    if length > MAX_BODY_BYTES:
        raise Declined("too-large", limits=LIMITS)
    return length


async def discard(headers: Any, protocol: Any) -> None:
    """Read and forget the body of a declined request, because the connection is closed after the answer.

    A client that still sends then gets a broken pipe instead of the answer. A client that waits for permission to send
    its body (`Expect: 100-continue`) sends nothing. If the body was received or waited for already, nothing is read.
    """
    if headers.get("expect") is not None:
        return
    with suppress(TimeoutError, StopAsyncIteration, ProtocolClosed, ProtocolError):
        discarded, parts = 0, aiter(protocol)
        async with asyncio.timeout(DISCARD_SECONDS):
            while discarded < DISCARDED_BYTES:
                async with asyncio.timeout(PART_SECONDS):
                    discarded += len(await anext(parts))


async def receive(protocol: Any, length: int) -> bytes:
    """The body of a request, which has `length` bytes. Raises Declined, or Disconnected if the client is gone."""
    if length == 0:
        return b""
    try:
        async with asyncio.timeout(BODY_SECONDS + length / MIN_BYTES_PER_SECOND):
            body: bytes = await protocol()
    except TimeoutError as error:
        raise Declined("slow-request") from error
    except (ProtocolClosed, ProtocolError) as error:
        raise Disconnected from error
    return body
