"""The application as it is called in its own process; read_process.py calls it in the read process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Flask

from service.api.http.work import BULK, EXPENSIVE, Work
from service.api.resources.feed import Cursor, Follow
from service.observability.metrics import ProcessState
from service.observability.request_ids import with_fields
from service.server import memory, wsgi
from service.server.wsgi import Answer

LARGE = (BULK, EXPENSIVE)
"""The kinds of work that may use much memory."""


class Local:
    """The application in this process. Thread-safe."""

    def __init__(self, app: Flask) -> None:
        self._app = app

    def answer(self, environment: dict[str, Any], work: Work) -> Answer:
        """The response to the request with this WSGI environment, to which views may add.

        `work`: the kind of work that the request asks for.
        """
        try:
            return wsgi.call(self._app.wsgi_app, environment)
        finally:
            if work in LARGE:
                memory.release()

    def following(self, fields: Mapping[str, str], follow: Follow, after: Cursor) -> tuple[bytes, Cursor]:
        """The next part of a response that streams events, and the cursor at its end (Follow.next).

        `fields`: the log fields of the request.
        """
        return with_fields(fields, follow.next)(self._app.extensions["reader"], after)

    def state(self) -> ProcessState:
        """The state of this process, for the metrics."""
        return self._app.extensions["metrics"].own()  # type: ignore[no-any-return]
