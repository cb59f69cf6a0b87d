"""Logs: one JSON line per request and per post, pretty on a terminal. Keys, never sentences with values in them."""

from __future__ import annotations

import atexit
import os
import sys
import time
from contextlib import suppress
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any

import msgspec
import structlog
from flask import Flask, Response, g, request

from service.ledger.outcomes import Counted, Refusal
from service.observability import metrics

log = structlog.get_logger()
TRACEBACKS = structlog.processors.ExceptionRenderer(
    structlog.tracebacks.ExceptionDictTransformer(show_locals=False)  # locals hold account numbers and secrets
)


def configure(*, in_background: bool = False) -> None:
    """Log to standard error; `in_background`: by a thread of its own, until `finish`."""
    pretty = sys.stderr.isatty()
    renderer: Any = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if pretty
        else structlog.processors.JSONRenderer(serializer=_json)
    )
    direct = structlog.WriteLoggerFactory(file=sys.stderr)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([] if pretty else [TRACEBACKS]),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger("info"),
        logger_factory=BACKGROUND if in_background and not pretty else direct,
        cache_logger_on_first_use=True,
    )


_ENCODER = msgspec.json.Encoder(enc_hook=repr)


def _json(event: Any, **_: Any) -> str:
    return _ENCODER.encode(event).decode()


class Background:
    """Writes lines to standard error by a thread of its own, all that wait: no request waits for its log.

    What is waiting when the process is killed is lost, and so is what comes while too much waits.
    """

    MAX_QUEUED = 100_000
    GATHER_SECONDS = 0.05
    ATOMIC_WRITE_BYTES = 4_096  # what a pipe takes whole, whoever else writes to it

    def __init__(self) -> None:
        self._lines: SimpleQueue[str | None] = SimpleQueue()
        self._thread: Thread | None = None
        self._ended, self._changing = False, Lock()

    def __call__(self, *_: Any) -> Background:
        """The logger, as structlog asks for it."""
        return self

    def msg(self, line: str) -> None:
        if self._ended:
            self._write([line])
            return
        if self._lines.qsize() < self.MAX_QUEUED:
            self._lines.put(line)
        if self._thread is None:
            self._begin()

    debug = info = warning = error = critical = exception = msg

    def _begin(self) -> None:
        with self._changing:
            if self._thread is None:
                self._thread = Thread(target=self._follow, name="log", daemon=True)
                self._thread.start()
                atexit.register(self.finish)

    def finish(self) -> None:
        """Write what waits; from now on lines are written at once."""
        with self._changing:
            if self._thread is None or self._ended:
                return
            self._ended = True
        self._lines.put(None)
        self._thread.join(timeout=5)
        if not self._thread.is_alive():
            self._write(self._taken())

    def _follow(self) -> None:
        while (line := self._lines.get()) is not None:
            time.sleep(self.GATHER_SECONDS)  # woken for each line, this thread would be as busy as those that answer
            self._write([line, *self._taken()])

    def _taken(self) -> list[str]:
        """What waits, up to the end."""
        lines: list[str] = []
        while not self._lines.empty():
            if (line := self._lines.get()) is None:
                self._lines.put(None)  # the thread is to see it too
                break
            lines.append(line)
        return lines

    def _write(self, lines: list[str]) -> None:
        part = b""
        for line in lines:
            told = f"{line}\n".encode(errors="backslashreplace")
            if part and len(part) + len(told) > self.ATOMIC_WRITE_BYTES:
                _write_whole(part)
                part = b""
            part += told
        if part:
            _write_whole(part)


def _write_whole(part: bytes) -> None:
    with suppress(OSError, ValueError):  # a full disk or a closed pipe
        while part:
            part = part[os.write(sys.stderr.fileno(), part) :]


BACKGROUND = Background()


def install(app: Flask) -> None:
    """Log each request's outcome, and those of its posts."""

    @app.before_request
    def _begin() -> None:
        g.started, g.posts = time.perf_counter(), []

    @app.after_request
    def _end(response: Response) -> Response:
        with suppress(OSError, ValueError):  # a full disk or a closed pipe must not unsay what was recorded
            _log(response)
        return response


METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"})
"""What is counted by its own name: anybody may send any other word."""


def _log(response: Response) -> None:
    key = getattr(g.get("principal"), "name", None)
    seconds = time.perf_counter() - g.started
    rule = request.url_rule
    route = rule.rule if rule else "none"
    method = request.method
    metrics.REQUESTS.labels(method if method in METHODS else "other", route, response.status_code).inc()
    metrics.SECONDS.labels(route).observe(seconds)
    for item in g.posts:
        _log_item(item, key)
    log.info(
        "request",
        method=method,
        path=request.path,
        status=response.status_code,
        key=key,
        problem=g.get("outcome"),
        milliseconds=round(seconds * 1000, 1),
    )


def _log_item(item: Any, key: str | None) -> None:
    """One posted event: counted for the metrics, and told in the log."""
    metrics.POSTS.labels(item.result).inc()
    said: dict[str, Any] = {"outcome": item.result}
    if item.post:
        said |= {
            "type": type(item.post.posted.fact).__name__,
            "stream": item.post.posted.stream,
            "source": item.post.identity.source,
            "id": item.post.identity.id,
        }
    if isinstance(item.outcome, Counted):
        said["position"] = item.outcome.first
    if isinstance(item.outcome, Refusal):
        said["rule"] = type(item.outcome.rule).__name__
        metrics.REFUSALS.labels(said["rule"]).inc()
    log.info("post", key=key, **said)
