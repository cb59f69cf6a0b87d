"""Rebuilding all tables while no posts arrive, and while they arrive at half of the highest rate of this machine.

The projector runs all the time. The posts are sent in process, which is faster than any client over HTTP.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

from psycopg import Connection

from bench.lag import Seen, lags, wait_until_caught_up, watched
from bench.paced import ALONE_SECONDS, WRITERS, Answer, Timed, beside, between, limit, prepared
from bench.race import Contender, Pace, Row, Run, race, summed
from bench.served import projector
from bench.workload import Fund, Payments
from projections import HEAD, ORDER
from projections.rebuild import rebuild
from projections.shadow_tables import create, lanes, run_in_threads
from service.ledger.application import Ledger
from service.postgres import session

SECTION, WORK = "rebuild", "all tables"
SILENT, BESIDE, COPIED = "Suyuan, silent", "Suyuan, beside posts", "log read, tables copied"
POSTS, LAG, TURN = "posts at half of that rate", "the projector's lag", "last turn: the projector waits"
ALONE, MEANWHILE, LAST_TURN = "Suyuan, no rebuild", "Suyuan, beside a rebuild", "Suyuan, in its last turn"
MAX_RATIO = 6
"""Posts are prepared for this many times the seconds of the first rebuild, during which no posts are sent."""
POLL_SECONDS = 0.01
COPY = "bench_copy"


def rows(ledger: Ledger, url: str, fund: Fund, pace: Pace) -> Iterator[Row]:
    """Measures the rebuilds, the posts to `fund` meanwhile, and the projector's lag; yields the rows of figures.

    The rate of a rebuild counts the events that the log had when the rebuild began.
    """
    payments = Payments(fund)
    others = [Row(SECTION, POSTS, name) for name in (ALONE, MEANWHILE, LAST_TURN)]
    others += [Row(SECTION, LAG, MEANWHILE), Row(SECTION, TURN, "Suyuan")]
    with projector(url), ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        most = limit(SECTION, f"projector on, log of {_head(url):,} events", ledger, payments, pace)
        yield most
        half = most.a_second / 2
        wait_until_caught_up(url)
        silent_seconds = process.submit(rebuilt, url).result().seconds

        def rebuilt_beside(_: float) -> Run:
            posts = prepared(payments, WRITERS, int((ALONE_SECONDS + MAX_RATIO * silent_seconds) * half))
            with watched(url, POLL_SECONDS) as seen:
                timed, answers = beside(ledger, posts, half, lambda: process.submit(rebuilt, url).result())
                wait_until_caught_up(url)
            for row, run in zip(others, _runs(timed, answers, seen), strict=True):
                row.runs.append(run)
            return timed.as_run()

        contenders = [
            Contender(SILENT, lambda _: process.submit(rebuilt, url).result().as_run()),
            Contender(BESIDE, rebuilt_beside),
            Contender(COPIED, lambda _: process.submit(copied, url).result().as_run()),
        ]
        yield from race(SECTION, WORK, contenders, pace)
    yield from others


def _runs(timed: Timed, answers: list[Answer], seen: list[Seen]) -> Iterator[Run]:
    """Yields five Runs about one rebuild: three of posts, one of the projector's lag, and one of the last turn.

    The posts are those before the rebuild, during it, and in its last turn, when it replaces the live tables. The lag
    is measured during the rebuild.
    """
    switching = [each.at for each in seen if each.switching]
    turn = Timed(1, switching[0], next(each.at for each in seen if each.at > switching[-1]))
    yield between(answers, min(each.sent for each in answers), timed.started)
    yield between(answers, timed.started, timed.ended)
    yield between(answers, turn.started, turn.ended)
    meanwhile = [each for each in answers if timed.started < each.answered <= timed.ended]
    yield summed(list(lags(meanwhile, seen)), timed.seconds, 0.0)
    yield turn.as_run()


def rebuilt(url: str) -> Timed:
    """Rebuild all tables as the command `suyuan rebuild` does. Returns the times of the beginning and the end."""
    events, started = _head(url), time.perf_counter()
    assert rebuild(lambda: _connect(url)).switched
    return Timed(events, started, time.perf_counter())


def copied(url: str) -> Timed:
    """The least that a rebuild could do: read the log in each thread, and copy the rows of each table into a new one.

    The new tables have the constraints and indexes of the live ones. Returns the times of the beginning and
    the end.
    """
    events, started = _head(url), time.perf_counter()
    with _connect(url) as conn:
        conn.execute(f"create schema {COPY}".encode())
        indexes = create(conn, COPY, ORDER)

        def copy(lane: tuple[str, ...]) -> None:
            with _connect(url) as conn:
                conn.execute("select count(fact::text) from event")
                for name in lane:
                    conn.execute(f"insert into {COPY}.{name} select * from {name}".encode())
                    for statement in indexes[name]:
                        conn.execute(statement.encode())

        run_in_threads([lambda lane=lane: copy(lane) for lane in lanes(ORDER)])
        ended = time.perf_counter()
        conn.execute(f"drop schema {COPY} cascade".encode())
    return Timed(events, started, ended)


def _connect(url: str) -> Connection[Any]:
    return session.connect(url, session.COMMANDS)


def _head(url: str) -> int:
    with _connect(url) as conn:
        [(head,)] = conn.execute(HEAD).fetchall()
    return int(head)
