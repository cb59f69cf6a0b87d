"""The application as the gateway calls it: in this process (Local), or in the read process (read_process.py)."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Mapping
from typing import Any, Protocol

from flask import Flask

from service.api.http.work import BULK, EXPENSIVE, Work
from service.api.resources.feed import Cursor, Follow
from service.observability.request_ids import with_fields
from service.server import wsgi
from service.server.wsgi import Answer

LARGE = (BULK, EXPENSIVE)
"""The kinds of work that may use much memory."""
TRIM = getattr(ctypes.CDLL(None), "malloc_trim", None)
"""The function of glibc that gives unused memory back to the operating system; None with another C library."""


class Application(Protocol):
    """What the gateway needs of the application. Thread-safe."""

    def answer(self, environment: dict[str, Any], work: Work) -> Answer:
        """The response to the request with this WSGI environment, to which the application may add.

        `work`: the kind of work that the request asks for.
        """

    def following(self, fields: Mapping[str, str], follow: Follow, after: Cursor) -> tuple[bytes, Cursor]:
        """The next part of a response that streams events, and the cursor at its end (Follow.next).

        `fields`: the log fields of the request.
        """


class Local:
    """The application in this process."""

    def __init__(self, app: Flask) -> None:
        self._app = app

    def answer(self, environment: dict[str, Any], work: Work) -> Answer:
        try:
            return wsgi.call(self._app.wsgi_app, environment)
        finally:
            if work in LARGE:
                _release_memory()

    def following(self, fields: Mapping[str, str], follow: Follow, after: Cursor) -> tuple[bytes, Cursor]:
        return with_fields(fields, follow.next)(self._app.extensions["reader"], after)


def _release_memory() -> None:
    """Give unused memory back to the operating system."""
    gc.collect()  # the errors of a large body are in reference cycles with their tracebacks
    if TRIM:
        TRIM(0)
