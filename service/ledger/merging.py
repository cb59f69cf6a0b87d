"""Requests that come at once go to the database together: whoever finds it free takes all that wait along.

Alone, a request goes at once. While one is on its way, those that come wait, and the first of them takes them all: so
under load a transaction carries many requests, each with an outcome of its own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from threading import Lock

from service.ledger.draft import Request

TOGETHER = 1_000
"""Posts that go in one transaction, but for a bundle that has more."""
MOST_WAITING = 20_000
"""Posts that may wait; who comes then is told to come again."""


class Overloaded(Exception):
    """As many posts wait as may."""


class Merger:
    """`work` does requests together and tells each its outcomes or its error. One thread at a time leads: it does it.

    Two leaders were tried: no faster on many streams, and slower on one, which they overtake each other on. Each thread
    waits on a lock of its own: woken all at once, they would spend more time on each other than on the posts.
    """

    def __init__(self, work: Callable[[Sequence[Request]], None]) -> None:
        self._work, self._led = work, False
        self._lock = Lock()
        self._waiting: deque[tuple[Request, Lock]] = deque()
        self._posts = 0

    def do(self, request: Request) -> None:
        """Have it done, by this thread or by another. Raises Overloaded."""
        turn = Lock()
        turn.acquire()
        with self._lock:
            if self._posts + len(request.bundle) > MOST_WAITING:
                raise Overloaded
            self._waiting.append((request, turn))
            self._posts += len(request.bundle)
            leads, self._led = not self._led, True
        if not leads:
            try:
                turn.acquire()  # until the request is done, or is the first of those that wait
            except BaseException:
                self._leave(request, turn)
                raise
        if not request.done:
            self._lead()

    def _lead(self) -> None:
        """Do the first of those that wait, which is this thread's own, and what fits beside it."""
        together = self._taken()
        try:
            self._work([request for request, _ in together])
        except BaseException as error:
            for request, _ in together:
                if request.outcomes is None:
                    request.error = error
            raise
        finally:
            for request, _ in together:  # not before: an outcome may stand there that is not committed yet
                request.done = True
            self._hand_over()
            for _, turn in together[1:]:
                turn.release()

    def _leave(self, request: Request, turn: Lock) -> None:
        """Wait no more, as a thread that is interrupted; if it was just asked to lead, the next must."""
        with self._lock:
            if (request, turn) in self._waiting:
                self._waiting.remove((request, turn))
                self._posts -= len(request.bundle)
        if turn.acquire(blocking=False) and not request.done:
            self._hand_over()

    def _hand_over(self) -> None:
        with self._lock:
            self._led = bool(self._waiting)
            if self._led:
                self._waiting[0][1].release()

    def _taken(self) -> list[tuple[Request, Lock]]:
        with self._lock:
            together = [self._waiting.popleft()]
            posts = len(together[0][0].bundle)
            while self._waiting and posts + len(self._waiting[0][0].bundle) <= TOGETHER:
                together.append(self._waiting.popleft())
                posts += len(together[-1][0].bundle)
            self._posts -= posts
            return together
