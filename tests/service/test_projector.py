"""The projector as a follower: told by NOTIFY, by its poll when nobody tells it, and after it lost the database."""

import threading
import time

import psycopg
import pytest

from service.workers import projector
from tests.domain.lives import founded, line
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
    """Wait for the projections to get there."""
    deadline = time.monotonic() + 15
    with psycopg.connect(url, autocommit=True) as conn:
        while time.monotonic() < deadline:
            [(at,)] = conn.execute("select coalesce(min(position), 0) from projection").fetchall()
            if at == position:
                return True
            time.sleep(0.01)
    return False


def test_it_folds_what_is_posted(following):
    with open_ledger(following) as ledger:
        assert reached(following, put(ledger, founded(line())))


def test_it_folds_what_nobody_told_it_of(following):
    assert reached(following, 0)
    with psycopg.connect(following, autocommit=True) as conn:
        conn.execute("insert into event values (1, 'fund/x', 1, 'Untold', now(), '{\"fund\": \"x\"}')")
    assert reached(following, 1)


def test_it_comes_back_after_its_connection_is_cut(following):
    with open_ledger(following) as ledger:
        first = put(ledger, founded(line())[:2])
        assert reached(following, first)
        with psycopg.connect(following, autocommit=True) as conn:
            everyone = "from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
            cut = conn.execute(f"select pg_terminate_backend(pid) {everyone}").fetchall()
        assert len(cut) >= 2, "the projector's connection and the ledger's"
        assert reached(following, put(ledger, founded(line())[2:]))
