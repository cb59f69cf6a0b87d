"""The eventsourcing library's recorder on this service's log: reads through a view, writes through one SQL function.

Four parts of the library are not used. Its LOCK TABLE waits for VACUUM, and needs more than the privilege INSERT. Its
sequence leaves gaps. Its pipeline mode hangs on large bundles. Its database functions take no lock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NoReturn, cast

from eventsourcing.persistence import (
    InterfaceError,
    InternalError,
    Mapper,
    OperationalError,
    ProgrammingError,
    StoredEvent,
)
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from msgspec import Struct
from psycopg import Connection
from psycopg.errors import ReadOnlySqlTransaction
from psycopg.rows import DictRow, dict_row

from domain.documents import Claim
from domain.entry_reversed import EntryReversed
from domain.event import Recorded, claimed
from domain.ledger_view import State, Stream
from domain.posting import TREASURY
from domain.replay import after
from service import codec
from service.postgres.arrays import ByteStrings, Integers, Texts
from service.postgres.queries import QUERIES
from service.postgres.session import POSTS, RECONNECT_SECONDS, WAIT_SECONDS, Limits, Session, configure, conninfo


class Identity(Struct, frozen=True):
    """A post's permanent identity: the post's source, the id that the sender gave it, and the digest of its content."""

    source: str
    id: str
    digest: bytes


class LastEvent(Struct, frozen=True):
    """The last event of a stream. It identifies the history that a state was derived from.

    A stream without events has version 0. Version and position alone do not identify the history, because a failover or
    a restore may have lost events, and other events may then have got the versions and positions of the lost ones. The
    `nonce` tells them apart: a random number that the event got when it was recorded.
    """

    version: int = 0
    position: int = 0
    nonce: int = 0


class Appended(Struct, frozen=True):
    """Where events were recorded.

    `first`: the position of the first event; 0 if there were no events. `nonce`: the random number that identifies
    these events, and is the same for all of them.
    """

    first: int = 0
    nonce: int = 0


class NewPost(Struct, frozen=True):
    """A post to record. The post's events are numbers `first` to `last` of the appended events, counted from 1."""

    identity: Identity
    first: int
    last: int


class LibraryAggregate(Struct, frozen=True):
    """The aggregate that the eventsourcing library's repository returns: a stream with its version and state."""

    id: str
    stream: Stream

    @property
    def version(self) -> int:
        return self.stream.version

    @property
    def state(self) -> State:
        assert self.stream.state is not None, "a stream begins with the event that founds its fund or project"
        return self.stream.state


class LibraryEvent(Struct, frozen=True):
    """A recorded event in the form that the eventsourcing library expects: two attributes, and the method `mutate`."""

    originator_id: str
    originator_version: int
    recorded: Recorded

    def mutate(self, aggregate: LibraryAggregate | None) -> LibraryAggregate:
        """The aggregate after this event. `aggregate` is the one before this event; None if this event is the first."""
        before = aggregate.stream if aggregate else Stream()
        return LibraryAggregate(self.originator_id, after(before, self.recorded))


class FactMapper(Mapper[str]):
    """Converts events to and from their stored form: the name of the event type, and JSON that SQL can read."""

    def to_stored_event(self, domain_event: Any) -> StoredEvent:
        event = cast(LibraryEvent, domain_event).recorded
        return StoredEvent(event.stream, event.version, type(event.fact).__name__, codec.encode(event).encode())

    def to_domain_event(self, stored_event: StoredEvent) -> Any:
        event = recorded(stored_event)
        return LibraryEvent(event.stream, event.version, event)


def recorded(stored: StoredEvent) -> Recorded:
    """The event decoded from a StoredEvent of the eventsourcing library."""
    return codec.decode(str(stored.originator_id), stored.originator_version, stored.topic, stored.state.decode())


class _Stack(deque[Any]):
    """The idle connections of a pool. The one that was used last is used next: the server has its data at hand.

    The library's pool adds at the right and takes at the left.
    """

    append = deque.appendleft


class Datastore(PostgresDatastore):
    """The eventsourcing library's datastore with its connection pool. `url` is any libpq connection string.

    The pool has at most `pool_size` connections, and keeps at least `kept` open.
    """

    def __init__(self, url: str, pool_size: int, limits: Limits = POSTS, *, kept: int = 1) -> None:
        self.limits = limits
        super().__init__(
            *("", "", "", "", ""),
            pool_size=kept,
            max_overflow=pool_size - kept,
            connect_timeout=WAIT_SECONDS,
            originator_id_type="text",
        )
        self.pool.conninfo = conninfo(url)
        self.pool.kwargs = {"row_factory": dict_row}
        self.pool.connection_class = Session
        self.pool.reconnect_timeout = RECONNECT_SECONDS
        self.pool._pool = _Stack(self.pool._pool)  # noqa: SLF001

    @contextmanager
    def get_connection(self) -> Iterator[Connection[DictRow]]:
        """Context manager: lends a connection of the pool. Raises OperationalError if the database is read-only.

        Raises the library's other errors too. When one connection is lost, the pool replaces all its connections. After
        a restart of the database, the other connections have ended as well; after a failover, they may never answer, or
        may lead to a standby.
        """
        conn: Connection[DictRow] | None = None
        try:
            with super().get_connection() as conn:
                yield conn
        except InternalError as error:
            if not isinstance(error.__cause__, ReadOnlySqlTransaction):
                raise
            self.pool.drain()
            raise OperationalError(str(error)) from error
        except (OperationalError, InterfaceError):
            if conn is not None and conn.closed:
                self.pool.drain()
            raise

    def register_type_adapters(self) -> None:
        """Does nothing. The service uses none of the library's composite types, and must start without the database."""

    def after_connect_func(self) -> Callable[[Connection[DictRow]], None]:
        """The function that sets up each new connection.

        The returned function sets the isolation level `read committed`, whatever the server's default is, because a
        read under the append lock must see all earlier commits.
        """
        library_setup = super().after_connect_func()

        def after_connect(conn: Connection[DictRow]) -> None:
            library_setup(conn)
            configure(conn, self.limits, **SETTINGS)

        return after_connect


SETTINGS = {
    "default_transaction_isolation": "read committed",
    "enable_seqscan": "off",  # a post reads few rows, by key; no plan may scan a table
    "jit": "off",  # before PostgreSQL 18, a sequential scan without alternative triggers JIT
}


def _claims(events: Sequence[Recorded], known: Collection[Claim]) -> tuple[dict[Claim, int], list[Claim]]:
    """The new claims of `events`, and the earlier claims that `events` free.

    Each new claim has the ordinal, from 1, of the event that makes it. A claim that one of `events` makes and a later
    one frees is in neither result. A code that is among the `known` claims has been reserved before, and stays so.
    """
    new: dict[Claim, int] = {}
    free: list[Claim] = []
    for ordinal, event in enumerate(events, 1):
        frees = event.fact.frees if isinstance(event.fact, EntryReversed) else ()
        free += [claim for claim in frees if new.pop(claim, None) is None]
        for claim in claimed(event):
            if claim.source or claim not in known:
                new.setdefault(claim, ordinal)
    return new, free


class Recorder(PostgresApplicationRecorder):
    """Appends events with their posts' identities."""

    def __init__(self, datastore: Datastore) -> None:
        super().__init__(datastore, events_table_name="ledger_events")

    def append(
        self,
        conn: Connection[DictRow],
        events: Sequence[Recorded],
        reads: Mapping[str, LastEvent],
        new_posts: Sequence[NewPost] = (),
        *,
        calendar_at: datetime | None = None,
        known_claims: Collection[Claim] = (),
        absent_codes: Collection[Claim] = (),
    ) -> Appended | None:
        """Append `events`, record the posts in `new_posts`, and return where the events were recorded.

        `reads`: the streams that the decision of `events` read, each with its last event when it was read.
        `calendar_at`: the import time of the calendar that the decision used. `known_claims`: the claims that it read.
        `absent_codes`: the codes that it looked up, and that nobody owned. Returns None and writes nothing if a post is
        already recorded, if the last event of a stream is no longer the one in `reads`, if a claimed number or code is
        taken, if an absent code has an owner now, if another event has issued the same serials, or if another calendar
        was imported after the decision.
        """
        new, free = _claims(events, known_claims)
        issued = [r for e in events for m in e.moves if m.source == TREASURY for r in m.fen.ranges]
        row = conn.execute(
            QUERIES["append"],
            {
                "sources": Texts(post.identity.source for post in new_posts),
                "ids": Texts(post.identity.id for post in new_posts),
                "digests": ByteStrings(post.identity.digest for post in new_posts),
                "firsts": Integers(post.first for post in new_posts),
                "lasts": Integers(post.last for post in new_posts),
                "read_streams": Texts(reads),
                "read_versions": Integers(last.version for last in reads.values()),
                "read_positions": Integers(last.position for last in reads.values()),
                "read_nonces": Integers(last.nonce for last in reads.values()),
                "streams": Texts(event.stream for event in events),
                "versions": Integers(event.version for event in events),
                "types": Texts(type(event.fact).__name__ for event in events),
                "facts": Texts(codec.encode(event) for event in events),
                "claim_sources": Texts(claim.source for claim in new),
                "claim_kinds": Texts(claim.kind for claim in new),
                "claim_numbers": Texts(claim.number for claim in new),
                "claim_events": Integers(new.values()),
                "claim_issuers": Texts(claim.issuer for claim in new),
                "claim_own_banks": Texts(claim.own_bank for claim in new),
                "claim_days": Texts(claim.day for claim in new),
                "claim_event_days": Texts(claim.event_day for claim in new),
                "absent_kinds": Texts(code.kind for code in absent_codes),
                "absent_codes": Texts(code.number for code in absent_codes),
                "free_sources": Texts(claim.source for claim in free),
                "free_kinds": Texts(claim.kind for claim in free),
                "free_numbers": Texts(claim.number for claim in free),
                "free_issuers": Texts(claim.issuer for claim in free),
                "free_own_banks": Texts(claim.own_bank for claim in free),
                "free_days": Texts(claim.day for claim in free),
                "free_event_days": Texts(claim.event_day for claim in free),
                "serial_before": min((lo for lo, _ in issued), default=0),
                "serial_after": max((hi for _, hi in issued), default=0),
                "calendar_at": calendar_at,
            },
        ).fetchone()
        assert row is not None, "append_events always returns a row"
        return Appended(row["first_position"], row["nonce"]) if row["outcome"] == "recorded" else None

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> NoReturn:
        """Always raises ProgrammingError. The library's `save` calls it, but only `Ledger.post` may record events."""
        raise ProgrammingError("events are recorded by Ledger.post, which decides them: save() would not")
