"""Micro-batching: requests that arrive at about the same time are processed together, by one thread."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar

from service.ledger.group_commit import begin_by

Q = TypeVar("Q")
A = TypeVar("A")

MAX_BATCH, MAX_OF_SENDER = 64, 8
"""Maximum number of requests in one batch, and of one sender's in it while requests of other senders wait too."""


class _Queued(NamedTuple, Generic[Q, A]):
    sender: str
    request: Q
    future: asyncio.Future[A]


class MicroBatcher(Generic[Q, A]):
    """Has `process` answer requests in batches, one batch at a time, on `thread`.

    Requests that arrive while a batch is processed wait for the next one. Clients that were just answered usually send
    again. After a batch of several requests, the next batch therefore waits for a new request from each of their
    clients, but for no longer than a group commit would; after a batch of one request, it does not wait.

    While several senders send, each has at most MAX_OF_SENDER requests in a batch: a sender on many connections does
    not keep one on few from its turn.
    """

    def __init__(self, process: Callable[[Sequence[Q]], Sequence[A]], thread: Executor) -> None:
        self._process, self._thread = process, thread
        self._queue: deque[_Queued[Q, A]] = deque()
        self._queued = Counter[str]()
        """How many requests of each sender are in the queue; no zero entries."""
        self._expected = Counter[str]()
        """As soon as this many requests of each sender are queued, the next batch begins without waiting longer."""
        self._is_running = False
        self._timer: asyncio.TimerHandle | None = None

    async def answer(self, sender: str, request: Q) -> A:
        """The answer to `request`, which `sender` sent. Raises what `process` raises."""
        future: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._queue.append(_Queued(sender, request, future))
        self._queued[sender] += 1
        if not self._is_running and (self._timer is None or self._is_complete()):
            self._begin()
        return await future

    def _begin(self) -> None:
        """Begin a batch of queued requests."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        batch = self._take_batch()
        if not batch:
            return
        requests = [queued.request for queued in batch]
        try:
            running = asyncio.get_running_loop().run_in_executor(self._thread, self._process, requests)
        except RuntimeError as error:  # no thread can be started
            _resolve(batch, error=error)
            self._begin()
            return
        self._is_running = True
        running.add_done_callback(partial(self._ended, batch, time.monotonic()))

    def _take_batch(self) -> list[_Queued[Q, A]]:
        """The first queued requests, within the limits of one batch. They are taken out of the queue."""
        limit, of_sender = self._limit(), Counter[str]()
        taken: list[_Queued[Q, A]] = []
        left: deque[_Queued[Q, A]] = deque()
        for queued in self._queue:
            if queued.future.done():  # its caller has given up
                continue
            fits = len(taken) < MAX_BATCH and of_sender[queued.sender] < limit
            (taken if fits else left).append(queued)
            of_sender[queued.sender] += fits
        self._queue, self._queued = left, Counter(queued.sender for queued in left)
        return taken

    def _is_complete(self) -> bool:
        """Whether the next batch need not wait for more requests."""
        limit = self._limit()
        if sum(min(count, limit) for count in self._queued.values()) >= MAX_BATCH:
            return True
        return all(self._queued[sender] >= count for sender, count in self._expected.items())

    def _limit(self) -> int:
        """The maximum number of requests of each sender in the next batch."""
        senders = self._queued.keys() | self._expected.keys()
        return MAX_BATCH if len(senders) <= 1 else MAX_OF_SENDER

    def _ended(self, batch: Sequence[_Queued[Q, A]], began: float, done: asyncio.Future[Sequence[A]]) -> None:
        """Answer the requests of the batch, and begin the next one now or when more requests are queued.

        Of each sender so many requests are expected as are queued already, and one new request for each that is
        answered now; but no more than one batch has.
        """
        self._is_running = False
        answered = Counter(queued.sender for queued in batch if not queued.future.done())
        if error := done.exception():
            _resolve(batch, error=error)
        else:
            _resolve(batch, done.result())
        self._expected = self._queued + answered
        limit = self._limit()
        self._expected = Counter({sender: min(count, limit) for sender, count in self._expected.items()})
        if self._expected.total() <= 1 or self._is_complete():
            self._begin()
        else:
            seconds = begin_by(began) - time.monotonic()
            self._timer = asyncio.get_running_loop().call_later(seconds, self._begin)


def _resolve(
    batch: Sequence[_Queued[Any, A]], answers: Sequence[A] | None = None, error: BaseException | None = None
) -> None:
    for index, queued in enumerate(batch):
        if queued.future.done():
            continue  # the caller was cancelled
        if answers is None:
            assert error is not None
            queued.future.set_exception(error)
        else:
            queued.future.set_result(answers[index])
