"""The states of streams: held in memory, brought up to date from the log, and kept as snapshots when long."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from threading import Lock

from msgspec import Struct, field
from psycopg import Connection
from psycopg.rows import DictRow

from domain.documents import Claim
from domain.event import Recorded, Reference
from domain.ledger_view import Stream
from domain.replay import after
from service import codec
from service.ledger.recorder import Identity
from service.postgres.queries import QUERIES

SNAPSHOT_AFTER = 1_000
"""Whoever has just replayed more events than this of one stream leaves a snapshot of it."""

MAX_SNAPSHOT_BYTES = 256 * 1024 * 1024
"""A longer snapshot is not kept. One of 139 MB, of 340 000 events, was read in 4 s, where a replay took 25."""

MAX_CACHED_EVENTS = 1_000_000
"""Of the streams that are held, together."""


def _sources(folder: Traversable) -> list[Traversable]:
    found: list[Traversable] = []
    for entry in sorted(folder.iterdir(), key=lambda each: each.name):
        if entry.is_dir():
            found += _sources(entry)
        elif entry.name.endswith(".py"):
            found.append(entry)
    return found


_MAKERS = [*_sources(files("domain")), files("service") / "codec.py"]
CODE = hashlib.sha256(b"\0".join(file.read_bytes() for file in _MAKERS)).hexdigest()
"""Fingerprint of the code that makes and writes states; a snapshot made by other code is ignored."""


class States:
    """The most recently used streams' states. Immutable values, so every thread may share them.

    At most `most` streams, and of these as many as have `most_events` together, which is what their memory grows with:
    some 700 bytes an event. The last one used is held however long it is.
    """

    def __init__(self, most: int, most_events: int = MAX_CACHED_EVENTS) -> None:
        self._most, self._most_events, self._events = most, most_events, 0
        self._streams: OrderedDict[str, Stream] = OrderedDict()
        self._lock = Lock()

    def held(self, names: Iterable[str]) -> dict[str, Stream]:
        """Those of `names` that are held, perhaps behind the log."""
        with self._lock:
            found = {name: self._streams[name] for name in names if name in self._streams}
            for name in found:
                self._streams.move_to_end(name)
        return found

    def funds(self) -> dict[str, Stream]:
        """The funds that are held."""
        with self._lock:
            return {name: each for name, each in self._streams.items() if name.startswith("fund/")}

    def forget(self, name: str) -> None:
        """Hold this one no more."""
        with self._lock:
            self._events -= self._streams.pop(name, Stream()).version

    def keep(self, streams: Mapping[str, Stream]) -> None:
        """Hold these too, unless a later version is held already."""
        with self._lock:
            for name, stream in streams.items():
                held = self._streams.get(name, Stream()).version
                if stream.version > held:
                    self._streams[name] = stream
                    self._streams.move_to_end(name)
                    self._events += stream.version - held
            while len(self._streams) > self._most or (self._events > self._most_events and len(self._streams) > 1):
                self._events -= self._streams.popitem(last=False)[1].version


class KnownPost(Struct, frozen=True):
    """A post that already counted: its digest, its events' positions, and its stream's version after the first."""

    digest: bytes
    first: int
    last: int
    version: int


class Loaded(Struct):
    """What was read: streams up to date, posts already recorded, numbers taken, the next serial, entries."""

    streams: dict[str, Stream]
    posts: dict[tuple[str, str], KnownPost] = field(default_factory=dict)
    taken: dict[Claim, Reference] = field(default_factory=dict)
    next_serial: int = 0
    entries: dict[Reference, Recorded] = field(default_factory=dict)

    def take(self, row: DictRow) -> None:
        """Add what one row of the query `load` says."""
        match row:
            case {"kind": "ahead", "stream": stream}:
                del self.streams[stream]
            case {"kind": "snapshot", "stream": stream, "version": version, "body": body}:
                self.streams[stream] = codec.decode_stream(stream, version, body)
            case {"kind": "event", "stream": stream, "version": version, "type": name, "body": body}:
                event = codec.decode(stream, version, name, body)
                self.streams[stream] = after(self.streams.get(stream, Stream()), event)
            case {"kind": "post", "stream": source, "version": first, "type": id_, "body": body}:
                digest, last, version = body.split()
                self.posts[source, id_] = KnownPost(bytes.fromhex(digest), first, int(last), int(version))
            case {"kind": "claim", "stream": stream, "version": version, "type": kind, "body": number}:
                self.taken[Claim(kind, number)] = Reference(stream, version)
            case {"kind": "serial", "version": next_serial}:
                self.next_serial = next_serial


def entries(conn: Connection[DictRow], references: Collection[Reference]) -> dict[Reference, Recorded]:
    """The recorded events that stand at these places, as far as they exist. They never change."""
    if not references:
        return {}
    asked = {"streams": [each.stream for each in references], "versions": [each.version for each in references]}
    rows = conn.execute(QUERIES["entries"], asked)
    return {
        Reference(row["stream"], row["version"]): codec.decode(row["stream"], row["version"], row["type"], row["body"])
        for row in rows
    }


def load(
    conn: Connection[DictRow],
    states: States,
    names: Collection[str],
    identities: Collection[Identity],
    claims: Collection[Claim],
) -> Loaded:
    """Read, in one query, all that deciding needs: the streams `names` and the funds of the projects among them."""
    held, funds = states.held(names), states.funds()
    rows = conn.execute(
        QUERIES["load"],
        {
            "streams": list(names),
            "versions": [held[name].version if name in held else 0 for name in names],
            "held_streams": list(funds),
            "held_versions": [stream.version for stream in funds.values()],
            "code": CODE,
            "sources": [identity.source for identity in identities],
            "ids": [identity.id for identity in identities],
            "claim_kinds": [claim.kind for claim in claims],
            "claim_numbers": [claim.number for claim in claims],
        },
    )
    loaded = Loaded({**funds, **held})
    replayed: dict[str, int] = {}
    for row in rows:
        if row["kind"] == "ahead":
            states.forget(row["stream"])
        if row["kind"] == "event":
            replayed[row["stream"]] = replayed.get(row["stream"], 0) + 1
        loaded.take(row)
    states.keep(loaded.streams)
    for stream, events in replayed.items():
        if events > SNAPSHOT_AFTER:
            _save_snapshot(conn, stream, loaded.streams[stream])
    return loaded


def _save_snapshot(conn: Connection[DictRow], name: str, stream: Stream) -> None:
    state = codec.encode_stream(stream)
    if len(state) > MAX_SNAPSHOT_BYTES:
        return  # better replayed than a request that fails
    conn.execute(
        QUERIES["save_snapshot"],
        {"stream": name, "version": stream.version, "code": CODE, "state": state},
    )
