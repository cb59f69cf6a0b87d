"""Requests that come at once go to the database together: whoever finds it free takes all that wait along.

A party is what one thread wants done: one request, or those of posts that are answered abreast. Alone, it goes at once.
While one is on its way, those that come wait, and the first of them takes them all: so under load a transaction carries
many requests, each with an outcome of its own. After many, it waits a moment for as many again: those who were just
answered are on their way back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from threading import Lock

from service.ledger.draft import Request

TOGETHER = 1_000
"""Posts that go in one transaction, but for a bundle that has more."""
MOST_WAITING = 20_000
"""Posts that may wait; who comes then is told to come again."""
COMPANY_SECONDS = 0.001
"""How long a party waits for company, at most; not at all after one that went alone."""


class Overloaded(Exception):
    """As many posts wait as may."""


def parties(requests: Iterable[Request]) -> Iterator[list[Request]]:
    """The requests in turn, as many in each party as may go together; one that is larger by itself."""
    party: list[Request] = []
    posts = 0
    for request in requests:
        if party and posts + len(request.bundle) > TOGETHER:
            yield party
            party, posts = [], 0
        party.append(request)
        posts += len(request.bundle)
    if party:
        yield party


class _Party:
    """What one thread waits for: requests that are done together, when it is their `turn` or by another's thread."""

    __slots__ = ("posts", "requests", "turn")

    def __init__(self, requests: Sequence[Request]) -> None:
        self.requests, self.turn = requests, Lock()
        self.posts = sum(len(request.bundle) for request in requests)
        self.turn.acquire()

    @property
    def done(self) -> bool:
        return all(request.done for request in self.requests)


class Merger:
    """`work` does requests together and tells each its outcomes or its error. One thread at a time leads: it does it.

    Two leaders were tried: no faster on many streams, and slower on one, which they overtake each other on. Each thread
    waits on a lock of its own: woken all at once, they would spend more time on each other than on the posts.
    """

    def __init__(self, work: Callable[[Sequence[Request]], None]) -> None:
        self._work = work
        self._lock = Lock()
        self._waiting: deque[_Party] = deque()
        self._posts = 0
        self._leader: _Party | None = None
        self._company, self._gathering = 1, False

    def do(self, *requests: Request) -> None:
        """Have them done, by this thread or by another. Raises Overloaded."""
        party = _Party(requests)
        with self._lock:
            self._join(party)
            leads = self._leader is party
        try:
            if not leads:
                party.turn.acquire()  # until it is done, or is the first of those that wait
            if not party.done:
                self._gather(party)
        except BaseException:
            self._leave(party)
            raise
        if not party.done:
            self._lead()

    def _join(self, party: _Party) -> None:
        if self._posts + party.posts > MOST_WAITING:
            raise Overloaded
        self._waiting.append(party)
        self._posts += party.posts
        self._leader = self._leader or party
        if self._gathering and len(self._waiting) >= self._company:
            self._gathering = False
            self._waiting[0].turn.release()

    def _gather(self, party: _Party) -> None:
        """Wait a moment for as many as went last."""
        with self._lock:
            self._gathering = len(self._waiting) < self._company
        if self._gathering:
            party.turn.acquire(timeout=COMPANY_SECONDS)

    def _lead(self) -> None:
        """Do the first of those that wait, which is this thread's own, and what fits beside it."""
        with self._lock:
            together = self._taken()
        requests = [request for party in together for request in party.requests]
        try:
            self._work(requests)
        except BaseException as error:
            for request in requests:
                if request.outcomes is None:
                    request.error = error
            raise
        finally:
            for request in requests:  # not before: an outcome may stand there that is not committed yet
                request.done = True
            with self._lock:
                self._hand_over()
            for party in together[1:]:
                party.turn.release()

    def _taken(self) -> list[_Party]:
        together = [self._waiting.popleft()]
        posts = together[0].posts
        while self._waiting and posts + self._waiting[0].posts <= TOGETHER:
            together.append(self._waiting.popleft())
            posts += together[-1].posts
        self._posts -= posts
        self._company, self._gathering = len(together), False
        return together

    def _leave(self, party: _Party) -> None:
        """Wait no more, as a thread that is interrupted."""
        with self._lock:
            if party in self._waiting:
                self._waiting.remove(party)
                self._posts -= party.posts
            if self._leader is party:
                self._gathering = False
                self._hand_over()

    def _hand_over(self) -> None:
        """The first of those that wait leads."""
        self._leader = self._waiting[0] if self._waiting else None
        if self._leader:
            self._leader.turn.release()
