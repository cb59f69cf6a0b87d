"""Calls that come at once are made by one thread; a slow one holds up nobody for long, and each is told its own end."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from service.ledger import coalescing
from service.server import microbatch
from service.server.microbatch import MicroBatcher


class Gate:
    """Work, or a call, that notes how many it was given, and is held until it is let go."""

    def __init__(self, *, open_=False):
        self.taken, self._go = [], threading.Semaphore(1_000 if open_ else 0)

    def __call__(self, asked=(None,)):
        self.taken.append(len(asked))
        assert self._go.acquire(timeout=30)

    def release(self, times=1):
        self._go.release(times)


def ask(work, asked):
    coalescing.submit(work, asked)
    return asked


@pytest.fixture
def threads():
    with ThreadPoolExecutor(4) as executor:
        yield executor


@pytest.fixture(autouse=True)
def paces(monkeypatch):
    """Nothing is slow, nobody waits for company, unless a test says so."""
    monkeypatch.setattr(microbatch, "SLOW_BATCH_SECONDS", 60)
    monkeypatch.setattr(microbatch, "BATCH_WAIT_SECONDS", 0)
    return monkeypatch


async def until(true):
    while not true():  # noqa: ASYNC110 - what is waited for tells nobody
        await asyncio.sleep(0)


def running(threads, scenario):
    async def main():
        calls, loop = MicroBatcher(threads), asyncio.get_running_loop()
        await asyncio.wait_for(scenario(calls, lambda call: loop.create_task(calls.call(call))), 30)

    asyncio.run(main())


def test_alone_a_call_is_made_at_once_and_those_that_come_meanwhile_go_together(threads):
    gate = Gate()

    async def scenario(calls, begin):
        made = [begin(partial(ask, gate, 0))]
        await until(lambda: gate.taken == [1])
        made += [begin(partial(ask, gate, n)) for n in (1, 2, 3)]
        await until(lambda: len(calls._queue) == 3)
        gate.release(2)
        assert await asyncio.gather(*made) == [0, 1, 2, 3]

    running(threads, scenario)
    assert gate.taken == [1, 3]


def test_the_loop_is_woken_once_for_all_that_end_while_it_is_busy(threads, monkeypatch):
    gate, busy, wakings, coalescing_run = Gate(), threading.Event(), [], coalescing.run

    def run(*given):
        try:
            return coalescing_run(*given)
        finally:
            busy.set()

    async def scenario(calls, begin):
        loop = asyncio.get_running_loop()
        wake = loop.call_soon_threadsafe

        def counted(callback, *given, **options):
            wakings.append(callback)
            return wake(callback, *given, **options)

        first = begin(partial(ask, gate, 0))
        await until(lambda: gate.taken == [1])
        made = [begin(partial(wake, busy.wait, 30)), *(begin(partial(ask, abreast_at_once, n)) for n in range(4))]
        await until(lambda: len(calls._queue) == 5)
        monkeypatch.setattr(coalescing, "run", run)
        gate.release()
        await first
        loop.call_soon_threadsafe = counted
        await asyncio.gather(*made)
        assert wakings.count(calls._answer) == 1

    running(threads, scenario)


def abreast_at_once(_):
    """Work that takes no time."""


def begun_with_two_waiting(calls, begin, gate):
    """One under way, and two that came meanwhile."""
    return begin(partial(ask, gate, 0)), [begin(partial(ask, gate, n)) for n in (1, 2)]


def test_after_several_the_next_wait_for_as_many_as_were_answered_and_waited(threads, paces):
    paces.setattr(microbatch, "BATCH_WAIT_SECONDS", 60)
    gate = Gate(open_=True)

    async def scenario(calls, begin):
        first, two = begun_with_two_waiting(calls, begin, gate)
        await first
        assert not any(each.done() for each in two)
        await asyncio.gather(*two, begin(partial(ask, gate, 3)))
        again = [begin(partial(ask, gate, n)) for n in range(2)]
        await until(lambda: len(calls._queue) == 2)
        await asyncio.gather(*again, begin(partial(ask, gate, 3)))

    running(threads, scenario)
    assert gate.taken == [1, 3, 3]


def test_they_do_not_wait_for_long(threads):
    gate = Gate(open_=True)

    async def scenario(calls, begin):
        first, two = begun_with_two_waiting(calls, begin, gate)
        await asyncio.gather(first, *two)
        await calls.call(partial(ask, gate, 3))
        await calls.call(partial(ask, gate, 4))

    running(threads, scenario)
    assert gate.taken == [1, 2, 1, 1]


def test_who_comes_behind_slow_calls_does_not_wait_for_their_end(threads, paces):
    paces.setattr(microbatch, "SLOW_BATCH_SECONDS", 0.001)
    slow = Gate()

    async def scenario(calls, begin):
        held = begin(slow)
        await until(lambda: slow.taken == [1])
        assert await calls.call(lambda: "quick") == "quick"
        assert not held.done()
        slow.release()
        await held
        assert await calls.call(lambda: "after") == "after"

    running(threads, scenario)


def test_what_a_slow_call_has_kept_from_being_begun_is_made_by_others(threads, paces):
    """Three of these block, as many as there are threads beside one."""
    paces.setattr(microbatch, "SLOW_BATCH_SECONDS", 0.001)
    first, slow = Gate(), Gate()

    async def scenario(calls, begin):
        opened = begin(first)
        await until(lambda: first.taken == [1])
        paces.setattr(microbatch, "SLOW_BATCH_SECONDS", 0.005)
        held = [begin(slow) for _ in range(3)]
        quick = [begin(lambda n=n: n) for n in range(5)]
        first.release()
        await opened
        assert await asyncio.gather(*quick) == list(range(5))
        assert not any(each.done() for each in held)
        slow.release(3)
        await asyncio.gather(*held)

    running(threads, scenario)
    assert slow.taken == [1, 1, 1]


def test_each_is_told_as_soon_as_it_has_ended(threads):
    """Not when all of its company have."""
    first, gate = Gate(), Gate()

    async def scenario(calls, begin):
        opened = begin(first)
        await until(lambda: first.taken == [1])
        quick, held = begin(lambda: "quick"), begin(partial(ask, gate, "held"))
        await until(lambda: len(calls._queue) == 2)
        first.release()
        await opened
        assert await quick == "quick"
        assert not held.done()
        gate.release()
        assert await held == "held"

    running(threads, scenario)


def test_more_than_may_go_abreast_go_one_party_after_the_other(threads, paces):
    paces.setattr(microbatch, "MAX_BATCH_CALLS", 2)
    first, gate = Gate(), Gate(open_=True)

    async def scenario(calls, begin):
        opened = begin(first)
        await until(lambda: first.taken == [1])
        made = [begin(partial(ask, gate, n)) for n in range(5)]
        await until(lambda: len(calls._queue) == 5)
        first.release()
        await asyncio.gather(opened, *made)

    running(threads, scenario)
    assert gate.taken == [2, 2, 1]


@pytest.mark.parametrize("raises", [KeyError, StopIteration])
def test_a_call_raises_to_whoever_wanted_it_and_to_nobody_else(threads, raises):
    gate = Gate()

    def bad():
        raise raises

    async def scenario(calls, begin):
        gone = begin(gate)
        await until(lambda: gate.taken == [1])
        failing, good = begin(bad), begin(lambda: "good")
        gone.cancel()
        gate.release()
        assert await good == "good"
        with pytest.raises(RuntimeError if raises is StopIteration else raises):
            await failing

    running(threads, scenario)


class Full(ThreadPoolExecutor):
    """Has no thread to give once it is told so."""

    full = False

    def submit(self, *args, **options):
        if self.full:
            raise RuntimeError("can't start new thread")
        return super().submit(*args, **options)


def test_where_no_thread_can_be_had_all_who_wait_are_told_and_who_was_served_has_his_answer(paces):
    paces.setattr(microbatch, "BATCH_WAIT_SECONDS", 0.001)
    gate = Gate()

    async def scenario(calls, begin):
        served = begin(partial(ask, gate, "served"))
        await until(lambda: gate.taken == [1])
        behind = [begin(lambda: "never") for _ in range(3)]
        await until(lambda: len(calls._queue) == 3)
        executor.full = True
        gate.release()
        assert await served == "served"
        for each in behind:
            with pytest.raises(RuntimeError):
                await each
        executor.full = False
        assert await calls.call(lambda: "again") == "again"

    with Full(2) as executor:
        running(executor, scenario)
