"""The projector: follows the log and folds it, told by NOTIFY, with a poll for the notice that was lost."""

from __future__ import annotations

import threading
import time

import psycopg
import structlog
from psycopg.rows import tuple_row

import projections

log = structlog.get_logger()

POLL_SECONDS = 0.5
RECONNECT_SECONDS = 1.0


def follow(url: str, stop: threading.Event) -> None:
    """Fold until `stop` is set. Survives the database's restarts; raises FoldStopped if the log itself is at fault."""
    while not stop.is_set():
        try:
            with psycopg.connect(url, autocommit=True, row_factory=tuple_row) as conn:
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
    """Fold all there is now; return the position reached."""
    with psycopg.connect(url, autocommit=True, row_factory=tuple_row) as conn:
        reached = 0
        while span := projections.advance(conn):
            reached = span.upto
    return reached
