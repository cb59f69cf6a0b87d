"""Coalesced calls end as they would end alone. The work that several calls submit is done once for all of them."""

from collections import deque
from contextvars import ContextVar
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.ledger import coalescing

NAME = ContextVar("name", default="nobody")


class RecordedWork:
    """Work that records each batch of requests. The work fails for a batch that has a request of `fails`."""

    def __init__(self, fails=()):
        self.batches, self._fails = [], fails

    def __call__(self, requests):
        self.batches.append(list(requests))
        if set(requests) & set(self._fails):
            raise ZeroDivisionError(str(requests))


def run(calls):
    """The result of each call, or the exception that it raises, when all calls are coalesced."""
    ends = {}

    def make(call):
        try:
            ends[call] = call()
        except (ArithmeticError, LookupError) as error:
            ends[call] = error

    assert coalescing.run(deque(calls), make) == len(calls)
    return [ends[call] for call in calls]


def submit_all(work, *requests):
    """A call that submits the requests to `work` one after another. Returns the requests."""
    for each in requests:
        coalescing.submit(work, each)
    return requests


def test_work_that_all_calls_submit_is_done_once_and_each_call_continues():
    work = RecordedWork()
    assert run([partial(submit_all, work, n) for n in range(5)]) == [(n,) for n in range(5)]
    assert work.batches == [[0, 1, 2, 3, 4]]


def test_the_work_of_a_single_call_is_done_alone():
    work = RecordedWork()
    submit_all(work, 1, 2)
    assert work.batches == [[1], [2]]


def test_different_work_is_done_separately():
    a, b = RecordedWork(), RecordedWork()
    ends = run([partial(submit_all, a, 1), partial(submit_all, b, 2), partial(submit_all, a, 3)])
    assert ends == [(1,), (2,), (3,)]
    assert a.batches == [[1, 3]]
    assert b.batches == [[2]]


def test_methods_of_one_object_are_the_same_work():
    work = RecordedWork()
    run([lambda: coalescing.submit(work.__call__, 1), lambda: coalescing.submit(work.__call__, 2)])
    assert work.batches == [[1, 2]]


def test_each_call_has_its_own_context():
    def call(name):
        NAME.set(name)
        coalescing.submit(lambda _: None, name)
        return NAME.get()

    assert run([partial(call, "a"), partial(call, "b")]) == ["a", "b"]
    assert NAME.get() == "nobody"


def test_work_that_fails_raises_only_in_the_calls_that_submitted_it():
    fails, works = RecordedWork(fails=[1]), RecordedWork()
    ends = run([partial(submit_all, fails, 0), partial(submit_all, works, 2), partial(submit_all, fails, 1)])
    assert [type(end) for end in ends] == [ZeroDivisionError, tuple, ZeroDivisionError]


def test_a_call_can_catch_the_error_of_its_work_and_continue():
    def catches():
        with pytest.raises(ZeroDivisionError):
            coalescing.submit(work, 1)
        coalescing.submit(work, 2)
        return "caught"

    work = RecordedWork(fails=[1])
    assert run([catches]) == ["caught"]
    assert work.batches == [[1], [2]]


def test_a_call_that_another_thread_removed_from_the_queue_is_not_run():
    made, calls = [], deque(range(3))

    def make(call):
        made.append(call)
        while calls:
            calls.pop()

    assert coalescing.run(calls, make) == 1
    assert made == [0]


@given(st.lists(st.tuples(st.lists(st.integers(0, 9), max_size=4), st.booleans()), max_size=6), st.integers(0, 12))
def test_each_call_ends_as_it_would_alone_for_any_number_of_calls(scripts, unlucky):
    """A call submits the numbers of its script one after another, and then returns or raises.

    A batch that has the unlucky number fails.
    """

    def work(requests):
        if unlucky in requests:
            raise ZeroDivisionError

    def call(numbers, raises):
        results = []
        for each in numbers:
            try:
                coalescing.submit(work, each)
            except ZeroDivisionError:
                results.append("failed")
            else:
                results.append(each)
        if raises:
            raise KeyError(tuple(results))
        return results

    calls = [partial(call, *script) for script in scripts]
    for (numbers, raises), end in zip(scripts, run(calls), strict=True):
        assert isinstance(end, KeyError) == raises
        results = list(end.args[0]) if raises else end
        # All calls of a failed batch fail together; each call still gets an outcome for every number it submits.
        assert [a for a, b in zip(numbers, results, strict=True) if a == unlucky and b != "failed"] == []
        assert all(b in (a, "failed") for a, b in zip(numbers, results, strict=True))
        if not any(unlucky in others for others, _ in scripts):
            assert results == numbers
