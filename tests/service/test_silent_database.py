"""If the database keeps its connections but answers nothing, requests are answered in time.

The service recovers as soon as the database answers again.
"""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from service.postgres import session
from service.server.places import REQUEST_SECONDS
from service.workers import projector
from tests.lives import founded, line
from tests.posting import open_ledger, put
from tests.proxy import black_hole, proxied
from tests.service.test_gateway import Served, appropriation, founding

LATE_SECONDS = REQUEST_SECONDS + 5
"""The seconds that a request may take at most. Five of them are for a busy machine."""


@pytest.fixture
def proxy(api):
    with proxied(api.url) as proxy:
        yield proxy


@pytest.fixture
def served(api, proxy):
    server = Served(api, database_url=proxy.url)
    assert server.call("POST", "/v1/events", founding(api), "fund-office")[0] == 201
    yield server
    server.stop()


def ask(served, times=6):
    """The statuses of posts and reads that are sent at the same time. Each must be answered within LATE_SECONDS."""
    calls = [("POST", "/v1/events", appropriation(served.api), "fund-office") for _ in range(times)]
    calls += [("GET", path, None, "auditor") for path in ("/v1/funds", "/v1/feed", "/v1/fen/1")]
    with ThreadPoolExecutor(len(calls)) as pool:
        return [status for status, _, _ in pool.map(lambda call: served.call(*call, timeout=LATE_SECONDS), calls)]


def recovers(served, seconds=60):
    """Whether, within `seconds`, a post is recorded again and `/readyz` answers 200."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        status, _, _ = served.call("POST", "/v1/events", appropriation(served.api), "fund-office")
        if status == 201 and served.call("GET", "/readyz")[0] == 200:
            return True
        time.sleep(0.2)
    return False


@pytest.mark.long("waits for time-outs")
def test_while_the_database_is_silent_every_request_is_answered_in_time_and_afterwards_posts_count(served, proxy):
    proxy.silence(new=True)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask, served)
        assert served.call("GET", "/healthz")[0] == 200
        assert not asked.done(), "the health check waited for the database, as they do"
        assert set(asked.result()) == {503}
    assert served.call("GET", "/readyz", timeout=LATE_SECONDS)[0] == 503
    proxy.resume()
    assert recovers(served)


@pytest.mark.long("waits for time-outs")
def test_the_service_recovers_when_only_its_old_connections_are_silent_for_ever(served, proxy):
    proxy.silence(new=False)
    ask(served)
    assert recovers(served)
    assert set(ask(served)) <= {200, 201, 404}, "no connection of before is left"


LOCK_WAITS = """
    select pid, query_start from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
"""


@pytest.mark.long("waits for time-outs")
def test_a_post_behind_a_table_lock_waits_for_it_once_and_counts_when_it_is_sent_again(served):
    event, waits = appropriation(served.api), set()
    with (
        psycopg.connect(served.api.url) as blocker,
        psycopg.connect(served.api.url, autocommit=True) as observer,
        ThreadPoolExecutor(1) as pool,
    ):
        blocker.execute("lock table event in access exclusive mode")
        posted = pool.submit(served.call, "POST", "/v1/events", event, "fund-office", LATE_SECONDS)
        while not posted.done():
            waits |= set(observer.execute(LOCK_WAITS))
        assert posted.result()[0] == 503
        assert len(waits) == 1, "statements of the post that waited, each until its lock timeout"
    assert served.call("POST", "/v1/events", event, "fund-office")[0] in (200, 201)


@pytest.mark.long("waits for time-outs")
def test_a_host_that_swallows_connections_does_not_keep_posts_from_the_next_host(api, proxy):
    with black_hole() as port:
        url = make_conninfo(proxy.url, host="127.0.0.1,127.0.0.1", port=f"{port},{proxy.port}")
        server = Served(api, database_url=url)
        statuses = [server.call("POST", "/v1/events", founding(api), "fund-office", timeout=LATE_SECONDS)[0]]
        statuses += [
            server.call("POST", "/v1/events", appropriation(api), "fund-office", timeout=LATE_SECONDS)[0]
            for _ in range(24)
        ]
        assert statuses.count(201) == len(statuses)
        server.stop()


def test_the_projector_leaves_a_silent_connection_and_folds_on_a_new_one(database_url, monkeypatch):
    monkeypatch.setattr(session, "WORKERS", session.Limits(1, 1, 1))
    stop = threading.Event()
    with proxied(database_url) as proxy, open_ledger(database_url) as ledger:
        thread = threading.Thread(target=projector.follow, args=(proxy.url, stop))
        thread.start()
        head = put(ledger, founded(line())[:2])
        wait_until_folded(database_url, head)
        proxy.silence(new=False)
        head = put(ledger, founded(line())[2:])
        wait_until_folded(database_url, head)
        stop.set()
        thread.join()


@pytest.mark.parametrize("kind", ["POSTS", "REPLAYS", "KEYS", "READS", "WORKERS", "COMMANDS"])
def test_the_server_has_the_limits_of_each_kind_of_session_and_a_command_may_keep_its_snapshot_open(database_url, kind):
    limits = getattr(session, kind)
    names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
    with session.connect(database_url, limits) as conn:
        query = "select setting::int from pg_settings where name = %s"
        milliseconds = [conn.execute(query, [name]).fetchone()[0] for name in names]
    assert milliseconds == [1_000 * each for each in limits[1:]]
    assert (limits.idle_seconds == 0) == (kind == "COMMANDS")
    assert limits.silence_seconds > limits.statement_seconds


def wait_until_folded(url, position):
    with psycopg.connect(url, autocommit=True) as conn:
        while conn.execute("select min(position) from projected").fetchone() != (position,):
            time.sleep(0.05)
