"""Read the projections: named queries on one database snapshot, which has the log position that it reflects."""

from __future__ import annotations

import select
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import Any

from psycopg import Connection, IsolationLevel
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

from projections import ORDER
from service.postgres.connect import TCP_USER_TIMEOUT_MILLISECONDS
from service.postgres.queries import QUERIES

Row = dict[str, Any]
WAIT_SECONDS = 2.0
"""How long a reader waits for a connection, and for the projections to reach its minimum position."""
POLL_SECONDS = 0.01
MAX_WAITING = 4
"""How many readers may wait for a position at a time; the next one gets NotYet at once."""


class NotInTheLog(Exception):
    """The log does not have the requested position yet; `head` is its last position."""

    def __init__(self, head: int) -> None:
        super().__init__(head)
        self.head = head


class NotYet(Exception):
    """The projections have not reached the requested position; `position` is the one they have reached."""

    def __init__(self, position: int) -> None:
        super().__init__(position)
        self.position = position


NO_VALUES_IN_LOGS = "set log_parameter_max_length_on_error = 0"
"""For an external server. Only its superuser can set log_parameter_max_length (docs/operations.md)."""
READ_TIMEOUT = "15s"
"""A longer read is cancelled, because it occupies a thread and a connection."""


def open_pool(url: str, size: int) -> ConnectionPool[Connection[Row]]:
    """A pool of `size` read-only connections; each transaction reads one snapshot (repeatable read)."""

    def configure(conn: Connection[Row]) -> None:
        conn.execute(f"set statement_timeout = '{READ_TIMEOUT}'".encode())
        conn.execute(NO_VALUES_IN_LOGS)
        conn.commit()
        conn.isolation_level = IsolationLevel.REPEATABLE_READ
        conn.read_only = True

    return _pool(url, size, configure)


def keys_pool(url: str) -> ConnectionPool[Connection[Row]]:
    """A separate pool for looking up keys: authentication must not queue behind slow reads."""

    def configure(conn: Connection[Row]) -> None:
        conn.autocommit = True
        conn.execute(f"set statement_timeout = '{READ_TIMEOUT}'".encode())
        conn.execute(NO_VALUES_IN_LOGS)

    return _pool(url, 2, configure)


def _check_open(conn: Connection[Row]) -> None:
    """Called by the pool before it lends a connection. Raises OperationalError if the server has ended the session.

    A server that ends an idle session says so, so that the socket can be read; a silent one costs no round trip.
    """
    readable = select.poll()
    readable.register(conn.fileno(), select.POLLIN)
    if readable.poll(0):
        conn.execute("select")


def _pool(url: str, size: int, configure: Callable[[Connection[Row]], None]) -> ConnectionPool[Connection[Row]]:
    return ConnectionPool(
        url,
        connection_class=Connection[Row],
        kwargs={"row_factory": dict_row, "tcp_user_timeout": TCP_USER_TIMEOUT_MILLISECONDS},
        min_size=1,
        max_size=size,
        configure=configure,
        check=_check_open,
        timeout=WAIT_SECONDS,
        open=True,
    )


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The projections at one moment. `position` is the last event they have folded, `head` the log's last position."""

    conn: Connection[Row]
    position: int
    head: int

    def rows(self, query: str, **params: object) -> list[Row]:
        return [flat(row) for row in self.conn.execute(QUERIES[query], params)]

    def one(self, query: str, **params: object) -> Row | None:
        return next(iter(self.rows(query, **params)), None)


def flat(row: Row) -> Row:
    """The row with its column `figures`, an object, replaced by the object's fields in the same place."""
    return {
        name: value
        for column, each in row.items()
        for name, value in (each.items() if column == "figures" else ((column, each),))
    }


class Reader:
    """Opens read snapshots. A snapshot never has only part of an event's effects."""

    def __init__(self, pool: ConnectionPool[Connection[Row]]) -> None:
        self._pool = pool
        self._waiting = BoundedSemaphore(MAX_WAITING)

    def close(self) -> None:
        self._pool.close()

    @contextmanager
    def at(self, min_position: int = 0) -> Iterator[Snapshot]:
        """A snapshot that has folded at least `min_position`.

        Raises NotInTheLog if the log is shorter, NotYet if the projections do not reach the position in WAIT_SECONDS.
        At most MAX_WAITING readers wait at a time, so that waiting readers never occupy all threads.
        """
        until = time.monotonic() + WAIT_SECONDS
        waits = False
        try:
            while True:
                with self._pool.connection() as conn:
                    position, head = self._reached(conn)
                    if position >= min_position:
                        yield Snapshot(conn, position, head)
                        return
                waits = waits or self._waiting.acquire(blocking=False)
                if min_position > head:
                    raise NotInTheLog(head)
                if not waits or time.monotonic() >= until:
                    raise NotYet(position)
                time.sleep(POLL_SECONDS)
        finally:
            if waits:
                self._waiting.release()

    def lag(self) -> dict[str, float]:
        """The log's position, the projections' position, and their lag in events and seconds, by metric name."""
        with self._pool.connection() as conn:
            row = conn.execute(QUERIES["lag"], {"names": list(ORDER)}).fetchone()
        assert row is not None
        return row

    def _reached(self, conn: Connection[Row]) -> tuple[int, int]:
        # Locked before the first query, which takes the snapshot: no rebuilt table may replace a table in between.
        conn.execute("lock table projection in access share mode")
        row = conn.execute(QUERIES["reached"], {"names": list(ORDER)}).fetchone()
        return (row["position"], row["head"]) if row else (0, 0)
