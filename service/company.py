"""Calls that come at once are made in company: abreast, by one thread."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from functools import partial
from typing import Any, Generic, TypeVar

from service import abreast

T = TypeVar("T")
_Asked = tuple[Callable[[], T], asyncio.Future[T]]
_End = tuple[asyncio.Future[T], T | None, BaseException | None]
"""Whom to tell, what, or which error."""

MOST_ABREAST = 32
"""Calls that one thread makes together."""
COMPANY_SECONDS = 0.004
"""How long calls wait for company, at most."""
SLOW_SECONDS = 0.02
"""After so long, those that are not begun yet are made by another thread, and so are those that come."""


class Company(Generic[T]):
    """Has calls made by `threads`: those that come while others are being made, by one thread, once these are done.

    After these it waits a moment for as many again, since those who were just answered are on their way back; not
    after one that went alone. Each is told as soon as it has ended.
    """

    def __init__(self, threads: Executor) -> None:
        self._threads = threads
        self._waiting: deque[_Asked[T]] = deque()
        self._under_way: asyncio.Future[int] | None = None
        """What those that come wait for: the calls begun last, unless they have ended or are slow."""
        self._gathering: asyncio.TimerHandle | None = None
        self._answering = False
        self._came_before = self._expected = 0
        """Who waited before the first of these was answered, and may not be on his way back; and who is waited for."""

    async def made(self, call: Callable[[], T]) -> T:
        """What it returns. Raises what it raises."""
        end: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((call, end))
        if not self._under_way and (not self._gathering or len(self._waiting) >= self._expected):
            self._begin()
        return await end

    def _begin(self) -> None:
        """Have those that wait made, as many as may go abreast."""
        self._under_way = None
        if self._gathering:
            self._gathering.cancel()
            self._gathering = None
        if not self._waiting:
            return
        loop = asyncio.get_running_loop()
        together = deque(self._waiting.popleft() for _ in range(min(len(self._waiting), MOST_ABREAST)))
        self._answering = False
        make = partial(self._make, loop, deque())
        try:
            under_way = loop.run_in_executor(self._threads, abreast.run, together, make)
        except RuntimeError as error:  # no thread can be had
            while together:
                _tell(together.popleft()[1], None, error)
            return
        self._under_way = under_way
        slow = loop.call_later(SLOW_SECONDS, self._slow, together)
        under_way.add_done_callback(partial(self._ended, slow))

    def _slow(self, together: deque[Any]) -> None:
        """Wait no more for these, and leave them only what they have begun."""
        with suppress(IndexError):  # none is left
            while True:
                self._waiting.appendleft(together.pop())
        self._begin()

    def _ended(self, slow: asyncio.TimerHandle, done: asyncio.Future[int]) -> None:
        slow.cancel()
        if self._under_way is done:
            self._gather(1 if done.cancelled() or done.exception() else done.result())

    def _gather(self, answered: int) -> None:
        """Wait a moment for as many as were just answered, beside those who came before that."""
        self._expected = min(self._came_before + answered, MOST_ABREAST)
        if len(self._waiting) >= self._expected or self._expected == 1:
            self._begin()
        else:
            self._under_way = None
            self._gathering = asyncio.get_running_loop().call_later(COMPANY_SECONDS, self._begin)

    def _make(self, loop: asyncio.AbstractEventLoop, ended: deque[_End[T]], asked: _Asked[T]) -> None:
        """Make the call, and have its end told in the loop, which is woken once for all that wait to be told."""
        call, end = asked
        try:
            ended.append((end, call(), None))
        except BaseException as raised:  # noqa: BLE001 - raised again by whoever wanted the call
            ended.append((end, None, raised))
        if len(ended) == 1:
            loop.call_soon_threadsafe(self._answer, ended)

    def _answer(self, ended: deque[_End[T]]) -> None:
        if not self._answering:
            self._answering, self._came_before = True, len(self._waiting)
        while ended:
            _tell(*ended.popleft())


def _tell(end: asyncio.Future[Any], made: Any, error: BaseException | None) -> None:
    if end.done():
        return  # whoever wanted it has gone
    if error is None:
        end.set_result(made)
    else:  # a future takes no StopIteration
        end.set_exception(RuntimeError(repr(error)) if isinstance(error, StopIteration) else error)
