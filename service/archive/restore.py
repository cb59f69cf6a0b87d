"""Restore an archive into an empty database, with the same positions, hashes and identities, in one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec
from msgspec.structs import astuple
from psycopg import Connection, DataError, IntegrityError
from psycopg.rows import tuple_row

from domain.documents import Claim
from domain.event import Recorded, Reference, claimed
from domain.replay import freed, serial_after
from service import codec
from service.archive import segment
from service.archive.manifest import Archive, ArchiveWrong, Segment
from service.archive.segment import Digest, Event
from service.calendar.imports import insert
from service.postgres.queries import QUERIES


def restore(
    conn: Connection[Any], archive: Archive, on_progress: Callable[[int, int], object] = lambda *_: None
) -> None:
    """Restore `archive` into the empty database of `conn`.

    `on_progress` is called after each batch of events, with the last restored position and the archive's last position.
    Raises ArchiveWrong if the database is not empty, or if the archive's events do not match its manifest. Raises
    NewerEvent if this version of the program cannot read an event. Then nothing is restored.
    """
    head = archive.manifest.head
    with conn.transaction():
        conn.execute(QUERIES["append_lock"])
        [(events,)] = conn.cursor(row_factory=tuple_row).execute(QUERIES["head"]).fetchall()
        if events:
            raise ArchiveWrong("The database has events: restore into an empty one. 数据库非空，只能恢复到空库。")
        derived, incomplete = _Derived(), list[Event]()
        try:
            for batch in (batch for each in archive.manifest.segments for batch in _checked(archive, each)):
                derived.add(batch)
                incomplete = _insert(conn, batch, incomplete)
                on_progress(batch[-1].position, head)
            if incomplete:
                raise ArchiveWrong("The last event of a post is missing. 缺少事件。")
            derived.insert(conn)
            for calendar in (calendar for each in archive.manifest.segments for calendar in each.calendars):
                insert(conn, msgspec.structs.asdict(calendar))
        except (DataError, IntegrityError) as error:
            raise ArchiveWrong(f"The archive cannot be restored: {error}. 无法恢复。") from error


def _checked(archive: Archive, of: Segment) -> Iterator[list[Event]]:
    """The events of one segment of `archive`, in batches.

    `of`: the segment. Raises ArchiveWrong if its events do not match the manifest.
    """
    digest, expected = Digest(archive.manifest.source), of.first
    for batch in segment.read(archive.file(of)):
        for event in batch:
            if event.position != expected:
                raise ArchiveWrong(f"{of.file}: position {expected} is missing. 缺少该位置。")
            expected += 1
        digest.add(batch)
        yield batch
    if (digest.sha256, digest.events, digest.posts) != (of.events_sha256, of.count, of.posts):
        raise ArchiveWrong(f"{of.file}: its events do not match the manifest. 事件与清单不符。")


def _insert(conn: Connection[Any], batch: list[Event], incomplete: list[Event]) -> list[Event]:
    """Insert the events of `batch` and the posts that are now complete; return the posts that are still incomplete.

    A post is complete when its last event is inserted. `incomplete`: the incomplete posts of earlier batches, each as
    the first event of the post.
    """
    _copy(
        conn,
        "copy event (position, stream, version, type, recorded_at, fact) from stdin",
        ((e.position, e.stream, e.version, e.type, e.recorded_at, e.fact) for e in batch),
    )
    posts = [*incomplete, *(event for event in batch if event.post_id is not None)]
    complete = [event for event in posts if (event.post_last or 0) <= batch[-1].position]
    _copy(
        conn,
        "copy post (source, id, digest, first_position, last_position) from stdin",
        ((e.post_source, e.post_id, e.post_digest, e.position, e.post_last) for e in complete),
    )
    return [event for event in posts if (event.post_last or 0) > batch[-1].position]


def _copy(conn: Connection[Any], statement: str, rows: Iterable[tuple[object, ...]]) -> None:
    with conn.cursor().copy(statement.encode()) as copy:
        for row in rows:
            copy.write_row(row)


class _Derived:
    """The rows of the tables that are derived from the log: the claims and the next serial."""

    def __init__(self) -> None:
        self._taken: dict[Claim, Reference] = {}
        self._next_serial = 0

    def add(self, batch: list[Event]) -> None:
        """Add what the events of `batch` change in these tables. Raises NewerEvent, whatever the type of the event.

        An event of an unknown type may have claimed a number or issued fen, which would then be used twice.
        """
        for event in batch:
            self._take(codec.decode(event.stream, event.version, event.type, event.fact))

    def _take(self, event: Recorded) -> None:
        for claim in freed(event.fact, self._taken):
            del self._taken[claim]
        for claim in claimed(event):
            self._taken.setdefault(claim, Reference(event.stream, event.version))
        self._next_serial = serial_after(event, self._next_serial)

    def insert(self, conn: Connection[Any]) -> None:
        users = Counter((claim.kind, claim.number) for claim in self._taken)
        _copy(
            conn,
            "copy claim (kind, number, source, issuer, own_bank, day, event_day, stream, version, shared) from stdin",
            (
                (*astuple(claim), at.stream, at.version, users[claim.kind, claim.number] > 1)
                for claim, at in self._taken.items()
            ),
        )
        conn.execute(QUERIES["restore_serial"], {"next": self._next_serial})
