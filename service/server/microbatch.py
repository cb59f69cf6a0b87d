"""Micro-batching: one thread runs calls that arrive at about the same time, so that they can share work."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar

from service.ledger import coalescing

T = TypeVar("T")
_Completed = tuple[asyncio.Future[T], T | None, BaseException | None]
"""A completed call: its future, and its result or its error."""

MAX_BATCH_CALLS, MAX_CALLS_OF_SENDER = 32, 8
"""Maximum number of calls in one batch, and of one sender's calls in it while calls of other senders wait too."""
BATCH_WAIT_SECONDS = 0.004
"""Maximum time that queued calls wait for more calls to join their batch."""
SLOW_BATCH_SECONDS = 0.02
"""After this time, a batch no longer blocks other calls: its unstarted calls, and new calls, run in another thread."""


class _Queued(NamedTuple, Generic[T]):
    sender: str
    call: Callable[[], T]
    future: asyncio.Future[T]


class MicroBatcher(Generic[T]):
    """Runs calls on `threads` in batches. Calls that arrive while a batch runs form the next batch.

    Clients that were just answered usually send again. After a batch of several calls, the next batch therefore waits
    for a new call from each of their clients, but at most BATCH_WAIT_SECONDS. After a batch of one call, the next batch
    does not wait. Each caller gets its result as soon as its own call completes.
    """

    def __init__(self, threads: Executor) -> None:
        self._threads = threads
        self._queue: deque[_Queued[T]] = deque()
        self._running: asyncio.Future[int] | None = None
        """The batch that was started last; None once it has completed or is slow. New calls wait for this batch."""
        self._timer: asyncio.TimerHandle | None = None
        self._answering = False
        self._queued_before = self._expected = 0
        """`_queued_before`: how many calls were queued when the running batch had its first result. `_expected`: as
        soon as this many calls are queued, the next batch starts without waiting longer."""

    async def call(self, sender: str, call: Callable[[], T]) -> T:
        """The result of `call`, made for `sender`. Raises what `call` raises."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queue.append(_Queued(sender, call, future))
        if not self._running and (not self._timer or len(self._queue) >= self._expected):
            self._begin()
        return await future

    def _begin(self) -> None:
        """Start a batch of queued calls."""
        self._running = None
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if not self._queue:
            return
        loop = asyncio.get_running_loop()
        batch = self._take_batch()
        self._answering = False
        run_one = partial(self._run_one, loop, deque())
        try:
            running = loop.run_in_executor(self._threads, coalescing.run, batch, run_one)
        except RuntimeError as error:  # no thread can be started
            while batch:
                _resolve(batch.popleft().future, None, error)
            return
        self._running = running
        slow = loop.call_later(SLOW_BATCH_SECONDS, self._take_back, batch)
        running.add_done_callback(partial(self._batch_ended, slow))

    def _take_batch(self) -> deque[_Queued[T]]:
        """The first queued calls, within the limits of one batch. They are taken out of the queue."""
        limit = MAX_BATCH_CALLS if len({queued.sender for queued in self._queue}) == 1 else MAX_CALLS_OF_SENDER
        taken, left, of_sender = deque[_Queued[T]](), deque[_Queued[T]](), Counter[str]()
        for queued in self._queue:
            fits = len(taken) < MAX_BATCH_CALLS and of_sender[queued.sender] < limit
            (taken if fits else left).append(queued)
            of_sender[queued.sender] += fits
        self._queue = left
        return taken

    def _take_back(self, batch: deque[Any]) -> None:
        """Stop waiting for a slow batch: its unstarted calls return to the queue's front, and a new batch starts."""
        with suppress(IndexError):  # the batch is empty
            while True:
                self._queue.appendleft(batch.pop())
        self._begin()

    def _batch_ended(self, slow: asyncio.TimerHandle, done: asyncio.Future[int]) -> None:
        slow.cancel()
        if self._running is done:
            self._collect(1 if done.cancelled() or done.exception() else done.result())

    def _collect(self, answered: int) -> None:
        """Start the next batch once the expected number of calls is queued, or after BATCH_WAIT_SECONDS.

        `answered`: the number of calls that the last batch ran. The expected number is the sum of two: one new call
        from each client of the last batch, and the calls that were already queued when that batch had its first result.
        """
        self._expected = min(self._queued_before + answered, MAX_BATCH_CALLS)
        if len(self._queue) >= self._expected or self._expected == 1:
            self._begin()
        else:
            self._running = None
            self._timer = asyncio.get_running_loop().call_later(BATCH_WAIT_SECONDS, self._begin)

    def _run_one(self, loop: asyncio.AbstractEventLoop, completed: deque[_Completed[T]], queued: _Queued[T]) -> None:
        """Run the `queued` call in the batch's thread, and add it to `completed`.

        The event loop is woken only if `completed` was empty. When it wakes, it answers all calls in `completed`.
        """
        _, call, future = queued
        try:
            completed.append((future, call(), None))
        except BaseException as raised:  # noqa: BLE001 - raised again in the caller
            completed.append((future, None, raised))
        if len(completed) == 1:
            loop.call_soon_threadsafe(self._answer, completed)

    def _answer(self, completed: deque[_Completed[T]]) -> None:
        if not self._answering:
            self._answering, self._queued_before = True, len(self._queue)
        while completed:
            _resolve(*completed.popleft())


def _resolve(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if future.done():
        return  # the caller was cancelled
    if error is None:
        future.set_result(result)
    else:  # a future does not accept StopIteration
        future.set_exception(RuntimeError(repr(error)) if isinstance(error, StopIteration) else error)
