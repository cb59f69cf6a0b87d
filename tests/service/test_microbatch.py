"""One thread answers the requests that arrive at about the same time, in batches, and each gets its own answer."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from service.ledger import group_commit
from service.server import microbatch
from service.server.microbatch import MicroBatcher


class Echo:
    """Answers requests with themselves, and records each batch. Each batch blocks until it is released."""

    def __init__(self, *, open_=False):
        self.batches, self._go = [], threading.Semaphore(1_000 if open_ else 0)

    def __call__(self, requests):
        self.batches.append(list(requests))
        assert self._go.acquire(timeout=30)
        for each in requests:
            if isinstance(each, type):
                raise each
        return requests

    @property
    def sizes(self):
        return [len(batch) for batch in self.batches]

    def release(self, times=1):
        self._go.release(times)


@pytest.fixture
def thread():
    with ThreadPoolExecutor(1) as executor:
        yield executor


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """No batch waits for more requests. A test can change this with the monkeypatch."""
    monkeypatch.setattr(group_commit, "PATIENCE", 0)
    return monkeypatch


async def until(condition):
    while not condition():  # noqa: ASYNC110 - no event is set when the condition becomes true
        await asyncio.sleep(0)


def running(process, thread, scenario):
    async def main():
        batcher, loop = MicroBatcher(process, thread), asyncio.get_running_loop()

        def send(*requests, sender="a"):
            return [loop.create_task(batcher.answer(sender, each)) for each in requests]

        async def first(request="first", sender="a"):
            """Send one request and wait until it is processed."""
            [sent] = send(request, sender=sender)
            await until(lambda: process.batches)
            return sent

        await asyncio.wait_for(scenario(batcher, send, first), 30)

    asyncio.run(main())


def queued(batcher, number):
    return until(lambda: len(batcher._queue) == number)


def test_a_single_request_is_processed_at_once_and_those_that_arrive_meanwhile_as_one_batch(thread):
    echo = Echo()

    async def scenario(batcher, send, first):
        sent = [await first(0), *send(1, 2, 3)]
        await queued(batcher, 3)
        echo.release(2)
        assert await asyncio.gather(*sent) == [0, 1, 2, 3]

    running(echo, thread, scenario)
    assert echo.batches == [[0], [1, 2, 3]]


def test_after_a_batch_the_next_waits_for_as_many_requests_as_were_answered_and_queued(thread, patience):
    patience.setattr(group_commit, "PATIENCE", 1e9)
    patience.setattr(group_commit, "MAX_WAIT_SECONDS", 1e9)
    echo = Echo()

    async def scenario(batcher, send, first):
        opened, two = await first(0), send(1, 2)
        await queued(batcher, 2)
        echo.release(1_000)
        await opened
        assert not any(each.done() for each in two)
        await asyncio.gather(*two, *send(3))
        again = send(4, 5)
        await queued(batcher, 2)
        await asyncio.gather(*again, *send(6))

    running(echo, thread, scenario)
    assert echo.sizes == [1, 3, 3]


BRIEF = {"it is as short as the batch was": (1, 1e9), "the batch was held up": (1e9, 0.01)}
"""Values of PATIENCE and MAX_WAIT_SECONDS with which the wait for more requests is short."""


@pytest.mark.parametrize(("multiple", "seconds"), BRIEF.values(), ids=BRIEF)
def test_clients_that_do_not_send_again_delay_the_next_request_only_briefly(thread, patience, multiple, seconds):
    patience.setattr(group_commit, "PATIENCE", multiple)
    patience.setattr(group_commit, "MAX_WAIT_SECONDS", seconds)
    echo = Echo()

    async def scenario(batcher, send, first):
        opened, two = await first(0), send(1, 2)
        await queued(batcher, 2)
        echo.release(1_000)
        await asyncio.gather(opened, *two)
        await asyncio.gather(*send(3))

    running(echo, thread, scenario)
    assert echo.sizes == [1, 2, 1]


def test_more_requests_than_fit_in_a_batch_are_several_batches(thread, patience):
    patience.setattr(microbatch, "MAX_BATCH", 2)
    echo = Echo()

    async def scenario(batcher, send, first):
        sent = [await first(), *send(1, 2, 3, 4, 5)]
        await queued(batcher, 5)
        echo.release(1_000)
        await asyncio.gather(*sent)

    running(echo, thread, scenario)
    assert echo.sizes == [1, 2, 2, 1]


@pytest.mark.parametrize("raised", [KeyError, RuntimeError])
def test_an_error_reaches_all_requests_of_its_batch_and_no_others(thread, raised):
    echo = Echo()

    async def scenario(batcher, send, first):
        good, failing = await first(), send(raised, "beside")
        await queued(batcher, 2)
        echo.release(1_000)
        assert await good == "first"
        for each in failing:
            with pytest.raises(raised):
                await each
        assert await asyncio.gather(*send("after")) == ["after"]

    running(echo, thread, scenario)


def test_a_request_whose_caller_has_given_up_is_not_processed(thread):
    echo = Echo()

    async def scenario(batcher, send, first):
        opened, [given_up, other] = await first(), send("given up", "other")
        await queued(batcher, 2)
        given_up.cancel()
        await asyncio.sleep(0)
        opened.cancel()
        echo.release(1_000)
        assert await other == "other"

    running(echo, thread, scenario)
    assert echo.batches == [["first"], ["other"]]


def test_a_client_that_has_given_up_is_not_waited_for(thread, patience):
    patience.setattr(group_commit, "PATIENCE", 1e9)
    patience.setattr(group_commit, "MAX_WAIT_SECONDS", 1e9)
    echo = Echo()

    async def scenario(batcher, send, first):
        opened, two = await first(0), send(1, 2)
        await queued(batcher, 2)
        opened.cancel()
        echo.release(1)
        await until(lambda: len(echo.batches) == 2)
        two[0].cancel()
        echo.release(1_000)
        await two[1]
        await asyncio.gather(*send(3))

    running(echo, thread, scenario)
    assert echo.sizes == [1, 2, 1]


class Full(ThreadPoolExecutor):
    """An executor that cannot start a thread while `full` is set."""

    full = False

    def submit(self, *args, **options):
        if self.full:
            raise RuntimeError("can't start new thread")
        return super().submit(*args, **options)


def test_when_no_thread_can_start_queued_requests_fail_and_the_processed_one_keeps_its_answer():
    echo = Echo()

    async def scenario(batcher, send, first):
        served, behind = await first(), send(1, 2, 3)
        await queued(batcher, 3)
        executor.full = True
        echo.release(1_000)
        assert await served == "first"
        for each in behind:
            with pytest.raises(RuntimeError):
                await each
        executor.full = False
        assert await asyncio.gather(*send("again")) == ["again"]

    with Full(1) as executor:
        running(echo, executor, scenario)


def test_while_several_senders_wait_a_batch_has_few_requests_of_each(thread, patience):
    patience.setattr(microbatch, "MAX_OF_SENDER", 2)
    echo = Echo()

    async def scenario(batcher, send, first):
        sent = [await first(), *send(*["a"] * 5), *send(*["b"] * 3, sender="b")]
        await queued(batcher, 8)
        echo.release(1_000)
        await asyncio.gather(*sent)

    running(echo, thread, scenario)
    assert echo.batches[1:] == [list("aabb"), list("aab"), list("a")]


def test_a_sender_with_few_requests_is_waited_for_although_another_has_many_queued(thread, patience):
    """Otherwise the queue of the one would fill the next batch before the clients of the other can send again."""
    patience.setattr(microbatch, "MAX_OF_SENDER", 2)
    patience.setattr(microbatch, "MAX_BATCH", 4)
    patience.setattr(group_commit, "PATIENCE", 1e9)
    patience.setattr(group_commit, "MAX_WAIT_SECONDS", 1e9)
    echo = Echo()

    async def scenario(batcher, send, first):
        opened, many = await first("b", sender="b"), send(*["a"] * 5)
        await queued(batcher, 5)
        echo.release(1_000)
        await opened
        await asyncio.sleep(0.05)
        assert echo.sizes == [1], "b has not sent again"
        await asyncio.gather(*send("b", sender="b"))
        assert echo.batches[1] == ["a", "a", "b"], "no more than two of the five of a were waited for"
        patience.setattr(group_commit, "PATIENCE", 0)
        await asyncio.gather(*send("b", sender="b"), *many)

    running(echo, thread, scenario)
    assert echo.batches[2] == ["a", "a", "b"]
