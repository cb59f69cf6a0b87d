"""The rate limit: requests per second of each principal, counted in a sliding window."""

from __future__ import annotations

import time
from dataclasses import dataclass
from threading import Lock

from service.auth.grants import Principal

MAX_TRACKED = 10_000
"""Maximum number of principals whose requests are counted. If one more sends a request, all counts begin again
at 0."""


class RateLimited(Exception):
    """The principal sent too many requests; it may send again after `seconds`."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


@dataclass(slots=True)
class _SlidingWindow:
    """The number of a principal's requests in the current second of the clock, and in the second before."""

    second: int
    current: int = 0
    previous: int = 0

    def count(self, at: float, limit: int) -> bool:
        """Count a request at time `at`; return False, without counting it, if the window has reached `limit`.

        The window is the one second that ends at `at`. Requests are counted per second of the clock, so their number in
        the window is an estimate: all requests of the current second, and a share of the requests of the previous
        second. If the window covers 30 % of the previous second, for example, the share is 30 %.
        """
        second = int(at)
        if second > self.second:
            self.previous = self.current if second == self.second + 1 else 0
            self.second, self.current = second, 0
        allowed = self.current + self.previous * (second + 1 - at) < limit
        self.current += allowed
        return allowed


class RateLimit:
    """Allows each principal `per_second` requests per second in each web process. Thread-safe."""

    def __init__(self, per_second: int) -> None:
        self._per_second = per_second
        self._lock = Lock()
        self._windows: dict[str, _SlidingWindow] = {}

    def count(self, principal: Principal) -> None:
        """Count one request of `principal`. Raises RateLimited if the principal has reached the limit."""
        at = time.monotonic()
        with self._lock:
            if len(self._windows) >= MAX_TRACKED and principal.name not in self._windows:
                self._windows.clear()
            window = self._windows.setdefault(principal.name, _SlidingWindow(int(at)))
            if not window.count(at, self._per_second):
                raise RateLimited(1)
