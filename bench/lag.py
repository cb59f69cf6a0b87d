"""The lag of the projector behind the ledger while posts arrive at half of the rate that this machine can post."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from threading import Event as Flag
from threading import Thread
from typing import NamedTuple

import psycopg

from bench import paced
from bench.paced import Answer, limit, post_evenly, prepared
from bench.race import Pace, Row, summed
from bench.served import projector
from bench.workload import Fund, Payments
from service.ledger.application import Ledger

WRITERS = paced.WRITERS
WORK = f"lag while posts arrive at half of the possible rate, {WRITERS} writers"
ROUNDS = 5
POLL_SECONDS = 0.002
REACHED = "select min(position) from projected"
SEEN = f"""
    select ({REACHED}), exists (
        select from pg_locks
        where locktype = 'relation' and relation = 'projection'::regclass and mode = 'ExclusiveLock' and granted
    )
"""


class Seen(NamedTuple):
    """An observation of the live tables: at the time `at`, all of them had reached `position`.

    `switching`: whether a rebuild was replacing them at this time.
    """

    at: float
    position: int
    switching: bool


def rows(ledger: Ledger, url: str, fund: Fund, pace: Pace) -> Iterator[Row]:
    """Measures the rate that is possible while the projector runs, and then its lag at half of this rate.

    Yields a row for each. That of the lag has the 99th percentile of the lag and, as its rate, the number of posts
    accepted per second. The lag of a post is the time from its answer until the tables contain the post, measured to
    2 ms.
    """
    payments, seconds = Payments(fund), ROUNDS * pace.seconds
    with projector(url):
        most = limit("projector", "with the projector", ledger, payments, pace)
        yield most
        a_second = most.a_second / 2
        posts = prepared(payments, WRITERS, int(seconds * a_second))
        wait_until_caught_up(url)
        with watched(url, POLL_SECONDS) as seen:
            started = time.perf_counter()
            answers = post_evenly(ledger, posts, a_second, Flag())
            took = time.perf_counter() - started
            wait_until_caught_up(url)
    row = Row("projector", WORK, "Suyuan")
    row.runs.append(summed(list(lags(answers, seen)), took, 0.0))
    yield row


@contextmanager
def watched(url: str, poll_seconds: float) -> Iterator[list[Seen]]:
    """Context manager: yields a list. A Seen is added to it every `poll_seconds`, and once when the context ends."""
    seen: list[Seen] = []
    stop = Flag()

    def watch() -> None:
        with psycopg.connect(url, autocommit=True) as conn:
            last = False
            while not last:
                last = stop.is_set()
                [(position, switching)] = conn.execute(SEEN.encode()).fetchall()
                seen.append(Seen(time.perf_counter(), position or 0, switching))
                time.sleep(poll_seconds)

    watcher = Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        stop.set()
        watcher.join()


def lags(answers: Iterable[Answer], seen: Sequence[Seen]) -> Iterator[float]:
    """The lag of each post, in seconds; 0 if the tables contained the post before it was answered."""
    nth = 0
    for _, answered, position in sorted(answers, key=lambda answer: answer.position):
        while seen[nth].position < position:
            nth += 1
        yield max(0.0, seen[nth].at - answered)


def wait_until_caught_up(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as conn:
        while True:
            row = conn.execute(f"select ({REACHED}) >= coalesce(max(position), 0) from event".encode()).fetchone()
            if row and row[0]:
                return
            time.sleep(0.05)
