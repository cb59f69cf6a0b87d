"""One thread runs simultaneous calls as a batch. A slow call delays no others, and each call gets its own result."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from service.ledger import coalescing
from service.server import microbatch
from service.server.microbatch import MicroBatcher


class Gate:
    """Work that records the size of each batch and blocks until it is released. A gate can also be used as a call."""

    def __init__(self, *, open_=False):
        self.taken, self._go = [], threading.Semaphore(1_000 if open_ else 0)

    def __call__(self, requests=(None,)):
        self.taken.append(len(requests))
        assert self._go.acquire(timeout=30)

    def release(self, times=1):
        self._go.release(times)


def submit(work, request):
    coalescing.submit(work, request)
    return request


@pytest.fixture
def threads():
    with ThreadPoolExecutor(4) as executor:
        yield executor


@pytest.fixture(autouse=True)
def paces(monkeypatch):
    """No batch counts as slow, and no batch waits for more calls. A test can change this with the monkeypatch."""
    monkeypatch.setattr(microbatch, "SLOW_BATCH_SECONDS", 60)
    monkeypatch.setattr(microbatch, "BATCH_WAIT_SECONDS", 0)
    return monkeypatch


async def until(condition):
    while not condition():  # noqa: ASYNC110 - no event is set when the condition becomes true
        await asyncio.sleep(0)


def running(threads, scenario):
    async def main():
        calls, loop = MicroBatcher(threads), asyncio.get_running_loop()
        await asyncio.wait_for(scenario(calls, lambda call: loop.create_task(calls.call("a", call))), 30)

    asyncio.run(main())


def test_a_single_call_runs_at_once_and_calls_that_arrive_meanwhile_run_as_one_batch(threads):
    gate = Gate()

    async def scenario(calls, begin):
        made = [begin(partial(submit, gate, 0))]
        await until(lambda: gate.taken == [1])
        made += [begin(partial(submit, gate, n)) for n in (1, 2, 3)]
        await until(lambda: len(calls._queue) == 3)
        gate.release(2)
        assert await asyncio.gather(*made) == [0, 1, 2, 3]

    running(threads, scenario)
    assert gate.taken == [1, 3]


def test_the_event_loop_is_woken_once_for_all_calls_that_end_while_it_is_busy(threads, monkeypatch):
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

        first = begin(partial(submit, gate, 0))
        await until(lambda: gate.taken == [1])
        made = [begin(partial(wake, busy.wait, 30)), *(begin(partial(submit, instant_work, n)) for n in range(4))]
        await until(lambda: len(calls._queue) == 5)
        monkeypatch.setattr(coalescing, "run", run)
        gate.release()
        await first
        loop.call_soon_threadsafe = counted
        await asyncio.gather(*made)
        assert wakings.count(calls._answer) == 1

    running(threads, scenario)


def instant_work(_):
    """Work that takes no time."""


def start_with_two_queued(calls, begin, gate):
    """Start one call, and two calls that are queued while the first call runs. Returns their tasks."""
    return begin(partial(submit, gate, 0)), [begin(partial(submit, gate, n)) for n in (1, 2)]


def test_after_a_batch_the_next_waits_for_as_many_calls_as_were_answered_and_queued(threads, paces):
    paces.setattr(microbatch, "BATCH_WAIT_SECONDS", 60)
    gate = Gate(open_=True)

    async def scenario(calls, begin):
        first, two = start_with_two_queued(calls, begin, gate)
        await first
        assert not any(each.done() for each in two)
        await asyncio.gather(*two, begin(partial(submit, gate, 3)))
        again = [begin(partial(submit, gate, n)) for n in range(2)]
        await until(lambda: len(calls._queue) == 2)
        await asyncio.gather(*again, begin(partial(submit, gate, 3)))

    running(threads, scenario)
    assert gate.taken == [1, 3, 3]


def test_the_wait_for_more_calls_is_short(threads):
    gate = Gate(open_=True)

    async def scenario(calls, begin):
        first, two = start_with_two_queued(calls, begin, gate)
        await asyncio.gather(first, *two)
        await calls.call("a", partial(submit, gate, 3))
        await calls.call("a", partial(submit, gate, 4))

    running(threads, scenario)
    assert gate.taken == [1, 2, 1, 1]


def test_a_call_behind_slow_calls_does_not_wait_for_them_to_end(threads, paces):
    paces.setattr(microbatch, "SLOW_BATCH_SECONDS", 0.001)
    slow = Gate()

    async def scenario(calls, begin):
        held = begin(slow)
        await until(lambda: slow.taken == [1])
        assert await calls.call("a", lambda: "quick") == "quick"
        assert not held.done()
        slow.release()
        await held
        assert await calls.call("a", lambda: "after") == "after"

    running(threads, scenario)


def test_calls_queued_behind_a_slow_call_are_run_by_other_threads(threads, paces):
    """Three calls block. As there are four threads, one thread is left for the queued calls."""
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


def test_each_call_is_answered_as_soon_as_it_ends(threads):
    """The answer to a call does not wait until the whole batch of the call has ended."""
    first, gate = Gate(), Gate()

    async def scenario(calls, begin):
        opened = begin(first)
        await until(lambda: first.taken == [1])
        quick, held = begin(lambda: "quick"), begin(partial(submit, gate, "held"))
        await until(lambda: len(calls._queue) == 2)
        first.release()
        await opened
        assert await quick == "quick"
        assert not held.done()
        gate.release()
        assert await held == "held"

    running(threads, scenario)


def test_more_calls_than_fit_in_a_batch_run_as_several_batches(threads, paces):
    paces.setattr(microbatch, "MAX_BATCH_CALLS", 2)
    first, gate = Gate(), Gate(open_=True)

    async def scenario(calls, begin):
        opened = begin(first)
        await until(lambda: first.taken == [1])
        made = [begin(partial(submit, gate, n)) for n in range(5)]
        await until(lambda: len(calls._queue) == 5)
        first.release()
        await asyncio.gather(opened, *made)

    running(threads, scenario)
    assert gate.taken == [2, 2, 1]


@pytest.mark.parametrize("raises", [KeyError, StopIteration])
def test_a_call_raises_only_to_its_own_caller(threads, raises):
    gate = Gate()

    def bad():
        raise raises

    async def scenario(calls, begin):
        cancelled = begin(gate)
        await until(lambda: gate.taken == [1])
        failing, good = begin(bad), begin(lambda: "good")
        cancelled.cancel()
        gate.release()
        assert await good == "good"
        with pytest.raises(RuntimeError if raises is StopIteration else raises):
            await failing

    running(threads, scenario)


class Full(ThreadPoolExecutor):
    """An executor that cannot start a thread while `full` is set."""

    full = False

    def submit(self, *args, **options):
        if self.full:
            raise RuntimeError("can't start new thread")
        return super().submit(*args, **options)


def test_when_no_thread_can_start_queued_calls_fail_and_the_served_call_keeps_its_answer(paces):
    paces.setattr(microbatch, "BATCH_WAIT_SECONDS", 0.001)
    gate = Gate()

    async def scenario(calls, begin):
        served = begin(partial(submit, gate, "served"))
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
        assert await calls.call("a", lambda: "again") == "again"

    with Full(2) as executor:
        running(executor, scenario)


def test_while_several_senders_wait_a_batch_has_few_calls_of_each(threads, paces):
    paces.setattr(microbatch, "MAX_CALLS_OF_SENDER", 2)
    first, gate = Gate(), Gate(open_=True)
    batches = []

    def of(sender, number):
        submit(gate, number)
        batches.append((len(gate.taken), sender))

    async def scenario(calls, begin):
        opened = begin(first)
        await until(lambda: first.taken == [1])
        loop = asyncio.get_running_loop()
        made = [loop.create_task(calls.call("a", partial(of, "a", n))) for n in range(5)]
        made += [loop.create_task(calls.call("b", partial(of, "b", n))) for n in range(3)]
        await until(lambda: len(calls._queue) == 8)
        first.release()
        await asyncio.gather(opened, *made)

    running(threads, scenario)
    assert gate.taken == [4, 3, 1], "2 of each; then the third of b with 2 of a; then a is alone"
    assert [sender for batch, sender in batches if batch == 2] == ["a", "a", "b"]


def test_a_sender_with_few_calls_is_waited_for_although_another_has_many_queued(threads, paces):
    """Otherwise the queue of the one would fill the next batch before the clients of the other can send again."""
    paces.setattr(microbatch, "MAX_CALLS_OF_SENDER", 2)
    paces.setattr(microbatch, "MAX_BATCH_CALLS", 4)
    paces.setattr(microbatch, "BATCH_WAIT_SECONDS", 60)
    first, gate = Gate(), Gate(open_=True)

    async def scenario(calls, begin):
        loop = asyncio.get_running_loop()
        opened = loop.create_task(calls.call("b", first))
        await until(lambda: first.taken == [1])
        many = [loop.create_task(calls.call("a", partial(submit, gate, n))) for n in range(5)]
        await until(lambda: len(calls._queue) == 5)
        first.release()
        await opened
        await asyncio.sleep(0.05)
        assert gate.taken == [], "b has not sent again"
        await calls.call("b", partial(submit, gate, "b"))
        assert gate.taken == [3], "with two of the five calls of a: no more were waited for"
        paces.setattr(microbatch, "BATCH_WAIT_SECONDS", 0)
        await calls.call("b", partial(submit, gate, "b"))
        await asyncio.gather(*many)

    running(threads, scenario)
    assert gate.taken[:2] == [3, 3]
