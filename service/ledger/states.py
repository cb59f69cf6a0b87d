"""The states of streams: cached in memory, updated from the log, and saved as snapshots when a stream is long."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime
from importlib.metadata import version
from itertools import count
from random import Random
from threading import Lock
from typing import Any, cast

import msgspec
import structlog
from msgspec import Struct, field
from psycopg import Connection, DatabaseError
from psycopg.rows import DictRow

from domain.documents import Claim
from domain.event import Recorded, Reference
from domain.ledger_view import Stream
from domain.replay import after
from service import codec
from service.calendar.working_days import Calendar
from service.ledger.recorder import Identity, LastEvent
from service.postgres.queries import QUERIES

SNAPSHOT_AFTER = 1_000
"""If a load replays more events of one stream than this, it saves the stream's state as a snapshot."""

MAX_SNAPSHOT_BYTES = 256 * 1024 * 1024
"""A stream's state that is larger than this is not saved as a snapshot. Reading a snapshot of 139 MB took 4 s;
replaying its 340 000 events took 25 s."""

MAX_CACHED_EVENTS = 200_000
"""Maximum number of events of all cached streams together: some 450 MB, after a start."""


MAX_POSITION = 2**63 - 1
"""No event of a log has a higher position."""

STATE_VERSION = 6
"""The version of the states that the domain derives from the log, as `codec.encode_stream` writes them. A test derives
the states of the released logs. If a state is not as it was at this version, the test says to raise the version."""
_LIBRARIES = ("immutables", "msgspec")
SNAPSHOT_KEY = " ".join([
    f"states {STATE_VERSION}", f"events {codec.KNOWN}", *(f"{name} {version(name)}" for name in _LIBRARIES)
])  # fmt: skip
"""The key that is saved with a snapshot (the saved state of a stream). It names the version of the states, the types
and fields of events that the program knows, and the libraries that write states. A snapshot with another key is
ignored, and is replaced when its stream is replayed. A program that knows fewer types must not use the snapshot of one
that knows more: it would never see the event that it does not know."""
NO_SNAPSHOTS = ""
"""A key that no saved state of a stream has. With this key, the query `load` reads only events of the log."""

_CLAIMS = msgspec.json.Decoder(Claim)

log = structlog.get_logger(__name__)


class SnapshotUnreadable(Exception):
    """The saved state (snapshot) of the stream `stream` cannot be decoded."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.stream = stream


class CachedState(Struct, frozen=True):
    """The state of a stream, and the last event that the state includes."""

    stream: Stream
    last: LastEvent


class _Entry(Struct):
    """A cached state, when it was used last, and its index in the list of all names."""

    state: CachedState
    used: int
    index: int


class _Part:
    """At most `max_streams` cached streams with at most `max_events` events in total; see StateCache."""

    def __init__(self, max_streams: int, max_events: int) -> None:
        self._max_streams, self._max_events = max_streams, max_events
        self.entries: dict[str, _Entry] = {}
        self._names: list[str] = []
        self._events, self._random = 0, Random(0)  # noqa: S311

    def put(self, name: str, state: CachedState, used: int) -> None:
        """Cache the state in the place of the one that is cached, if any, and drop others until all fit."""
        entry = self.entries.get(name)
        if entry is None:
            entry = self.entries[name] = _Entry(state, used, len(self._names))
            self._names.append(name)
        else:
            self._events -= entry.state.last.version
            entry.state, entry.used = state, used
        self._events += state.last.version
        while len(self._names) > self._max_streams or (self._events > self._max_events and len(self._names) > 1):
            self.drop(min(self._random.sample(self._names, 2), key=lambda name: self.entries[name].used))

    def drop(self, name: str) -> None:
        """Remove the stream `name`; the last of the names takes its place in the list."""
        entry, last = self.entries.pop(name), self._names.pop()
        if last != name:
            self._names[entry.index] = last
            self.entries[last].index = entry.index
        self._events -= entry.state.last.version


class StateCache:
    """A cache of streams' states. The states are immutable, so threads may share them.

    Holds at most `max_streams` streams, with at most `max_events` events in total, because memory grows with the
    events: 0.7 to 2.2 KB per event. Streams that have more than half of these events have a part of their own, with the
    same limits: otherwise one of them would drop most others. The last used stream of a part is cached whatever its
    length.

    Of two streams drawn at random, the one that was used less recently is dropped. If the least recently used of all
    were dropped, then posts to a few more streams than fit, in turn, would find none of them cached.
    """

    def __init__(self, max_streams: int, max_events: int = MAX_CACHED_EVENTS) -> None:
        self.unreadable_snapshots = 0
        """How many saved states of streams could not be read, so that the log was replayed instead."""
        self._short, self._long = _Part(max_streams, max_events), _Part(max_streams, max_events)
        self._longest_short = max_events // 2
        self._clock, self._lock = count(), Lock()

    def cached(self, names: Iterable[str]) -> dict[str, CachedState]:
        """The cached states of `names`; they may be stale. Streams that are not cached are left out."""
        with self._lock:
            found = {name: entry for name in names if (entry := self._entry(name))}
            for entry in found.values():
                entry.used = next(self._clock)
            return {name: entry.state for name, entry in found.items()}

    def funds(self) -> dict[str, CachedState]:
        """The cached states of all funds in the cache."""
        with self._lock:
            entries = (*self._short.entries.items(), *self._long.entries.items())
            return {name: each.state for name, each in entries if name.startswith("fund/")}

    def discard(self, name: str) -> None:
        """Remove the stream `name`, if it is cached."""
        with self._lock:
            self._discard(name)

    def put(self, states: Mapping[str, CachedState]) -> None:
        """Cache `states`. A stream that is already cached at the same or a later version is left as it is."""
        with self._lock:
            for name, state in states.items():
                entry, version = self._entry(name), state.last.version
                if version <= (entry.state.last.version if entry else 0):
                    continue
                part = self._short if version <= self._longest_short else self._long
                if name not in part.entries:
                    self._discard(name)  # it has outgrown the other part
                part.put(name, state, next(self._clock))

    def _entry(self, name: str) -> _Entry | None:
        return self._short.entries.get(name) or self._long.entries.get(name)

    def _discard(self, name: str) -> None:
        for part in (self._short, self._long):
            if name in part.entries:
                part.drop(name)


class RecordedPost(Struct, frozen=True):
    """A recorded post: its events have the positions `first` to `last`.

    `digest`: the digest of the post's content. `version`: the version of the event at `first`.
    """

    digest: bytes
    first: int
    last: int
    version: int


class Loaded(Struct):
    """What a decision needs: states of streams, recorded posts, claims, next serial, entries, and calendar.

    `last`: the last event of each stream that has events. `calendar_at`: when the last calendar was imported.
    """

    streams: dict[str, Stream] = field(default_factory=dict)
    last: dict[str, LastEvent] = field(default_factory=dict)
    posts: dict[tuple[str, str], RecordedPost] = field(default_factory=dict)
    claims: dict[Claim, Reference] = field(default_factory=dict)
    next_serial: int = 0
    entries: dict[Reference, Recorded] = field(default_factory=dict)
    calendar_at: datetime | None = None
    calendar: Calendar = Calendar()

    @classmethod
    def of(cls, states: Mapping[str, CachedState]) -> Loaded:
        """A Loaded that has these cached states and nothing else."""
        streams = {name: each.stream for name, each in states.items()}
        return cls(streams, {name: each.last for name, each in states.items()})

    def states(self) -> dict[str, CachedState]:
        """The states of the loaded streams that have events."""
        return {name: CachedState(self.streams[name], last) for name, last in self.last.items()}

    def add(self, row: DictRow) -> None:
        """Add one row of the query `load`."""
        match row:
            case {"kind": "foreign", "stream": stream}:
                del self.streams[stream], self.last[stream]
            case {"kind": "snapshot", "stream": stream, "version": version, "body": body}:
                try:
                    self.streams[stream] = codec.decode_stream(stream, version, body)
                except Exception as error:
                    raise SnapshotUnreadable(stream) from error
                self.last[stream] = LastEvent(version, row["position"], row["nonce"])
            case {"kind": "event", "stream": stream, "version": version, "type": name, "body": body}:
                event = codec.decode(stream, version, name, body)
                self.streams[stream] = after(self.streams.get(stream, Stream()), event)
                self.last[stream] = LastEvent(version, row["position"], row["nonce"])
            case {"kind": "post", "stream": source, "version": first, "type": id_, "body": body}:
                digest, last, version = body.split()
                self.posts[source, id_] = RecordedPost(bytes.fromhex(digest), first, int(last), int(version))
            case {"kind": "claim", "stream": stream, "version": version, "body": body}:
                self.claims[_CLAIMS.decode(body)] = Reference(stream, version)
            case {"kind": "serial", "version": next_serial}:
                self.next_serial = next_serial
            case {"kind": "calendar", "imported_at": imported_at}:
                self.calendar_at = imported_at


def entries(conn: Connection[DictRow], references: Collection[Reference]) -> dict[Reference, Recorded]:
    """The events recorded at `references`. A reference without an event is left out.

    The states of the streams are read later, by another query. This is safe, because recorded events never change.
    """
    if not references:
        return {}
    params = {"streams": [each.stream for each in references], "versions": [each.version for each in references]}
    rows = conn.execute(QUERIES["entries"], params)
    return {
        Reference(row["stream"], row["version"]): codec.decode(row["stream"], row["version"], row["type"], row["body"])
        for row in rows
    }


def load(
    conn: Connection[DictRow],
    states: StateCache,
    names: Collection[str],
    identities: Collection[Identity],
    claims: Collection[Claim],
    *,
    upto: int = MAX_POSITION,
    row_by_row: bool = False,
) -> Loaded:
    """Read what is needed to decide posts, in one query that starts from the cached states.

    The result has the streams `names`, the funds of the projects among them, the recorded posts of `identities`, the
    recorded ones of `claims`, the next serial, and the time when the last calendar was imported. The states are those
    after the event at the log position `upto`, by default after all events. The cache is updated. If
    the replay of a stream was long, the stream's state is saved as a snapshot. With `row_by_row`, the events are not
    all in memory at once.

    Snapshots never make the load fail. A snapshot that cannot be read is deleted, and the log is replayed instead. If a
    snapshot cannot be saved or deleted, this is only logged.
    """
    try:
        return _load(conn, states, names, identities, claims, key=SNAPSHOT_KEY, upto=upto, row_by_row=row_by_row)
    except SnapshotUnreadable as error:
        log.warning("snapshot unreadable: the log is replayed", stream=error.stream, reason=repr(error.__cause__))
        states.unreadable_snapshots += 1
        _try(conn, "delete_snapshot", stream=error.stream)
        return _load(conn, states, names, identities, claims, key=NO_SNAPSHOTS, upto=upto, row_by_row=row_by_row)


def _load(
    conn: Connection[DictRow],
    states: StateCache,
    names: Collection[str],
    identities: Collection[Identity],
    claims: Collection[Claim],
    *,
    key: str,
    upto: int,
    row_by_row: bool,
) -> Loaded:
    cached, funds = _until(states.cached(names), upto), _until(states.funds(), upto)
    query = {
        "streams": list(names),
        **_columns("", [cached[name].last if name in cached else LastEvent() for name in names]),
        "held_streams": list(funds),
        **_columns("held_", [each.last for each in funds.values()]),
        "code": key,
        "upto": upto,
        "sources": [identity.source for identity in identities],
        "ids": [identity.id for identity in identities],
        "claim_sources": [claim.source for claim in claims],
        "claim_kinds": [claim.kind for claim in claims],
        "claim_numbers": [claim.number for claim in claims],
    }
    loaded = Loaded.of({**funds, **cached})
    replayed: dict[str, int] = {}
    with _rows(conn, query, row_by_row=row_by_row) as rows:
        for row in rows:
            if row["kind"] == "foreign":
                states.discard(row["stream"])
            if row["kind"] == "event":
                replayed[row["stream"]] = replayed.get(row["stream"], 0) + 1
            loaded.add(row)
    states.put(loaded.states())
    for stream, events in replayed.items():
        if events > SNAPSHOT_AFTER:
            _save_snapshot(conn, stream, loaded.states()[stream])
    return loaded


def _until(states: dict[str, CachedState], position: int) -> dict[str, CachedState]:
    """Those of `states` that include no event after this log position."""
    return {name: each for name, each in states.items() if each.last.position <= position}


@contextmanager
def _rows(conn: Connection[DictRow], query: dict[str, Any], *, row_by_row: bool) -> Iterator[Iterable[DictRow]]:
    """Context manager: the rows of the query `load` with these parameters."""
    if not row_by_row:
        yield conn.execute(QUERIES["load"], query)
        return
    rows = cast(Generator[DictRow], conn.cursor().stream(QUERIES["load"], query))
    with closing(rows):
        yield rows


def _columns(prefix: str, last: Collection[LastEvent]) -> dict[str, list[Any]]:
    """The versions, positions and nonces of the events `last`, as parameters of the query `load`.

    The names of the parameters begin with `prefix`.
    """
    return {
        f"{prefix}versions": [each.version for each in last],
        f"{prefix}positions": [each.position for each in last],
        f"{prefix}nonces": [each.nonce for each in last],
    }


def _save_snapshot(conn: Connection[DictRow], name: str, cached: CachedState) -> None:
    state, last = codec.encode_stream(cached.stream), cached.last
    if len(state) > MAX_SNAPSHOT_BYTES:
        return  # a replay is better than a request that fails
    _try(
        conn,
        "save_snapshot",
        stream=name,
        version=last.version,
        position=last.position,
        nonce=last.nonce,
        code=SNAPSHOT_KEY,
        state=state,
    )


def _try(conn: Connection[DictRow], query: str, **parameters: object) -> None:
    """Run a query that saves or deletes the saved state (snapshot) of a stream. If the query fails, only log a warning.

    The load of states must not fail because of a full disk, a read-only database, or a lock.
    """
    try:
        with conn.transaction():
            conn.execute(QUERIES[query], parameters)
    except DatabaseError as error:
        log.warning("snapshot not changed", query=query, stream=parameters["stream"], reason=repr(error))
