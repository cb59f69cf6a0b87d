"""Adding to an archive what the log has and it has not, segment by segment: each is whole, or it is not there."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from psycopg import Connection
from psycopg.rows import tuple_row

from service.archive import segment
from service.archive.manifest import (
    Archive,
    ArchiveWrong,
    Manifest,
    Segment,
    find,
    following,
    put_in_place,
    sha256_of,
)
from service.archive.segment import TOGETHER, Digest, Event
from service.queries import QUERIES

SIZE = 100_000
"""Events in a segment, at most."""


def archive(
    conn: Connection[Any],
    folder: Path,
    ledger: Manifest,
    size: int = SIZE,
    told: Callable[[int, int], object] = lambda *_: None,
) -> Archive:
    """Add all that is in the log and not in the archive in `folder`; `told` hears positions and the last of them.

    Raises ArchiveWrong: the archive must be of this `ledger`, as its empty manifest names it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found = find(folder) or Archive(folder, ledger)
    [(head,)] = conn.cursor(row_factory=tuple_row).execute(QUERIES["head"]).fetchall()
    _must_be_of(found, ledger, head)
    while found.manifest.head < head:
        first = found.manifest.head + 1
        last = min(first + size - 1, head)
        found = found.add(_written(conn, found, first, last))
        told(last, head)
    return found


def _must_be_of(found: Archive, ledger: Manifest, head: int) -> None:
    manifest = found.manifest
    if (manifest.source, manifest.secret) != (ledger.source, ledger.secret) or manifest.head > head:
        raise ArchiveWrong(
            f"{found.folder} is the archive of another ledger ({manifest.source}, {manifest.head} events).\n"
            f"该目录是另一账簿的归档。"
        )


def _written(conn: Connection[Any], found: Archive, first: int, last: int) -> Segment:
    name = f"events-{first:012}-{last:012}.parquet"
    file, draft = found.folder / name, found.folder / f"{name}.new"
    digest, counts = Digest(found.manifest.source), [0, 0]

    def batches() -> Iterator[list[Event]]:
        for events in _events(conn, first, last):
            digest.add(events)
            counts[0] += len(events)
            counts[1] += sum(event.post_id is not None for event in events)
            yield events

    segment.write(draft, batches())
    if counts[0] != last - first + 1:
        raise ArchiveWrong(f"The log has {counts[0]} events from {first} to {last}. 日志位置不连续。")
    with draft.open("rb") as written:
        os.fsync(written.fileno())
    put_in_place(draft, file)
    chain = following(found.manifest.chain, digest.sha256)
    return Segment(name, first, last, counts[1], digest.sha256, sha256_of(file), chain)


def _events(conn: Connection[Any], first: int, last: int) -> Iterator[list[Event]]:
    with conn.transaction(), conn.cursor("archive", row_factory=tuple_row) as cursor:
        cursor.execute(QUERIES["archive_events"], {"first": first, "last": last})
        while rows := cursor.fetchmany(TOGETHER):
            yield [Event(*row) for row in rows]
