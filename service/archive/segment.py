"""The file of a segment: one row per event, with typed columns, the log's JSON and the event's post.

The typed columns repeat fields of the JSON, because engines read columns many times faster. The JSON is authoritative.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa
from pyarrow import parquet

from service.archive.manifest import ArchiveWrong
from service.codec import leaf

BATCH_ROWS = 5_000
"""The number of rows in a row group of the file, and in a batch in memory."""
MOVE = pa.struct(
    [
        ("from", pa.string()),
        ("to", pa.string()),
        ("project", pa.string()),
        ("batch", pa.int32()),
        ("award", pa.string()),
        ("payment", pa.string()),
        ("fen", pa.string()),
        ("amount", pa.string()),
    ]
)
SCHEMA = pa.schema(
    [
        pa.field("position", pa.int64(), nullable=False),
        pa.field("stream", pa.string(), nullable=False),
        pa.field("version", pa.int64(), nullable=False),
        pa.field("type", pa.string(), nullable=False),
        pa.field("recorded_at", pa.timestamp("us", "UTC"), nullable=False),
        pa.field("fund", pa.string(), nullable=False),
        pa.field("occurred_on", pa.date32(), nullable=False),
        pa.field("booked_on", pa.date32(), nullable=False),
        pa.field("entry", pa.string()),
        pa.field("mirrors", pa.bool_(), nullable=False),
        pa.field("moves", pa.list_(MOVE), nullable=False),
        pa.field("fact", pa.string(), nullable=False),
        pa.field("post_source", pa.string()),
        pa.field("post_id", pa.string()),
        pa.field("post_digest", pa.binary(32)),
        pa.field("post_last", pa.int64()),
    ]
)
"""The columns of a file. Those of a post (`post_*`) are filled only in the row of the first event of the post."""


class Event(NamedTuple):
    """A row of the log. The columns of its post (`post_*`) are None unless the event is the first of the post."""

    position: int
    stream: str
    version: int
    type: str
    recorded_at: datetime
    fact: str
    post_source: str | None
    post_id: str | None
    post_digest: bytes | None
    post_last: int | None

    def leaf(self, source: str) -> bytes:
        """The hash of the event, computed from the JSON in which the API returns the event.

        `source` is the ledger's name.
        """
        return leaf(
            {
                "specversion": "1.0",
                "id": str(self.position),
                "source": source,
                "type": self.type,
                "subject": self.stream,
                "time": f"{self.recorded_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
                "datacontenttype": "application/json",
                "position": self.position,
                "streamversion": self.version,
                "data": msgspec.json.decode(self.fact),
            }
        )


class Digest:
    """The digest of a range of events, and how many events and posts the range has."""

    def __init__(self, source: str) -> None:
        self._source, self._hash = source, hashlib.sha256()
        self.events = self.posts = 0

    def add(self, events: Sequence[Event]) -> None:
        for event in events:
            self._hash.update(event.leaf(self._source))
            self.posts += event.post_id is not None
        self.events += len(events)

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()


class _Typed(msgspec.Struct):
    """The fields of an event's JSON that have columns of their own, and the source and id of the event's post."""

    fund: str
    occurred_on: date
    booked_on: date
    source: str
    source_id: str
    entry: str | None = None
    mirrors: dict[str, Any] | None = None
    moves: tuple[dict[str, Any], ...] = ()


_TYPED = msgspec.json.Decoder(_Typed)
MOVE_COLUMNS = tuple(field.name for field in MOVE)


def write(file: Path, batches: Iterator[Sequence[Event]]) -> None:
    """Write batches of events to a new file."""
    with parquet.ParquetWriter(file, SCHEMA, compression="zstd", compression_level=6) as writer:
        for batch in batches:
            rows = [_row(event, _TYPED.decode(event.fact)) for event in batch]
            writer.write_batch(pa.RecordBatch.from_pylist(rows, schema=SCHEMA))


def _row(event: Event, typed: _Typed) -> dict[str, Any]:
    return {
        **event._asdict(),
        "fund": typed.fund,
        "occurred_on": typed.occurred_on,
        "booked_on": typed.booked_on,
        "entry": typed.entry,
        "mirrors": typed.mirrors is not None,
        "moves": [{name: move.get(name) for name in MOVE_COLUMNS} for move in typed.moves],
    }


def read(file: Path) -> Iterator[list[Event]]:
    """The events of a file in batches.

    Raises ArchiveWrong if the file is unreadable, or if the columns of an event contradict the event's JSON.
    """
    try:
        with parquet.ParquetFile(file) as parquet_file:
            for batch in parquet_file.iter_batches(batch_size=BATCH_ROWS, columns=SCHEMA.names):
                yield [_event(row) for row in batch.to_pylist()]
    except (pa.ArrowException, msgspec.DecodeError, KeyError, TypeError) as error:
        raise ArchiveWrong(f"{file.name}: {error}. 无法读取。") from error


def _event(row: dict[str, Any]) -> Event:
    event = Event(*(row[name] for name in Event._fields))
    typed = _TYPED.decode(event.fact)
    posted = event.post_id is None or (event.post_source, event.post_id) == (typed.source, typed.source_id)
    if row != _row(event, typed) or not posted:
        raise ArchiveWrong(f"Position {event.position}: its columns do not match its fact. 列与事件内容不符。")
    return event
