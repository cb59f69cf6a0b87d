"""The projector follows the log: after NOTIFY, by polling without a notification, and after a lost connection."""

import threading
import time

import psycopg
import pytest

from service.workers import projector
from tests.lives import founded, line
from tests.posting import open_ledger, put


@pytest.fixture
def following(database_url):
    stop = threading.Event()
    thread = threading.Thread(target=projector.follow, args=(database_url, stop))
    thread.start()
    yield database_url
    stop.set()
    thread.join()


def reached(url, position):
    """Whether the projections reach this position within a minute."""
    deadline = time.monotonic() + 60
    with psycopg.connect(url, autocommit=True) as conn:
        while time.monotonic() < deadline:
            [(at,)] = conn.execute("select coalesce(min(position), 0) from projected").fetchall()
            if at == position:
                return True
            time.sleep(0.01)
    return False


def test_posted_events_are_folded(following):
    with open_ledger(following) as ledger:
        assert reached(following, put(ledger, founded(line())))


def test_an_event_without_a_notification_is_folded(following):
    assert reached(following, 0)
    with psycopg.connect(following, autocommit=True) as conn:
        conn.execute("insert into event values (1, 'fund/x', 1, 'Unannounced', now(), '{\"fund\": \"x\"}')")
    assert reached(following, 1)


def test_folding_continues_after_the_connection_is_terminated(following):
    with open_ledger(following) as ledger:
        first = put(ledger, founded(line())[:2])
        assert reached(following, first)
        with psycopg.connect(following, autocommit=True) as conn:
            others = "from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
            terminated = conn.execute(f"select pg_terminate_backend(pid) {others}").fetchall()
        assert len(terminated) >= 2, "the projector's connection and the ledger's"
        assert reached(following, put(ledger, founded(line())[2:]))
