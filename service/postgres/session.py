"""Database sessions and pools. Each kind of session has limits, so that nothing waits for ever for a database.

Three things end a wait: the server's own timeouts, the kernel's (TCP keepalives and user timeout: a host or network
that is gone), and the client's patience (a server that keeps its connection and never answers).
"""

from __future__ import annotations

import select
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

from psycopg import Connection, OperationalError
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

Row = dict[str, Any]
T = TypeVar("T")
C = TypeVar("C", bound=Connection[Any])


class Limits(NamedTuple):
    """How many seconds a session waits: the client for any answer, a statement for its end or for a lock; 0: for ever.

    `silence` is above `statement`, so that a server that works reports the timeout itself.
    """

    silence: float
    statement: float
    lock: float


POSTS = Limits(silence=6, statement=5, lock=3)
KEYS = Limits(silence=3, statement=2, lock=1)
READS = Limits(silence=9, statement=8, lock=3)
WORKERS = Limits(silence=60, statement=55, lock=10)
"""The projector, the log watcher and the scheduler of checks: a span of 10 000 events is folded in a second."""
COMMANDS = Limits(silence=3_600, statement=0, lock=60)
"""What a person or a check waits for: a statement may read the whole log, or index it."""

IDLE_IN_TRANSACTION_SECONDS = 10.0
"""The server ends a session that holds a transaction open and sends nothing, such as that of a killed process."""
WAIT_SECONDS = 2.0
"""How long a request waits for a connection of a pool."""
RECONNECT_SECONDS = 5.0
"""A pool that cannot connect gives up after this time; the next request tries again at once, however long the outage
was, whereas the pool itself would wait twice as long each time."""

CLIENT_DEFAULTS = {
    "connect_timeout": 3,  # for each host
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,  # milliseconds
}
"""The connection parameters of libpq that are used unless the URL sets them."""

SERVER_SETTINGS = {
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "10s",
    "client_connection_check_interval": "5s",
    "idle_in_transaction_session_timeout": f"{IDLE_IN_TRANSACTION_SECONDS}s",
    "log_parameter_max_length_on_error": "0",
}
"""The session settings of every session: the server notices a dead client, and logs no values.

Only its superuser can set log_parameter_max_length (docs/operations.md)."""


class Session(Connection[Any]):
    """A connection that is given up when the server sends nothing for `silence` seconds, though a query runs."""

    silence: float = POSTS.silence

    def wait(self, gen: Generator[Any, Any, T], interval: float = 0.1, timeout: float | None = None) -> T:
        return super().wait(self._not_for_ever(gen), interval, timeout)

    def _not_for_ever(self, gen: Generator[Any, Any, T]) -> Generator[Any, Any, T]:
        """Passes on the steps of `gen`. After too long a silence, closes the connection and raises OperationalError."""
        try:
            step, heard = next(gen), time.monotonic()
            while True:
                ready = yield step
                if ready:
                    heard = time.monotonic()
                elif time.monotonic() - heard > self.silence:
                    self.pgconn.finish()
                    raise OperationalError(f"the database has not answered for {self.silence:g} s")
                step = gen.send(ready)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]


def conninfo(url: str) -> str:
    """The connection string `url` with CLIENT_DEFAULTS for what it does not set."""
    return make_conninfo("", **{**CLIENT_DEFAULTS, **conninfo_to_dict(url)})


def configure(conn: Connection[Any], limits: Limits, **settings: str) -> None:
    """Set the limits and further session settings of a new connection, in one round trip."""
    if isinstance(conn, Session):
        conn.silence = limits.silence
    given = {
        **SERVER_SETTINGS,
        "statement_timeout": f"{limits.statement}s",
        "lock_timeout": f"{limits.lock}s",
        **settings,
    }
    conn.execute(
        "select set_config(name, value, false) from unnest(%s::text[], %s::text[]) as setting (name, value)",
        [list(given), list(given.values())],
    )
    if not conn.autocommit:
        conn.commit()


def connect(url: str, limits: Limits, **options: Any) -> Connection[Any]:
    """A connection outside a transaction (autocommit) with these limits. Raises OperationalError."""
    conn = Session.connect(conninfo(url), **{"autocommit": True, **options})
    configure(conn, limits)
    return conn


class Pool(ConnectionPool[Session]):
    """A pool that replaces all its connections once one of them is lost: the others are lost too, or silent."""

    @contextmanager
    def connection(self, timeout: float | None = None) -> Iterator[Session]:
        conn: Session | None = None
        try:
            with super().connection(timeout) as conn:
                yield conn
        except OperationalError:
            if conn is not None and conn.closed:
                self.drain()
            raise


def pool(url: str, limits: Limits, size: int, set_up: Callable[[Connection[Any]], None]) -> Pool:
    """An open pool of at most `size` connections, which `set_up` prepares further."""

    def prepare(conn: Session) -> None:
        configure(conn, limits)
        set_up(conn)

    return Pool(
        conninfo(url),
        connection_class=Session,
        kwargs={"row_factory": dict_row},
        min_size=1,
        max_size=size,
        configure=prepare,
        check=check_open,
        timeout=WAIT_SECONDS,
        reconnect_timeout=RECONNECT_SECONDS,
        open=True,
    )


def check_open(conn: Connection[Any]) -> None:
    """Called by a pool before it lends a connection. Raises OperationalError if the server has ended the session.

    A server that ends an idle session says so, so that the socket can be read; a silent one costs no round trip.
    """
    readable = select.poll()
    readable.register(conn.fileno(), select.POLLIN)
    if readable.poll(0):
        conn.execute("select")
