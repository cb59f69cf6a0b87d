"""The projector: folds new events into the projections after each NOTIFY; it also polls, in case a NOTIFY is lost.

If an event cannot be folded, only the fund of this event is held. After any other error the projector tries again.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

import psycopg
import structlog
from psycopg import Connection
from psycopg.rows import tuple_row

from projections import SPAN, FoldStopped, Span, advance
from projections.held_fund import hold
from service.postgres import session

log = structlog.get_logger()

POLL_SECONDS = 0.5


class Retry(NamedTuple):
    """How the projector logs an error (`event`, `level`), and how long it then waits.

    The wait is `first_seconds` after the first error, and doubles with each further error in a row, up to
    `max_pause_seconds`.
    """

    event: str
    level: int
    first_seconds: float
    max_pause_seconds: float

    def pause(self, errors: int) -> float:
        """The seconds to wait after this many errors in a row."""
        return min(self.first_seconds * 2.0 ** min(errors - 1, 30), self.max_pause_seconds)


LOST = Retry("projector lost the database", logging.WARNING, 0.5, 5.0)
REFUSED = Retry("projector cannot fold", logging.ERROR, 1.0, 60.0)
"""How the projector logs an error, and waits after it, if PostgreSQL reports the error but the events do not cause it:
for instance a full disk, a missing privilege, a timeout or a lock."""
ENDED = ("08", "57P", "25P03")
"""Beginnings of SQLSTATEs. An error with such an SQLSTATE means that the server has ended the connection, or accepts
none while it starts or stops."""


def follow(url: str, stop: threading.Event, wait: Callable[[float], object] | None = None) -> None:
    """Fold new events until `stop` is set; try again after errors of the database.

    `wait` is called with the seconds to wait before the next attempt; default: `stop.wait`, which ends early when
    `stop` is set. Raises FoldStopped if an event cannot be folded and names no fund that could be held.
    """
    errors = _Errors(wait or stop.wait)
    while not stop.is_set():
        try:
            with session.connect(url, session.WORKERS, row_factory=tuple_row) as conn:
                conn.execute("listen ledger_events")
                log.info("projector following")
                _follow(conn, stop, errors)
        except psycopg.Error as error:
            errors.add(error)


class _Errors:
    """Counts successive errors of the same kind (LOST or REFUSED); logs each error, and waits after it."""

    def __init__(self, wait: Callable[[float], object]) -> None:
        self._wait, self._retry, self._in_a_row = wait, LOST, 0

    def reset(self) -> None:
        """Forget the earlier errors, after a success."""
        self._retry, self._in_a_row = LOST, 0

    def add(self, error: psycopg.Error) -> None:
        retry = LOST if error.sqlstate is None or error.sqlstate.startswith(ENDED) else REFUSED
        self._in_a_row = self._in_a_row + 1 if retry is self._retry else 1
        self._retry = retry
        seconds = retry.pause(self._in_a_row)
        at = "; ".join(getattr(error, "__notes__", ()))
        facts = {"sqlstate": error.sqlstate, "reason": str(error).strip(), "pause_seconds": seconds}
        log.log(retry.level, retry.event, at=at, **facts)
        self._wait(seconds)

    @property
    def max_events(self) -> int:
        """The maximum number of events in the next span; each REFUSED error in a row halves it.

        A span that is too large for a limit of the server is thus folded in parts. If a single event is refused, the
        spans shrink until the service's log names this event.
        """
        return max(SPAN >> self._in_a_row, 1) if self._retry is REFUSED else SPAN


def _follow(conn: Connection[Any], stop: threading.Event, errors: _Errors) -> None:
    while not stop.is_set():
        while not stop.is_set() and (span := fold(conn, errors.max_events)):
            log.debug("folded", after=span.after, upto=span.upto)
            errors.reset()
        errors.reset()
        for _ in conn.notifies(timeout=POLL_SECONDS, stop_after=1):
            pass


def fold(conn: Connection[Any], max_events: int = SPAN) -> Span | None:
    """Fold and return the next span; None if all is folded. Hold the fund of each event that cannot be folded.

    Raises FoldStopped if an event that cannot be folded names no fund.
    """
    while True:
        try:
            return advance(conn, max_events)
        except FoldStopped as stopped:
            fund = hold(conn, stopped.position, stopped.projection, stopped.finding)
            if fund is None:
                raise
            log.error("fund held", fund=fund, **stopped.facts)  # noqa: TRY400 - the finding has all details


def catch_up(url: str) -> int:
    """Fold all recorded events; return the position reached, or 0 if there was nothing to fold."""
    with session.connect(url, session.COMMANDS, row_factory=tuple_row) as conn:
        reached = 0
        while span := fold(conn):
            reached = span.upto
    return reached
