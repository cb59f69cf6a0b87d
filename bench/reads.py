"""Reading over HTTP, one resource at a time, compared with the bare SQL that the resource runs.

The queries of each path are recorded once in this process and run again on one connection. Work that is done in Python
(why, alerts) is measured only over HTTP.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import cycle, islice
from random import Random
from typing import Any

import psycopg
import structlog
from flask.testing import FlaskClient
from psycopg.rows import dict_row

from bench import client
from bench.posts import SUYUAN, as_run
from bench.race import Contender, Pace, Row, Run, race, summed
from bench.served import Served, environment
from bench.workload import Fund
from service.app import close, create_app
from service.config import from_environment
from service.postgres.queries import QUERIES
from service.postgres.snapshots import Snapshot

BARE_SQL = "the bare SQL"
BY_SOURCE = "balances by source"
VARIANTS = 12
"""The number of different values, and so of paths, that are requested of a resource that has a parameter."""
MAX_REPLAY_SECONDS = 120.0
HEAD = "select max(position) as head from event"
SOME_POSTS = "select id from post tablesample system (1) limit %(some)s"
Query = tuple[str, Mapping[str, object]]


def rows(served: Served, url: str, fund: Fund, pace: Pace) -> Iterator[Row]:
    """Measures each resource of a large fund."""
    yield from _measured(served, url, pace, lambda head, ids: _resources(fund, head, ids))


def by_source(served: Served, url: str, fund: Fund, pace: Pace) -> Iterator[Row]:
    """Measures where the money of each source of `fund` is, now and at an earlier position."""
    of_fund = f"/v1/funds/{fund.code}/balances"

    def resources(head: int, _: list[str]) -> dict[str, list[str]]:
        return {
            BY_SOURCE: [f"{of_fund}?by=source"],
            "balances by appropriation": [f"{of_fund}?by=appropriation"],
            "balances by source as of a position": [f"{of_fund}?by=source&position={head * 9 // 10}"],
        }

    yield from _measured(served, url, pace, resources)


def _measured(
    served: Served, url: str, pace: Pace, resources_of: Callable[[int, list[str]], dict[str, list[str]]]
) -> Iterator[Row]:
    """Measures each resource on one connection, after a warm-up. Yields two rows for each: over HTTP and bare SQL.

    `resources_of` gives the paths of each resource, from the last position of the log and the ids of some posts.
    """
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())  # requests in this process are not logged
    app = create_app(from_environment(environment(url, served.port)))
    key = {"Authorization": f"Bearer {served.key}"}
    with psycopg.connect(url, autocommit=True, row_factory=dict_row) as conn:
        conn.execute("set plan_cache_mode = force_custom_plan")  # as the service's readers
        head = conn.execute(HEAD).fetchone()["head"]  # type: ignore[index]
        ids = [row["id"] for row in conn.execute(SOME_POSTS, {"some": VARIANTS})]
        resources = resources_of(head, ids)
        for path in ("/readyz", *(paths[0] for paths in resources.values())):  # what is replayed slows down all others
            _wait_until_answered(served, path)
        for name, paths in resources.items():
            queries = [_recorded(app.test_client(), path, key) for path in paths]
            contenders = [_over_http(served, paths), _by_sql(conn, queries)]
            for contender in contenders:
                contender.run(pace.seconds / 4)
            yield from race("reads", name, contenders, pace)
    close(app)


def _resources(fund: Fund, head: int, ids: list[str]) -> dict[str, list[str]]:
    """Maps each resource to the paths to request: one, or several that differ in a position, serial, award or id."""
    random = Random(5)
    project = fund.project(0)
    positions = [random.randrange(head // 10, head) for _ in range(VARIANTS)]
    serials = [random.randrange(10**6) * 100 for _ in range(VARIANTS)]
    of_fund = f"/v1/funds/{fund.code}"
    many = {
        "a fen's trace": [f"/v1/fen/{serial}" for serial in serials],
        "balances as of a position": [f"{of_fund}/balances?position={position}" for position in positions],
        "one event": [f"/v1/events/{position}" for position in positions],
        "a page of the feed": [f"/v1/events?limit=100&after={position}" for position in positions],
        "one award's payments": [f"/v1/payments?project={project}&award=L{n}" for n in range(VARIANTS)],
        "one post": [f"/v1/posts?source=/bench&id={each}" for each in ids],
    }
    one = {
        "balances of the fund": f"{of_fund}/balances",
        "balances by award": f"{of_fund}/balances?by=award",
        "the fund": of_fund,
        "the fund's plan": f"{of_fund}/plan",
        "the fund's alerts": f"{of_fund}/alerts",
        "the fund's appropriations": f"{of_fund}/appropriations",
        "a page of movements": f"{of_fund}/movements?limit=100",
        "a page of awards": f"/v1/awards?project={project}&limit=100",
        "a page of payments": f"/v1/payments?project={project}&limit=100",
        "the project": f"/v1/projects/{project}",
        "why an award may not be paid": f"/v1/projects/{project}/why?batch=1&award=L1",
        "a page of its events": f"/v1/projects/{project}/events?limit=100",
        "missing evidence": f"{of_fund}/missing-evidence?limit=100",
        "the funds": "/v1/funds",
    }
    return {**many, **{name: [path] for name, path in one.items()}}


def _recorded(reader: FlaskClient, path: str, key: Mapping[str, str]) -> list[Query]:
    """The SQL queries that a request for `path` runs, by name and with their parameters."""
    queries: list[Query] = []
    with _recording(queries):
        answer = reader.get(path, headers=key)
    assert answer.status_code == 200, (path, answer.json)
    return queries


@contextmanager
def _recording(queries: list[Query]) -> Iterator[None]:
    read = Snapshot.rows

    def recorded_rows(self: Snapshot, query: str, **params: object) -> Any:
        queries.append((query, params))
        return read(self, query, **params)

    Snapshot.rows = recorded_rows  # type: ignore[method-assign]
    try:
        yield
    finally:
        Snapshot.rows = read  # type: ignore[method-assign]


def _wait_until_answered(served: Served, path: str) -> None:
    """Request `path` until it is answered 200.

    A read that needs a long stream is answered 503 until it is replayed, and `/readyz` until the web process has
    replayed the longest ones.
    """
    request = client.request("GET", path, Authorization=f"Bearer {served.key}")
    deadline = time.monotonic() + MAX_REPLAY_SECONDS
    while set(client.load(served.port, [[request]], 0.0).statuses) != {200}:
        assert time.monotonic() < deadline, path


def _over_http(served: Served, paths: list[str]) -> Contender:
    prepared = [client.request("GET", path, Authorization=f"Bearer {served.key}") for path in paths]

    def run(seconds: float) -> Run:
        result = client.load(served.port, [list(islice(cycle(prepared), int(seconds * 2_000)))], seconds)
        assert set(result.statuses) == {200}, (paths[0], result.statuses)
        return as_run(result, 1)

    return Contender(SUYUAN, run)


def _by_sql(conn: psycopg.Connection[Any], answers: list[list[Query]]) -> Contender:
    def run(seconds: float) -> Run:
        took: list[float] = []
        started, processor = time.perf_counter(), time.process_time()
        for queries in cycle(answers):
            now = time.perf_counter()
            if now > started + seconds:
                break
            for name, params in queries:
                conn.execute(QUERIES[name], params).fetchall()
            took.append(time.perf_counter() - now)
        return summed(took, time.perf_counter() - started, time.process_time() - processor)

    return Contender(BARE_SQL, run)
