"""Appending to the log without HTTP: by few or many writers, to one or many projects, one event at a time or several.

Several events that are appended together are a bundle. The programs compared with (the peers) are those in `peers.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from psutil import Process

from bench.peers import MakeContender
from bench.processor import metered, postmaster
from bench.race import (
    COPY,
    LIBRARY,
    MESSAGE_DB,
    MESSAGE_DB_16,
    RAW_INSERT,
    RAW_ROWS,
    Contender,
    Pace,
    Row,
    Run,
    in_threads,
    race,
)
from bench.same_rows import same_rows
from bench.workload import Event, Fund, Payments, read
from service.ledger.application import Ledger
from service.ledger.outcomes import Committed, Post

WRITERS = (1, 8, 16, 32)
BUNDLES = (50, 1_000)
MANY, HOT = "Suyuan, 200 projects", "Suyuan, one project"
MAX_CLIENTS = {MESSAGE_DB: 50, MESSAGE_DB_16: 50, LIBRARY: 50}
"""The number of events in the largest bundle that is measured, for the peers that are not measured with all sizes.

message-db writes one message per call. The library sends a bundle through a psycopg pipeline, which hangs on half a
megabyte, so a bundle of a thousand events never ends.
"""
MAX_PER_SECOND = 9_000
"""The number of posts prepared for each second of a round: more than can be appended in a second."""


def contender(name: str, ledger: Ledger, payments: Payments, writers: int, each: int = 1) -> Contender:
    """A program to measure: it appends prepared posts to `ledger` in `writers` threads, `each` at a time.

    Every rule is checked, and none may refuse a post.
    """

    def run(seconds: float) -> Run:
        limit = int(MAX_PER_SECOND * seconds / (1 if writers > 1 else 3 if each == 1 else 1))
        for_each = max(each * 2, limit // writers)
        sent = [bundled(events, each) for events in payments.for_writers(writers, for_each)]
        return in_threads([[_step(ledger, bundle) for bundle in bundles] for bundles in sent], seconds, each)

    return Contender(name, run)


def bundled(events: Sequence[Event], each: int) -> list[list[Post]]:
    """The events as posts, in lists of `each` that are posted together; an incomplete last list is dropped."""
    posts = [read(event) for event in events]
    return [posts[first : first + each] for first in range(0, len(posts) - each + 1, each)]


def _step(ledger: Ledger, bundle: list[Post]) -> Callable[[], object]:
    def step() -> None:
        outcomes = ledger.post(bundle)
        assert all(isinstance(outcome, Committed) for outcome in outcomes), outcomes

    return step


def rows(
    ledger: Ledger, urls: tuple[str, str], funds: tuple[Fund, Fund], peers: Mapping[str, MakeContender], pace: Pace
) -> Iterator[Row]:
    """Measures appending: one event at a time by each number of writers in WRITERS, then bundles by one writer.

    Yields a row of figures for each program. `urls`: those of the ledger and of the server. `funds`: one of many
    projects and one of a single project.
    """
    url, server_url = urls
    of_many, of_hot = map(Payments, funds)
    contender("warm-up", ledger, of_many, 16).run(pace.seconds)
    database = postmaster(url)
    with same_rows(url, server_url, max(WRITERS)) as copies:
        peers = {**peers, **copies}
        one_by_one = [name for name in peers if name not in (RAW_ROWS, COPY)]
        for writers in WRITERS:
            ours = [contender(MANY, ledger, of_many, writers), contender(HOT, ledger, of_hot, writers)]
            theirs = [peers[name](writers, 1) for name in one_by_one]
            yield from _race(f"{writers} writers, one event", [*ours, *theirs], database, pace)
        for each in BUNDLES:
            ours = [contender(MANY, ledger, of_many, 1, each), contender(HOT, ledger, of_hot, 1, each)]
            sizes = ((name, make) for name, make in peers.items() if each <= MAX_CLIENTS.get(name, each))
            theirs = [make(1, each) for name, make in sizes if name != RAW_INSERT]
            yield from _race(f"one writer, bundles of {each:,}", [*ours, *theirs], database, pace)


def _race(work: str, contenders: Sequence[Contender], database: Process, pace: Pace) -> list[Row]:
    return race("append in process", work, [metered(each, database) for each in contenders], pace)
