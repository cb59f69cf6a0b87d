"""Calls made abreast by one thread: where all would wait for the same work, it is done for all of them at once.

A thread for each call would cost as much as the call: sixteen of them wake one another, and fight for the interpreter,
several times a call. Here each runs in a greenlet until it asks for work; then the next does.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from greenlet import getcurrent, greenlet

R = TypeVar("R")
T = TypeVar("T")
Work = Callable[[Sequence[R]], None]


class _Call(greenlet):
    """One of those abreast: it stands aside with the work that it waits for and what it asks of it, None at its end."""

    waits: tuple[Work[Any], Any] | None

    def go_on(self, error: BaseException | None = None) -> None:
        """Make it until it waits again, or has ended."""
        self.waits = self.switch() if error is None else self.throw(error)


def do(work: Work[R], asked: R) -> None:
    """Have `work` do this, together with what the calls abreast of this one ask of it. Raises what it raises."""
    call = getcurrent()
    if isinstance(call, _Call):
        assert call.parent is not None, "run made it"
        call.parent.switch((work, asked))
    else:
        work([asked])


def run(asked: deque[T], make: Callable[[T], None]) -> int:
    """`make` a call of each, which must not raise; how many were made. What is taken out meanwhile is not begun."""
    begun = 0
    waiting: list[_Call] = []
    with suppress(IndexError):  # none is left
        while True:
            call = _Call(partial(make, asked.popleft()))
            begun += 1
            call.go_on()
            waiting += [call] if call.waits else []
    while waiting:
        _work_for(waiting)
        waiting = [call for call in waiting if call.waits]
    return begun


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
