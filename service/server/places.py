"""The places of this process: where each kind of work is done, in threads of its own, within its deadline."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

from service.api.http.work import ALL, POST, POSTING, Work
from service.observability import metrics
from service.server.declined import Declined
from service.server.lane import Lane, LaneFull
from service.server.microbatch import MicroBatcher
from service.server.read_process import ReadProcessEnded
from service.server.shares import Shares
from service.server.single_posts import SinglePost
from service.server.wsgi import Answer

REQUEST_SECONDS = 10.0
"""A request is answered within this time, whatever the database does: with 503 if there is no answer by then."""
POSTING_BURST_SECONDS = 0.1
"""How much unused time for posting a sender can save up. What is begun is ended, however long it takes."""
UNRECORDED_SECONDS, RECORDED = 0.005, 201
"""What a single event counts towards its sender's share of the time for posting, unless it was recorded now: its answer
has the status RECORDED."""
T = TypeVar("T")
PostTogether = Callable[[Sequence[SinglePost]], Sequence[Answer | Declined | None]]


class Places:
    """Runs calls in the places of their kind of work. Small posts are run together, in batches.

    A sender has a share of the time for reading and one for posting, each of `share` seconds per second; for posting,
    all senders together have twice as much. `post` answers a batch of posts.
    """

    def __init__(self, share: float, post: PostTogether) -> None:
        self._reading = Shares(share)
        self._posting_time = Shares(share, burst=POSTING_BURST_SECONDS, together=2 * share)
        self._lanes = {
            work: Lane[Any](work, self._posting_time if work in POSTING else self._reading)
            for work in ALL
            if work is not POST
        }
        self._post_thread = ThreadPoolExecutor(POST.places, thread_name_prefix=POST.name)
        self._batches = MicroBatcher(post, self._post_thread)
        self._posting: Counter[str] = Counter()
        metrics.WAITING.set_function(self._waiting)

    def close(self) -> None:
        """Wait for the calls that have begun."""
        for lane in self._lanes.values():
            lane.close()
        self._post_thread.shutdown(wait=True)

    def note(self, sender: str, work: Work) -> None:
        """Note that the sender has sent a request for this kind of work now."""
        self._reading.note(sender)
        if work in POSTING:
            self._posting_time.note(sender)

    async def post(self, sender: str, request: SinglePost, seconds: float) -> Answer | Declined | None:
        """The answer to a request that posts a single event; None if the application must answer it, in a lane.

        Raises Declined if it cannot begin, or has not ended in time. The event may be recorded nevertheless: as after
        any 503, the sender sends it again.
        """
        if self._posting_time.used_up(sender):
            return None  # in its lane, it waits until the sender has some time again
        try:
            with self._posts_of(sender):
                async with asyncio.timeout(seconds):
                    answer = await self._batches.answer(sender, request)
        except LaneFull as full:
            raise _declined(full) from full
        except TimeoutError as error:
            raise Declined("unavailable") from error
        if not isinstance(answer, Declined) and (answer is None or answer.status != RECORDED):
            self._posting_time.charge(sender, UNRECORDED_SECONDS)
        return answer

    async def run(self, work: Work, sender: str, call: Callable[[], T], seconds: float = REQUEST_SECONDS) -> T:
        """The result of `call`, made for `sender`. Raises Declined if it cannot begin, or has not ended in time.

        A call that has begun goes on in its thread, within the limits of its database session. A post may therefore be
        recorded although its sender gets a 503, as after post().
        """
        try:
            result: T = await self._lanes[work].run(sender, partial(_active, call), seconds)
        except LaneFull as full:
            raise _declined(full) from full
        except (TimeoutError, ReadProcessEnded) as error:
            raise Declined("unavailable") from error
        return result

    @contextmanager
    def _posts_of(self, sender: str) -> Iterator[None]:
        """Context manager: counts a post of the sender. Raises LaneFull if too many are under way."""
        if self._posting[sender] >= POST.waiting_per_sender:
            raise LaneFull(of_sender=True)
        if self._posting.total() >= POST.waiting and self._posting[sender] >= POST.waiting // (len(self._posting) + 1):
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


def _declined(full: LaneFull) -> Declined:
    return Declined("too-much-at-once" if full.of_sender else "overloaded")


def _active(call: Callable[[], T]) -> T:
    with metrics.ACTIVE.track_inprogress():
        return call()
