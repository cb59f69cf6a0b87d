"""Waiting for a condition, never without a limit."""

from __future__ import annotations

import time
from collections.abc import Callable

MAX_SECONDS = 180.0
"""How long the site may take to recover, and every step of a fault."""


def wait_until(condition: Callable[[], object], what: str, pause: float = 0.05) -> None:
    """Ask for `condition` until it is true. Raises TimeoutError, with `what` was waited for, after MAX_SECONDS."""
    until = time.monotonic() + MAX_SECONDS
    while not condition():
        if time.monotonic() > until:
            raise TimeoutError(f"after {MAX_SECONDS:.0f} s: not {what}")
        time.sleep(pause)
