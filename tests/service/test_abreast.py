"""Calls that one thread makes abreast end as they would alone; what they wait for is done for all of them at once."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service import abreast
from service.abreast import Abreast

WHO = ContextVar("who", default="nobody")


class Noted:
    """Work that notes what it was asked for together, and fails for what it is told to."""

    def __init__(self, fails=()):
        self.together, self._fails = [], fails

    def __call__(self, asked):
        self.together.append(list(asked))
        if set(asked) & set(self._fails):
            raise ZeroDivisionError(str(asked))


def ask(work, *asked):
    """A call that asks `work` for each of these in turn, and returns what it asked for."""
    for each in asked:
        abreast.do(work, each)
    return asked


def test_what_all_wait_for_is_done_at_once_and_each_goes_on():
    work = Noted()
    assert abreast.run([partial(ask, work, n) for n in range(5)]) == [(n,) for n in range(5)]
    assert work.together == [[0, 1, 2, 3, 4]]


def test_a_call_by_itself_has_its_work_done_by_itself():
    work = Noted()
    ask(work, 1, 2)
    assert work.together == [[1], [2]]


def test_different_work_is_done_apart():
    a, b = Noted(), Noted()
    ends = abreast.run([partial(ask, a, 1), partial(ask, b, 2), partial(ask, a, 3)])
    assert ends == [(1,), (2,), (3,)]
    assert a.together == [[1, 3]]
    assert b.together == [[2]]


def test_methods_of_one_object_are_the_same_work():
    work = Noted()
    abreast.run([lambda: abreast.do(work.__call__, 1), lambda: abreast.do(work.__call__, 2)])
    assert work.together == [[1, 2]]


def test_each_call_has_a_context_of_its_own():
    def call(name):
        WHO.set(name)
        abreast.do(lambda _: None, name)
        return WHO.get()

    assert abreast.run([partial(call, "a"), partial(call, "b")]) == ["a", "b"]
    assert WHO.get() == "nobody"


def test_work_that_fails_fails_for_all_who_asked_for_it_and_for_nobody_else():
    fails, works = Noted(fails=[1]), Noted()
    ends = abreast.run([partial(ask, fails, 0), partial(ask, works, 2), partial(ask, fails, 1)])
    assert [type(end) for end in ends] == [ZeroDivisionError, tuple, ZeroDivisionError]


def test_a_call_may_bear_that_its_work_fails():
    def bears():
        with pytest.raises(ZeroDivisionError):
            abreast.do(work, 1)
        abreast.do(work, 2)
        return "borne"

    work = Noted(fails=[1])
    assert abreast.run([bears]) == ["borne"]
    assert work.together == [[1], [2]]


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
                abreast.do(work, each)
            except ZeroDivisionError:
                said.append("failed")
            else:
                said.append(each)
        if raises:
            raise KeyError(tuple(said))
        return said

    calls = [partial(call, *script) for script in scripts]
    for (asks, raises), end in zip(scripts, abreast.run(calls), strict=True):
        assert isinstance(end, KeyError) == raises
        said = list(end.args[0]) if raises else end
        # Whoever asks together fails together; of its own a call loses nothing, and asks to the end.
        assert [a for a, b in zip(asks, said, strict=True) if a == unlucky and b != "failed"] == []
        assert all(b in (a, "failed") for a, b in zip(asks, said, strict=True))
        if not any(unlucky in others for others, _ in scripts):
            assert said == asks


# Calls that come over time --------------------------------------------------------


class Gate:
    """Work that notes how many it was given, and is held until it is let go."""

    def __init__(self):
        self.taken, self.go = [], threading.Semaphore(0)

    def __call__(self, asked):
        self.taken.append(len(asked))
        self.go.acquire(timeout=10)


@pytest.fixture
def threads():
    with ThreadPoolExecutor(4) as executor:
        yield executor


async def until(true: Callable[[], bool]):
    for _ in range(2_000):
        if true():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("it never came")


def running(threads, scenario, monkeypatch=None, **settings):
    for name, value in settings.items():
        monkeypatch.setattr(abreast, name, value)

    async def main():
        await scenario(Abreast(threads), asyncio.get_running_loop().create_task)

    asyncio.run(main())


def test_alone_a_call_is_made_at_once_and_those_that_come_meanwhile_go_together(threads, monkeypatch):
    gate = Gate()

    async def scenario(calls, begin):
        made = [begin(calls.made(partial(ask, gate, 0)))]
        await until(lambda: gate.taken == [1])
        made += [begin(calls.made(partial(ask, gate, n))) for n in (1, 2, 3)]
        await asyncio.sleep(0.01)
        gate.go.release(2)
        assert await asyncio.gather(*made) == [(0,), (1,), (2,), (3,)]

    running(threads, scenario, monkeypatch, SLOW_SECONDS=60)
    assert gate.taken == [1, 3]


@pytest.mark.parametrize(("patience", "expected"), [(60, [1, 2, 2]), (0.001, [1, 2, 1, 1])])
def test_after_several_the_next_waits_a_moment_for_as_many_again(threads, monkeypatch, patience, expected):
    gate = Gate()
    gate.go.release(9)

    async def scenario(calls, begin):
        first = begin(calls.made(partial(time.sleep, 0.05)))
        await asyncio.sleep(0)
        await asyncio.gather(*(begin(calls.made(partial(ask, gate, n))) for n in (1, 2)))
        await first
        third = begin(calls.made(partial(ask, gate, 3)))
        await asyncio.sleep(0.05)
        await asyncio.gather(third, begin(calls.made(partial(ask, gate, 4))))

    running(threads, scenario, monkeypatch, SLOW_SECONDS=60, COMPANY_SECONDS=patience)
    assert [1, *gate.taken] == expected


def test_who_comes_behind_slow_calls_does_not_wait_for_their_end(threads, monkeypatch):
    slow = Gate()

    async def scenario(calls, begin):
        held = begin(calls.made(partial(ask, slow, 0)))
        await until(lambda: slow.taken == [1])
        assert await asyncio.wait_for(calls.made(lambda: "quick"), 5) == "quick"
        assert not held.done()
        slow.go.release()
        assert await held == (0,)
        assert await calls.made(lambda: "after") == "after"

    running(threads, scenario, monkeypatch, SLOW_SECONDS=0.02)


def test_more_than_may_go_abreast_go_one_party_after_the_other(threads, monkeypatch):
    gate = Gate()
    gate.go.release(9)

    async def scenario(calls, begin):
        first = begin(calls.made(partial(time.sleep, 0.05)))
        await asyncio.sleep(0)
        await asyncio.gather(first, *(begin(calls.made(partial(ask, gate, n))) for n in range(5)))

    running(threads, scenario, monkeypatch, SLOW_SECONDS=60, MOST_ABREAST=2)
    assert gate.taken == [2, 2, 1]


def test_a_call_raises_to_whoever_wanted_it_and_who_has_gone_disturbs_nobody(threads):
    gate = Gate()

    async def scenario(calls, begin):
        gone = begin(calls.made(partial(ask, gate, 0)))
        await until(lambda: gate.taken == [1])
        gone.cancel()
        gate.go.release()
        with pytest.raises(KeyError):
            await calls.made({}.popitem)
        assert await calls.made(lambda: "served") == "served"

    running(threads, scenario)


def test_threads_that_take_no_more_are_an_error_for_who_waits():
    executor = ThreadPoolExecutor(1)
    executor.shutdown()

    async def scenario(calls, _):
        with pytest.raises(RuntimeError):
            await calls.made(lambda: "never")

    running(executor, scenario)
