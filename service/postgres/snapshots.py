"""Read the projections: named queries on one database snapshot, with the log position that the snapshot reflects."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from threading import BoundedSemaphore

from psycopg import Connection, IsolationLevel

from projections import ORDER
from service.postgres.queries import QUERIES
from service.postgres.session import KEYS, READS, WAIT_SECONDS, Pool, Row, pool

KEY_READERS = 2
POLL_SECONDS = 0.01
MAX_WAITING = 4
"""How many readers may wait at a time for the projections to reach a position. If so many wait already, another reader
gets NotYet at once."""


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


def open_pool(url: str, size: int) -> Pool:
    """A pool of `size` read-only connections; each transaction reads one database snapshot (repeatable read).

    Queries are planned for the values of their parameters: most filters are left out, and a plan for all values would
    not use the index of the one that is given.
    """

    def set_up(conn: Connection[Row]) -> None:
        conn.execute("set plan_cache_mode = force_custom_plan")
        conn.commit()
        conn.isolation_level = IsolationLevel.REPEATABLE_READ
        conn.read_only = True

    return pool(url, READS, size, set_up)


def keys_pool(url: str) -> Pool:
    """The pool of connections that look up API keys.

    It is separate, because authentication must not queue behind slow reads.
    """

    def set_up(conn: Connection[Row]) -> None:
        conn.autocommit = True

    return pool(url, KEYS, KEY_READERS, set_up)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The projections at one moment.

    `position`: the position of the last event that the projections have folded. `head`: the log's last position.
    `held`: the held funds, each with its first event that cannot be folded. Of a held fund, the projections have folded
    only the events before that event.
    """

    conn: Connection[Row]
    position: int
    head: int
    held: Mapping[str, Row]

    def rows(self, query: str, **params: object) -> list[Row]:
        return [flat(row) for row in self.conn.execute(QUERIES[query], params)]

    def one(self, query: str, **params: object) -> Row | None:
        return next(iter(self.rows(query, **params)), None)


def flat(row: Row) -> Row:
    """The row with its column `figures`, a JSON object, replaced by the fields of this object, one column for each."""
    return {
        name: value
        for column, each in row.items()
        for name, value in (each.items() if column == "figures" else ((column, each),))
    }


class Reader:
    """Opens a Snapshot for each read. A Snapshot has all effects of an event on the projections, or none."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._waiting = BoundedSemaphore(MAX_WAITING)

    def close(self) -> None:
        self._pool.close()

    @contextmanager
    def at(self, min_position: int = 0) -> Iterator[Snapshot]:
        """Context manager: a snapshot of the projections, folded at least up to log position `min_position`.

        Waits for the projections if necessary. Raises NotInTheLog if the log ends before `min_position`, and NotYet if
        the projections do not reach it in WAIT_SECONDS. At most MAX_WAITING readers wait at a time, so that waiting
        readers never occupy all threads. If so many wait already, another reader gets NotYet instead of waiting.
        """
        until = time.monotonic() + WAIT_SECONDS
        waits = False
        try:
            while True:
                with self._pool.connection() as conn:
                    snapshot = self._snapshot(conn)
                    position, head = snapshot.position, snapshot.head
                    if position >= min_position:
                        yield snapshot
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
        """The log's position, the projections' position and lag, and the number of held funds.

        The keys are the names of the metrics. The lag is given in events and in seconds.
        """
        with self._pool.connection() as conn:
            row: dict[str, float] | None = conn.execute(QUERIES["lag"], {"names": list(ORDER)}).fetchone()
        assert row is not None
        return row

    def _snapshot(self, conn: Connection[Row]) -> Snapshot:
        # Locked before the first query, which takes the snapshot: no rebuilt table may replace a table in between.
        conn.execute("lock table projection in access share mode")
        [reached] = conn.execute(QUERIES["reached"], {"names": list(ORDER)}).fetchall()
        held = conn.execute(QUERIES["held_funds"]).fetchall() if reached["any_held"] else ()
        return Snapshot(conn, reached["position"], reached["head"], {row["fund"]: row for row in held})
