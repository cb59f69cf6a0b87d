"""Adding to an archive what the log has and it has not, segment by segment: each is whole, or it is not there."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
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
    file_of,
    find,
    must_be_whole,
    put_in_place,
    sha256_of,
)
from service.archive.segment import TOGETHER, Digest, Event
from service.postgres.queries import QUERIES

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

    Raises ArchiveWrong: the archive must be of this `ledger`, as its empty manifest names it, and of this log.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        found = find(folder) or Archive(folder, ledger)
        [(head,)] = conn.cursor(row_factory=tuple_row).execute(QUERIES["head"]).fetchall()
        must_be_whole(found)
        _must_be_of(conn, found, ledger, head)
        _clear(found)
        while found.manifest.head < head:
            first = found.manifest.head + 1
            found = found.add(_written(conn, found, first, min(first + size - 1, head)))
            told(found.manifest.head, head)
    return found


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One archives into a folder at a time; the lock goes with the process. Raises ArchiveWrong."""
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ArchiveWrong(f"{folder}: another archives there now. 另一进程正在归档。") from error
        yield


def _must_be_of(conn: Connection[Any], found: Archive, ledger: Manifest, head: int) -> None:
    """Of the same ledger, and its last segment of the same events: a log that lost its end would go on otherwise."""
    manifest = found.manifest
    same = (manifest.source, manifest.secret) == (ledger.source, ledger.secret) and manifest.head <= head
    for last in manifest.segments[-1:] if same else ():
        digest = Digest(manifest.source)
        for events in _events(conn, last.first, last.last):
            digest.add(events)
        same = digest.sha256 == last.events_sha256
    if not same:
        raise ArchiveWrong(
            f"{found.folder} is the archive of another ledger ({manifest.source}, {manifest.head} events).\n"
            f"该目录是另一账簿的归档。"
        )


def _clear(found: Archive) -> None:
    """Take away what an archiving that was killed has left behind the last segment: others would count it twice."""
    for file in found.folder.glob("events-*"):
        named = OWN.fullmatch(file.name)
        if named and int(named["first"]) == found.manifest.head + 1:
            if not found.manifest.segments and not named["draft"]:
                raise ArchiveWrong(f"{found.folder} has segments and no manifest. 有分段文件而无清单。")
            file.unlink()


OWN = re.compile(r"events-(?P<first>\d{12})-\d{12}\.parquet(?P<draft>\.new)?")
"""How its files are called, and their drafts."""


def _written(conn: Connection[Any], found: Archive, first: int, last: int) -> Segment:
    file = found.folder / file_of(first, last)
    draft = file.with_name(f"{file.name}.new")
    digest = Digest(found.manifest.source)
    segment.write(draft, _digested(digest, _events(conn, first, last)))
    if digest.events != last - first + 1:
        raise ArchiveWrong(f"The log has {digest.events} events from {first} to {last}. 日志位置不连续。")
    with draft.open("rb") as written:
        os.fsync(written.fileno())
    put_in_place(draft, file)
    return Segment(first, last, digest.posts, digest.sha256, sha256_of(file)).after(found.manifest.chain)


def _digested(digest: Digest, batches: Iterator[Sequence[Event]]) -> Iterator[Sequence[Event]]:
    for events in batches:
        digest.add(events)
        yield events


def _events(conn: Connection[Any], first: int, last: int) -> Iterator[list[Event]]:
    with conn.transaction(), conn.cursor("archive", row_factory=tuple_row) as cursor:
        cursor.execute(QUERIES["archive_events"], {"first": first, "last": last})
        while rows := cursor.fetchmany(TOGETHER):
            yield [Event(*row) for row in rows]
