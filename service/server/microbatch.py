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
_Completed = tuple[str, asyncio.Future[T], T | None, BaseException | None]
"""A completed call: its sender, its future, and its result or its error."""

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
    """Runs calls on `threads` in batches. Calls that arrive while a batch runs wait for the next one.

    Clients that were just answered usually send again. After a batch of several calls, the next batch therefore waits
    for a new call from each of their clients, but at most BATCH_WAIT_SECONDS. After a batch of one call, the next batch
    does not wait. Each caller gets its result as soon as its own call completes.

    While several senders send, each has at most MAX_CALLS_OF_SENDER calls in a batch: a sender on many connections does
    not keep one on few from its turn.
    """

    def __init__(self, threads: Executor) -> None:
        self._threads = threads
        self._queue: deque[_Queued[T]] = deque()
        self._queued = Counter[str]()
        """How many calls of each sender are in the queue; no zero entries."""
        self._running: asyncio.Future[int] | None = None
        """The batch that was started last; None once it has completed or is slow. New calls wait for this batch."""
        self._timer: asyncio.TimerHandle | None = None
        self._answering = False
        self._answered = Counter[str]()
        """How many calls of each sender were answered since the last batch was started."""
        self._queued_before = Counter[str]()
        """How many calls of each sender were queued when the running batch had its first result."""
        self._expected = Counter[str]()
        """As soon as this many calls of each sender are queued, the next batch starts without waiting longer."""

    async def call(self, sender: str, call: Callable[[], T]) -> T:
        """The result of `call`, made for `sender`. Raises what `call` raises."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queue.append(_Queued(sender, call, future))
        self._queued[sender] += 1
        if not self._running and (not self._timer or self._is_complete()):
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
        self._answering, self._answered = False, Counter()
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
        limit = self._limit()
        taken, left, of_sender = deque[_Queued[T]](), deque[_Queued[T]](), Counter[str]()
        for queued in self._queue:
            fits = len(taken) < MAX_BATCH_CALLS and of_sender[queued.sender] < limit
            (taken if fits else left).append(queued)
            of_sender[queued.sender] += fits
        self._queue = left
        self._queued -= of_sender  # removes the zero entries too
        return taken

    def _is_complete(self) -> bool:
        """Whether the next batch need not wait for more calls."""
        limit = self._limit()
        if sum(min(count, limit) for count in self._queued.values()) >= MAX_BATCH_CALLS:
            return True
        return all(self._queued[sender] >= count for sender, count in self._expected.items())

    def _limit(self) -> int:
        """The maximum number of calls of each sender in the next batch."""
        senders = self._queued.keys() | self._expected.keys()
        return MAX_BATCH_CALLS if len(senders) <= 1 else MAX_CALLS_OF_SENDER

    def _take_back(self, batch: deque[_Queued[T]]) -> None:
        """Stop waiting for a slow batch: its unstarted calls return to the queue's front, and a new batch starts."""
        with suppress(IndexError):  # the batch is empty
            while True:
                queued = batch.pop()
                self._queue.appendleft(queued)
                self._queued[queued.sender] += 1
        self._begin()

    def _batch_ended(self, slow: asyncio.TimerHandle, done: asyncio.Future[int]) -> None:
        slow.cancel()
        if self._running is done:
            self._collect()

    def _collect(self) -> None:
        """Start the next batch once the expected calls are queued, or after BATCH_WAIT_SECONDS.

        Of each sender so many calls are expected as were queued already when the last batch had its first result, and
        one new call for each that was answered since the batch was started; but no more than one batch has.
        """
        self._expected = self._queued_before + self._answered
        limit = self._limit()
        self._expected = Counter({sender: min(count, limit) for sender, count in self._expected.items()})
        if self._expected.total() <= 1 or self._is_complete():
            self._begin()
        else:
            self._running = None
            self._timer = asyncio.get_running_loop().call_later(BATCH_WAIT_SECONDS, self._begin)

    def _run_one(self, loop: asyncio.AbstractEventLoop, completed: deque[_Completed[T]], queued: _Queued[T]) -> None:
        """Run the `queued` call in the batch's thread, and add it to `completed`.

        The event loop is woken only if `completed` was empty. When it wakes, it answers all calls in `completed`.
        """
        sender, call, future = queued
        try:
            completed.append((sender, future, call(), None))
        except BaseException as raised:  # noqa: BLE001 - raised again in the caller
            completed.append((sender, future, None, raised))
        if len(completed) == 1:
            loop.call_soon_threadsafe(self._answer, completed)

    def _answer(self, completed: deque[_Completed[T]]) -> None:
        if not self._answering:
            self._answering, self._queued_before = True, Counter(self._queued)
        while completed:
            sender, future, result, error = completed.popleft()
            self._answered[sender] += 1
            _resolve(future, result, error)


def _resolve(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if future.done():
        return  # the caller was cancelled
    if error is None:
        future.set_result(result)
    else:  # a future does not accept StopIteration
        future.set_exception(RuntimeError(repr(error)) if isinstance(error, StopIteration) else error)
