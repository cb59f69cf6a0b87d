"""The places of this process: where each kind of work is done, in threads of its own, within its deadline."""

from __future__ import annotations

import asyncio
import ctypes
import gc
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

from service.api.http.work import ALL, BULK, EXPENSIVE, POST, Work
from service.observability import metrics
from service.server.declined import Declined
from service.server.lane import Lane, LaneFull
from service.server.microbatch import MicroBatcher
from service.server.shares import Shares

REQUEST_SECONDS = 10.0
"""A request is answered within this time, whatever the database does: with 503 if there is no answer by then."""
LARGE = (BULK, EXPENSIVE)
"""The kinds of work that may use much memory."""
TRIM = getattr(ctypes.CDLL(None), "malloc_trim", None)
"""The function of glibc that gives unused memory back to the operating system; None with another C library."""
T = TypeVar("T")


class Places:
    """Runs calls in the places of their kind of work. Small posts are run together, in batches."""

    def __init__(self, shares: Shares) -> None:
        self._lanes = {work: Lane[Any](work, shares) for work in ALL if work is not POST}
        self._post_threads = ThreadPoolExecutor(POST.places, thread_name_prefix=POST.name)
        self._batches = MicroBatcher[Any](self._post_threads)
        self._posting: Counter[str] = Counter()
        metrics.WAITING.set_function(self._waiting)

    def close(self) -> None:
        """Wait for the calls that have begun."""
        for lane in self._lanes.values():
            lane.close()
        self._post_threads.shutdown(wait=True)

    async def run(self, work: Work, sender: str, call: Callable[[], T], seconds: float = REQUEST_SECONDS) -> T:
        """The result of `call`, made for `sender`. Raises Declined if it cannot begin, or has not ended in time.

        A call that has begun goes on in its thread, within the limits of its database session. A post may therefore be
        recorded although its sender gets a 503. As after any 503, the sender sends the post again.
        """
        try:
            if work is POST:
                return await self._in_batch(sender, call, seconds)
            if work in LARGE:
                call = partial(_and_release_memory, call)
            result: T = await self._lanes[work].run(sender, partial(_active, call), seconds)
        except LaneFull as full:
            raise Declined("too-much-at-once" if full.of_sender else "overloaded") from full
        except TimeoutError as error:
            raise Declined("unavailable") from error
        return result

    async def _in_batch(self, sender: str, call: Callable[[], T], seconds: float) -> T:
        with self._posts_of(sender):
            async with asyncio.timeout(seconds):
                result: T = await self._batches.call(partial(_active, call))
                return result

    @contextmanager
    def _posts_of(self, sender: str) -> Iterator[None]:
        """Context manager: counts a post of the sender. Raises LaneFull if too many are under way."""
        if self._posting[sender] >= POST.waiting_per_sender:
            raise LaneFull(of_sender=True)
        if self._posting.total() >= POST.waiting:
            raise LaneFull(of_sender=False)
        self._posting[sender] += 1
        try:
            yield
        finally:
            self._posting[sender] -= 1
            self._posting += Counter()  # removes the zero entries

    def _waiting(self) -> float:
        under_way = self._posting.total() + sum(lane.under_way for lane in self._lanes.values())
        return max(0, under_way - metrics.active())


def _active(call: Callable[[], T]) -> T:
    with metrics.ACTIVE.track_inprogress():
        return call()


def _and_release_memory(call: Callable[[], T]) -> T:
    """The result of `call`. The memory that it used is given back to the operating system."""
    try:
        return call()
    finally:
        gc.collect()  # the errors of a large body are in reference cycles with their tracebacks
        if TRIM:
            TRIM(0)
