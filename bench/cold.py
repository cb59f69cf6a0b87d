"""Replaying a long stream without a snapshot, and posts to another fund that the same process sends meanwhile."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from bench.paced import ALONE_SECONDS, WRITERS, Timed, beside, between, limit, prepared
from bench.race import Contender, Pace, Row, Run, race
from bench.workload import Fund, Payments
from service.app import open_ledger
from service.ledger.application import Ledger

SECTION = "cold replay"
SILENT, FETCHED = "Suyuan, silent", "its events fetched by SQL"
ALONE, MEANWHILE = "Suyuan, no replay", "Suyuan, beside a replay"
SHARES = {"a tenth": 0.1, "half": 0.5}
"""The rates at which posts are sent during a replay, as parts of the highest rate that this machine reaches."""
POSTS = "posts at {} of that rate".format
MAX_RATIO = 4
"""Posts are prepared for this many times the seconds of the first replay, during which no posts are sent."""
LENGTH = "select max(version) from event where stream = %s"
STREAM = "select version, type, fact::text from event where stream = %s order by version"


def rows(url: str, long: Fund, fund: Fund, pace: Pace) -> Iterator[Row]:
    """Measures the replay of the first project of `long` by a new ledger each time, and the posts to `fund` meanwhile.

    Yields rows of figures: of the highest rate of posts, of the replays, and of the posts sent meanwhile.
    """
    payments, stream = Payments(fund), f"project/{long.project(0)}"
    [(events,)] = _query(url, LENGTH, stream)
    with _cold(url, fund) as ledger:
        most = limit(SECTION, "no replay", ledger, payments, pace)
        yield most

        def replay(ledger: Ledger) -> Timed:
            started = time.perf_counter()
            ledger.view(stream)
            return Timed(events, started, time.perf_counter())

        silent_seconds = replay(ledger).seconds

    def silent(_: float) -> Run:
        with _cold(url, fund) as ledger:
            return replay(ledger).as_run()

    def fetched(_: float) -> Run:
        started = time.perf_counter()
        _query(url, STREAM, stream)
        return Timed(events, started, time.perf_counter()).as_run()

    def beside_posts(share: str) -> tuple[Contender, list[Row]]:
        about_posts = [Row(SECTION, POSTS(share), name) for name in (ALONE, MEANWHILE)]
        rate = most.a_second * SHARES[share]

        def run(_: float) -> Run:
            posts = prepared(payments, WRITERS, int((ALONE_SECONDS + MAX_RATIO * silent_seconds) * rate))
            with _cold(url, fund) as ledger:
                timed, answers = beside(ledger, posts, rate, lambda: replay(ledger))
            spans = ((min(each.sent for each in answers), timed.started), (timed.started, timed.ended))
            for row, span in zip(about_posts, spans, strict=True):
                row.runs.append(between(answers, *span))
            return timed.as_run()

        return Contender(f"Suyuan, posts at {share}", run), about_posts

    loads = [beside_posts(share) for share in SHARES]
    contenders = [Contender(SILENT, silent), *(contender for contender, _ in loads), Contender(FETCHED, fetched)]
    yield from race(SECTION, f"a stream of {events:,} events", contenders, pace)
    for _, about_posts in loads:
        yield from about_posts


@contextmanager
def _cold(url: str, fund: Fund) -> Iterator[Ledger]:
    """Delete all snapshots in the database at `url`, and yield a new ledger on this database.

    The ledger's cache has only the states of the projects of `fund`.
    """
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("delete from snapshot")
    ledger = open_ledger(url)
    try:
        ledger.view(*(f"project/{fund.project(number)}" for number in range(fund.projects)))
        yield ledger
    finally:
        ledger.close()


def _query(url: str, query: str, stream: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as conn:
        return conn.execute(query.encode(), [stream]).fetchall()
