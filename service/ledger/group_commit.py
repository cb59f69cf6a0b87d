"""Group commit: requests that arrive while one transaction is running share the next one.

A batch is the requests that one thread submits together. When nothing is running, a batch is processed at once. While a
transaction is running, new batches wait in a queue, and the thread of the first one leads: it takes the waiting batches
into its own transaction, up to MAX_BATCH_POSTS posts. So under load a transaction carries many requests, each with an
outcome of its own. After a transaction of several batches, the next leading thread waits until the queue has as many
batches as that transaction had, but for no longer than that took: clients that were just answered usually send again.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from threading import Lock

from service.ledger.draft import Request
from service.overload import Overloaded

MAX_BATCH_POSTS = 1_000
"""Maximum number of posts in one transaction, unless a single request has more."""
PATIENCE, MAX_WAIT_SECONDS = 1.0, 0.1
"""How long after a transaction has ended the next one begins at the latest, as a multiple of the time that it took.
Waiting so long costs at most twice what not waiting costs, however slow the machine or its disk is. A transaction that
was held up is not waited for as long."""
MAX_QUEUED_POSTS = 20_000
"""Maximum number of posts that wait for the next transaction. A batch that would exceed this number is refused as
overloaded."""


def batches(requests: Iterable[Request]) -> Iterator[list[Request]]:
    """The requests in order, in batches of at most MAX_BATCH_POSTS posts.

    A request that has more posts is a batch of its own.
    """
    batch: list[Request] = []
    posts = 0
    for request in requests:
        if batch and posts + len(request.bundle) > MAX_BATCH_POSTS:
            yield batch
            batch, posts = [], 0
        batch.append(request)
        posts += len(request.bundle)
    if batch:
        yield batch


def begin_by(began: float) -> float:
    """When the next transaction begins at the latest, if one that began at `began` has ended now."""
    now = time.monotonic()
    return now + min(PATIENCE * (now - began), MAX_WAIT_SECONDS)


class _Batch:
    """The requests of one thread.

    `turn` is a lock. It is released when the thread must run the next transaction, or when its requests are done.
    """

    __slots__ = ("posts", "requests", "turn")

    def __init__(self, requests: Sequence[Request]) -> None:
        self.requests, self.turn = requests, Lock()
        self.posts = sum(len(request.bundle) for request in requests)
        self.turn.acquire()

    @property
    def done(self) -> bool:
        return all(request.done for request in self.requests)


class GroupCommit:
    """Runs `work` on groups of requests; `work` sets each request's outcomes or error.

    One thread at a time, the leading thread, runs `work`. Two threads at a time were tried: on many streams they are no
    faster than one thread. On one stream they are slower, because each invalidates what the other has read. Each thread
    waits on a lock of its own: threads woken all at once spend more time contending than working.
    """

    def __init__(self, work: Callable[[Sequence[Request]], None]) -> None:
        self._work = work
        self._lock = Lock()
        self._queue: deque[_Batch] = deque()
        self._queued_posts = 0
        self._leader: _Batch | None = None
        self._last_group_size, self._collecting = 1, False
        self._begin_by = 0.0
        """Until then, the next transaction waits for as many batches as the last one had."""

    def do(self, *requests: Request) -> None:
        """Return when this thread or another has processed the requests. Raises Overloaded if the queue is full."""
        batch = _Batch(requests)
        with self._lock:
            self._enqueue(batch)
            leads = self._leader is batch
        try:
            if not leads:
                batch.turn.acquire()  # until the batch is done or is the first in the queue
            if not batch.done:
                self._collect(batch)
        except BaseException:
            self._withdraw(batch)
            raise
        if not batch.done:
            self._lead()

    def _enqueue(self, batch: _Batch) -> None:
        if self._queued_posts + batch.posts > MAX_QUEUED_POSTS:
            raise Overloaded
        self._queue.append(batch)
        self._queued_posts += batch.posts
        self._leader = self._leader or batch
        if self._collecting and len(self._queue) >= self._last_group_size:
            self._collecting = False
            self._queue[0].turn.release()

    def _collect(self, batch: _Batch) -> None:
        """Wait until the queue has as many batches as the last transaction had, but no longer than PATIENCE allows.

        `batch` is the first in the queue.
        """
        with self._lock:
            seconds = self._begin_by - time.monotonic()
            self._collecting = seconds > 0 and len(self._queue) < self._last_group_size
        if self._collecting:
            batch.turn.acquire(timeout=seconds)

    def _lead(self) -> None:
        """Process the first batches of the queue, as many as fit into one transaction.

        The first batch of the queue is this thread's.
        """
        with self._lock:
            group = self._dequeue()
        requests = [request for batch in group for request in batch.requests]
        began = time.monotonic()
        try:
            self._work(requests)
        except BaseException as error:
            for request in requests:
                if request.outcomes is None:
                    request.error = error
            raise
        finally:
            for request in requests:  # only now: before this, an outcome may be set but not yet committed
                request.done = True
            with self._lock:
                self._begin_by = begin_by(began)
                self._appoint_leader()
            for batch in group[1:]:
                batch.turn.release()

    def _dequeue(self) -> list[_Batch]:
        group = [self._queue.popleft()]
        posts = group[0].posts
        while self._queue and posts + self._queue[0].posts <= MAX_BATCH_POSTS:
            group.append(self._queue.popleft())
            posts += group[-1].posts
        self._queued_posts -= posts
        self._last_group_size, self._collecting = len(group), False
        return group

    def _withdraw(self, batch: _Batch) -> None:
        """Remove `batch` from the queue, because its thread was interrupted while it waited."""
        with self._lock:
            if batch in self._queue:
                self._queue.remove(batch)
                self._queued_posts -= batch.posts
            if self._leader is batch:
                self._collecting = False
                self._appoint_leader()

    def _appoint_leader(self) -> None:
        """Wake the thread of the first batch in the queue: it leads, and runs the next transaction."""
        self._leader = self._queue[0] if self._queue else None
        if self._leader:
            self._leader.turn.release()
