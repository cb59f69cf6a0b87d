"""Delays what comes too often, so that a client that repeats a request without a pause cannot occupy the event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

DELAY_SECONDS = 1.0


class Brake:
    """Lets `per_second` calls pass in each second of the clock, and delays each further call by DELAY_SECONDS."""

    def __init__(self, per_second: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second, self._clock = per_second, clock
        self._second = self._passed = 0

    async def pass_by(self) -> None:
        """Return at once, or after a delay."""
        second = int(self._clock())
        if second != self._second:
            self._second, self._passed = second, 0
        self._passed += 1
        if self._passed > self._per_second:
            await asyncio.sleep(DELAY_SECONDS)
