"""Calls that one thread makes abreast end as they would alone; what they wait for is done for all of them at once."""

from collections import deque
from contextvars import ContextVar
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.ledger import coalescing

WHO = ContextVar("who", default="nobody")


class Noted:
    """Work that notes what it was asked for together, and fails for what it is told to."""

    def __init__(self, fails=()):
        self.together, self._fails = [], fails

    def __call__(self, asked):
        self.together.append(list(asked))
        if set(asked) & set(self._fails):
            raise ZeroDivisionError(str(asked))


def run(calls):
    """What each of these returns, or raises, made abreast."""
    ends = {}

    def make(call):
        try:
            ends[call] = call()
        except (ArithmeticError, LookupError) as error:
            ends[call] = error

    assert coalescing.run(deque(calls), make) == len(calls)
    return [ends[call] for call in calls]


def ask(work, *asked):
    """A call that asks `work` for each of these in turn, and returns what it asked for."""
    for each in asked:
        coalescing.submit(work, each)
    return asked


def test_what_all_wait_for_is_done_at_once_and_each_goes_on():
    work = Noted()
    assert run([partial(ask, work, n) for n in range(5)]) == [(n,) for n in range(5)]
    assert work.together == [[0, 1, 2, 3, 4]]


def test_a_call_by_itself_has_its_work_done_by_itself():
    work = Noted()
    ask(work, 1, 2)
    assert work.together == [[1], [2]]


def test_different_work_is_done_apart():
    a, b = Noted(), Noted()
    ends = run([partial(ask, a, 1), partial(ask, b, 2), partial(ask, a, 3)])
    assert ends == [(1,), (2,), (3,)]
    assert a.together == [[1, 3]]
    assert b.together == [[2]]


def test_methods_of_one_object_are_the_same_work():
    work = Noted()
    run([lambda: coalescing.submit(work.__call__, 1), lambda: coalescing.submit(work.__call__, 2)])
    assert work.together == [[1, 2]]


def test_each_call_has_a_context_of_its_own():
    def call(name):
        WHO.set(name)
        coalescing.submit(lambda _: None, name)
        return WHO.get()

    assert run([partial(call, "a"), partial(call, "b")]) == ["a", "b"]
    assert WHO.get() == "nobody"


def test_work_that_fails_fails_for_all_who_asked_for_it_and_for_nobody_else():
    fails, works = Noted(fails=[1]), Noted()
    ends = run([partial(ask, fails, 0), partial(ask, works, 2), partial(ask, fails, 1)])
    assert [type(end) for end in ends] == [ZeroDivisionError, tuple, ZeroDivisionError]


def test_a_call_may_bear_that_its_work_fails():
    def bears():
        with pytest.raises(ZeroDivisionError):
            coalescing.submit(work, 1)
        coalescing.submit(work, 2)
        return "borne"

    work = Noted(fails=[1])
    assert run([bears]) == ["borne"]
    assert work.together == [[1], [2]]


def test_what_is_taken_out_meanwhile_is_left_to_who_took_it():
    made, calls = [], deque(range(3))

    def make(call):
        made.append(call)
        while calls:
            calls.pop()

    assert coalescing.run(calls, make) == 1
    assert made == [0]


@given(st.lists(st.tuples(st.lists(st.integers(0, 9), max_size=4), st.booleans()), max_size=6), st.integers(0, 12))
def test_each_ends_as_it_would_alone_however_many_are_abreast(scripts, unlucky):
    """Each script asks for these in turn, then returns or raises; work that is asked for the unlucky number fails."""

    def work(asked):
        if unlucky in asked:
            raise ZeroDivisionError

    def call(asks, raises):
        said = []
        for each in asks:
            try:
                coalescing.submit(work, each)
            except ZeroDivisionError:
                said.append("failed")
            else:
                said.append(each)
        if raises:
            raise KeyError(tuple(said))
        return said

    calls = [partial(call, *script) for script in scripts]
    for (asks, raises), end in zip(scripts, run(calls), strict=True):
        assert isinstance(end, KeyError) == raises
        said = list(end.args[0]) if raises else end
        # Whoever asks together fails together; of its own a call loses nothing, and asks to the end.
        assert [a for a, b in zip(asks, said, strict=True) if a == unlucky and b != "failed"] == []
        assert all(b in (a, "failed") for a, b in zip(asks, said, strict=True))
        if not any(unlucky in others for others, _ in scripts):
            assert said == asks
