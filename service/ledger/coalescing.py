"""Call coalescing: one thread runs many calls, and work that several of them submit is done once for all of them.

A thread per call would cost as much as the call itself: sixteen threads would wake one another, and contend for the
interpreter's lock, several times per call. Here each call runs in a greenlet until it submits work; then the next call
runs.
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
    """A call of `handle`, made by run(), in a greenlet of its own.

    `waits_for`: the work that the call waits for, and the request that the call submitted to this work; None once the
    call has ended.
    """

    waits_for: tuple[Work[Any], Any] | None

    def resume(self, error: BaseException | None = None) -> None:
        """Run the call until it submits work again or ends. An `error` is raised where the call is suspended."""
        self.waits_for = self.switch() if error is None else self.throw(error)


def submit(work: Work[R], request: R) -> None:
    """Have `work` process `request`, and return when it has done so. Raises what `work` raises.

    Inside run(), the requests that its calls submit to the same `work` are processed together. Outside run(), the
    request is processed alone and at once.
    """
    call = getcurrent()
    if isinstance(call, _Call):
        assert call.parent is not None, "`run` created it"
        call.parent.switch((work, request))
    else:
        work([request])


def run(requests: deque[T], handle: Callable[[T], None]) -> int:
    """Call `handle` for each request in the queue, and return the number of calls made. `handle` must not raise.

    Another thread may take requests out of the queue at the same time; these requests are not handled or counted here.
    """
    count = 0
    suspended: list[_Call] = []
    with suppress(IndexError):  # the queue is empty
        while True:
            call = _Call(partial(handle, requests.popleft()))
            count += 1
            call.resume()
            suspended += [call] if call.waits_for else []
    while suspended:
        _process(suspended)
        suspended = [call for call in suspended if call.waits_for]
    return count


def _process(suspended: Sequence[_Call]) -> None:
    """Run the work that the first suspended call waits for, then resume every call that waits for the same work.

    The work is run once, with the requests of all these calls. If the work raises, each of these calls gets the error.
    """
    [(work, _), *_] = waits = [call.waits_for for call in suspended if call.waits_for]
    error = None
    try:
        work([request for submitted_to, request in waits if submitted_to == work])
    except BaseException as raised:  # noqa: BLE001 - raised again in each call
        error = raised
    for call in suspended:
        if call.waits_for and call.waits_for[0] == work:
            call.resume(error)
