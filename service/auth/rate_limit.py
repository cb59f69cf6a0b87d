"""The rate limit: requests per second of each principal, by a sliding window."""

from __future__ import annotations

import time
from dataclasses import dataclass
from threading import Lock

from service.auth.grants import Principal

MAX_TRACKED = 10_000
"""Principals whose requests are counted; beyond that all counts start again."""


class RateLimited(Exception):
    """The principal has sent too many requests; it may send again after `seconds`."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


@dataclass(slots=True)
class _SlidingWindow:
    """Requests counted in the current second of the clock, and in the second before it."""

    second: int
    current: int = 0
    previous: int = 0

    def count(self, at: float, limit: int) -> bool:
        """Count one request at this time, unless the weighted sum of both seconds has reached `limit`."""
        second = int(at)
        if second > self.second:
            self.previous = self.current if second == self.second + 1 else 0
            self.second, self.current = second, 0
        counts = self.current + self.previous * (second + 1 - at) < limit
        self.current += counts
        return counts


class RateLimit:
    """At most `per_second` requests of each principal, in each web process. Safe to share between threads."""

    def __init__(self, per_second: int) -> None:
        self._per_second = per_second
        self._lock = Lock()
        self._windows: dict[str, _SlidingWindow] = {}

    def count(self, principal: Principal) -> None:
        """Count one request. Raises RateLimited."""
        at = time.monotonic()
        with self._lock:
            if len(self._windows) >= MAX_TRACKED and principal.name not in self._windows:
                self._windows.clear()
            window = self._windows.setdefault(principal.name, _SlidingWindow(int(at)))
            if not window.count(at, self._per_second):
                raise RateLimited(1)
