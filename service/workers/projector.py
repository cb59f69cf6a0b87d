"""The projector: folds new events into the projections after each NOTIFY; it also polls, in case one is lost."""

from __future__ import annotations

import threading
import time

import psycopg
import structlog
from psycopg.rows import tuple_row

import projections
from service.postgres import session

log = structlog.get_logger()

POLL_SECONDS = 0.5
RECONNECT_SECONDS = 1.0


def follow(url: str, stop: threading.Event) -> None:
    """Fold new events until `stop` is set; reconnect after a restart of the database.

    Raises FoldStopped if an event cannot be folded.
    """
    while not stop.is_set():
        try:
            with session.connect(url, session.WORKERS, row_factory=tuple_row) as conn:
                conn.execute("listen ledger_events")
                log.info("projector following")
                _follow(conn, stop)
        except psycopg.OperationalError as error:
            log.warning("projector lost the database", reason=str(error).strip())
            time.sleep(RECONNECT_SECONDS)


def _follow(conn: psycopg.Connection[tuple[object, ...]], stop: threading.Event) -> None:
    while not stop.is_set():
        while not stop.is_set() and (span := projections.advance(conn)):
            log.debug("folded", after=span.after, upto=span.upto)
        for _ in conn.notifies(timeout=POLL_SECONDS, stop_after=1):
            pass


def catch_up(url: str) -> int:
    """Fold all recorded events; return the position reached, or 0 if there was nothing to fold."""
    with session.connect(url, session.COMMANDS, row_factory=tuple_row) as conn:
        reached = 0
        while span := projections.advance(conn):
            reached = span.upto
    return reached
