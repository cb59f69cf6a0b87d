"""Requests that come at once go to the database together: whoever finds it free takes all that wait along.

Alone, a request goes at once. While one is on its way, those that come wait, and the next takes them all: so under
load a transaction carries many requests, each with an outcome of its own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from threading import Condition

from service.ledger.draft import Request

TOGETHER = 1_000
"""Posts that go in one transaction, but for a bundle that has more."""
MOST_WAITING = 20_000
"""Posts that may wait; who comes then is told to come again."""


class Overloaded(Exception):
    """As many posts wait as may."""


class Merger:
    """`work` does requests together and tells each its outcomes or its error. One thread at a time does it.

    Two were tried: no faster on many streams, and slower on one, which they overtake each other on.
    """

    def __init__(self, work: Callable[[Sequence[Request]], None]) -> None:
        self._work, self._free = work, True
        self._changed = Condition()
        self._waiting: deque[Request] = deque()
        self._posts = 0

    def do(self, request: Request) -> None:
        """Have it done, by this thread or by another. Raises Overloaded."""
        with self._changed:
            if self._posts + len(request.bundle) > MOST_WAITING:
                raise Overloaded
            self._waiting.append(request)
            self._posts += len(request.bundle)
            while not self._free and not request.done:
                self._changed.wait()
            if request.done:
                return
            self._free = False
            together = self._taken(request)
        try:
            self._work(together)
        except BaseException as error:
            for each in together:
                if each.outcomes is None:
                    each.error = error
            raise
        finally:
            with self._changed:
                for each in together:  # not before: an outcome may stand there that is not committed yet
                    each.done = True
                self._free = True
                self._changed.notify_all()

    def _taken(self, mine: Request) -> list[Request]:
        """The thread's own request, and of those that wait the first, as far as they fit."""
        self._waiting.remove(mine)
        together, posts = [mine], len(mine.bundle)
        while self._waiting and posts + len(self._waiting[0].bundle) <= TOGETHER:
            together.append(self._waiting.popleft())
            posts += len(together[-1].bundle)
        self._posts -= posts
        return together
