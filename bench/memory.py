"""The memory of the web worker after some posts, and after ten times as many."""

from __future__ import annotations

from collections.abc import Iterator

from bench import client
from bench.posts import requests
from bench.race import Row, Run, calibrated
from bench.served import Served
from bench.workload import Fund, Payments

POSTS = (10_000, 50_000, 100_000)
BUNDLE = 500
MAX_SECONDS = 120.0
SECTION = "memory of the web worker, MB"
after = "after {:,} posts".format


def rows(served: Served, fund: Fund) -> Iterator[Row]:
    """Posts to the web service `served`. After each number of posts in POSTS, yields a row with the memory in use.

    In the place of a rate, a row has the resident memory of the web service's largest process, in MB.
    """
    payments, posted = Payments(fund), 0
    for upto in POSTS:
        events = list(payments.events(range(fund.projects), upto - posted))
        loaded = client.load(served.port, [requests(served.key, events, BUNDLE)], MAX_SECONDS)
        assert set(loaded.statuses) == {201}, loaded.statuses
        posted = upto
        row = Row(SECTION, after(upto), "Suyuan")
        row.runs.append(calibrated(lambda: Run(served.resident_mb(), 0.0, 0.0)))
        yield row
