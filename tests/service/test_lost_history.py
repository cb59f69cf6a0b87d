"""A writer whose acknowledged events were lost, as in an asynchronous failover or a restore, follows the log."""

from __future__ import annotations

from random import Random

import psycopg
import pytest

from domain.fund.funding import AppropriationReceived, FundsAllotted, SurplusSurrendered
from service.check import check
from service.ledger.outcomes import Committed
from service.workers import projector
from tests.lives import FUND, founded, line, yuan
from tests.posting import identified, open_ledger, put
from tests.scenario import post


def lose(url, position):
    """Remove all that was recorded after this position, as a failover to a standby that lags behind would."""
    with psycopg.connect(url) as conn:
        conn.execute("set session_replication_role = replica")  # the log's triggers refuse it
        conn.execute("delete from event where position > %s", [position])
        conn.execute("delete from post where last_position > %s", [position])
        conn.execute(
            """
            delete from claim as c
            where not exists (select from event where (stream, version) = (c.stream, c.version))
            """
        )
        conn.execute(
            """
            update serial set next = (
                select coalesce(max(upper(r)), 0)
                from event, jsonb_array_elements(fact -> 'moves') as m, unnest((m ->> 'fen')::int8multirange) as r
                where m ->> 'from' = 'treasury'
            )
            """
        )


def surrender(amount, day="1-7"):
    return post(FUND, SurplusSurrendered("pool", yuan(amount)), day)


def allot(amount, day="1-7"):
    return post(FUND, FundsAllotted("p", 1, yuan(amount)), day)


def errors(url):
    projector.catch_up(url)
    return [finding.en for finding in check(url).findings if finding.kind != "refused-today"]


def put_clock_back(url):
    """As if the clock had been a day ahead until now: until it has caught up, all events get the time of the last."""
    with psycopg.connect(url) as conn:
        conn.execute("set session_replication_role = replica")
        latest = "(select max(position) from event)"
        conn.execute(f"update event set recorded_at = recorded_at + interval '1 day' where position = {latest}")


@pytest.fixture(params=["the clock is right", "the clock was ahead"])
def writers(database_url, request):
    with open_ledger(database_url) as first, open_ledger(database_url) as second:
        kept = put(first, founded(line()))
        put(
            second, [post("fund/other", founded(line())[0].fact, "1-1")]
        )  # it has connected, and cached nothing of the fund
        if request.param == "the clock was ahead":
            put_clock_back(database_url)
        yield first, second, kept + 1


def test_fen_that_another_writer_surrendered_in_the_new_history_are_not_surrendered_again(writers, database_url):
    first, second, kept = writers
    put(first, [surrender("10.00")])
    lose(database_url, kept)
    put(second, [surrender("20.00")])
    [outcome] = first.post([identified(surrender("5.00"))])
    assert isinstance(outcome, Committed)
    assert errors(database_url) == []
    assert first.view(FUND).fund("f").accounts.balance("surrendered") == yuan("25.00")


def test_money_of_a_lost_appropriation_is_not_allotted(writers, database_url):
    first, second, kept = writers
    put(first, [post(FUND, AppropriationReceived(yuan("900.00"), 2018), "1-7")])
    lose(database_url, kept)
    put(second, [surrender("95.00")])
    [outcome] = first.post([identified(allot("50.00"))])
    assert yuan("5.00") in outcome.rule.facts.values(), "what the pool has in the log"
    assert errors(database_url) == []


def test_a_lost_post_is_recorded_when_it_is_sent_again(writers, database_url):
    first, _, kept = writers
    posted = identified(surrender("10.00"))
    [before] = first.post([posted])
    lose(database_url, kept)
    [again] = first.post([posted])
    assert (again.first, again.replayed) == (before.first, False)
    assert errors(database_url) == []


@pytest.mark.parametrize(
    "seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.long("other logs")) for seed in range(2, 8))]
)
def test_writers_that_lose_random_ends_of_their_history_agree_with_the_log(writers, database_url, seed):
    first, second, kept = writers
    random = Random(seed)
    for _ in range(60):
        writer, amount = random.choice((first, second)), f"{random.randint(1, 300) / 100:.2f}"
        fact = random.choice(
            (
                surrender(amount).fact,
                allot(amount).fact,
                AppropriationReceived(yuan(amount), 2018),
            )
        )
        stream = random.choice((FUND, "fund/other")) if isinstance(fact, AppropriationReceived) else FUND
        writer.post([identified(post(stream, fact, "1-7"))])
        if random.random() < 0.2:
            with psycopg.connect(database_url) as conn:
                ends = conn.execute("select last_position from post order by 1 desc limit 4").fetchall()
            lose(database_url, max(kept, random.choice(ends)[0]))
    assert errors(database_url) == []
    assert first.view(FUND).stream(FUND) == second.view(FUND).stream(FUND)
    with open_ledger(database_url) as cold:
        assert cold.view(FUND).stream(FUND) == first.view(FUND).stream(FUND)


def test_a_snapshot_of_a_lost_history_is_not_read(writers, database_url, monkeypatch):
    first, second, kept = writers
    monkeypatch.setattr("service.ledger.states.SNAPSHOT_AFTER", 2)
    put(first, [surrender("10.00")])
    with open_ledger(database_url) as cold:
        assert cold.view(FUND).stream(FUND).version == first.view(FUND).stream(FUND).version
    lose(database_url, kept)
    put(second, [surrender("20.00")])
    with psycopg.connect(database_url) as conn:
        assert conn.execute("select version from snapshot where stream = %s", [FUND]).fetchone() is not None
    with open_ledger(database_url) as cold:
        assert cold.view(FUND).fund("f").accounts.balance("surrendered") == yuan("20.00")


def test_a_writer_knows_the_last_event_of_what_it_wrote_without_reading_it(database_url):
    """Otherwise the writer's next decision would seem to belong to another history, and would be made twice."""
    with open_ledger(database_url) as ledger:
        put(ledger, founded(line()))
        ledger.post([identified(allot("10.00")), identified(surrender("1.00")), identified(allot("2.00"))])
        cached = ledger._states.cached([FUND, "project/p"])
    with psycopg.connect(database_url) as conn:
        for stream, state in cached.items():
            query = "select version, position, nonce from event where stream = %s order by version desc limit 1"
            assert conn.execute(query, [stream]).fetchone() == (
                state.last.version,
                state.last.position,
                state.last.nonce,
            )
            assert state.stream.version == state.last.version
    assert len(cached) == 2
