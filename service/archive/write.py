"""Add the log's new events to an archive, segment by segment; each segment is written completely or not at all."""

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

from service import codec
from service.archive import segment
from service.archive.manifest import (
    Archive,
    ArchiveWrong,
    Manifest,
    Segment,
    check_files,
    file_of,
    find,
    rename_durably,
    sha256_of,
)
from service.archive.segment import BATCH_ROWS, Digest, Event
from service.calendar.imports import history
from service.postgres.queries import QUERIES

MAX_SEGMENT_EVENTS = 100_000
"""The default maximum number of events in a segment."""


def archive(
    conn: Connection[Any],
    folder: Path,
    ledger: Manifest,
    size: int = MAX_SEGMENT_EVENTS,
    on_progress: Callable[[int, int], object] = lambda *_: None,
) -> Archive:
    """Add the log's events that the archive in `folder` lacks, in segments of at most `size` events.

    Returns the extended archive. `ledger` is the empty manifest of this ledger. `on_progress` is called after each
    segment, with the last archived position and the log's last position. Raises ArchiveWrong if the folder has an
    archive of another ledger or log, if a file of the archive is missing or changed, or if another process is archiving
    into the folder. Raises NewerEvent, and adds nothing, if this version of the program cannot read one of the events:
    it could not restore them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder):
        current = find(folder) or Archive(folder, ledger)
        [(head,)] = conn.cursor(row_factory=tuple_row).execute(QUERIES["head"]).fetchall()
        check_files(current)
        _check_ledger(conn, current, ledger, head)
        _check_readable(conn, current.manifest.head + 1, head)
        _remove_leftovers(current)
        while current.manifest.head < head:
            first = current.manifest.head + 1
            current = current.add(_written(conn, current, first, min(first + size - 1, head)))
            on_progress(current.manifest.head, head)
    return current


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Context manager: locks `folder`, so that only one process archives into it.

    The lock also ends if the process is killed. Raises ArchiveWrong if another process has the lock.
    """
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ArchiveWrong(f"{folder}: another process is archiving into it. 另一进程正在归档。") from error
        yield


def _check_ledger(conn: Connection[Any], current: Archive, ledger: Manifest, head: int) -> None:
    """Raises ArchiveWrong if the archive is of another ledger, or its last segment is not in the log.

    The name and secret of the ledger do not suffice: a log that lost its last events and continued has other events at
    the same positions. Therefore the events of the last segment are compared.
    """
    manifest = current.manifest
    same = (manifest.source, manifest.secret) == (ledger.source, ledger.secret) and manifest.head <= head
    for last in manifest.segments[-1:] if same else ():
        digest = Digest(manifest.source)
        for events in _events(conn, last.first, last.last):
            digest.add(events)
        same = digest.sha256 == last.events_sha256
    if not same:
        raise ArchiveWrong(
            f"{current.folder} is the archive of another ledger ({manifest.source}, {manifest.head} events).\n"
            f"该目录是另一账簿的归档。"
        )


def _check_readable(conn: Connection[Any], first: int, last: int) -> None:
    """Raises NewerEvent if this version cannot read one of the events from position `first` to `last`."""
    for events in _events(conn, first, last):
        for event in events:
            codec.decode(event.stream, event.version, event.type, event.fact)


def _remove_leftovers(current: Archive) -> None:
    """Remove the files with events after the last segment, which a killed process left.

    These events are archived again. If the files stayed, a program that reads all files of the folder would read the
    events twice. Raises ArchiveWrong if the folder has segment files but no manifest.
    """
    for file in current.folder.glob("events-*"):
        name = FILE_NAME.fullmatch(file.name)
        if name and int(name["first"]) == current.manifest.head + 1:
            if not current.manifest.segments and not name["draft"]:
                raise ArchiveWrong(f"{current.folder} has segments but no manifest. 有分段文件而无清单。")
            file.unlink()


FILE_NAME = re.compile(r"events-(?P<first>\d{12})-\d{12}\.parquet(?P<draft>\.new)?")
"""The names of segment files, and of their drafts: the files that are still being written."""


def _written(conn: Connection[Any], current: Archive, first: int, last: int) -> Segment:
    file = current.folder / file_of(first, last)
    draft = file.with_name(f"{file.name}.new")
    digest = Digest(current.manifest.source)
    segment.write(draft, _digested(digest, _events(conn, first, last)))
    if digest.events != last - first + 1:
        raise ArchiveWrong(f"The log has {digest.events} events from {first} to {last}. 日志位置不连续。")
    with draft.open("rb") as stream:
        os.fsync(stream.fileno())
    rename_durably(draft, file)
    calendars = tuple(each for each in history(conn) if first - 1 <= each.position < last)
    written = Segment(first, last, digest.posts, digest.sha256, sha256_of(file), calendars=calendars)
    return written.after(current.manifest.chain)


def _digested(digest: Digest, batches: Iterator[Sequence[Event]]) -> Iterator[Sequence[Event]]:
    for events in batches:
        digest.add(events)
        yield events


def _events(conn: Connection[Any], first: int, last: int) -> Iterator[list[Event]]:
    with conn.transaction(), conn.cursor("archive", row_factory=tuple_row) as cursor:
        cursor.execute(QUERIES["archive_events"], {"first": first, "last": last})
        while rows := cursor.fetchmany(BATCH_ROWS):
            yield [Event(*row) for row in rows]
