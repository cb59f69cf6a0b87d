"""The ledger: load, decide, append. The only user of the eventsourcing library.

Posts that come at once are decided together, one after the other, and recorded in one transaction. They are tried at
most three ways, each slower and surer: on the states held in memory (one round trip), on states read afresh, and on
states read under the appenders' lock, where nothing can overtake them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import TypeVar, cast

from eventsourcing.application import Application
from eventsourcing.persistence import InterfaceError, Mapper, OperationalError
from immutables import Map
from psycopg import Connection
from psycopg.rows import DictRow

from domain.event import claimed
from domain.fund.funding import AppropriationReceived
from domain.ledger_view import LedgerView, Stream
from domain.state.project import Project
from service.ledger import coalescing
from service.ledger.draft import Draft, Request, references_of, streams_of
from service.ledger.group_commit import GroupCommit, batches
from service.ledger.outcomes import (
    Conflicts,
    Counted,
    Decided,
    NotRecorded,
    Outcome,
    Overtaken,
    Post,
    Refusal,
)
from service.ledger.recorder import Datastore, FactMapper, Identity, Recorder
from service.ledger.states import Loaded, States, entries, load
from service.overload import Overloaded
from service.postgres.queries import QUERIES

__all__ = [
    "Conflicts", "Counted", "Decided", "Identity", "Ledger", "NotRecorded", "Outcome", "Overtaken", "Post", "Refusal",
    "Unavailable",
]  # fmt: skip


class Unavailable(Exception):
    """The ledger cannot be reached now. Whether the post counted is not known: send it again."""


T = TypeVar("T")
_Way = Callable[[Sequence[Request]], Sequence[Request]]
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
        self._group_commit = GroupCommit(self._together)
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
        database stays out of reach, or more waits for it than may.
        """
        request = Request(bundle, atomic)
        coalescing.submit(self._do, request)
        if request.error is not None:
            raise request.error
        assert request.outcomes is not None, "what is done has its outcomes"
        return request.outcomes

    def _do(self, requests: Sequence[Request]) -> None:
        """Process requests posted together, in batches that fit one transaction; a full queue refuses its batch."""
        for batch in batches(requests):
            try:
                self._group_commit.do(*batch)
            except Overloaded as error:
                for request in batch:
                    request.error = Unavailable()
                    request.error.__cause__ = error

    def consider(self, bundle: Sequence[Post], *, atomic: bool = True) -> list[Outcome]:
        """What `post` would answer now, Decided in place of Counted. Records nothing. Raises Unavailable."""
        request = Request(bundle, atomic)
        loaded = self._read(lambda conn: self._load(conn, [request]))
        return self._draft([request], loaded).consider()

    def _together(self, requests: Sequence[Request]) -> None:
        """Decide and record these in one transaction. What fails for another reason than the database fails alone."""
        try:
            self._put(requests)
        except Unavailable as error:
            for request in _unanswered(requests):
                request.error = error
        except Exception as error:  # noqa: BLE001 - raised again by whoever posted it
            if len(requests) == 1:
                requests[0].error = error
                return
            for request in _unanswered(requests):
                self._together([request])

    def _put(self, requests: Sequence[Request]) -> None:
        lost, left = 0, requests
        ways: list[_Way] = [self._on_held, self._afresh, self._locked]
        while left:
            assert ways, "nothing overtakes posts that hold the lock"
            try:
                left = ways[0](left)
            except (OperationalError, InterfaceError) as error:
                # The reply may have been lost after the commit: the next look-up by identity will tell.
                lost += 1
                self._bear(lost, error)
                ways = ways[-2:]
            else:
                del ways[0]

    def books(self, *streams: str) -> LedgerView:
        """The books as they stand: these streams and the funds of the projects among them. Raises Unavailable."""
        return self._books(self._read(lambda conn: load(conn, self._states, streams, (), ())))

    def execute(self, query: str, **parameters: object) -> list[DictRow]:
        """Run a named query that keeps something beside the log. Raises Unavailable."""
        try:
            with self._datastore.get_connection() as conn:
                cursor = conn.execute(QUERIES[query], parameters)
                return cursor.fetchall() if cursor.description else []
        except (OperationalError, InterfaceError) as error:
            raise Unavailable from error

    def _read(self, work: Callable[[Connection[DictRow]], T]) -> T:
        """What `work` reads, begun again if the database is lost. Raises Unavailable."""
        lost = 0
        while True:
            try:
                with self._datastore.get_connection() as conn:
                    return work(conn)
            except (OperationalError, InterfaceError) as error:
                lost += 1
                self._bear(lost, error)

    def _bear(self, lost: int, error: Exception) -> None:
        """Raises Unavailable for one loss too many; else what else was lost with the connection is made anew."""
        if lost == LOSSES_BORNE:
            raise Unavailable from error
        self._datastore.pool.check()  # a restarted database has cut the others too

    # Three ways, each of which gives what is left for the next

    def _on_held(self, requests: Sequence[Request]) -> Sequence[Request]:
        """Those that only read what is held, and that all count: any other answer needs the log's word."""
        streams: dict[str, Stream] = {}
        likely: list[Request] = []
        left: list[Request] = []
        for request in requests:
            held = self._held(request.bundle)
            (left if held is None else likely).append(request)
            streams |= held or {}
        draft = Draft(loaded := Loaded(streams), self._books(loaded))
        left += [request for request in likely if not draft.add(request, only_if_all_count=True)]
        if not draft.events:
            return [*left, *(request for request, _ in draft.decided)]
        with self._datastore.get_connection() as conn:
            first = self._append(conn, draft)
        return left if self._answered(draft, first) else requests

    def _held(self, bundle: Sequence[Post]) -> dict[str, Stream] | None:
        """What deciding these reads, if it is held."""
        if any(isinstance(post.posted.fact, AppropriationReceived) for post in bundle) or references_of(bundle):
            return None  # the next serial, and the entries referred to, are only in the log
        names = streams_of(bundle, {})
        streams = self._states.held(names)
        projects = [each.state for each in streams.values() if isinstance(each.state, Project)]
        funds = {f"fund/{project.fund}" for project in projects}
        streams |= self._states.held(funds)
        return streams if streams.keys() >= {*names, *funds} else None

    def _afresh(self, requests: Sequence[Request]) -> Sequence[Request]:
        with self._datastore.get_connection() as conn:
            draft = self._draft(requests, self._load(conn, requests))
            first = self._append(conn, draft)
        return () if self._answered(draft, first) else requests

    def _locked(self, requests: Sequence[Request]) -> Sequence[Request]:
        with self._datastore.get_connection() as conn, conn.transaction():
            conn.execute(QUERIES["append_lock"])
            draft = self._draft(requests, self._load(conn, requests))
            first = self._append(conn, draft)
        return () if self._answered(draft, first) else requests

    def _load(self, conn: Connection[DictRow], requests: Sequence[Request]) -> Loaded:
        posts = [post for request in requests for post in request.bundle]
        identities = [post.identity for post in posts]
        numbers = [claim for post in posts for claim in claimed(post.posted.fact, post.posted.header)]
        known = entries(conn, references_of(posts))
        loaded = load(conn, self._states, streams_of(posts, known), identities, numbers)
        loaded.entries = known
        return loaded

    def _draft(self, requests: Sequence[Request], loaded: Loaded) -> Draft:
        draft = Draft(loaded, self._books(loaded))
        for request in requests:
            draft.add(request)
        return draft

    def _books(self, loaded: Loaded) -> LedgerView:
        return LedgerView(
            self._today(),
            self._working_days,
            self._valid_uscc,
            Map(loaded.streams),
            Map(loaded.taken),
            loaded.next_serial,
            Map(loaded.entries),
        )

    def _append(self, conn: Connection[DictRow], draft: Draft) -> int | None:
        """The position of the first of what counts; None, and nothing is written, if the books have moved on."""
        if not draft.events:
            return 0
        recorder = cast(Recorder, self.recorder)
        return recorder.append(conn, draft.events, draft.read(), list(draft.filings.values()))

    def _answered(self, draft: Draft, first: int | None) -> bool:
        """Whether all is answered, once it is committed; not, if the books had moved on."""
        if first is None:
            return False
        draft.answer(first)
        if draft.events:
            self._states.keep(dict(draft.books.streams))
        return True


def _unanswered(requests: Sequence[Request]) -> list[Request]:
    return [request for request in requests if request.outcomes is None]
