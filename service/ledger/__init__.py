"""The ledger: load, decide, append. The only user of the eventsourcing library.

A post is tried at most three ways, each slower and surer: on the states held in memory (one round trip), on states
read afresh, and on states read under the appenders' lock, where nothing can overtake it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import cast

from eventsourcing.application import Application
from eventsourcing.persistence import InterfaceError, Mapper, OperationalError
from immutables import Map
from psycopg import Connection
from psycopg.rows import DictRow

from domain.books import Books, Stream
from domain.decision import decide, reads, refers_to
from domain.fund import AppropriationReceived
from domain.project import Project
from domain.record import Posted, Recorded, Reference, claimed
from domain.rules import Refused
from service.ledger.recorder import Datastore, FactMapper, Filing, Identity, Recorder
from service.ledger.streams import KnownPost, Loaded, States, entries, load
from service.queries import QUERIES

__all__ = [
    "Conflicts", "Counted", "Decided", "Identity", "Ledger", "NotRecorded", "Outcome", "Overtaken", "Post", "Refusal",
    "Unavailable",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Post:
    """A posted fact with its identity; `expected_version` is the stream's version the sender has seen, if it says."""

    posted: Posted
    identity: Identity
    expected_version: int | None = None


@dataclass(frozen=True, slots=True)
class Counted:
    """It is in the log from position `first` to `last`, and `version` is its stream's after the first of these.

    `replayed`: an earlier post of the same identity put it there.
    """

    first: int
    last: int
    version: int
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Decided:
    """It would count now, and these events would record it."""

    events: tuple[Recorded, ...]


@dataclass(frozen=True, slots=True)
class Conflicts:
    """The same identity was posted before with other content."""


@dataclass(frozen=True, slots=True)
class Overtaken:
    """The stream is not at the version that the sender expected."""

    stream: str
    expected: int
    actual: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """A rule refuses it."""

    rule: Refused


@dataclass(frozen=True, slots=True)
class NotRecorded:
    """It broke no rule, but another of its bundle did."""


Outcome = Counted | Decided | Conflicts | Overtaken | Refusal | NotRecorded


class Unavailable(Exception):
    """The ledger cannot be reached now. Whether the post counted is not known: send it again."""


@dataclass(slots=True)
class _Draft:
    """What a bundle would record, decided on `loaded`: outcomes so far (None: to be recorded), and the events.

    `filings` tells which events are which post's; a post that says again what an earlier one of the bundle said
    shares its filing.
    """

    loaded: Loaded
    books: Books
    outcomes: list[Outcome | None] = field(default_factory=list)
    events: list[Recorded] = field(default_factory=list)
    filings: dict[tuple[str, str], Filing] = field(default_factory=dict)
    recorded: bool = False

    @property
    def spoiled(self) -> bool:
        return any(isinstance(each, Conflicts | Overtaken | Refusal) for each in self.outcomes)

    def add(self, post: Post) -> None:
        """Decide one more post on the books as the earlier ones left them."""
        name = (post.identity.source, post.identity.id)
        if known := self.loaded.posts.get(name):
            self.outcomes.append(_again(known, post))
        elif earlier := self.filings.get(name):
            self.outcomes.append(None if earlier.identity == post.identity else Conflicts())
        else:
            self.outcomes.append(self._decide(post, name))

    def _decide(self, post: Post, name: tuple[str, str]) -> Outcome | None:
        stream, expected = post.posted.stream, post.expected_version
        actual = self.books.stream(stream).version
        if expected is not None and expected != actual:
            return Overtaken(stream, expected, actual)
        try:
            events = decide(self.books, post.posted)
        except Refused as rule:
            return Refusal(rule)
        self.books = self.books.record(events)
        self.filings[name] = Filing(post.identity, len(self.events) + 1, len(self.events) + len(events))
        self.events += events
        return None

    def read(self, bundle: Sequence[Post]) -> dict[str, int]:
        """The streams that the decisions read, and their versions before the bundle."""
        names = _names(bundle, self.loaded.entries)
        states = [self.loaded.streams.get(name, Stream()).state for name in names]
        funds = [f"fund/{state.fund}" for state in states if isinstance(state, Project)]
        return {name: self.loaded.streams.get(name, Stream()).version for name in (*names, *funds)}

    def answers(self, bundle: Sequence[Post], first_position: int) -> list[Outcome]:
        """The outcomes once the events stand in the log from `first_position` on."""
        answered: set[tuple[str, str]] = set()
        outcomes: list[Outcome] = []
        for post, outcome in zip(bundle, self.outcomes, strict=True):
            name = (post.identity.source, post.identity.id)
            outcomes.append(outcome or self._counted(name, first_position - 1, name in answered))
            if outcome is None:
                answered.add(name)
        return outcomes

    def decided(self, bundle: Sequence[Post]) -> list[Outcome]:
        """The outcomes if nothing is recorded."""
        return [outcome or self._decided(post) for post, outcome in zip(bundle, self.outcomes, strict=True)]

    def _decided(self, post: Post) -> Decided:
        filing = self.filings[post.identity.source, post.identity.id]
        return Decided(tuple(self.events[filing.first - 1 : filing.last]))

    def _counted(self, name: tuple[str, str], before: int, again: bool) -> Counted:
        filing = self.filings[name]
        version = self.events[filing.first - 1].version
        return Counted(before + filing.first, before + filing.last, version, again)


def _again(known: KnownPost, post: Post) -> Outcome:
    if known.digest != post.identity.digest:
        return Conflicts()
    return Counted(known.first, known.last, known.version, replayed=True)


def _names(bundle: Sequence[Post], known: Mapping[Reference, Recorded]) -> list[str]:
    return list(dict.fromkeys(name for post in bundle for name in reads(post.posted, known)))


def _references(bundle: Sequence[Post]) -> list[Reference]:
    return [reference for post in bundle for reference in refers_to(post.posted)]


_Answer = tuple[_Draft | None, list[Outcome] | None]
_Way = Callable[[Sequence[Post], bool], _Answer]
LOSSES_BORNE = 3
"""How many times in a row the database may be lost before a post is answered with Unavailable."""


class Ledger(Application[str]):
    """The books of all funds on one log. Safe to share between threads; open it after any fork."""

    name = "ledger"

    def __init__(
        self,
        url: str,
        *,
        today: Callable[[], date],
        working_days: Callable[[date, date], int | None],
        valid_uscc: Callable[[str], bool],
        pool_size: int = 8,
        held_streams: int = 10_000,
    ) -> None:
        self._today, self._working_days, self._valid_uscc = today, working_days, valid_uscc
        self._datastore = Datastore(url, pool_size)
        self._states = States(held_streams)
        super().__init__()

    def construct_mapper(self) -> Mapper[str]:
        return FactMapper(self.construct_transcoder())

    def construct_recorder(self) -> Recorder:
        return Recorder(self._datastore)

    def pool_stats(self) -> dict[str, int]:
        """How many of the connections are in use and waited for, in the words of psycopg's pool."""
        return dict(self._datastore.pool.get_stats())

    def close(self) -> None:
        super().close()
        self._datastore.close()

    def post(self, bundle: Sequence[Post], *, atomic: bool = True) -> list[Outcome]:
        """Decide and record `bundle`; one outcome per post. Later posts see earlier ones.

        Atomic: one that does not count, and none does. Otherwise each stands for itself. Raises Unavailable if the
        database stays out of reach.
        """
        return self._try([self._on_held, self._afresh, self._locked], bundle, atomic)

    def consider(self, bundle: Sequence[Post], *, atomic: bool = True) -> list[Outcome]:
        """What `post` would answer now, Decided in place of Counted. Records nothing. Raises Unavailable."""
        return self._try([self._considered], bundle, atomic)

    def _try(self, ways: list[_Way], bundle: Sequence[Post], atomic: bool) -> list[Outcome]:
        lost = 0
        while ways:
            try:
                draft, outcomes = ways[0](bundle, atomic)
            except (OperationalError, InterfaceError) as error:
                # The reply may have been lost after the commit: the next look-up by identity will tell.
                lost += 1
                if lost == LOSSES_BORNE:
                    raise Unavailable from error
                self._datastore.pool.check()  # a restarted database has cut the others too
                ways = ways[-2:]
                continue
            if outcomes is not None:
                if draft and draft.recorded:
                    self._states.keep(dict(draft.books.streams))
                return outcomes
            del ways[0]
        raise AssertionError("nothing overtakes a post that holds the lock")

    def books(self, *streams: str) -> Books:
        """The books as they stand: these streams and the funds of the projects among them. Raises Unavailable."""
        try:
            with self._datastore.get_connection() as conn:
                loaded = load(conn, self._states, streams, (), ())
        except (OperationalError, InterfaceError) as error:
            raise Unavailable from error
        return self._books(loaded)

    def execute(self, query: str, **parameters: object) -> list[DictRow]:
        """Run a named query that keeps something beside the log. Raises Unavailable."""
        try:
            with self._datastore.get_connection() as conn:
                cursor = conn.execute(QUERIES[query], parameters)
                return cursor.fetchall() if cursor.description else []
        except (OperationalError, InterfaceError) as error:
            raise Unavailable from error

    def _on_held(self, bundle: Sequence[Post], atomic: bool) -> _Answer:
        """Only if all that is read is held, and all counts: any other answer needs the log's word."""
        if any(isinstance(post.posted.fact, AppropriationReceived) for post in bundle) or _references(bundle):
            return None, None  # the next serial, and the entries referred to, are only in the log
        names = _names(bundle, {})
        streams = self._states.held(names)
        projects = [each.state for each in streams.values() if isinstance(each.state, Project)]
        funds = {f"fund/{project.fund}" for project in projects}
        streams |= self._states.held(funds)
        if not streams.keys() >= {*names, *funds}:
            return None, None
        draft = self._draft(bundle, Loaded(streams))
        if any(outcome is not None for outcome in draft.outcomes):
            return None, None
        with self._datastore.get_connection() as conn:
            return draft, self._append(conn, bundle, draft, atomic)

    def _afresh(self, bundle: Sequence[Post], atomic: bool) -> _Answer:
        with self._datastore.get_connection() as conn:
            draft = self._draft(bundle, self._load(conn, bundle))
            return draft, self._append(conn, bundle, draft, atomic)

    def _locked(self, bundle: Sequence[Post], atomic: bool) -> _Answer:
        with self._datastore.get_connection() as conn, conn.transaction():
            conn.execute(QUERIES["append_lock"])
            draft = self._draft(bundle, self._load(conn, bundle))
            return draft, self._append(conn, bundle, draft, atomic)

    def _considered(self, bundle: Sequence[Post], atomic: bool) -> _Answer:
        with self._datastore.get_connection() as conn:
            draft = self._draft(bundle, self._load(conn, bundle))
        if atomic and draft.spoiled:
            return None, [outcome or NotRecorded() for outcome in draft.outcomes]
        return None, draft.decided(bundle)

    def _load(self, conn: Connection[DictRow], bundle: Sequence[Post]) -> Loaded:
        identities = [post.identity for post in bundle]
        numbers = [claim for post in bundle for claim in claimed(post.posted.fact, post.posted.header)]
        known = entries(conn, _references(bundle))
        loaded = load(conn, self._states, _names(bundle, known), identities, numbers)
        loaded.entries = known
        return loaded

    def _draft(self, bundle: Sequence[Post], loaded: Loaded) -> _Draft:
        draft = _Draft(loaded, self._books(loaded))
        for post in bundle:
            draft.add(post)
        return draft

    def _books(self, loaded: Loaded) -> Books:
        return Books(
            self._today(),
            self._working_days,
            self._valid_uscc,
            Map(loaded.streams),
            Map(loaded.taken),
            loaded.next_serial,
            Map(loaded.entries),
        )

    def _append(
        self, conn: Connection[DictRow], bundle: Sequence[Post], draft: _Draft, atomic: bool
    ) -> list[Outcome] | None:
        """The outcomes, everything that counts now being in the log; None if the books have moved on meanwhile."""
        if atomic and draft.spoiled:
            return [outcome or NotRecorded() for outcome in draft.outcomes]
        first: int | None = 0
        if draft.events:
            recorder = cast(Recorder, self.recorder)
            first = recorder.append(conn, draft.events, draft.read(bundle), list(draft.filings.values()))
        if first is None:
            return None
        draft.recorded = bool(draft.events)
        return draft.answers(bundle, first)
