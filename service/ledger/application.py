"""The ledger: load, decide, append. The only user of the eventsourcing library.

Posts that arrive at the same time are decided one after the other and recorded in one transaction. A group of posts has
up to three attempts, each slower and surer than the one before: on cached states (one round trip), on states read again
from the log, and on states read under the append lock, where no other transaction can append in between.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from threading import Condition
from typing import TypeVar, cast

from eventsourcing.application import Application
from eventsourcing.persistence import InterfaceError, Mapper, OperationalError
from immutables import Map
from psycopg import Connection
from psycopg.errors import LockNotAvailable, QueryCanceled
from psycopg.rows import DictRow

from domain.documents import Claim
from domain.event import claims_to_read, codes_to_read
from domain.ledger_view import Claims, LedgerView
from domain.state.project import Project
from service.calendar.imports import CurrentCalendar
from service.calendar.working_days import WorkingDays
from service.codec import NewerEvent
from service.ledger.draft import Draft, Request, recorded_before, references_of, streams_of
from service.ledger.group_commit import GroupCommit, batches
from service.ledger.newer_streams import NewerStreams
from service.ledger.outcomes import (
    Committed,
    Decided,
    IdentityConflict,
    NewerLog,
    NotRecorded,
    Outcome,
    Post,
    Refusal,
    VersionConflict,
)
from service.ledger.recorder import Appended, Datastore, FactMapper, Identity, Recorder
from service.ledger.states import MAX_POSITION, SNAPSHOT_KEY, CachedState, Loaded, StateCache, entries, load
from service.overload import Overloaded
from service.postgres.queries import QUERIES
from service.postgres.session import POSTS, REPLAYS, Limits, Session, limited

__all__ = [
    "Committed",
    "Decided",
    "Identity",
    "IdentityConflict",
    "Ledger",
    "LongReplay",
    "NewerLog",
    "NotRecorded",
    "Outcome",
    "Post",
    "Refusal",
    "Unavailable",
    "VersionConflict",
]  # fmt: skip


class Unavailable(Exception):
    """The ledger cannot answer now. A post may or may not have been recorded: send it again."""


class LongReplay(Exception):
    """A post was not decided together with others, because a long stream must be replayed for it first."""


T = TypeVar("T")
_Attempt = Callable[[Sequence[Request]], Sequence[Request]]
MAX_CONNECTION_FAILURES, RETRY_SECONDS = 3, 4.0
"""A call raises Unavailable when its database connection has failed MAX_CONNECTION_FAILURES times, or fails after more
than RETRY_SECONDS. A restart of the database causes one or two failures within a moment."""
LONG_REPLAY = 200
"""A stream that has more events to replay than this is replayed before the group commit, in the thread of its own
request, so that no other waits for it. Replaying this many events takes about 15 ms."""
REPLAY_WAIT_SECONDS = 0.5
"""How long a post waits for another thread that replays a stream which it needs. Waiting posts occupy threads."""
MAX_WARMED, WARMED_FROM = 200, 2_000
"""So many streams, the longest, are replayed when the service starts, before it is ready; only streams that have more
than WARMED_FROM events, because cached states take memory."""
TOOK_TOO_LONG = (LockNotAvailable, QueryCanceled)
"""The errors after which a call is not tried again, because another try would take as long. The database answered, but
another session holds a lock, or the query is slow."""


class _Retries:
    """Counts the connection failures of one call of a method of Ledger.

    After MAX_CONNECTION_FAILURES failures or RETRY_SECONDS, the call is not tried again.
    """

    def __init__(self) -> None:
        self._failures, self._until = 0, time.monotonic() + RETRY_SECONDS

    def count(self, error: Exception) -> None:
        """Count one failure. Raises Unavailable if the call must not be tried again."""
        self._failures += 1
        last = self._failures == MAX_CONNECTION_FAILURES or time.monotonic() > self._until
        if last or isinstance(error.__cause__, TOOK_TOO_LONG):
            raise Unavailable from error


class Ledger(Application[str]):
    """All funds on one log. Safe to share between threads; create it after any fork.

    `working_days` counts the working days of the years whose calendar was not imported.
    """

    name = "ledger"

    def __init__(
        self,
        url: str,
        *,
        today: Callable[[], date],
        working_days: WorkingDays,
        valid_uscc: Callable[[str], bool],
        alike: Callable[[str, str], bool],
        pool_size: int = 8,
        kept: int = 1,
        max_cached_streams: int = 10_000,
        limits: Limits = POSTS,
    ) -> None:
        self._today, self._valid_uscc, self._alike = today, valid_uscc, alike
        self._calendar = CurrentCalendar(working_days)
        self._datastore = Datastore(url, pool_size, limits, kept=kept)
        self._states = StateCache(max_cached_streams)
        self._group_commit = GroupCommit(self._process_group)
        self._replays: set[str] = set()
        """The long streams that a thread is replaying now."""
        self._replay_ended = Condition()
        self._newer = NewerStreams()
        super().__init__()

    def construct_mapper(self) -> Mapper[str]:
        return FactMapper(self.construct_transcoder())

    def construct_recorder(self) -> Recorder:
        return Recorder(self._datastore)

    def pool_stats(self) -> dict[str, int]:
        """The connection pool's statistics, with the names that psycopg's pool uses."""
        return dict(self._datastore.pool.get_stats())

    def unreadable_snapshots(self) -> int:
        """How many saved states of streams could not be read since the start of the process."""
        return self._states.unreadable_snapshots

    def close(self) -> None:
        super().close()
        self._datastore.close()

    def post(self, bundle: Sequence[Post], *, atomic: bool = True) -> list[Outcome]:
        """Decide and record the posts of `bundle`; return one outcome per post.

        Each post sees the effects of those before it. If `atomic`, all posts are recorded or none is. If not, each post
        is recorded or refused independently of the others. Raises Unavailable if the database cannot be reached, the
        queue is full, or another thread is replaying a long stream that the posts need.

        Raises NewerEvent if this version cannot read an event of a stream that the posts need. Posts that were recorded
        before are answered all the same. If the bundle is not atomic, so are those that can be decided; the others have
        the outcome NewerLog.
        """
        try:
            return self._post(bundle, atomic=atomic)
        except NewerEvent:
            outcomes = self._recorded_before(bundle)
            if atomic and None in outcomes:
                raise
            posted = [outcome or self._post_alone(post) for post, outcome in zip(bundle, outcomes, strict=True)]
            if all(isinstance(outcome, NewerLog) for outcome in posted):
                raise
            return posted

    def _post(self, bundle: Sequence[Post], *, atomic: bool) -> list[Outcome]:
        self._replay_long(streams_of(bundle, {}))
        request = Request(bundle, atomic)
        self._process_batches([request])
        if request.error is not None:
            raise request.error
        assert request.outcomes is not None, "a processed request has its outcomes"
        return request.outcomes

    def post_each(self, posts: Sequence[Post]) -> list[Outcome | BaseException]:
        """Decide and record each of `posts` independently, but together, in as few transactions as possible.

        Returns for each its outcome or an error. If it is an error, the post may or may not have been recorded, as when
        `post` raises it; LongReplay means that the post was not decided, because the others would have to wait for it.
        """
        unread = [self._find(streams_of([post], {}))[1] for post in posts]
        error = self._why_apart(set[str]().union(*unread))
        errors: list[Exception | None] = [error if needs else None for needs in unread]
        if isinstance(error, (LongReplay, NewerEvent)):  # for some of these streams
            errors = [self._why_apart(needs) for needs in unread]
        requests = [
            Request([post], atomic=True, error=why_apart) for post, why_apart in zip(posts, errors, strict=True)
        ]
        self._process_batches([request for request in requests if request.error is None])
        return [request.error or request.outcomes[0] for request in requests]  # type: ignore[index]

    def _why_apart(self, names: Collection[str]) -> Exception | None:
        """The error of posts that need the streams `names`, which are not cached; None if they can be read at once."""
        try:
            return LongReplay() if self._long_among(names) else None
        except (Unavailable, NewerEvent) as error:
            return error

    def cached_fund_of(self, stream: str) -> str | None:
        """The fund of a stream; None if it is the stream of a project that is not cached. It may be out of date."""
        kind, _, code = stream.partition("/")
        if kind == "fund":
            return code
        cached = self._states.cached([stream]).get(stream)
        return cached.stream.state.fund if cached and isinstance(cached.stream.state, Project) else None

    def warm_up(self) -> None:
        """Cache the states of the longest streams, so that no post has to wait for their replay. Raises Unavailable.

        Streams that this version cannot read are left out.
        """
        for row in self.execute("longest", longer_than=WARMED_FROM, max_rows=MAX_WARMED):
            with suppress(NewerEvent):
                self._replay_long([row["stream"]])

    def _recorded_before(self, bundle: Sequence[Post]) -> list[Outcome | None]:
        """The outcome of each post whose identity is in the log; None for the other posts. Reads no stream."""
        identities = [post.identity for post in bundle]
        loaded = self._read(lambda conn: load(conn, self._states, (), identities, ()))
        return [recorded_before(loaded, post) for post in bundle]

    def _post_alone(self, post: Post) -> Outcome:
        try:
            [outcome] = self._post([post], atomic=True)
        except NewerEvent as error:
            return NewerLog(error)
        return outcome

    def _replay_long(self, names: Collection[str]) -> None:
        """Replay the long streams among `names` that are not cached yet, in this thread, and cache their states.

        If a name is a project's, the stream of its fund is replayed under the same conditions. Without this call, the
        leading thread of the group commit would replay these streams, while the posts to all other funds wait. Raises
        Unavailable if another thread has been replaying one of them for longer than REPLAY_WAIT_SECONDS: the sender has
        to send the request again. Raises NewerEvent if this version cannot read one of these streams.
        """
        cached, unread = self._find(names)
        self._newer.check(cached)
        if long := self._long_among(unread):
            with self._replaying(long):
                self._read(lambda conn: self._replay(conn, long))

    def _long_among(self, names: Collection[str]) -> list[str]:
        """The long streams among `names`, which are not cached, and the funds of the projects among them.

        Raises Unavailable, and NewerEvent if this version cannot read one of these streams.
        """
        if not names:
            return []
        self._newer.check(names)
        query = {"streams": list(names), "code": SNAPSHOT_KEY}
        rows = self._read(lambda conn: conn.execute(QUERIES["unread"], query).fetchall())
        self._newer.check(row["stream"] for row in rows)  # these include the funds of projects that are not cached
        return [row["stream"] for row in rows if row["events"] > LONG_REPLAY]

    @contextmanager
    def _replaying(self, names: Collection[str]) -> Iterator[None]:
        with self._replay_ended:
            if not self._replay_ended.wait_for(lambda: self._replays.isdisjoint(names), REPLAY_WAIT_SECONDS):
                raise Unavailable
            self._replays.update(names)
        try:
            yield
        finally:
            with self._replay_ended:
                self._replays.difference_update(names)
                self._replay_ended.notify_all()

    def _replay(self, conn: Connection[DictRow], names: Collection[str]) -> None:
        """Load the states of these streams into the cache, under longer time limits than those of a post."""
        with limited(cast(Session, conn), REPLAYS), self._remembering_newer_events():
            load(conn, self._states, names, (), (), row_by_row=True)

    def _process_batches(self, requests: Sequence[Request]) -> None:
        """Process `requests` in batches, each small enough for one transaction.

        If the queue of the group commit is too full for a batch, each request of this batch gets the error Unavailable.
        """
        for batch in batches(requests):
            try:
                self._group_commit.do(*batch)
            except Overloaded as error:
                for request in batch:
                    request.error = Unavailable()
                    request.error.__cause__ = error

    def dry_run(self, bundle: Sequence[Post], *, atomic: bool = True) -> list[Outcome]:
        """What `post` would return now, with Decided in place of Committed. Records nothing. Raises Unavailable.

        Raises NewerEvent if this version cannot read an event of a stream that the posts need, unless all posts were
        recorded before.
        """
        request = Request(bundle, atomic)
        try:
            self._replay_long(streams_of(bundle, {}))
            loaded = self._read(lambda conn: self._load(conn, [request]))
        except NewerEvent:
            known = [outcome for outcome in self._recorded_before(bundle) if outcome]
            if len(known) < len(bundle):
                raise
            return known
        return self._draft([request], loaded).dry_run()

    def _process_group(self, requests: Sequence[Request]) -> None:
        """Decide and record the requests in one transaction, and set the outcomes or the error of each.

        After an error other than Unavailable, the requests without outcomes are processed one by one, so that only the
        faulty request fails.
        """
        try:
            self._decide_and_record(requests)
        except Unavailable as error:
            for request in _unanswered(requests):
                request.error = error
        except Exception as error:  # noqa: BLE001 - raised again in the thread that posted the request
            if len(requests) == 1:
                requests[0].error = error
                return
            for request in _unanswered(requests):
                self._process_group([request])

    def _decide_and_record(self, requests: Sequence[Request]) -> None:
        retries, remaining = _Retries(), requests
        attempts: list[_Attempt] = [self._on_cached, self._on_fresh, self._under_lock]
        while remaining:
            assert attempts, "no other transaction appends while this one holds the append lock"
            try:
                remaining = attempts[0](remaining)
            except (OperationalError, InterfaceError) as error:
                # The reply may have been lost after the commit: the next attempt looks the posts up by identity.
                retries.count(error)
                attempts = attempts[-2:]
            else:
                del attempts[0]

    def view(self, *streams: str, upto: int = MAX_POSITION) -> LedgerView:
        """The state of these streams, and of the funds of the projects among them, after the event at position `upto`.

        By default, it is their current state. For an earlier position, a stream that is cached at a later one is
        replayed; see `cached_position`. Raises Unavailable. Raises NewerEvent if this version cannot read an event of
        these streams.
        """
        self._replay_long(streams)
        return self._view(self._read(lambda conn: self._loaded(conn, streams, upto=upto)))

    def cached_position(self, *streams: str) -> int:
        """The highest log position of an event that the cached states of these streams include; 0 if none is cached.

        Long streams are replayed first. Raises as `view` does.
        """
        self._replay_long(streams)
        return max((each.last.position for each in self._states.cached(streams).values()), default=0)

    def execute(self, query: str, **parameters: object) -> list[DictRow]:
        """Run the query named `query` and return its rows. Raises Unavailable at the first connection failure."""
        try:
            with self._datastore.get_connection() as conn:
                cursor = conn.execute(QUERIES[query], parameters)
                return cursor.fetchall() if cursor.description else []
        except (OperationalError, InterfaceError) as error:
            raise Unavailable from error

    def _read(self, work: Callable[[Connection[DictRow]], T]) -> T:
        """Call `work` and return its result. If the connection fails, call `work` again.

        Raises Unavailable after too many failures, or if the database took too long.
        """
        retries = _Retries()
        while True:
            try:
                with self._datastore.get_connection() as conn:
                    return work(conn)
            except (OperationalError, InterfaceError) as error:
                retries.count(error)

    # The three attempts. Each returns the requests that remain for the next one.

    def _on_cached(self, requests: Sequence[Request]) -> Sequence[Request]:
        """Decide the requests on cached states and record the accepted ones; return the requests not recorded.

        A request for which the cached states do not suffice is returned undecided. Cached states may be stale. Nothing
        is recorded on stale states, because the append compares them with the log. A refused request is not appended,
        so its states are not compared. It is returned, and is decided again on states from the log. All requests are
        returned if the append finds that the ledger has moved on, or if a decision raises an unexpected error. Such an
        error need not be the fault of a request: one cached state may be from before a failover or a restore, and
        another from after it.
        """
        states: dict[str, CachedState] = {}
        candidates: list[Request] = []
        remaining: list[Request] = []
        for request in requests:
            cached = self._cached(request.bundle)
            (remaining if cached is None else candidates).append(request)
            states |= cached or {}
        loaded = Loaded.of(states)
        loaded.calendar = self._calendar.calendar  # if another one was imported since, nothing is recorded
        draft = Draft(loaded, self._view(loaded))
        try:
            remaining += [request for request in candidates if not draft.add(request, only_if_all_accepted=True)]
        except Exception:  # noqa: BLE001 - the next attempt raises it too, unless stale states caused it
            return requests
        if not draft.events:
            return [*remaining, *(request for request, _ in draft.decided)]
        with self._datastore.get_connection() as conn:
            appended = self._append(conn, draft)
        return remaining if self._set_outcomes(draft, appended) else requests

    def _cached(self, bundle: Sequence[Post]) -> dict[str, CachedState] | None:
        """The cached states of all streams that the decision of `bundle` reads.

        None if one of these streams is not cached, or if the decision needs the next serial, the owner of a code, or an
        entry that a post refers to. These are only in the database.
        """
        needs_serial = any(post.posted.fact.takes_serials() for post in bundle)
        if needs_serial or references_of(bundle) or any(codes_to_read(post.posted) for post in bundle):
            return None
        states, missing = self._find(streams_of(bundle, {}))
        return None if missing else states

    def _find(self, names: Collection[str]) -> tuple[dict[str, CachedState], set[str]]:
        """The cached states of the streams `names` and of the funds of the projects among them.

        The second result is the names of these streams that are not cached. A project's fund is known only if the
        project is cached; otherwise it is left out.
        """
        states = self._states.cached(names)
        projects = [each.stream.state for each in states.values() if isinstance(each.stream.state, Project)]
        funds = {f"fund/{project.fund}" for project in projects}
        states |= self._states.cached(funds)
        return states, {*names, *funds} - states.keys()

    def _on_fresh(self, requests: Sequence[Request]) -> Sequence[Request]:
        with self._datastore.get_connection() as conn:
            draft = self._draft(requests, self._load(conn, requests))
            appended = self._append(conn, draft)
        return () if self._set_outcomes(draft, appended) else requests

    def _under_lock(self, requests: Sequence[Request]) -> Sequence[Request]:
        with self._datastore.get_connection() as conn, conn.transaction():
            conn.execute(QUERIES["append_lock"])
            draft = self._draft(requests, self._load(conn, requests))
            appended = self._append(conn, draft)
        return () if self._set_outcomes(draft, appended) else requests

    def _load(self, conn: Connection[DictRow], requests: Sequence[Request]) -> Loaded:
        posts = [post for request in requests for post in request.bundle]
        identities = [post.identity for post in posts]
        claims = [claim for post in posts for claim in claims_to_read(post.posted)]
        with self._remembering_newer_events():
            referenced = entries(conn, references_of(posts))
        loaded = self._loaded(conn, streams_of(posts, referenced), identities, claims)
        loaded.entries = referenced
        return loaded

    def _loaded(
        self,
        conn: Connection[DictRow],
        streams: Collection[str],
        identities: Collection[Identity] = (),
        claims: Collection[Claim] = (),
        upto: int = MAX_POSITION,
    ) -> Loaded:
        self._newer.check(streams)
        with self._remembering_newer_events():
            loaded = load(conn, self._states, streams, identities, claims, upto=upto)
        loaded.calendar = self._calendar.as_of(conn, loaded.calendar_at)
        return loaded

    @contextmanager
    def _remembering_newer_events(self) -> Iterator[None]:
        """Context manager: if its block raises NewerEvent, the stream is remembered and its cached state discarded."""
        try:
            yield
        except NewerEvent as error:
            self._newer.remember(error)
            self._states.discard(error.stream)
            raise

    def _draft(self, requests: Sequence[Request], loaded: Loaded) -> Draft:
        draft = Draft(loaded, self._view(loaded))
        for request in requests:
            draft.add(request)
        return draft

    def _view(self, loaded: Loaded) -> LedgerView:
        return LedgerView(
            self._today(),
            loaded.calendar.working_days,
            self._valid_uscc,
            self._alike,
            Map(loaded.streams),
            Claims.of(loaded.claims.items()),
            loaded.next_serial,
            Map(loaded.entries),
        )

    def _append(self, conn: Connection[DictRow], draft: Draft) -> Appended | None:
        """Append the draft's events and return where they are recorded.

        Returns None, and writes nothing, if the draft is out of date.
        """
        if not draft.events:
            return Appended()
        recorder = cast(Recorder, self.recorder)
        return recorder.append(
            conn,
            draft.events,
            draft.last_read(),
            list(draft.new_posts.values()),
            calendar_at=draft.loaded.calendar.imported_at,
            known_claims=draft.loaded.claims,
            absent_codes=draft.absent_codes(),
        )

    def _set_outcomes(self, draft: Draft, appended: Appended | None) -> bool:
        """Set the outcomes of the committed draft, cache its states, and return True.

        If `appended` is None, the draft was out of date: does nothing and returns False.
        """
        if appended is None:
            return False
        draft.set_outcomes(appended.first)
        self._states.put(draft.states(appended))
        return True


def _unanswered(requests: Sequence[Request]) -> list[Request]:
    return [request for request in requests if request.outcomes is None]
