"""Logs: JSON lines, or readable text on a terminal. Values are logged under keys, never within the message."""

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

from service.observability import request_ids

TRACEBACKS = structlog.processors.ExceptionRenderer(
    structlog.tracebacks.ExceptionDictTransformer(show_locals=False)  # locals contain account numbers and secrets
)


def configure(*, in_background: bool = False) -> None:
    """Log to standard error.

    `in_background` is for a process that calls this function only once, and has two effects. A separate thread writes
    the lines until `BACKGROUND.finish` is called, unless standard error is a terminal. Each logger keeps its first
    configuration, which saves time per line.
    """
    pretty = sys.stderr.isatty()
    renderer: Any = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if pretty
        else structlog.processors.JSONRenderer(serializer=_json)
    )
    direct = structlog.WriteLoggerFactory(file=sys.stderr)
    structlog.configure(
        processors=[
            request_ids.add_fields,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([] if pretty else [TRACEBACKS]),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger("info"),
        logger_factory=BACKGROUND if in_background and not pretty else direct,
        cache_logger_on_first_use=in_background,
    )


_ENCODER = msgspec.json.Encoder(enc_hook=repr)


def _json(event: Any, **_: Any) -> str:
    return _ENCODER.encode(event).decode()


class Background:
    """A logger whose own thread writes the queued lines to standard error, so that no request waits for its log line.

    A line is lost if the process is killed while the line is queued, or if MAX_QUEUED lines are already queued when the
    line is logged.
    """

    MAX_QUEUED = 100_000
    GATHER_SECONDS = 0.05
    ATOMIC_WRITE_BYTES = 4_096  # a pipe does not interleave a write of this size with those of other processes

    def __init__(self) -> None:
        self._lines: SimpleQueue[str | None] = SimpleQueue()
        self._thread: Thread | None = None
        self._finished, self._lock = False, Lock()

    def __call__(self, *_: Any) -> Background:
        """Return this object. It is structlog's logger factory too: structlog calls it to get a logger."""
        return self

    def msg(self, line: str) -> None:
        if self._finished:
            self._write([line])
            return
        if self._lines.qsize() < self.MAX_QUEUED:
            self._lines.put(line)
        if self._thread is None:
            self._start()

    debug = info = warning = error = critical = exception = msg

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = Thread(target=self._run, name="log", daemon=True)
                self._thread.start()
                atexit.register(self.finish)

    def finish(self) -> None:
        """Write the queued lines.

        A line that is logged after this call is written at once by the thread that logs it.
        """
        with self._lock:
            if self._thread is None or self._finished:
                return
            self._finished = True
        self._lines.put(None)
        self._thread.join(timeout=5)
        if not self._thread.is_alive():
            self._write(self._dequeue())

    def _run(self) -> None:
        while (line := self._lines.get()) is not None:
            time.sleep(self.GATHER_SECONDS)  # woken for each line, this thread would use as much CPU as request threads
            self._write([line, *self._dequeue()])

    def _dequeue(self) -> list[str]:
        """Take all queued lines, up to the end marker (None)."""
        lines: list[str] = []
        while not self._lines.empty():
            if (line := self._lines.get()) is None:
                self._lines.put(None)  # put back, so that `_run` also receives it and ends
                break
            lines.append(line)
        return lines

    def _write(self, lines: list[str]) -> None:
        part = b""
        for line in lines:
            encoded = f"{line}\n".encode(errors="backslashreplace")
            if part and len(part) + len(encoded) > self.ATOMIC_WRITE_BYTES:
                _write_all(part)
                part = b""
            part += encoded
        if part:
            _write_all(part)


def _write_all(part: bytes) -> None:
    with suppress(OSError, ValueError):  # a full disk or a closed pipe
        while part:
            part = part[os.write(sys.stderr.fileno(), part) :]


BACKGROUND = Background()
