"""Requests that come at once go to the database together: whoever finds it free takes all that wait along.

Alone, a request goes at once. While one is on its way, those that come wait, and the first of them takes them all: so
under load a transaction carries many requests, each with an outcome of its own. After many, it waits a moment for as
many again: those who were just answered are on their way back.
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
COMPANY_SECONDS = 0.001
"""How long requests wait for company, at most; not at all after one that went alone."""


class Overloaded(Exception):
    """As many posts wait as may."""


class Merger:
    """`work` does requests together and tells each its outcomes or its error. One thread at a time leads: it does it.

    Two leaders were tried: no faster on many streams, and slower on one, which they overtake each other on. Each thread
    waits on a lock of its own: woken all at once, they would spend more time on each other than on the posts.
    """

    def __init__(self, work: Callable[[Sequence[Request]], None]) -> None:
        self._work = work
        self._lock = Lock()
        self._waiting: deque[tuple[Request, Lock]] = deque()
        self._posts = 0
        self._leader: Request | None = None
        self._company, self._gathering = 1, False

    def do(self, request: Request) -> None:
        """Have it done, by this thread or by another. Raises Overloaded."""
        turn = Lock()
        turn.acquire()
        with self._lock:
            self._join(request, turn)
            leads = self._leader is request
        try:
            if not leads:
                turn.acquire()  # until the request is done, or is the first of those that wait
            if not request.done:
                self._gather(turn)
        except BaseException:
            self._leave(request, turn)
            raise
        if not request.done:
            self._lead()

    def _join(self, request: Request, turn: Lock) -> None:
        if self._posts + len(request.bundle) > MOST_WAITING:
            raise Overloaded
        self._waiting.append((request, turn))
        self._posts += len(request.bundle)
        self._leader = self._leader or request
        if self._gathering and len(self._waiting) >= self._company:
            self._gathering = False
            self._waiting[0][1].release()

    def _gather(self, turn: Lock) -> None:
        """Wait a moment for as many as went last."""
        with self._lock:
            self._gathering = len(self._waiting) < self._company
        if self._gathering:
            turn.acquire(timeout=COMPANY_SECONDS)

    def _lead(self) -> None:
        """Do the first of those that wait, which is this thread's own, and what fits beside it."""
        with self._lock:
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
            with self._lock:
                self._hand_over()
            for _, turn in together[1:]:
                turn.release()

    def _taken(self) -> list[tuple[Request, Lock]]:
        together = [self._waiting.popleft()]
        posts = len(together[0][0].bundle)
        while self._waiting and posts + len(self._waiting[0][0].bundle) <= TOGETHER:
            together.append(self._waiting.popleft())
            posts += len(together[-1][0].bundle)
        self._posts -= posts
        self._company, self._gathering = len(together), False
        return together

    def _leave(self, request: Request, turn: Lock) -> None:
        """Wait no more, as a thread that is interrupted."""
        with self._lock:
            if (request, turn) in self._waiting:
                self._waiting.remove((request, turn))
                self._posts -= len(request.bundle)
            if self._leader is request:
                self._gathering = False
                self._hand_over()

    def _hand_over(self) -> None:
        """The first of those that wait leads."""
        self._leader, turn = self._waiting[0] if self._waiting else (None, None)
        if turn:
            turn.release()
