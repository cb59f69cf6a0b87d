"""The streams that this version of the program cannot read, because a newer version recorded an event in them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from threading import Lock

import structlog

from service.codec import NewerEvent

REMEMBERED_SECONDS = 30.0
"""How long a stream counts as one that cannot be read. Replaying it again would give the same error until the program
is upgraded, and upgrading restarts it. Only a restore or a failover can remove the event from the log; then the stream
can be posted to again after this time."""


log = structlog.get_logger(__name__)


class NewerStreams:
    """Remembers for REMEMBERED_SECONDS which streams have an event that this version cannot read.

    No state of such a stream can be cached. Without this memory, each post to it would replay the stream.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._errors: dict[str, tuple[NewerEvent, float]] = {}
        """The error of each stream, and the time until which it is remembered."""
        self._lock = Lock()

    def remember(self, error: NewerEvent) -> None:
        log.warning("newer event", stream=error.stream, type=error.event_type, fields=error.fields)
        with self._lock:
            now = self._clock()
            self._errors = {name: each for name, each in self._errors.items() if each[1] > now}
            self._errors[error.stream] = error, now + REMEMBERED_SECONDS

    def check(self, names: Iterable[str]) -> None:
        """Raises NewerEvent if one of the streams `names` cannot be read."""
        if not self._errors:
            return
        for name in names:
            error, until = self._errors.get(name, (None, 0.0))
            if error and until > self._clock():
                # not the remembered exception itself, to which each raise would add a traceback
                raise type(error)(error.stream, error.event_type, error.fields)
