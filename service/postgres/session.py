"""Database sessions and pools. Each kind of session has limits, so that nothing waits for ever for a database.

Three kinds of limits end a wait. The timeouts of the server end long statements. The timeouts of the kernel (TCP
keepalives and user timeout) end the wait for a host or network that is gone. The silence limit of the client ends the
wait for a server that keeps its connection but never answers.
"""

from __future__ import annotations

import select
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

from psycopg import Connection, OperationalError
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

Row = dict[str, Any]
T = TypeVar("T")


class Limits(NamedTuple):
    """How many seconds a session waits before it gives up. 0 means for ever; silence_seconds is never 0.

    silence_seconds: how long the client waits while no byte arrives. It is longer than statement_seconds, so that a
    working server can report the timeout of a statement first. statement_seconds: how long a statement may take.
    lock_seconds: how long a statement waits for a lock. idle_seconds: how long the server waits for the next statement
    of an open transaction, for instance if the client was killed.
    """

    silence_seconds: float
    statement_seconds: float
    lock_seconds: float
    idle_seconds: float = 10


POSTS = Limits(silence_seconds=6, statement_seconds=5, lock_seconds=3)
REPLAYS = Limits(silence_seconds=310, statement_seconds=300, lock_seconds=3)
"""The limits of a session while it replays a long stream, which may take longer than a post."""
KEYS = Limits(silence_seconds=3, statement_seconds=2, lock_seconds=1)
READS = Limits(silence_seconds=9, statement_seconds=8, lock_seconds=3)
WORKERS = Limits(silence_seconds=60, statement_seconds=55, lock_seconds=10)
"""The limits of the sessions of the projector, the log watcher and the scheduler of checks. Folding a span of 10 000
events takes one second."""
COMMANDS = Limits(silence_seconds=3_600, statement_seconds=0, lock_seconds=60, idle_seconds=0)
"""The limits of the sessions of commands and checks. Statements have no limit, because one may read or index the whole
log. Open transactions have no limit, because a check keeps its database snapshot open while other sessions fold."""

WAIT_SECONDS = 2.0
"""How long a request waits for a connection of a pool."""
RECONNECT_SECONDS = 5.0
"""How long a pool tries to connect before it stops; the next request makes it try again. The time is short because
psycopg doubles the pause after each failed attempt."""

CLIENT_DEFAULTS = {
    "connect_timeout": 3,  # for each host
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,  # milliseconds
}
"""The connection parameters of libpq that are used unless the database URL sets others."""

SERVER_SETTINGS = {
    "search_path": "public",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "bytea_output": "hex",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "10s",
    "client_connection_check_interval": "5s",
    "log_parameter_max_length_on_error": "0",
}
"""The settings of every session. They override the settings of the environment, the role and the server.

With them, table names mean the tables of this service, and values have the form that psycopg reads. The server notices
a dead client, and logs no parameter values on errors. Only a superuser can set log_parameter_max_length
(docs/operations.md).
"""


class Session(Connection[Any]):
    """A connection that closes itself if the server sends nothing for `limits.silence_seconds` while a query runs."""

    limits = POSTS

    def wait(self, gen: Generator[Any, Any, T], interval: float = 0.1, timeout: float | None = None) -> T:
        return super().wait(self._with_silence_limit(gen), interval, timeout)

    def _with_silence_limit(self, gen: Generator[Any, Any, T]) -> Generator[Any, Any, T]:
        """The generator `gen`, with which psycopg waits for the server, extended by the silence limit.

        If the server is silent for longer than the limit, the connection is closed and OperationalError is raised.
        """
        try:
            step, heard = next(gen), time.monotonic()
            while True:
                ready = yield step
                if ready:
                    heard = time.monotonic()
                elif time.monotonic() - heard > self.limits.silence_seconds:
                    self.pgconn.finish()
                    raise OperationalError(f"the database has not answered for {self.limits.silence_seconds:g} s")
                step = gen.send(ready)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]


def conninfo(url: str) -> str:
    """The connection string of `url`: CLIENT_DEFAULTS apply where `url` sets nothing; the encoding is UTF-8."""
    return make_conninfo("", **{**CLIENT_DEFAULTS, **conninfo_to_dict(url), "client_encoding": "UTF8"})


def configure(conn: Connection[Any], limits: Limits, **settings: str) -> None:
    """Set SERVER_SETTINGS, the timeouts of `limits` and then `settings` for the session `conn`, in one round trip."""
    _set(conn, {**SERVER_SETTINGS, **_timeouts(limits), **settings})
    if isinstance(conn, Session):
        conn.limits = limits
    if not conn.autocommit:
        conn.commit()


@contextmanager
def limited(conn: Session, limits: Limits) -> Iterator[None]:
    """Context manager: the session has `limits` until the context ends, and then its previous limits again."""
    before = conn.limits
    configure(conn, limits)
    try:
        yield
    finally:
        configure(conn, before)


def _timeouts(limits: Limits) -> dict[str, str]:
    return {
        "statement_timeout": f"{limits.statement_seconds}s",
        "lock_timeout": f"{limits.lock_seconds}s",
        "idle_in_transaction_session_timeout": f"{limits.idle_seconds}s",
    }


def _set(conn: Connection[Any], settings: Mapping[str, str]) -> None:
    conn.execute(
        "select set_config(name, value, false) from unnest(%s::text[], %s::text[]) as setting (name, value)",
        [list(settings), list(settings.values())],
    )


def connect(url: str, limits: Limits, **options: Any) -> Connection[Any]:
    """A connection with these limits, by default in autocommit. Raises OperationalError."""
    conn = Session.connect(conninfo(url), **{"autocommit": True, **options})
    configure(conn, limits)
    return conn


class Pool(ConnectionPool[Session]):
    """A pool that replaces all its connections once one of them is lost, because the others are lost or silent too."""

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
    """An open pool of at most `size` connections. Each new one gets `limits` and is then passed to `set_up`."""

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
    """Raises OperationalError if the server has ended the session. A pool calls this before it lends a connection.

    A server that ends an idle session sends a message, which makes the socket readable. Only if the socket is readable,
    a query is sent. So the check of a session that is still open costs no round trip.
    """
    readable = select.poll()
    readable.register(conn.fileno(), select.POLLIN)
    if readable.poll(0):
        conn.execute("select")
