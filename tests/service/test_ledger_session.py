"""The ledger's sessions, cached states, claims and timestamps do not depend on the server's defaults or clock."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import cast

import psycopg
import pytest
from msgspec.structs import replace
from psycopg.rows import dict_row

from domain.documents import Document
from domain.entry_reversed import EntryReversed
from domain.fund.funding import AppropriationReceived, FundsAllotted
from domain.project.payment import PaymentInstructed
from service import codec
from service.ledger import application, states
from service.ledger.application import Unavailable
from service.ledger.outcomes import Committed
from service.ledger.recorder import Recorder
from service.ledger.states import CachedState
from tests.conftest import end_sessions
from tests.lives import FUND, PROJECT, approvals, awarded, founded, line, request, yuan
from tests.posting import identified, open_ledger, put
from tests.scenario import post


@pytest.fixture
def ledger(database_url):
    with open_ledger(database_url) as ledger:
        yield ledger


def rows(url, query):
    with psycopg.connect(url, autocommit=True, row_factory=dict_row) as conn:
        return conn.execute(query).fetchall()


LIMITS = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")


def test_the_session_is_read_committed_and_has_a_timeout_for_every_wait(database_url):
    """At a stricter isolation level, fresh states would be read from a snapshot that is older than the lock."""
    with psycopg.connect(database_url, autocommit=True) as admin:
        name = admin.info.dbname
        for setting in ("default_transaction_isolation = 'serializable'", "lock_timeout = 0", "statement_timeout = 0"):
            admin.execute(f"alter database {name} set {setting}")
    settings = ("transaction_isolation", *LIMITS)
    with open_ledger(database_url) as ledger:
        recorder = cast(Recorder, ledger.recorder)
        with recorder.datastore.get_connection() as conn:
            shown = [next(iter(conn.execute(f"show {name}").fetchone().values())) for name in settings]
    assert shown == ["read committed", "3s", "5s", "10s"]


def test_a_state_ahead_of_the_log_leaves_the_cache_once_the_log_was_read(ledger):
    put(ledger, founded(line()))
    cached = ledger._states.cached([FUND])[FUND]
    ledger._states.put({FUND: CachedState(cached.stream, replace(cached.last, version=cached.last.version + 5))})
    [outcome] = ledger.post([identified(post(FUND, FundsAllotted("p", 1, yuan("30.00")), "1-6"))])
    assert isinstance(outcome, Committed)
    assert ledger._states.cached([FUND])[FUND].last.version == outcome.version
    ledger._states.discard(FUND)
    assert ledger._states.cached([FUND]) == {}


def test_a_number_that_is_claimed_and_released_in_one_bundle_can_be_claimed_again(ledger, database_url):
    voucher = (Document("支付凭证号", "凭-1", year=2019, item=1),)
    approved = awarded().given(request(), *approvals())
    instruct = post(PROJECT, PaymentInstructed("P1"), "3-3", cites=voucher)
    version = approved.ledger.stream(PROJECT).version + 1
    undo = post(PROJECT, EntryReversed(version, "凭证有误"), "3-4", actor="会计主管", key="other")
    ordered = sorted(approved.ledger.entries.values(), key=lambda e: int(e.header.source_id))
    put(ledger, [replace_header(event) for event in ordered if event.mirrors is None])
    assert [type(each) for each in ledger.post([identified(instruct), identified(undo)])] == [Committed, Committed]
    assert rows(database_url, "select * from claim where kind = '支付凭证号'") == []
    again = post(PROJECT, PaymentInstructed("P1"), "3-5", cites=voucher)
    [outcome] = ledger.post([identified(again)])
    assert isinstance(outcome, Committed), outcome
    [claim] = rows(database_url, "select version from claim where kind = '支付凭证号'")
    assert claim["version"] == outcome.version


def replace_header(event):
    return post(
        event.stream,
        event.fact,
        event.header.occurred_on.isoformat(),
        cites=event.header.documents,
        actor=event.header.actor,
        key=event.header.key,
    )


def test_recorded_times_never_decrease_even_if_the_clock_does(ledger, database_url):
    put(ledger, founded(line()))
    with psycopg.connect(database_url, autocommit=True) as admin:
        admin.execute(
            "set session_replication_role = replica"
        )  # disables triggers, to simulate a clock that was an hour ahead
        admin.execute("update event set recorded_at = recorded_at + %s", [timedelta(hours=1)])
    put(ledger, [post(FUND, FundsAllotted("p", 1, yuan("30.00")), "1-6")])
    times = [row["recorded_at"] for row in rows(database_url, "select recorded_at from event order by position")]
    assert times == sorted(times)
    assert len(times) > len(founded(line()))


@pytest.fixture
def long_fund(ledger, monkeypatch):
    """The name of a fund's stream that is long enough to be replayed apart from other streams."""
    monkeypatch.setattr(application, "LONG_REPLAY", 20)
    monkeypatch.setattr(application, "WARMED_FROM", 20)
    stream = "fund/long"
    put(ledger, [post(stream, founded(line())[0].fact, "1-1")])
    put(ledger, [post(stream, AppropriationReceived(yuan("1.00"), 2019), "1-2") for _ in range(20)])
    return stream


def test_a_replay_does_not_keep_other_funds_from_posting(ledger, database_url, monkeypatch, long_fund):
    put(ledger, founded(line()))
    reading, go_on = threading.Event(), threading.Event()

    def slow(name, *rest):
        if name == long_fund:
            reading.set()
            assert go_on.wait(60)
        return decode(name, *rest)

    decode = codec.decode
    with open_ledger(database_url) as cold, ThreadPoolExecutor() as pool:
        cold.view(FUND)
        monkeypatch.setattr(codec, "decode", slow)
        to_long = [identified(post(long_fund, AppropriationReceived(yuan("1.00"), 2019), "1-3"))]
        waiting = pool.submit(cold.post, to_long)
        assert reading.wait(60)
        [outcome] = cold.post([identified(post(FUND, FundsAllotted("p", 1, yuan("30.00")), "1-6"))])
        assert isinstance(outcome, Committed), "it waited for the replay of the other fund"
        with pytest.raises(Unavailable):
            cold.post([identified(post(long_fund, AppropriationReceived(yuan("1.00"), 2019), "1-3"))])
        go_on.set()
        assert isinstance(waiting.result()[0], Committed)


def test_a_post_waits_for_the_replay_of_its_stream_that_another_post_has_begun(
    ledger, database_url, monkeypatch, long_fund
):
    reading, go_on = threading.Event(), threading.Event()

    def slow(*given):
        reading.set()
        assert go_on.wait(60)
        return decode(*given)

    decode = codec.decode
    monkeypatch.setattr(application, "REPLAY_WAIT_SECONDS", 60)
    with open_ledger(database_url) as cold, ThreadPoolExecutor() as pool:
        monkeypatch.setattr(codec, "decode", slow)
        first, second = (
            pool.submit(cold.post, [identified(post(long_fund, AppropriationReceived(yuan("1.00"), 2019), "1-3"))])
            for _ in range(2)
        )
        assert reading.wait(60)
        go_on.set()
        assert {type(each.result()[0]) for each in (first, second)} == {Committed}


def test_the_snapshot_of_a_long_stream_is_read_apart_like_its_events(ledger, database_url, monkeypatch, long_fund):
    monkeypatch.setattr(states, "SNAPSHOT_AFTER", 10)
    with open_ledger(database_url) as cold:
        cold.view(long_fund)
    [saved] = rows(database_url, "select version from snapshot")
    monkeypatch.setattr(application, "LONG_REPLAY", saved["version"] // 6 - 1)
    with open_ledger(database_url) as cold:
        assert cold._long_among([long_fund]) == [long_fund]
        cold.view(long_fund)
        assert cold._find([long_fund])[1] == set()


def test_a_dry_run_replays_a_long_stream_under_the_limits_of_a_replay(ledger, database_url, long_fund, monkeypatch):
    replayed = []
    replay = application.Ledger._replay

    def noted(ledger, conn, names):
        replayed.extend(names)
        replay(ledger, conn, names)

    monkeypatch.setattr(application.Ledger, "_replay", noted)
    with open_ledger(database_url) as cold:
        cold.dry_run([identified(post(long_fund, AppropriationReceived(yuan("1.00"), 2019), "1-3"))])
    assert replayed == [long_fund]


def test_a_post_to_a_stream_that_is_not_cached_counts_though_the_database_has_ended_every_session(ledger, database_url):
    put(ledger, founded(line()))
    ledger._states.discard(FUND)
    end_sessions(database_url)
    [outcome] = ledger.post([identified(post(FUND, FundsAllotted("p", 1, yuan("30.00")), "1-6"))])
    assert isinstance(outcome, Committed)


def test_warming_up_caches_the_long_streams(ledger, database_url, long_fund):
    put(ledger, founded(line()))
    with open_ledger(database_url) as cold:
        cold.warm_up()
        assert cold._states.cached([long_fund, FUND]).keys() == {long_fund}


def test_after_the_replay_of_a_long_stream_the_session_has_the_limits_of_a_post_again(database_url, long_fund):
    with open_ledger(database_url, pool_size=1) as cold:
        cold.dry_run([identified(post(long_fund, AppropriationReceived(yuan("1.00"), 2019), "1-3"))])
        with cast(Recorder, cold.recorder).datastore.get_connection() as conn:
            shown = [next(iter(conn.execute(f"show {name}").fetchone().values())) for name in LIMITS]
    assert shown == ["3s", "5s", "10s"]


REFUSE_COMMITS = """
    create function refuse() returns trigger language plpgsql as $$ begin raise 'not at the commit'; end $$;
    create constraint trigger refuse after insert on event deferrable initially deferred for each row
    execute function refuse()
"""


def test_a_post_whose_commit_fails_is_not_acknowledged_and_counts_when_it_is_sent_again(ledger, database_url):
    """Whatever was decided, the outcome is set only after the commit."""
    put(ledger, founded(line()))
    allotted = identified(post(FUND, FundsAllotted("p", 1, yuan("30.00")), "1-6"))
    with psycopg.connect(database_url, autocommit=True) as admin:
        admin.execute(REFUSE_COMMITS)
        with pytest.raises(Exception, match="not at the commit"):
            ledger.post([allotted])
        assert rows(database_url, "select * from event where type = 'FundsAllotted'") == []
        admin.execute("drop trigger refuse on event")
    [outcome] = ledger.post([allotted])
    assert isinstance(outcome, Committed)
    assert not outcome.replayed
    [allotment] = rows(database_url, "select position from event where type = 'FundsAllotted'")
    assert allotment["position"] == outcome.first
