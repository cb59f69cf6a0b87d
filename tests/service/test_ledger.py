"""The ledger on a real PostgreSQL: idempotency, order, races, lost connections, snapshots and restores."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any, cast

import psycopg
import pytest
from eventsourcing.persistence import IntegrityError, ProgrammingError
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from psycopg.rows import dict_row

from domain.documents import FUND_CODE, Claim, Document
from domain.fund.funding import AppropriationReceived, FundsAllotted
from domain.fund.lifecycle import FundEstablished
from domain.ledger_view import Stream
from domain.project.payment import PaymentInstructed
from domain.rules.every_post import BalanceTooSmall, DocumentAlreadyUsed
from domain.rules.fund import AllotmentExceedsPlan, FundExists
from service import codec
from service.check import check
from service.ledger import states
from service.ledger.application import Unavailable
from service.ledger.outcomes import Committed, IdentityConflict, NotRecorded, Refusal, VersionConflict
from service.ledger.recorder import Identity, LastEvent, LibraryEvent, NewPost, Recorder
from service.ledger.states import CachedState, StateCache
from service.postgres.queries import QUERIES
from service.workers import projector
from tests.lives import (
    FUND,
    PROJECT,
    SETTINGS,
    allotted,
    approvals,
    award_list,
    founded,
    line,
    noticed,
    request,
    row,
    yuan,
)
from tests.posting import identified, open_ledger, put
from tests.random_life import RandomLife
from tests.scenario import Scenario, post

ESTABLISHED = post(FUND, FundEstablished("专项资金", SETTINGS), "1-1")


@pytest.fixture
def ledger(database_url):
    with open_ledger(database_url) as ledger:
        yield ledger


def awarded_posts():
    scenario = Scenario().given(*allotted(line()), *noticed())
    rows = (row("a", "30.00", "20.00"), row("b", "30.00", "20.00", rank=2, score=89))
    return (*allotted(line()), *noticed(), post(PROJECT, award_list(scenario, *rows), "3-1"))


def positions(url):
    with psycopg.connect(url) as conn:
        return [row[0] for row in conn.execute("select position from event order by position")]


def test_positions_are_dense_and_a_mirrored_event_follows_its_leader(ledger, database_url):
    put(ledger, founded(line()))
    [outcome] = ledger.post([identified(post(FUND, FundsAllotted("p", 1, yuan("60.00")), "1-6"))])
    assert (outcome.first, outcome.last) == (6, 7)
    assert positions(database_url) == [1, 2, 3, 4, 5, 6, 7]


def test_the_same_post_again_is_answered_with_its_first_result(ledger):
    first = ledger.post([identified(ESTABLISHED)])
    assert first == [Committed(1, 1, 1)]
    assert ledger.post([identified(ESTABLISHED)]) == [Committed(1, 1, 1, replayed=True)]


def test_the_same_identity_with_other_content_is_a_conflict(ledger):
    ledger.post([identified(ESTABLISHED)])
    other = replace(ESTABLISHED, fact=FundEstablished("另一名称", SETTINGS))
    assert ledger.post([identified(other)]) == [IdentityConflict()]


def test_a_replay_is_answered_before_any_rule_or_version(ledger):
    put(ledger, founded(line()))
    again = identified(post(FUND, FundsAllotted("p", 1, yuan("60.00")), "1-6"), expected_version=4)
    assert isinstance(ledger.post([again])[0], Committed)
    # Both the rule and the version would refuse it now.
    assert ledger.post([again])[0].replayed


def test_a_refusal_does_not_use_up_the_identity(ledger):
    put(ledger, founded(line(), line("q", 2), appropriated="200.00")[:-1])
    too_early = identified(post(FUND, FundsAllotted("q", 1, yuan("60.00")), "1-6"))
    assert isinstance(ledger.post([too_early])[0], Refusal)
    put(ledger, founded(line(), line("q", 2))[-1:])
    assert ledger.post([too_early])[0].replayed is False


def test_a_stale_version_is_answered_with_the_actual_version(ledger):
    ledger.post([identified(ESTABLISHED)])
    late = post(FUND, AppropriationReceived(yuan("1.00"), 2018), "1-2")
    assert ledger.post([identified(late, expected_version=7)]) == [VersionConflict(FUND, 7, 1)]
    assert isinstance(ledger.post([identified(late, expected_version=1)])[0], Committed)


def test_a_bundle_is_all_or_nothing_and_later_posts_see_earlier_ones(ledger, database_url):
    bundle = [identified(each) for each in founded(line())]
    broken = identified(post(FUND, FundsAllotted("p", 1, yuan("60.01")), "1-6"))
    outcomes = ledger.post([*bundle, broken])
    assert [type(each) for each in outcomes] == [NotRecorded] * 5 + [Refusal]
    assert isinstance(outcomes[-1].rule, AllotmentExceedsPlan)
    assert positions(database_url) == []
    assert [each.first for each in ledger.post(bundle)] == [1, 2, 3, 4, 5]


def test_a_refused_post_of_a_non_atomic_bundle_does_not_affect_the_others(ledger, database_url):
    duplicate = post(FUND, FundEstablished("专项资金", SETTINGS), "1-1")
    bundle = [identified(each) for each in (ESTABLISHED, duplicate, *founded(line())[1:])]
    outcomes = ledger.post(bundle, atomic=False)
    assert isinstance(outcomes[1].rule, FundExists)
    assert [o.first for o in outcomes if isinstance(o, Committed)] == [1, 2, 3, 4, 5]
    assert positions(database_url) == [1, 2, 3, 4, 5]


def test_the_same_post_twice_in_one_bundle_is_recorded_once(ledger, database_url):
    twice = [identified(ESTABLISHED), identified(ESTABLISHED)]
    assert ledger.post(twice) == [Committed(1, 1, 1), Committed(1, 1, 1, replayed=True)]
    assert positions(database_url) == [1]


def test_a_bundle_that_is_sent_again_is_replayed_whole(ledger):
    bundle = [identified(each) for each in founded(line())]
    first = ledger.post(bundle)
    assert ledger.post(bundle) == [replace(each, replayed=True) for each in first]


def test_one_post_from_many_threads_and_ledgers_is_recorded_once(ledger, database_url):
    put(ledger, founded(line()))
    same = identified(post(FUND, FundsAllotted("p", 1, yuan("60.00")), "1-6"))
    with (
        open_ledger(database_url) as other,
        open_ledger(database_url) as third,
        ThreadPoolExecutor(12) as pool,
    ):
        results = [pool.submit(each.post, [same]) for each in (ledger, other, third) * 20]
        outcomes = [result.result()[0] for result in results]
    assert sum(not each.replayed for each in outcomes) == 1
    assert {(each.first, each.last) for each in outcomes} == {(6, 7)}
    assert positions(database_url) == [1, 2, 3, 4, 5, 6, 7]


def test_one_post_a_hundred_times_through_four_processes_is_recorded_once(ledger, database_url):
    ledger.post([identified(ESTABLISHED)])
    command = [sys.executable, "-m", "tests.hammer", database_url, "25"]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    answers = [each for process in processes for each in json.loads(process.communicate()[0])]
    assert len(answers) == 100
    assert {first for first, _ in answers} == {2}
    assert sum(not replayed for _, replayed in answers) == 1
    assert positions(database_url) == [1, 2]


def test_two_payments_racing_for_one_balance_leave_one_winner_and_the_numbers(ledger, database_url):
    put(ledger, awarded_posts())
    with open_ledger(database_url) as other, ThreadPoolExecutor(2) as pool:
        racing = [identified(request("P1", amount="20.00")), identified(request("P2", amount="20.00"))]
        results = [pool.submit(each.post, [p]) for each, p in zip((ledger, other), racing, strict=True)]
        outcomes = [result.result()[0] for result in results]
    [loser] = [each for each in outcomes if isinstance(each, Refusal)]
    assert isinstance(loser.rule, BalanceTooSmall)
    assert loser.rule.facts == {
        "account": "payable",
        "place": "p/1/L-a",
        "available": yuan("10.00"),
        "amount": yuan("20.00"),
    }


def test_many_writers_on_many_streams_leave_no_gap_and_lose_nothing(ledger, database_url):
    funds = [post(f"fund/f{n}", FundEstablished("专项", SETTINGS), "1-1") for n in range(30)]
    money = [post(f"fund/f{n}", AppropriationReceived(yuan("1.00"), 2018), "1-2") for n in range(30)]
    with open_ledger(database_url) as other, ThreadPoolExecutor(12) as pool:
        for batch in (funds, money):
            sent = [pool.submit((ledger, other)[n % 2].post, [identified(p)]) for n, p in enumerate(batch)]
            assert all(isinstance(each.result()[0], Committed) for each in sent)
    assert positions(database_url) == list(range(1, 61))
    with psycopg.connect(database_url) as conn:
        ranges = conn.execute(
            "select fact #>> '{moves,0,fen}' from event where type = 'AppropriationReceived'"
        ).fetchall()
        recorded = conn.execute("select recorded_at from event order by position").fetchall()
    assert sorted(r[0] for r in ranges) == sorted(f"{{[{n * 100},{n * 100 + 100})}}" for n in range(30))
    assert recorded == sorted(recorded)


def test_a_voucher_number_is_used_once_across_projects_and_processes(ledger, database_url):
    put(ledger, (*awarded_posts(), request("P1"), *approvals("P1")))
    voucher = (Document("支付凭证号", "000001"),)
    put(ledger, (request("P2", "b", on="3-3"), *approvals("P2")))
    first = identified(post(PROJECT, PaymentInstructed("P1"), "3-4", cites=voucher))
    second = identified(post(PROJECT, PaymentInstructed("P2"), "3-4", cites=voucher))
    with open_ledger(database_url) as other:
        assert isinstance(ledger.post([first])[0], Committed)
        [outcome] = other.post([second])
    assert isinstance(outcome.rule, DocumentAlreadyUsed)
    assert outcome.rule.facts["number"] == "2019/000001/1"


class Lossy:
    """The method `append` of `recorder`, but the reply of the first `losses` calls is lost after the commit."""

    def __init__(self, recorder: Recorder, losses: int) -> None:
        self._append, self.losses_left = recorder.append, losses

    def __call__(self, conn, *args, **kwargs):
        first = self._append(conn, *args, **kwargs)
        if self.losses_left:
            self.losses_left -= 1
            conn.close()
            raise psycopg.OperationalError("server closed the connection unexpectedly")
        return first


def test_a_post_whose_reply_was_lost_after_the_commit_is_answered_from_the_log(ledger, database_url, monkeypatch):
    monkeypatch.setattr(ledger.recorder, "append", Lossy(ledger.recorder, 1))
    [outcome] = ledger.post([identified(ESTABLISHED)])
    assert (outcome.first, outcome.last) == (1, 1)
    assert positions(database_url) == [1]


def test_an_unreachable_database_raises_unavailable_and_the_post_can_be_retried(ledger, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(ledger, "_load", _unreachable)
        with pytest.raises(Unavailable):
            ledger.post([identified(ESTABLISHED)])
    assert ledger.post([identified(ESTABLISHED)]) == [Committed(1, 1, 1)]


def _unreachable(*_):
    raise psycopg.OperationalError("no route to host")


def test_a_ledger_with_stale_cached_states_catches_up(ledger, database_url):
    put(ledger, founded(line()))
    with open_ledger(database_url) as other:
        put(other, [post(FUND, FundsAllotted("p", 1, yuan("30.00")), "1-6")])
        put(ledger, [post(FUND, FundsAllotted("p", 1, yuan("30.00")), "1-6")])
        [outcome] = other.post([identified(post(FUND, FundsAllotted("p", 1, yuan("0.01")), "1-6"))])
    assert outcome.rule.facts["allotted"] == yuan("60.00")


def test_cached_states_ahead_of_the_log_are_dropped_as_after_a_restore(ledger, database_url):
    put(ledger, founded(line()))
    ahead = ledger._states.cached([FUND])[FUND]
    ledger._states.put({FUND: CachedState(ahead.stream, replace(ahead.last, version=ahead.last.version + 5))})
    [outcome] = ledger.post([identified(post(FUND, FundsAllotted("p", 1, yuan("30.00")), "1-6"))])
    assert isinstance(outcome, Committed)
    assert outcome.version == 5


def test_no_post_is_refused_on_cached_states_ahead_of_the_log(ledger, database_url):
    put(ledger, founded(line()))
    allot = post(FUND, FundsAllotted("p", 1, yuan("60.00")), "1-6")
    phantom = Scenario().given(*founded(line()), allot).ledger
    last = LastEvent(phantom.stream(FUND).version, 5, 1)
    ledger._states.put({FUND: CachedState(phantom.stream(FUND), last)})
    again = post(FUND, FundsAllotted("p", 1, yuan("60.00")), "1-6")
    assert isinstance(ledger.post([identified(again)])[0], Committed)


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(1, 80)), min_size=1))
def test_the_state_cache_is_bounded_by_streams_and_events_and_keeps_the_last_used(used):
    states, latest = StateCache(4, max_events=60), Counter()
    for name, version in used:
        latest[name] = max(version, latest[name]) if states.cached([name]) else version
        states.put({name: CachedState(Stream(version), LastEvent(version))})
        cached = {name: each.last.version for name, each in states.cached("abcdef").items()}
        assert cached[name] == latest[name]
        for part in ([each for each in cached.values() if each <= 30], [each for each in cached.values() if each > 30]):
            assert len(part) <= 4
            assert sum(part) <= 60 or len(part) == 1
        states.cached([name])
    states.discard(name)
    for half in (states._short, states._long):
        assert half._events == sum(entry.state.last.version for entry in half.entries.values())
        assert sorted(half._names) == sorted(half.entries)


def test_a_stream_longer_than_the_limit_drops_no_other_and_stays_itself():
    states = StateCache(100, max_events=1_000)
    others = {str(n): CachedState(Stream(10), LastEvent(10)) for n in range(100)}
    states.put(others)
    for version in range(2_000, 2_100):
        states.put({"long": CachedState(Stream(version), LastEvent(version))})
        states.put({"0": CachedState(Stream(version), LastEvent(version - 1_980))})
    assert states.cached(["long", *others]).keys() >= {"long", "0"}
    assert len(states.cached(others)) > 80


def test_a_stream_that_grows_long_is_cached_once():
    states = StateCache(10, max_events=100)
    for version in range(1, 120):
        states.put({"a": CachedState(Stream(version), LastEvent(version))})
        assert states.cached(["a"])["a"].last.version == version
    assert not states._short.entries


def hits(states, names):
    """How many of `names` are cached when they are used one after the other; each is cached when it was not."""
    found = 0
    for name in names:
        found += bool(states.cached([name]))
        states.put({name: CachedState(Stream(1), LastEvent(1))})
    return found


def test_posts_to_more_streams_than_fit_in_the_cache_find_most_of_them():
    in_turn = [str(n) for n in range(120)]
    states = StateCache(100)
    hits(states, in_turn)
    assert hits(states, in_turn * 10) > 0.5 * 1_200, "of the least recently used order, it would be none"


def test_a_stream_in_frequent_use_stays_cached_while_many_others_pass_by():
    states = StateCache(100)
    states.put({"hot": CachedState(Stream(1), LastEvent(1))})
    assert hits(states, [each for n in range(5_000) for each in ("hot", str(n))]) >= 4_990


def test_the_snapshot_of_a_long_stream_equals_its_replay(ledger, database_url, monkeypatch):
    monkeypatch.setattr(states, "SNAPSHOT_AFTER", 10)
    put(ledger, (*awarded_posts(), request("P1", amount="1.00")))

    def load():
        with psycopg.connect(database_url, autocommit=True, row_factory=dict_row) as conn:
            snapshots = conn.execute("select stream from snapshot").fetchall()
            return [each["stream"] for each in snapshots], states.load(conn, StateCache(10), [PROJECT], [], []).streams

    before, from_log = load()
    after, from_snapshot = load()
    assert before == []
    assert after == [PROJECT]
    assert from_snapshot == from_log
    put(ledger, [request("P2", amount="1.00")])
    assert load()[1][PROJECT].version == from_log[PROJECT].version + 1


def with_a_snapshot(ledger, database_url, monkeypatch):
    """Record so many events of the project that its stream has a snapshot. Returns the stream as replayed."""
    monkeypatch.setattr(states, "SNAPSHOT_AFTER", 10)
    put(ledger, (*awarded_posts(), request("P1", amount="1.00")))
    with open_ledger(database_url) as cold:
        return cold.view(PROJECT).stream(PROJECT)


@pytest.mark.parametrize("state", ["not JSON", "[null,null]", "{}", ""])
def test_an_unreadable_snapshot_is_deleted_and_the_log_replayed(ledger, database_url, monkeypatch, state):
    replayed = with_a_snapshot(ledger, database_url, monkeypatch)
    with psycopg.connect(database_url, autocommit=True) as conn:
        assert conn.execute("update snapshot set state = %s", [state]).rowcount == 1
        with open_ledger(database_url) as cold:
            assert cold.view(PROJECT).stream(PROJECT) == replayed
            put(cold, [request("P2", amount="1.00")])
        assert conn.execute("select count(*) from snapshot where state = %s", [state]).fetchone() == (0,)


def test_a_snapshot_that_cannot_be_saved_fails_no_post(ledger, database_url, monkeypatch):
    monkeypatch.setattr(states, "SNAPSHOT_AFTER", 10)
    put(ledger, awarded_posts())
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("alter table snapshot add check (length(state) < 10)")
        with open_ledger(database_url) as cold:
            put(cold, [request("P1", amount="1.00")])
        assert conn.execute("select count(*) from snapshot").fetchone() == (0,)


def test_a_check_finds_a_snapshot_that_is_not_the_replayed_state(ledger, database_url, monkeypatch):
    with_a_snapshot(ledger, database_url, monkeypatch)
    projector.catch_up(database_url)
    assert check(database_url).counts["snapshot-wrong"] == 0
    with psycopg.connect(database_url, autocommit=True) as conn:
        changed = (
            "update snapshot set state = replace(state, '\"closed_at\":null', '\"closed_at\":3') where state like %s"
        )
        assert conn.execute(changed, ['%"closed_at":null%']).rowcount == 1
    assert check(database_url).counts["snapshot-wrong"] == 1


def test_a_snapshot_of_another_code_version_is_ignored(ledger, database_url):
    put(ledger, founded(line()))
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("insert into snapshot values (%s, 3, 'other code', 'not even JSON', 3, 1)", [FUND])
    with open_ledger(database_url) as cold:
        put(cold, [post(FUND, FundsAllotted("p", 1, yuan("30.00")), "1-6")])


@pytest.mark.parametrize("statement", ["update event set type = 'x'", "delete from event", "truncate event cascade"])
def test_the_log_cannot_be_changed_even_by_hand(ledger, database_url, statement):
    ledger.post([identified(ESTABLISHED)])
    with psycopg.connect(database_url) as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute(statement)


def test_the_library_s_own_read_methods_work_and_save_of_an_undecided_event_is_refused(ledger, database_url):
    put(ledger, founded(line())[:2])
    assert [n.id for n in ledger.notification_log.select(1, 10)] == [1, 2]
    assert ledger.recorder.max_notification_id() == 2
    [first, second] = list(ledger.events.get(FUND))
    assert first.recorded.fact == ESTABLISHED.fact
    [event] = Scenario().given(*founded(line())[:2]).when(founded(line())[2]).events()
    with pytest.raises(ProgrammingError, match=r"Ledger\.post"):
        ledger.save(LibraryEvent(event.stream, event.version, event))
    assert second.originator_version == 2
    assert positions(database_url) == [1, 2]


def test_the_database_refuses_a_version_gap(ledger, database_url):
    ledger.post([identified(ESTABLISHED)])
    [event] = Scenario().given(ESTABLISHED).when(founded(line())[1]).events()
    with (
        psycopg.connect(database_url, autocommit=True, row_factory=dict_row) as conn,
        pytest.raises(psycopg.errors.IntegrityConstraintViolation),
    ):
        ledger.recorder.append(conn, [replace(event, version=5)], {FUND: ledger._states.cached([FUND])[FUND].last})


FOREIGN = NewPost(Identity("/foreign", "1", b"1" * 32), 1, 1)


@pytest.mark.parametrize("post_", [FOREIGN, replace(FOREIGN, first=0), replace(FOREIGN, last=2)])
def test_the_database_records_no_post_without_its_events(ledger, post_):
    [event] = Scenario().given(ESTABLISHED).ledger.entries.values()
    events = [] if post_ is FOREIGN else [event]
    recorder = cast(Recorder, ledger.recorder)
    with pytest.raises(IntegrityError), recorder.datastore.get_connection() as conn:
        recorder.append(conn, events, {FUND: LastEvent()}, [post_])
    assert ledger.post([identified(ESTABLISHED)])[0].first == 1, "nothing was recorded"


def test_the_database_moves_the_next_serial_and_frees_numbers_only_for_events_that_do(ledger, database_url):
    [established] = Scenario().given(ESTABLISHED).ledger.entries.values()
    given: dict[str, Any] = {key: [] for key in LISTS} | {"serial_before": 0, "serial_after": 0, "calendar_at": None}
    given |= {"read_streams": [FUND], "read_versions": [0], "read_positions": [0], "read_nonces": [0]}
    given |= {"streams": [FUND], "versions": [1], "types": ["FundEstablished"], "facts": [codec.encode(established)]}
    for more in ({"serial_after": 7}, FREED):
        with psycopg.connect(database_url) as conn, pytest.raises(psycopg.errors.IntegrityConstraintViolation):
            conn.execute(QUERIES["append"], given | more)
    with psycopg.connect(database_url, row_factory=dict_row) as conn:
        assert conn.execute(QUERIES["append"], given).fetchone()["outcome"] == "recorded"


FREED = {"free_sources": ["/a"], "free_kinds": ["流水号"], "free_numbers": ["1"]} | {
    f"free_{name}": [""] for name in ("issuers", "own_banks", "days", "event_days")
}
LISTS = (
    "sources", "ids", "digests", "firsts", "lasts", "claim_sources", "claim_kinds", "claim_numbers", "claim_events",
    "absent_kinds", "absent_codes", "free_sources", "free_kinds", "free_numbers",
    "claim_issuers", "claim_own_banks", "claim_days", "claim_event_days",
    "free_issuers", "free_own_banks", "free_days", "free_event_days",
)  # fmt: skip
"""The parameters of the query `append` that are empty lists in most of its calls."""


def test_the_library_s_functions_without_a_lock_are_disabled(ledger):
    assert ledger.recorder.datastore.enable_db_functions is False


def test_an_acknowledged_post_is_on_disk_even_if_the_session_says_otherwise(database_url):
    with open_ledger(f"{database_url} options='-c synchronous_commit=off'") as ledger:
        ledger.post([identified(ESTABLISHED)])
        recorder = cast(Recorder, ledger.recorder)
        with recorder.datastore.get_connection() as conn, conn.transaction():
            event = next(
                iter(
                    Scenario()
                    .given(post("fund/other", FundEstablished("另一", SETTINGS), "1-1"))
                    .ledger.entries.values()
                )
            )
            assert recorder.append(conn, [event], {event.stream: LastEvent()})
            [setting] = conn.execute("show synchronous_commit").fetchone().values()
    assert setting == "on"


def test_an_event_is_not_appended_if_a_code_that_its_decision_looked_up_has_an_owner_since(ledger):
    [event] = Scenario().given(ESTABLISHED).ledger.entries.values()
    ledger.post([identified(post("fund/other", FundEstablished("另一", SETTINGS), "1-1"))])
    recorder = cast(Recorder, ledger.recorder)
    with recorder.datastore.get_connection() as conn:
        for code, is_appended in (("other", False), ("nobody", True)):
            appended = recorder.append(conn, [event], {FUND: LastEvent()}, absent_codes=[Claim(FUND_CODE, code)])
            assert (appended is not None) is is_appended


def test_a_bundle_of_a_thousand_posts_is_recorded(ledger, database_url):
    posts = [post(f"fund/f{n}", FundEstablished("专项" * 90, SETTINGS), "1-1") for n in range(1_000)]
    outcomes = ledger.post([identified(each) for each in posts])
    assert [each.first for each in outcomes] == list(range(1, 1_001))
    assert positions(database_url) == list(range(1, 1_001))


def test_the_ledger_disables_jit_compilation_on_every_connection(database_url):
    """The ledger switches sequential scans off, so a scan that cannot be avoided gets a very high cost.

    Before PostgreSQL 18, this cost would start JIT compilation, which takes 240 ms.
    """
    with (
        open_ledger(f"{database_url} options='-c jit=on -c jit_above_cost=0'") as ledger,
        cast(Recorder, ledger.recorder).datastore.get_connection() as conn,
    ):
        assert conn.execute("show jit").fetchone() == {"jit": "off"}
        plan = conn.execute("explain (analyze, costs off) select next from serial").fetchall()
    assert "JIT:" not in str(plan)


def test_a_new_log_without_statistics_is_not_scanned_for_each_post(database_url):
    """The ledger's only connection plans its queries while the tables are empty, and it keeps these plans."""
    with open_ledger(database_url, pool_size=1) as ledger:
        put(ledger, awarded_posts())
        for name in ("x", "y", "z"):
            put(ledger, [post(f"fund/{name}", FundEstablished("专项资金", SETTINGS), "1-1")])
        for n in range(20):
            for stream in (FUND, "fund/x", "fund/y", "fund/z"):
                put(ledger, [post(stream, AppropriationReceived(yuan("1.00"), 2018), "3-2")])
            ledger._states.discard(f"fund/{'xyz'[n % 3]}")
    with psycopg.connect(database_url) as conn:
        read = conn.execute(
            "select sum(seq_tup_read) from pg_stat_user_tables where relname in ('event', 'post', 'claim')"
        ).fetchone()[0]
    assert read == 0


def test_an_event_that_claims_a_code_or_number_does_not_read_those_that_were_claimed_before(database_url):
    with open_ledger(database_url, pool_size=1) as ledger:
        for number in range(100):
            put(ledger, [post(f"fund/f{number}", FundEstablished("专项资金", SETTINGS), "1-1")])
    with psycopg.connect(database_url) as conn:
        read = conn.execute("select sum(idx_tup_read) from pg_stat_user_indexes where relname = 'claim'").fetchone()[0]
    assert read < 1_000, "some for each event, and not 1 + 2 + 3 … + 100"


@pytest.mark.parametrize("seed", range(3))
def test_a_random_life_is_recorded_as_the_domain_decided_it(ledger, database_url, seed):
    life = RandomLife(Random(seed))
    for _ in life.live(120):
        pass
    first = ledger.recorder
    with first.datastore.get_connection() as conn:
        reads = dict.fromkeys((event.stream for event in life.events), LastEvent())
        assert first.append(conn, life.events, reads).first == 1
    stored = [each.recorded for stream in reads for each in ledger.events.get(stream)]
    assert sorted(stored, key=lambda e: (e.stream, e.version)) == sorted(
        life.events, key=lambda e: (e.stream, e.version)
    )
