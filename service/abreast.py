"""Calls made abreast by one thread: where all would wait for the same work, it is done for all of them at once.

A thread for each call would cost as much as the call: sixteen of them wake one another, and fight for the interpreter,
several times a call. Here each runs in a greenlet until it asks for work; then the next does.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Any, Generic, TypeVar

from greenlet import getcurrent, greenlet

T = TypeVar("T")
R = TypeVar("R")
Work = Callable[[Sequence[R]], None]

MOST_ABREAST = 32
COMPANY_SECONDS = 0.004
"""How long calls wait for company, at most."""
SLOW_SECONDS = 0.02
"""After so long, those that come wait no more for the calls before them, and another thread makes theirs."""


class _Call(greenlet):
    """One of those abreast: it stands aside with the work that it waits for and what it asks of it, None at its end."""

    waits: tuple[Work[Any], Any] | None

    def go_on(self, error: BaseException | None = None) -> None:
        """Make it until it waits again, or has ended."""
        self.waits = self.throw(error) if error else self.switch()


def do(work: Work[R], asked: R) -> None:
    """Have `work` do this, together with what the calls abreast of this one ask of it. Raises what it raises."""
    call = getcurrent()
    if isinstance(call, _Call):
        assert call.parent is not None, "run made it"
        call.parent.switch((work, asked))
    else:
        work([asked])


def run(calls: Sequence[Callable[[], T]]) -> list[T | BaseException]:
    """What each returns, or raises."""
    ends: list[Any] = [None] * len(calls)

    def make(nth: int) -> None:
        try:
            ends[nth] = calls[nth]()
        except BaseException as error:  # noqa: BLE001 - raised again by whoever wanted the call
            ends[nth] = error

    going = [_Call(partial(make, nth)) for nth in range(len(calls))]
    for call in going:
        call.go_on()
    while waiting := [call for call in going if call.waits]:
        _work_for(waiting)
    return ends


def _work_for(waiting: Sequence[_Call]) -> None:
    """Do the work that the first waits for, for all that wait for it."""
    [(work, _), *_] = waits = [call.waits for call in waiting if call.waits]
    error = None
    try:
        work([asked for same, asked in waits if same == work])
    except BaseException as raised:  # noqa: BLE001 - raised again in each call
        error = raised
    for call in waiting:
        if call.waits and call.waits[0] == work:
            call.go_on(error)


class Abreast(Generic[T]):
    """Has calls made by `threads`: those that come while others are being made, by one thread, once these are done.

    After these it waits a moment for as many again, since those who were just answered are on their way back; not
    after one that went alone.
    """

    def __init__(self, threads: Executor) -> None:
        self._threads = threads
        self._waiting: deque[tuple[Callable[[], T], asyncio.Future[T]]] = deque()
        self._under_way: asyncio.Future[Any] | None = None
        """What those that come wait for: the calls begun last, unless they have ended or are slow."""
        self._gathering: asyncio.TimerHandle | None = None
        self._company = 0

    async def made(self, call: Callable[[], T]) -> T:
        """What it returns. Raises what it raises."""
        end: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((call, end))
        if not self._under_way and (not self._gathering or len(self._waiting) >= self._company):
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
        together = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST_ABREAST))]
        loop = asyncio.get_running_loop()
        self._under_way = under_way = loop.run_in_executor(self._threads, run, [call for call, _ in together])
        slow = loop.call_later(SLOW_SECONDS, self._slow, under_way)
        under_way.add_done_callback(partial(self._ended, [end for _, end in together], slow))

    def _slow(self, under_way: asyncio.Future[Any]) -> None:
        if self._under_way is under_way:
            self._begin()

    def _gather(self, answered: int) -> None:
        """Wait a moment for as many as wait already and were just answered."""
        self._company = min(len(self._waiting) + answered, MOST_ABREAST)
        if len(self._waiting) >= self._company or self._company == 1:
            self._begin()
        else:
            self._under_way = None
            self._gathering = asyncio.get_running_loop().call_later(COMPANY_SECONDS, self._begin)

    def _ended(self, ends: Sequence[asyncio.Future[T]], slow: asyncio.TimerHandle, done: asyncio.Future[Any]) -> None:
        slow.cancel()
        if self._under_way is done:
            self._gather(len(ends))
        error = done.exception()
        for end, made in zip(ends, [error] * len(ends) if error else done.result(), strict=True):
            if end.done():
                continue  # whoever wanted it has gone
            if isinstance(made, BaseException):
                end.set_exception(made)
            else:
                end.set_result(made)
