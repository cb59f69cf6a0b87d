"""Simultaneous posts are committed together, and each is answered as if it had been sent alone."""

from __future__ import annotations

import gc
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest
from msgspec.structs import replace

from domain.fund.funding import AppropriationReceived
from domain.fund.lifecycle import FundEstablished, SettingsChanged
from domain.project.call import Applicant, ApplicationReceived, CallPublished
from domain.rules.fund import FundExists
from service.codec import NewerEvent
from service.ledger import group_commit
from service.ledger.application import Unavailable
from service.ledger.draft import Request
from service.ledger.group_commit import GroupCommit, batches
from service.ledger.outcomes import Committed, IdentityConflict, NewerLog, NotRecorded, Refusal, VersionConflict
from service.overload import Overloaded
from tests.lives import FUND, PROJECT, SETTINGS, allotted, line, yuan
from tests.posting import identified, open_ledger, put
from tests.scenario import day, post
from tests.service.newer_events import record_newer

ESTABLISHED = post(FUND, FundEstablished("专项资金", SETTINGS), "1-1")


@pytest.fixture
def ledger(database_url):
    with open_ledger(database_url, pool_size=4) as ledger:
        yield ledger


@contextmanager
def appends_blocked(url):
    """Within the context, nothing can be appended, because another session holds the lock that appending needs."""
    with psycopg.connect(url) as conn:
        conn.execute("select lock_appends()")
        yield


def transactions(url, after):
    with psycopg.connect(url) as conn:
        return conn.execute("select count(distinct xmin::text) from event where position > %s", [after]).fetchone()[0]


def positions(url):
    with psycopg.connect(url) as conn:
        return [row[0] for row in conn.execute("select position from event order by position")]


def at_once(ledger, url, sent):
    """The outcomes of requests that are queued together, or the exceptions that they raise.

    Each of `sent` is a bundle, and whether it is atomic.
    """
    with ThreadPoolExecutor(len(sent) + 1) as pool:
        with appends_blocked(url):
            first = pool.submit(ledger.post, [identified(post("fund/first", ESTABLISHED.fact, "1-1"))])
            while not ledger._group_commit._leader:
                time.sleep(0.001)
            results = [pool.submit(ledger.post, bundle, atomic=atomic) for bundle, atomic in sent]
            while len(ledger._group_commit._queue) < len(sent):
                time.sleep(0.001)
        assert isinstance(first.result()[0], Committed)
        return [result.exception() or result.result() for result in results]


def new_fund(code):
    return identified(post(f"fund/{code}", FundEstablished("专项", SETTINGS), "1-1"))


def changed(code):
    return identified(post(f"fund/{code}", SettingsChanged(SETTINGS), "1-2"))


@pytest.mark.parametrize("cached", [True, False])
def test_a_queued_request_whose_stream_has_a_newer_event_does_not_fail_the_others(ledger, database_url, cached):
    put(ledger, [ESTABLISHED, post("fund/other", ESTABLISHED.fact, "1-1")])
    record_newer(database_url, FUND)
    if not cached:
        ledger._states.discard(FUND)
    known = identified(ESTABLISHED)
    sent = [
        ([changed("other")], True),
        ([changed("f")], True),
        ([new_fund("a"), changed("f")], True),
        ([new_fund("b"), changed("f"), changed("b")], False),
        ([known], True),
        ([new_fund("c")], True),
    ]
    outcomes = at_once(ledger, database_url, sent)
    assert [isinstance(each, NewerEvent) for each in outcomes] == [False, True, True, False, False, False]
    kinds = [[type(each) for each in outcomes[index]] for index in (0, 3, 4, 5)]
    assert kinds == [[Committed], [Committed, NewerLog, Committed], [Committed], [Committed]]
    assert outcomes[4][0].replayed


def test_queued_requests_are_recorded_in_one_transaction_and_each_has_its_own_outcome(ledger, database_url):
    put(ledger, [ESTABLISHED])
    last = len(positions(database_url))
    refused = identified(post(FUND, FundEstablished("again", SETTINGS), "1-1"))
    twice = new_fund("twice")
    known = identified(ESTABLISHED)
    conflicting = replace(known, identity=replace(known.identity, digest=b"other" * 6 + b"xx"))
    stale = identified(post(FUND, SettingsChanged(SETTINGS), "1-2"), expected_version=99)
    sent = [
        ([new_fund("a")], True),
        ([refused], True),
        ([twice], True),
        ([twice], True),
        ([conflicting], True),
        ([stale], True),
        ([new_fund("b"), refused], True),
        ([new_fund("c"), refused, new_fund("d")], False),
        ([new_fund("e"), changed("e")], True),
    ]
    outcomes = at_once(ledger, database_url, sent)
    kinds = [[type(each) for each in of_request] for of_request in outcomes]
    assert kinds[0] == [Committed]
    assert kinds[1] == [Refusal]
    assert isinstance(outcomes[1][0].rule, FundExists)
    assert {outcomes[2][0].replayed, outcomes[3][0].replayed} == {False, True}
    assert outcomes[2][0].first == outcomes[3][0].first
    assert kinds[4] == [IdentityConflict]
    assert kinds[5] == [VersionConflict]
    assert kinds[6] == [NotRecorded, Refusal]
    assert kinds[7] == [Committed, Refusal, Committed]
    assert kinds[8] == [Committed, Committed]
    assert positions(database_url) == list(range(1, last + 1 + 6 + 1))
    assert transactions(database_url, last + 1) == 1
    with psycopg.connect(database_url) as conn:
        assert conn.execute("select count(*) from event where stream = 'fund/b'").fetchone()[0] == 0


def test_a_refused_atomic_bundle_leaves_no_state_for_later_requests(ledger, database_url):
    """The first post of the bundle would have created the fund that the next request needs."""
    put(ledger, [ESTABLISHED])
    refused = identified(post(FUND, FundEstablished("again", SETTINGS), "1-1"))
    refused_bundle, after = at_once(ledger, database_url, [([new_fund("x"), refused], True), ([changed("x")], True)])
    assert [type(each) for each in refused_bundle] == [NotRecorded, Refusal]
    assert isinstance(after[0], Refusal)
    assert type(after[0].rule).__name__ == "UnknownStream"


def test_many_requests_that_write_to_one_stream_are_recorded_together(ledger, database_url):
    put(ledger, [ESTABLISHED])
    outcomes = at_once(ledger, database_url, [([changed("f")], True) for _ in range(20)])
    assert sorted(each[0].version for each in outcomes) == list(range(2, 22))
    assert transactions(database_url, 2) == 1


def test_a_request_that_fails_does_not_fail_the_others_of_its_group(ledger, database_url):
    put(ledger, [*allotted(line()), post(PROJECT, CallPublished(1, day("2-1"), day("2-10")), "1-31")])

    def broken(code):
        if code == "broken":
            raise ZeroDivisionError
        return True

    ledger._valid_uscc = broken
    applications = [
        [identified(post(PROJECT, ApplicationReceived(f"A-{name}", Applicant(name, name)), "2-5"))]
        for name in ("x", "broken", "y")
    ]
    with ThreadPoolExecutor(4) as pool, appends_blocked(database_url):
        first = pool.submit(ledger.post, [new_fund("first")])
        while not ledger._group_commit._leader:
            time.sleep(0.001)
        x, bad, y = (pool.submit(ledger.post, bundle) for bundle in applications)
        while len(ledger._group_commit._queue) < 3:
            time.sleep(0.001)
    assert isinstance(first.result()[0], Committed)
    assert isinstance(x.result()[0], Committed)
    assert isinstance(y.result()[0], Committed)
    with pytest.raises(ZeroDivisionError):
        bad.result()


def test_a_request_is_unavailable_when_the_queue_is_full(ledger, database_url, monkeypatch):
    put(ledger, [ESTABLISHED])
    monkeypatch.setattr(group_commit, "MAX_QUEUED_POSTS", 3)
    with ThreadPoolExecutor(5) as pool:
        with appends_blocked(database_url):
            sent = [pool.submit(ledger.post, [changed("f")])]
            while not ledger._group_commit._leader:
                time.sleep(0.001)
            sent += [pool.submit(ledger.post, [changed("f")]) for _ in range(3)]
            while len(ledger._group_commit._queue) < 3:
                time.sleep(0.001)
            with pytest.raises(Unavailable):
                ledger.post([changed("f")])
        assert all(isinstance(each.result()[0], Committed) for each in sent)
    assert isinstance(ledger.post([changed("f")])[0], Committed)


def test_requests_of_one_group_get_consecutive_serials(ledger, database_url):
    put(ledger, [ESTABLISHED])
    money = [[identified(post(FUND, AppropriationReceived(yuan("1.00"), 2018), "1-2"))] for _ in range(5)]
    at_once(ledger, database_url, [(bundle, True) for bundle in money])
    with psycopg.connect(database_url) as conn:
        fen = [
            row[0] for row in conn.execute("select fact #>> '{moves,0,fen}' from event where fact ? 'moves' order by 1")
        ]
    assert fen == [f"{{[{n * 100},{n * 100 + 100})}}" for n in range(5)]


def test_refused_posts_leave_no_reference_cycles(ledger):
    """Reference cycles are freed only by garbage collection, which is rare.

    Collecting the garbage of hundreds of thousands of posts stopped the process for seconds.
    """
    put(ledger, [ESTABLISHED])
    refused = [identified(post(FUND, FundEstablished(f"again {n}", SETTINGS), "1-1")) for n in range(200)]
    ledger.post(refused[:1])
    gc.collect()
    outcomes = ledger.post(refused, atomic=False)
    assert {type(each) for each in outcomes} == {Refusal}
    del outcomes
    assert gc.collect() < len(refused)


def a_request():
    return Request([changed("f")], atomic=True)


class HeldWork:
    """Work that records the size of each group and blocks until it is released."""

    def __init__(self):
        self.taken, self._go = [], threading.Semaphore(0)

    def __call__(self, requests):
        self.taken.append(len(requests))
        self._go.acquire()
        for each in requests:
            each.outcomes = []

    def release(self, times=1):
        self._go.release(times)


def test_a_single_request_is_processed_at_once_and_queued_requests_as_one_group():
    group = GroupCommit(held := HeldWork())
    with ThreadPoolExecutor(6) as pool:
        sent = [pool.submit(group.do, a_request())]
        while not held.taken:
            time.sleep(0.001)
        sent += [pool.submit(group.do, a_request()) for _ in range(5)]
        while len(group._queue) < 5:
            time.sleep(0.001)
        held.release(2)
        for each in sent:
            each.result()
    assert held.taken == [1, 5]


@pytest.mark.parametrize(("patience", "expected"), [(1e9, [1, 3, 3]), (1, [1, 3, 1])])
def test_after_a_group_the_next_leader_waits_as_long_as_it_took_for_as_many_requests(monkeypatch, patience, expected):
    monkeypatch.setattr(group_commit, "PATIENCE", patience)
    monkeypatch.setattr(group_commit, "MAX_WAIT_SECONDS", patience)
    group = GroupCommit(held := HeldWork())
    with ThreadPoolExecutor(6) as pool:
        first = pool.submit(group.do, a_request())
        while not held.taken:
            time.sleep(0.001)
        together = [pool.submit(group.do, a_request()) for _ in range(3)]
        while len(group._queue) < 3:
            time.sleep(0.001)
        held.release(2)
        for each in (first, *together):
            each.result()
        again = [pool.submit(group.do, a_request())]
        while not (group._collecting or len(held.taken) > 2):
            time.sleep(0.001)
        if patience > 1:
            again += [pool.submit(group.do, a_request()) for _ in range(2)]
        held.release()
        for each in again:
            each.result()
    assert held.taken == expected


def test_a_request_that_comes_long_after_a_group_does_not_wait():
    group = GroupCommit(held := HeldWork())
    group._last_group_size, group._begin_by = 3, time.monotonic() - 1
    held.release()
    group.do(a_request())
    assert held.taken == [1]
    assert not group._collecting


def test_no_request_is_answered_before_the_work_on_its_group_has_ended():
    """The outcome of a request may already be set while the transaction is not committed yet."""
    taken, outcomes_set, go = [], threading.Event(), threading.Semaphore(0)

    def work(requests):
        taken.append(len(requests))
        for each in requests:
            each.outcomes = []
        if len(taken) == 2:
            outcomes_set.set()
        go.acquire()

    group = GroupCommit(work)
    with ThreadPoolExecutor(9) as pool:
        first = pool.submit(group.do, a_request())
        while not taken:
            time.sleep(0.001)
        others = [pool.submit(group.do, a_request()) for _ in range(8)]
        while len(group._queue) < 8:
            time.sleep(0.001)
        go.release()
        first.result()
        outcomes_set.wait()
        time.sleep(0.2)  # the end of the first group woke all of them
        answered = [each.done() for each in others]
        go.release()
        for each in others:
            each.result()
    assert taken == [1, 8]
    assert answered == [False] * 8


def test_a_request_recorded_before_another_failed_is_not_answered_as_a_replay(ledger, database_url):
    """One request is decided on cached states and is recorded. The states of the other cannot be loaded: it fails."""
    put(ledger, [ESTABLISHED])
    load, failed = ledger._load, []

    def broken(conn, requests):
        if any(request.bundle[0].posted.stream == "fund/uncached" for request in requests):
            failed.append(len(requests))
            raise ZeroDivisionError
        return load(conn, requests)

    ledger._load = broken
    good, bad = Request([changed("f")], atomic=True), Request([new_fund("uncached")], atomic=True)
    ledger._process_group([good, bad])
    assert [each.replayed for each in good.outcomes] == [False]
    assert isinstance(bad.error, ZeroDivisionError)
    assert positions(database_url) == [1, 2]


def test_a_group_has_no_more_posts_than_the_limit(monkeypatch):
    monkeypatch.setattr(group_commit, "MAX_BATCH_POSTS", 3)
    taken, go = [], threading.Semaphore(0)

    def work(requests):
        taken.append(sum(len(each.bundle) for each in requests))
        go.acquire()
        for each in requests:
            each.outcomes = []

    group = GroupCommit(work)
    with ThreadPoolExecutor(9) as pool:
        sent = [pool.submit(group.do, a_request())]
        while not taken:
            time.sleep(0.001)
        sent += [pool.submit(group.do, a_request()) for _ in range(7)]
        sent.append(pool.submit(group.do, Request([changed("f")] * 5, atomic=True)))
        while len(group._queue) < 8:
            time.sleep(0.001)
        for _ in range(9):
            go.release()
        for each in sent:
            each.result()
    assert max(each for each in taken if each != 5) <= 3
    assert max(taken) == 5, "a bundle above the limit is a group of its own"
    assert sum(taken) == 13


def test_an_interrupted_leader_leaves_no_request_waiting():
    begun, go = threading.Event(), threading.Event()

    def work(_):
        begun.set()
        go.wait()
        raise KeyboardInterrupt

    group = GroupCommit(work)
    with ThreadPoolExecutor(3) as pool:
        sent = [pool.submit(group.do, a_request())]
        begun.wait()
        requests = [a_request(), a_request()]
        sent += [pool.submit(group.do, each) for each in requests]
        while len(group._queue) < 2:
            time.sleep(0.001)
        go.set()
        for each in sent:
            assert each.exception() is None or isinstance(each.exception(), KeyboardInterrupt)
    assert all(each.error is not None for each in requests)


def test_a_request_interrupted_in_the_queue_gives_way_to_the_next():
    begun, go = threading.Event(), threading.Event()

    def work(requests):
        begun.set()
        go.wait()
        for each in requests:
            each.outcomes = []

    def interrupt(*_):
        raise InterruptedError

    group = GroupCommit(work)
    earlier = signal.signal(signal.SIGALRM, interrupt)
    try:
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(group.do, a_request())
            begun.wait()
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            with pytest.raises(InterruptedError):
                group.do(mine := a_request())
            behind = pool.submit(group.do, a_request())
            go.set()
            first.result()
            behind.result()
    finally:
        signal.signal(signal.SIGALRM, earlier)
    assert not mine.done
    assert not group._queue
    assert group._queued_posts == 0
    group.do(a_request())


def test_a_leader_interrupted_while_it_waits_for_more_requests_leaves_the_lead_to_the_next():
    def work(requests):
        for each in requests:
            each.outcomes = []

    def interrupt(*_):
        raise InterruptedError

    group = GroupCommit(work)
    group._last_group_size, group._begin_by = 3, time.monotonic() + 60
    earlier = signal.signal(signal.SIGALRM, interrupt)
    try:
        with ThreadPoolExecutor(3) as pool:
            behind = []
            timer = threading.Timer(0.05, lambda: behind.append(pool.submit(group.do, a_request())))
            timer.start()
            signal.setitimer(signal.ITIMER_REAL, 0.2)
            with pytest.raises(InterruptedError):
                group.do(a_request())
            behind += [pool.submit(group.do, a_request()) for _ in range(2)]
            for each in behind:
                each.result(timeout=30)
    finally:
        signal.signal(signal.SIGALRM, earlier)
    assert len(behind) == 3
    assert not group._queue
    assert group._leader is None


def test_a_full_queue_raises_overloaded(monkeypatch):
    monkeypatch.setattr(group_commit, "MAX_QUEUED_POSTS", 0)
    with pytest.raises(Overloaded):
        GroupCommit(lambda _: None).do(a_request())


def request_of(posts):
    return Request([changed("f")] * posts, atomic=True)


@pytest.mark.parametrize(
    ("posts", "expected"),
    [([1], [[1]]), ([1, 1, 1], [[1, 1, 1]]), ([1, 1, 1, 1], [[1, 1, 1], [1]]), ([1, 5, 1, 2], [[1], [5], [1, 2]])],
)
def test_a_batch_has_no_more_posts_than_the_limit(monkeypatch, posts, expected):
    monkeypatch.setattr(group_commit, "MAX_BATCH_POSTS", 3)
    assert [[len(each.bundle) for each in batch] for batch in batches(map(request_of, posts))] == expected


def test_the_requests_of_one_caller_are_processed_together_as_one_queue_entry():
    group = GroupCommit(held := HeldWork())
    both = [a_request(), a_request()]
    with ThreadPoolExecutor(3) as pool:
        sent = [pool.submit(group.do, a_request())]
        while not held.taken:
            time.sleep(0.001)
        sent += [pool.submit(group.do, *both), pool.submit(group.do, a_request())]
        while len(group._queue) < 2:
            time.sleep(0.001)
        assert group._queued_posts == 3
        held.release(2)
        for each in sent:
            each.result()
    assert held.taken == [1, 3]
    assert all(each.done for each in both)


def test_of_posts_that_do_not_fit_in_the_queue_together_each_is_unavailable_and_the_others_are_recorded(
    ledger, monkeypatch
):
    put(ledger, [ESTABLISHED])
    monkeypatch.setattr(group_commit, "MAX_BATCH_POSTS", 2)
    monkeypatch.setattr(group_commit, "MAX_QUEUED_POSTS", 2)
    requests = [Request(bundle, atomic=True) for bundle in ([changed("f")], [changed("f")] * 3, [changed("f")])]
    ledger._process_batches(requests)
    assert [type(each.error) for each in requests] == [type(None), Unavailable, type(None)]
    assert [len(each.outcomes or ()) for each in requests] == [1, 0, 1]
