"""A lane: the places for one kind of work, and the requests that wait for them, in a queue per sender."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Generic, TypeVar

from service.api.http.work import Work
from service.server.shares import Shares

T = TypeVar("T")
OVERHEAD_SECONDS = 0.001
"""What a request counts towards its sender's share besides the time in its place: the event loop works for it too."""
_Entry = tuple[Callable[[], T], asyncio.Future[T]]


class LaneFull(Exception):
    """The call cannot begin: too many wait before it. `of_sender`: whether these are calls of the same sender."""

    def __init__(self, *, of_sender: bool) -> None:
        super().__init__(of_sender)
        self.of_sender = of_sender


class Lane(Generic[T]):
    """Runs calls in the places of `work`. When a place is free, the sender with the largest share left is next.

    Only the event loop uses it, so it needs no lock.
    """

    def __init__(self, work: Work, shares: Shares) -> None:
        self.work, self._shares = work, shares
        self._threads = ThreadPoolExecutor(work.places, thread_name_prefix=work.name)
        self._waiting: dict[str, deque[_Entry[T]]] = {}
        self._running: Counter[str] = Counter()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> int:
        """How many calls wait for a place."""
        return sum(map(len, self._waiting.values()))

    @property
    def under_way(self) -> int:
        """How many calls wait for a place or have one."""
        return self.waiting + self._running.total()

    def close(self) -> None:
        """Wait for the calls that have begun."""
        self._threads.shutdown(wait=True)

    async def run(self, sender: str, call: Callable[[], T], seconds: float) -> T:
        """The result of `call`, made in a place of this lane. Raises what `call` raises.

        Raises LaneFull if too many calls wait already, or if the call has not begun after `seconds`, and TimeoutError
        if it has not ended by then. A call that has begun keeps its place until it ends.
        """
        queue = self._waiting.setdefault(sender, deque())
        if len(queue) >= self.work.waiting_per_sender:
            raise LaneFull(of_sender=True)
        if self.waiting >= self.work.waiting and len(queue) >= self.work.waiting // len(self._waiting):
            raise LaneFull(of_sender=False)  # each sender may have its part of the queue, however full that is
        loop = asyncio.get_running_loop()
        entry = call, loop.create_future()
        queue.append(entry)
        self._begin()
        deadline = loop.call_later(seconds, self._expire, sender, entry)
        try:
            result: T = await entry[1]
            return result
        finally:
            deadline.cancel()
            self._withdraw(sender, entry)
            del entry  # it has the error, whose traceback has this frame: the cycle would keep all callers' objects

    def _expire(self, sender: str, entry: _Entry[T]) -> None:
        if entry[1].done():
            return
        if self._withdraw(sender, entry):
            entry[1].set_exception(LaneFull(of_sender=not self._may_begin(sender)))
        else:
            entry[1].set_exception(TimeoutError())

    def _withdraw(self, sender: str, entry: _Entry[T]) -> bool:
        """Remove a call from the queue. Returns False if it is not in the queue, because it has begun."""
        queue = self._waiting.get(sender, ())
        if entry not in queue:
            return False
        queue.remove(entry)  # type: ignore[union-attr]
        return True

    def _may_begin(self, sender: str) -> bool:
        """Whether neither the sender's limit nor its share keeps its calls from beginning."""
        if self._running[sender] >= self.work.per_sender:
            return False
        return not self.work.shared or not self._shares.used_up(sender)

    def _begin(self) -> None:
        """Begin waiting calls while a place is free and a sender may begin one."""
        while self._running.total() < self.work.places and (sender := self._next()) is not None:
            call, future = self._waiting[sender].popleft()
            self._waiting[sender] = self._waiting.pop(sender)  # behind all other senders
            try:
                done = asyncio.get_running_loop().run_in_executor(self._threads, call)
            except RuntimeError as error:  # no thread can be started
                future.set_exception(error)
                continue
            self._running[sender] += 1
            done.add_done_callback(partial(self._ended, sender, time.monotonic(), future))
        self._forget_idle()

    def _next(self) -> str | None:
        """The sender whose call begins next; None if no sender with a waiting call may begin one."""
        able = [
            sender for sender, queue in self._waiting.items() if queue and self._running[sender] < self.work.per_sender
        ]
        if not self.work.shared:
            return min(able, key=self._running.__getitem__, default=None)
        rested = [sender for sender in able if not self._shares.used_up(sender)]
        if able and not rested:
            self._wake_in(min(map(self._shares.wait_seconds, able)))
        return max(rested, key=self._shares.balance, default=None)

    def _wake_in(self, seconds: float) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(max(seconds, 0.01), self._woken)

    def _woken(self) -> None:
        self._timer = None
        self._begin()

    def _ended(self, sender: str, began: float, future: asyncio.Future[T], done: asyncio.Future[Any]) -> None:
        self._running[sender] -= 1
        if self.work.shared:
            self._shares.charge(sender, time.monotonic() - began + OVERHEAD_SECONDS)
        if not future.done():
            if error := done.exception():
                future.set_exception(error)
            else:
                future.set_result(done.result())
        self._begin()

    def _forget_idle(self) -> None:
        self._running += Counter()
        self._waiting = {sender: queue for sender, queue in self._waiting.items() if queue}
