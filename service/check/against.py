"""Compares the log with what a follower has saved of it: events as served, or digests of ranges.

After a failover or a restore, the comparison names the acknowledged events that were lost. Each line of the follower's
file is a JSON document: an event as `GET /v1/events` serves it, or an answer of `GET /v1/events/digest` without
filters.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
from psycopg import Connection
from psycopg.rows import dict_row

from service.check.finding import Finding, new_finding
from service.codec import leaf
from service.config import OperatorError
from service.postgres.queries import QUERIES

PAGE = 1_000
"""The number of events that are compared or hashed per query."""


class SavedEvent(msgspec.Struct):
    """An event in the file of a follower, as the follower received it from the API.

    `served`: the complete JSON document of the event.
    """

    position: int
    type: str
    subject: str
    data: dict[str, Any]
    served: dict[str, Any] = {}


class SavedDigest(msgspec.Struct, forbid_unknown_fields=True):
    """A digest in the file of a follower. It covers the events after position `after`, up to and including `upto`."""

    after: int
    upto: int
    count: int
    sha256: str


class SavedFileWrong(OperatorError):
    """A line of the file that `check_against` reads is neither an event nor a digest."""

    def __init__(self, file: Path, line: int) -> None:
        super().__init__(
            f"{file}:{line}: 须为 /v1/events 的事件，或不带筛选的 /v1/events/digest 的摘要"
            " it must be an event of /v1/events, or a digest of /v1/events/digest without filters"
        )


def check_against(conn: Connection[Any], file: Path, source: str) -> Iterator[Finding]:
    """One finding for each event and each digest in `file` that differs from the log.

    An event also differs if the log does not have it. `file`: the events and digests that a follower has saved from the
    API. `source`: the name of the ledger, which is the `source` of every event that the ledger serves. Raises
    SavedFileWrong.
    """
    [head] = [row["head"] for row in conn.cursor(row_factory=dict_row).execute(QUERIES["head"])]
    with file.open("rb") as lines:
        saved = (_saved(file, number, line) for number, line in enumerate(lines, 1) if line.strip())
        while page := list(islice(saved, PAGE)):
            yield from _events(conn, [each for each in page if isinstance(each, SavedEvent)], source, head)
            for digest in page:
                if isinstance(digest, SavedDigest):
                    yield from _range(conn, digest, source, head)


def _saved(file: Path, number: int, line: bytes) -> SavedEvent | SavedDigest:
    try:
        document = msgspec.json.decode(line, type=dict[str, Any])
        if "specversion" not in document:
            return msgspec.convert(document, SavedDigest)
        event = msgspec.convert(document, SavedEvent)
    except msgspec.MsgspecError as error:
        raise SavedFileWrong(file, number) from error
    event.served = document
    return event


def _events(conn: Connection[Any], saved: Iterable[SavedEvent], source: str, head: int) -> Iterator[Finding]:
    parameters = {"source": source, "positions": [each.position for each in saved]}
    rows = conn.cursor(row_factory=dict_row).execute(QUERIES["events_at"], parameters)
    recorded = {row["position"]: leaf(msgspec.json.decode(row["line"])) for row in rows}
    for each in saved:
        if recorded.get(each.position) != leaf(each.served):
            sent = {"sender": each.data.get("source", ""), "sender_id": each.data.get("source_id", "")}
            about = {"position": each.position, "type": each.type, "stream": each.subject}
            yield new_finding("event-lost", **about, **sent, head=head)


def _range(conn: Connection[Any], saved: SavedDigest, source: str, head: int) -> Iterator[Finding]:
    count, sha256 = 0, hashlib.sha256()
    for after in range(saved.after, min(saved.upto, head), PAGE):
        positions = list(range(after + 1, min(after + PAGE, saved.upto) + 1))
        rows = conn.cursor(row_factory=dict_row).execute(
            QUERIES["events_at"], {"source": source, "positions": positions}
        )
        for line in sorted((row["position"], row["line"]) for row in rows):
            sha256.update(leaf(msgspec.json.decode(line[1])))
            count += 1
    if (count, sha256.hexdigest()) != (saved.count, saved.sha256):
        yield new_finding("range-lost", first=saved.after + 1, last=saved.upto, head=head)
