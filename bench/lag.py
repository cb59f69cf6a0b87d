"""The lag of the projector behind the ledger while a thousand posts arrive each second."""

from __future__ import annotations

import time
from collections.abc import Iterator
from threading import Event as Flag
from threading import Thread

import psycopg

from bench.race import Row, Run
from bench.served import projector
from bench.workload import Fund, Payments, read
from service.ledger.application import Ledger
from service.ledger.outcomes import Committed

A_SECOND, WRITERS = 1_000, 8
POLL_SECONDS = 0.002
REACHED = "select min(position) from projection"


def rows(ledger: Ledger, url: str, fund: Fund, seconds: float) -> Iterator[Row]:
    """Measures the lag while the writers together send A_SECOND posts per second for `seconds`; yields one row.

    The row has the 99th percentile of the lag and, as its rate, the number of posts accepted per second.
    The lag of a post is the time from its answer until the tables contain the post, measured to 2 ms.
    """
    counted: list[tuple[int, float]] = []
    posts = [
        [read(event) for event in events]
        for events in Payments(fund).for_writers(WRITERS, int(seconds * A_SECOND) // WRITERS)
    ]
    stop = Flag()
    seen: list[tuple[float, int]] = []

    def watch() -> None:
        with psycopg.connect(url, autocommit=True) as conn:
            while not stop.is_set():
                row = conn.execute(REACHED).fetchone()
                seen.append((time.perf_counter(), int(row[0]) if row else 0))
                time.sleep(POLL_SECONDS)

    def write(number: int) -> None:
        for nth, post in enumerate(posts[number]):
            due = started + (nth + number / WRITERS) * WRITERS / A_SECOND
            time.sleep(max(0.0, due - time.perf_counter()))
            [outcome] = ledger.post([post])
            assert isinstance(outcome, Committed), outcome
            counted.append((outcome.last, time.perf_counter()))

    with projector(url):
        _wait_until_caught_up(url)
        watcher = Thread(target=watch)
        watcher.start()
        started = time.perf_counter() + 0.5
        writers = [Thread(target=write, args=(number,)) for number in range(WRITERS)]
        for each in writers:
            each.start()
        for each in writers:
            each.join()
        took = time.perf_counter() - started
        _wait_until_caught_up(url)
        time.sleep(10 * POLL_SECONDS)
        stop.set()
        watcher.join()
    lags = sorted(_lags(counted, seen))
    row = Row("projector", f"lag while {A_SECOND:,} posts a second are asked for, {WRITERS} writers", "Suyuan")
    row.runs.append(Run(len(counted) / took, lags[int(len(lags) * 0.99)] * 1000, 0.0))
    yield row


def _lags(counted: list[tuple[int, float]], seen: list[tuple[float, int]]) -> Iterator[float]:
    """The lag of each post, in seconds; 0 if the tables contained the post before it was answered.

    `counted`: the position and the time of the answer of each post. `seen`: times, each with the position that the
    tables had reached.
    """
    nth = 0
    for position, answered in sorted(counted):
        while seen[nth][1] < position:
            nth += 1
        yield max(0.0, seen[nth][0] - answered)


def _wait_until_caught_up(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as conn:
        while True:
            row = conn.execute(f"select ({REACHED}) >= coalesce(max(position), 0) from event".encode()).fetchone()
            if row and row[0]:
                return
            time.sleep(0.05)
