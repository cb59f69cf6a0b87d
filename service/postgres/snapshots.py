"""What is read from the projections: named queries, each answer from one snapshot and with the position it is as of."""

from __future__ import annotations

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
from service.postgres.queries import QUERIES

Row = dict[str, Any]
WAIT_SECONDS = 2.0
"""How long a reader waits for the projections to reach the position it asks for."""
POLL_SECONDS = 0.01
MAX_WAITING = 4
"""How many readers may wait at a time; the next is told at once to come again."""


class NotInTheLog(Exception):
    """The log has no such position; `head` is its last."""

    def __init__(self, head: int) -> None:
        super().__init__(head)
        self.head = head


class NotYet(Exception):
    """The projections have not reached the position asked for; `position` is where they are."""

    def __init__(self, position: int) -> None:
        super().__init__(position)
        self.position = position


LOST_MILLISECONDS = 15_000
"""A database that does not acknowledge what was sent for this long is taken for lost."""
NO_VALUES_IN_LOGS = "set log_parameter_max_length_on_error = 0"
"""For a server of others; log_parameter_max_length is its superuser's to set (docs/operations.md)."""
READ_TIMEOUT = "15s"
"""A read that takes longer is given up: it would hold a thread and a connection."""


def open_pool(url: str, size: int) -> ConnectionPool[Connection[Row]]:
    """A pool of read connections, each transaction of which sees one snapshot and can change nothing."""

    def configure(conn: Connection[Row]) -> None:
        conn.execute(f"set statement_timeout = '{READ_TIMEOUT}'".encode())
        conn.execute(NO_VALUES_IN_LOGS)
        conn.commit()
        conn.isolation_level = IsolationLevel.REPEATABLE_READ
        conn.read_only = True

    return _pool(url, size, configure)


def keys_pool(url: str) -> ConnectionPool[Connection[Row]]:
    """A pool for looking keys up, apart from the reads: who is let in must not wait for them."""

    def configure(conn: Connection[Row]) -> None:
        conn.autocommit = True
        conn.execute(f"set statement_timeout = '{READ_TIMEOUT}'".encode())
        conn.execute(NO_VALUES_IN_LOGS)

    return _pool(url, 2, configure)


def _pool(url: str, size: int, configure: Callable[[Connection[Row]], None]) -> ConnectionPool[Connection[Row]]:
    return ConnectionPool(
        url,
        connection_class=Connection[Row],
        kwargs={"row_factory": dict_row, "tcp_user_timeout": LOST_MILLISECONDS},
        min_size=1,
        max_size=size,
        configure=configure,
        timeout=WAIT_SECONDS,
        open=True,
    )


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The projections at one moment; `position` is the last event they have folded, `head` the log's last."""

    conn: Connection[Row]
    position: int
    head: int

    def rows(self, query: str, **params: object) -> list[Row]:
        return [flat(row) for row in self.conn.execute(QUERIES[query], params)]

    def one(self, query: str, **params: object) -> Row | None:
        return next(iter(self.rows(query, **params)), None)


def flat(row: Row) -> Row:
    """A row with its figures, which SQL gives as one object, among its own columns: after the key, before the rest."""
    return {
        name: value
        for column, each in row.items()
        for name, value in (each.items() if column == "figures" else ((column, each),))
    }


class Reader:
    """Reads for auditors. Never sees half an event: every read is of one snapshot."""

    def __init__(self, pool: ConnectionPool[Connection[Row]]) -> None:
        self._pool = pool
        self._waiting = BoundedSemaphore(MAX_WAITING)

    def close(self) -> None:
        self._pool.close()

    @contextmanager
    def at(self, min_position: int = 0) -> Iterator[Snapshot]:
        """A snapshot that has folded at least `min_position`. Raises NotInTheLog, or NotYet after two seconds.

        Only a few may wait at a time, so that readers ahead of the projections never take all threads.
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
        """How far the projections are behind the log, by metric."""
        with self._pool.connection() as conn:
            row = conn.execute(QUERIES["lag"], {"names": list(ORDER)}).fetchone()
        assert row is not None
        return row

    def _reached(self, conn: Connection[Row]) -> tuple[int, int]:
        # Before the snapshot is taken, which this does not: a rebuilt table may not take a table's place under it.
        conn.execute("lock table projection in access share mode")
        row = conn.execute(QUERIES["reached"], {"names": list(ORDER)}).fetchone()
        return (row["position"], row["head"]) if row else (0, 0)
