"""Posts that come at once go to the database together, and each is answered as if it had come alone."""

from __future__ import annotations

import gc
import signal
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest
from msgspec.structs import replace

from domain.fund.funding import AppropriationReceived
from domain.fund.lifecycle import FundEstablished, SettingsChanged
from domain.project.call import Applicant, ApplicationReceived, CallPublished
from domain.rules.fund import FundExists
from service.ledger import coalescing, group_commit
from service.ledger.application import Unavailable
from service.ledger.draft import Request
from service.ledger.group_commit import GroupCommit, Overloaded, batches
from service.ledger.outcomes import Conflicts, Counted, NotRecorded, Overtaken, Refusal
from tests.domain.lives import FUND, PROJECT, SETTINGS, allotted, line, yuan
from tests.domain.scenario import day, post
from tests.posting import identified, open_ledger, put

ESTABLISHED = post(FUND, FundEstablished("专项资金", SETTINGS), "1-1")


@pytest.fixture
def ledger(database_url):
    with open_ledger(database_url, pool_size=4) as ledger:
        yield ledger


@contextmanager
def held_up(url):
    """While this lasts, nothing is appended."""
    with psycopg.connect(url) as conn:
        conn.execute("select pg_advisory_xact_lock(7001)")
        yield


def transactions(url, after):
    with psycopg.connect(url) as conn:
        return conn.execute("select count(distinct xmin::text) from event where position > %s", [after]).fetchone()[0]


def positions(url):
    with psycopg.connect(url) as conn:
        return [row[0] for row in conn.execute("select position from event order by position")]


def at_once(ledger, url, sent):
    """The outcomes of requests that wait together, each a bundle and whether it is atomic."""
    with ThreadPoolExecutor(len(sent) + 1) as pool:
        with held_up(url):
            first = pool.submit(ledger.post, [identified(post("fund/first", ESTABLISHED.fact, "1-1"))])
            while not ledger._group_commit._leader:
                time.sleep(0.001)
            results = [pool.submit(ledger.post, bundle, atomic=atomic) for bundle, atomic in sent]
            while len(ledger._group_commit._queue) < len(sent):
                time.sleep(0.001)
        assert isinstance(first.result()[0], Counted)
        return [result.result() for result in results]


def new_fund(code):
    return identified(post(f"fund/{code}", FundEstablished("专项", SETTINGS), "1-1"))


def changed(code):
    return identified(post(f"fund/{code}", SettingsChanged(SETTINGS), "1-2"))


def test_those_that_wait_go_in_one_transaction_and_each_has_its_outcome(ledger, database_url):
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
    kinds = [[type(each) for each in told] for told in outcomes]
    assert kinds[0] == [Counted]
    assert kinds[1] == [Refusal]
    assert isinstance(outcomes[1][0].rule, FundExists)
    assert {outcomes[2][0].replayed, outcomes[3][0].replayed} == {False, True}
    assert outcomes[2][0].first == outcomes[3][0].first
    assert kinds[4] == [Conflicts]
    assert kinds[5] == [Overtaken]
    assert kinds[6] == [NotRecorded, Refusal]
    assert kinds[7] == [Counted, Refusal, Counted]
    assert kinds[8] == [Counted, Counted]
    assert positions(database_url) == list(range(1, last + 1 + 6 + 1))
    assert transactions(database_url, last + 1) == 1
    with psycopg.connect(database_url) as conn:
        assert conn.execute("select count(*) from event where stream = 'fund/b'").fetchone()[0] == 0


def test_an_atomic_bundle_that_falls_leaves_nothing_to_those_after_it(ledger, database_url):
    """Its first post would have made the fund that the next request needs."""
    put(ledger, [ESTABLISHED])
    refused = identified(post(FUND, FundEstablished("again", SETTINGS), "1-1"))
    fallen, after = at_once(ledger, database_url, [([new_fund("x"), refused], True), ([changed("x")], True)])
    assert [type(each) for each in fallen] == [NotRecorded, Refusal]
    assert isinstance(after[0], Refusal)
    assert type(after[0].rule).__name__ == "UnknownStream"


def test_many_that_write_to_one_stream_are_recorded_together(ledger, database_url):
    put(ledger, [ESTABLISHED])
    outcomes = at_once(ledger, database_url, [([changed("f")], True) for _ in range(20)])
    assert sorted(told[0].version for told in outcomes) == list(range(2, 22))
    assert transactions(database_url, 2) == 1


def test_what_fails_by_itself_fails_alone(ledger, database_url):
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
    with ThreadPoolExecutor(4) as pool, held_up(database_url):
        first = pool.submit(ledger.post, [new_fund("first")])
        while not ledger._group_commit._leader:
            time.sleep(0.001)
        x, bad, y = (pool.submit(ledger.post, bundle) for bundle in applications)
        while len(ledger._group_commit._queue) < 3:
            time.sleep(0.001)
    assert isinstance(first.result()[0], Counted)
    assert isinstance(x.result()[0], Counted)
    assert isinstance(y.result()[0], Counted)
    with pytest.raises(ZeroDivisionError):
        bad.result()


def test_who_comes_when_too_many_wait_is_told_to_come_again(ledger, database_url, monkeypatch):
    put(ledger, [ESTABLISHED])
    monkeypatch.setattr(group_commit, "MAX_QUEUED_POSTS", 3)
    with ThreadPoolExecutor(5) as pool:
        with held_up(database_url):
            sent = [pool.submit(ledger.post, [changed("f")])]
            while not ledger._group_commit._leader:
                time.sleep(0.001)
            sent += [pool.submit(ledger.post, [changed("f")]) for _ in range(3)]
            while len(ledger._group_commit._queue) < 3:
                time.sleep(0.001)
            with pytest.raises(Unavailable):
                ledger.post([changed("f")])
        assert all(isinstance(each.result()[0], Counted) for each in sent)
    assert isinstance(ledger.post([changed("f")])[0], Counted)


def test_the_next_serial_is_dealt_to_each_in_turn(ledger, database_url):
    put(ledger, [ESTABLISHED])
    money = [[identified(post(FUND, AppropriationReceived(yuan("1.00"), 2018), "1-2"))] for _ in range(5)]
    at_once(ledger, database_url, [(bundle, True) for bundle in money])
    with psycopg.connect(database_url) as conn:
        fen = [
            row[0] for row in conn.execute("select fact #>> '{moves,0,fen}' from event where fact ? 'moves' order by 1")
        ]
    assert fen == [f"{{[{n * 100},{n * 100 + 100})}}" for n in range(5)]


def test_refused_posts_leave_nothing_to_the_garbage_collector(ledger):
    """It is rarely asked to look: what hundreds of thousands of them left, it stopped the process for seconds for."""
    put(ledger, [ESTABLISHED])
    refused = [identified(post(FUND, FundEstablished(f"again {n}", SETTINGS), "1-1")) for n in range(200)]
    ledger.post(refused[:1])
    gc.collect()
    told = ledger.post(refused, atomic=False)
    assert {type(each) for each in told} == {Refusal}
    del told
    assert gc.collect() < len(refused)


# The merger itself -----------------------------------------------------------------


def a_request():
    return Request([changed("f")], atomic=True)


class Held:
    """Work that notes how many requests it is given, and holds them until it is let go."""

    def __init__(self):
        self.taken, self._go = [], threading.Semaphore(0)

    def __call__(self, requests):
        self.taken.append(len(requests))
        self._go.acquire()
        for each in requests:
            each.outcomes = []

    def release(self, times=1):
        self._go.release(times)


def test_alone_a_request_goes_at_once_and_under_load_all_that_wait_go_together():
    merger = GroupCommit(held := Held())
    with ThreadPoolExecutor(6) as pool:
        sent = [pool.submit(merger.do, a_request())]
        while not held.taken:
            time.sleep(0.001)
        sent += [pool.submit(merger.do, a_request()) for _ in range(5)]
        while len(merger._queue) < 5:
            time.sleep(0.001)
        held.release(2)
        for each in sent:
            each.result()
    assert held.taken == [1, 5]


@pytest.mark.parametrize(("patience", "expected"), [(60, [1, 3, 3]), (0.001, [1, 3, 1])])
def test_after_many_the_next_waits_a_moment_for_as_many_again(monkeypatch, patience, expected):
    monkeypatch.setattr(group_commit, "BATCH_WAIT_SECONDS", patience)
    merger = GroupCommit(held := Held())
    with ThreadPoolExecutor(6) as pool:
        first = pool.submit(merger.do, a_request())
        while not held.taken:
            time.sleep(0.001)
        together = [pool.submit(merger.do, a_request()) for _ in range(3)]
        while len(merger._queue) < 3:
            time.sleep(0.001)
        held.release(2)
        for each in (first, *together):
            each.result()
        again = [pool.submit(merger.do, a_request())]
        while not (merger._collecting or len(held.taken) > 2):
            time.sleep(0.001)
        if patience == 60:
            again += [pool.submit(merger.do, a_request()) for _ in range(2)]
        held.release()
        for each in again:
            each.result()
    assert held.taken == expected


def test_nobody_is_told_an_outcome_before_the_work_that_made_it_has_ended():
    """It may stand there while its transaction is yet to be committed."""
    taken, set_, go = [], threading.Event(), threading.Semaphore(0)

    def work(requests):
        taken.append(len(requests))
        for each in requests:
            each.outcomes = []
        if len(taken) == 2:
            set_.set()
        go.acquire()

    merger = GroupCommit(work)
    with ThreadPoolExecutor(9) as pool:
        first = pool.submit(merger.do, a_request())
        while not taken:
            time.sleep(0.001)
        others = [pool.submit(merger.do, a_request()) for _ in range(8)]
        while len(merger._queue) < 8:
            time.sleep(0.001)
        go.release()
        first.result()
        set_.wait()
        time.sleep(0.2)  # all were woken by the first
        told = [each.done() for each in others]
        go.release()
        for each in others:
            each.result()
    assert taken == [1, 8]
    assert told == [False] * 8


def test_what_was_recorded_before_another_failed_is_not_answered_as_a_replay(ledger, database_url):
    """One request goes by what is held, and counts; the other needs the log's word, which fails for good."""
    put(ledger, [ESTABLISHED])
    load, failed = ledger._load, []

    def broken(conn, requests):
        if any(request.bundle[0].posted.stream == "fund/unheld" for request in requests):
            failed.append(len(requests))
            raise ZeroDivisionError
        return load(conn, requests)

    ledger._load = broken
    good, bad = Request([changed("f")], atomic=True), Request([new_fund("unheld")], atomic=True)
    ledger._together([good, bad])
    assert [each.replayed for each in good.outcomes] == [False]
    assert isinstance(bad.error, ZeroDivisionError)
    assert positions(database_url) == [1, 2]


def test_no_more_than_so_many_posts_go_together(monkeypatch):
    monkeypatch.setattr(group_commit, "MAX_BATCH_POSTS", 3)
    taken, go = [], threading.Semaphore(0)

    def work(requests):
        taken.append(sum(len(each.bundle) for each in requests))
        go.acquire()
        for each in requests:
            each.outcomes = []

    merger = GroupCommit(work)
    with ThreadPoolExecutor(9) as pool:
        sent = [pool.submit(merger.do, a_request())]
        while not taken:
            time.sleep(0.001)
        sent += [pool.submit(merger.do, a_request()) for _ in range(7)]
        sent.append(pool.submit(merger.do, Request([changed("f")] * 5, atomic=True)))
        while len(merger._queue) < 8:
            time.sleep(0.001)
        for _ in range(9):
            go.release()
        for each in sent:
            each.result()
    assert max(each for each in taken if each != 5) <= 3
    assert max(taken) == 5, "a bundle that is larger goes by itself"
    assert sum(taken) == 13


def test_whoever_worked_for_others_and_was_interrupted_leaves_none_waiting():
    begun, go = threading.Event(), threading.Event()

    def work(_):
        begun.set()
        go.wait()
        raise KeyboardInterrupt

    merger = GroupCommit(work)
    with ThreadPoolExecutor(3) as pool:
        sent = [pool.submit(merger.do, a_request())]
        begun.wait()
        requests = [a_request(), a_request()]
        sent += [pool.submit(merger.do, each) for each in requests]
        while len(merger._queue) < 2:
            time.sleep(0.001)
        go.set()
        for each in sent:
            assert each.exception() is None or isinstance(each.exception(), KeyboardInterrupt)
    assert all(each.error is not None for each in requests)


def test_whoever_is_interrupted_while_it_waits_leaves_its_place_to_the_next():
    begun, go = threading.Event(), threading.Event()

    def work(requests):
        begun.set()
        go.wait()
        for each in requests:
            each.outcomes = []

    def interrupt(*_):
        raise InterruptedError

    merger = GroupCommit(work)
    earlier = signal.signal(signal.SIGALRM, interrupt)
    try:
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(merger.do, a_request())
            begun.wait()
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            with pytest.raises(InterruptedError):
                merger.do(mine := a_request())
            behind = pool.submit(merger.do, a_request())
            go.set()
            first.result()
            behind.result()
    finally:
        signal.signal(signal.SIGALRM, earlier)
    assert not mine.done
    assert not merger._queue
    assert merger._queued_posts == 0
    merger.do(a_request())


def test_whoever_is_interrupted_while_it_waits_for_company_leaves_the_lead_to_the_next(monkeypatch):
    monkeypatch.setattr(group_commit, "BATCH_WAIT_SECONDS", 60)

    def work(requests):
        for each in requests:
            each.outcomes = []

    def interrupt(*_):
        raise InterruptedError

    merger = GroupCommit(work)
    merger._last_group_size = 3
    earlier = signal.signal(signal.SIGALRM, interrupt)
    try:
        with ThreadPoolExecutor(3) as pool:
            behind = []
            timer = threading.Timer(0.05, lambda: behind.append(pool.submit(merger.do, a_request())))
            timer.start()
            signal.setitimer(signal.ITIMER_REAL, 0.2)
            with pytest.raises(InterruptedError):
                merger.do(a_request())
            behind += [pool.submit(merger.do, a_request()) for _ in range(2)]
            for each in behind:
                each.result(timeout=30)
    finally:
        signal.signal(signal.SIGALRM, earlier)
    assert len(behind) == 3
    assert not merger._queue
    assert merger._leader is None


def test_a_full_queue_is_said_to_be(monkeypatch):
    monkeypatch.setattr(group_commit, "MAX_QUEUED_POSTS", 0)
    with pytest.raises(Overloaded):
        GroupCommit(lambda _: None).do(a_request())


# Parties: what one thread wants done -------------------------------------------------


def of(posts):
    return Request([changed("f")] * posts, atomic=True)


@pytest.mark.parametrize(
    ("posts", "expected"),
    [([1], [[1]]), ([1, 1, 1], [[1, 1, 1]]), ([1, 1, 1, 1], [[1, 1, 1], [1]]), ([1, 5, 1, 2], [[1], [5], [1, 2]])],
)
def test_a_party_has_no_more_posts_than_may_go_together(monkeypatch, posts, expected):
    monkeypatch.setattr(group_commit, "MAX_BATCH_POSTS", 3)
    assert [[len(each.bundle) for each in party] for party in batches(map(of, posts))] == expected


def test_a_party_is_done_whole_and_counts_as_one_among_those_that_wait():
    merger = GroupCommit(held := Held())
    both = [a_request(), a_request()]
    with ThreadPoolExecutor(3) as pool:
        sent = [pool.submit(merger.do, a_request())]
        while not held.taken:
            time.sleep(0.001)
        sent += [pool.submit(merger.do, *both), pool.submit(merger.do, a_request())]
        while len(merger._queue) < 2:
            time.sleep(0.001)
        assert merger._queued_posts == 3
        held.release(2)
        for each in sent:
            each.result()
    assert held.taken == [1, 3]
    assert all(each.done for each in both)


def test_of_what_is_posted_abreast_only_what_finds_no_room_is_told_to_come_again(ledger, monkeypatch):
    put(ledger, [ESTABLISHED])
    monkeypatch.setattr(group_commit, "MAX_BATCH_POSTS", 2)
    monkeypatch.setattr(group_commit, "MAX_QUEUED_POSTS", 2)
    ends = []

    def posted(bundle):
        try:
            ends.append(len(ledger.post(bundle)))
        except Unavailable:
            ends.append("come again")

    coalescing.run(deque([[changed("f")], [changed("f")] * 3, [changed("f")]]), posted)
    assert ends == [1, "come again", 1]
