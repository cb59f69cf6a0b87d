"""The programs that appending is compared with (the peers). None checks rules.

They are the eventsourcing library, message-db, Emmett, and plain PostgreSQL.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count, repeat
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import psycopg
from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from bench.race import (
    COPY,
    EMMETT,
    LIBRARY,
    MESSAGE_DB,
    MESSAGE_DB_16,
    RAW_INSERT,
    RAW_ROWS,
    Contender,
    Run,
    in_threads,
)

NODE = Path(__file__).with_name("node")
FACT = {"occurred_on": "2020-01-06", "payment": "P0-1", "amount": "1.00", "actor": "示例经办", "pad": "x" * 300}
RAW_TABLE = """
    create table raw_event (
        position bigserial primary key, stream text, version bigint, type text,
        recorded_at timestamptz default now(), fact jsonb
    )
"""
INSERT = "insert into raw_event (stream, version, type, fact) values (%s, 1, 'Changed', %s)"
INSERT_ROWS = "insert into raw_event (stream, version, type, fact) select 's', 1, 'Changed', unnest(%b::text[])::jsonb"
WRITE_MESSAGE = "select message_store.write_message(%s, %s, 'Changed', %s)"
MESSAGE_DB_FILES = (
    *("roles/message-store", "schema/message-store", "tables/messages", "types/message"),
    *(f"functions/{name}" for name in ("message-store-version", "hash-64", "acquire-lock", "category", "is-category")),
    *(f"functions/{name}" for name in ("id", "cardinal-id", "stream-version", "write-message")),
    *(f"indexes/messages-{name}" for name in ("id", "stream", "category")),
)
"""The SQL files that message-db's installer runs.

The extension pgcrypto is left out: the one function that message-db uses is part of PostgreSQL since version 13.
"""

MakeContender = Callable[[int, int], Contender]
"""Makes a peer that can be measured, from the number of writers and the number of events that each appends at once."""


@contextmanager
def peers(server_url: str, max_writers: int) -> Iterator[tuple[dict[str, MakeContender], list[str]]]:
    """Yields the peers by name, and a list of texts: the name of each peer that cannot be run, and the reason.

    The peers of `raw` share a database. Each of the others has its own.
    """
    urls = {name: _database(server_url, name) for name in ("library", "message_db", "emmett")}
    with raw(server_url, max_writers) as made, _library(urls["library"], max_writers) as library:
        made[LIBRARY] = library
        if why_not := _not_installed():
            yield made, [f"{name}: {why_not}" for name in (EMMETT, MESSAGE_DB)]
            return
        _install_message_db(urls["message_db"])
        with _connected(urls["message_db"], max_writers) as connections:
            categories = {MESSAGE_DB: 1, MESSAGE_DB_16: 16}
            made |= {name: _message_db(connections, name, many) for name, many in categories.items()}
            yield made | {EMMETT: _emmett(urls["emmett"])}, []


def _database(server_url: str, name: str) -> str:
    with psycopg.connect(server_url, autocommit=True) as conn:
        conn.execute(f"create database {name}".encode())
    return make_conninfo(server_url, dbname=name)


def _not_installed() -> str | None:
    """Install the packages that bench/node/package-lock.json pins. Returns the reason if that fails, else None."""
    if not (shutil.which("npm") and shutil.which("node")):
        return "npm and node are not installed 未安装 npm 和 node"
    command = ["npm", "ci", "--silent", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=NODE, check=False, timeout=180)
    return f"`npm ci` in bench/node failed ({done.returncode}) 安装失败" if done.returncode else None


@contextmanager
def _connected(url: str, how_many: int) -> Iterator[list[psycopg.Connection[Any]]]:
    connections = [psycopg.connect(url, autocommit=True) for _ in range(how_many)]
    try:
        yield connections
    finally:
        for connection in connections:
            connection.close()


Write = Callable[[psycopg.Connection[Any], int], object]


def _one(conn: psycopg.Connection[Any], _: int) -> object:
    return conn.execute(INSERT, ("s", json.dumps(FACT)))


def _many(conn: psycopg.Connection[Any], rows: int) -> object:
    return conn.execute(INSERT_ROWS, ([json.dumps(FACT)] * rows,))


def _copied(conn: psycopg.Connection[Any], rows: int) -> object:
    with conn.cursor().copy("copy raw_event (stream, version, type, fact) from stdin") as copy:
        for _ in range(rows):
            copy.write_row(("s", 1, "Changed", json.dumps(FACT)))
    return copy


@contextmanager
def raw(server_url: str, max_writers: int) -> Iterator[dict[str, MakeContender]]:
    """Yields, by name, the peers that insert rows without any rules, on a database of their own.

    RAW_INSERT commits after each row; the others insert many rows per commit.
    """
    with _connected(_database(server_url, f"raw_{max_writers}"), max_writers) as connections:
        connections[0].execute(RAW_TABLE)
        writes = {RAW_INSERT: _one, RAW_ROWS: _many, COPY: _copied}
        yield {name: _by(connections, name, write) for name, write in writes.items()}


def _by(connections: list[psycopg.Connection[Any]], name: str, write: Write) -> MakeContender:
    def made(writers: int, each: int) -> Contender:
        def run(seconds: float) -> Run:
            steps = [repeat(lambda conn=conn: write(conn, each)) for conn in connections[:writers]]
            return in_threads(steps, seconds, each)

        return Contender(name, run)

    return made


@contextmanager
def _library(url: str, max_writers: int) -> Iterator[MakeContender]:
    conninfo = conninfo_to_dict(url)
    place = [str(conninfo.get(part, "")) for part in ("dbname", "host", "port", "user")]
    datastore = PostgresDatastore(*place, "", pool_size=max_writers)
    recorder = PostgresApplicationRecorder(datastore, events_table_name="library_events")
    recorder.create_table()
    state = json.dumps(FACT).encode()

    def made(writers: int, each: int) -> Contender:
        def append() -> object:
            stream = uuid4()
            return recorder.insert_events([StoredEvent(stream, n, "bench:Changed", state) for n in range(1, each + 1)])

        return Contender(LIBRARY, lambda seconds: in_threads([repeat(append)] * writers, seconds, each))

    try:
        yield made
    finally:
        datastore.close()


def _install_message_db(url: str) -> None:
    folder = NODE / "node_modules/@eventide/message-db/database"
    with psycopg.connect(url, autocommit=True) as conn:
        for file in MESSAGE_DB_FILES:
            conn.execute((folder / f"{file}.sql").read_bytes())
            conn.execute("set search_path to message_store, public")
        conn.execute("alter database message_db set search_path to message_store, public")


def _message_db(connections: list[psycopg.Connection[Any]], name: str, categories: int) -> MakeContender:
    """message-db as a peer. It writes one message per call; several events at once are calls in one transaction.

    It locks the category of the stream that is written, so writers of one category take turns.
    """
    numbers = count()
    data = json.dumps(FACT)

    def made(writers: int, each: int) -> Contender:
        def append(conn: psycopg.Connection[Any]) -> object:
            number = next(numbers)
            stream = f"bench{number % categories}-{number}"
            if each == 1:
                return conn.execute(WRITE_MESSAGE, (str(uuid4()), stream, data))
            with conn.transaction():
                return [conn.execute(WRITE_MESSAGE, (str(uuid4()), stream, data)) for _ in range(each)]

        def run(seconds: float) -> Run:
            return in_threads([repeat(lambda conn=conn: append(conn)) for conn in connections[:writers]], seconds, each)

        return Contender(name, run)

    return made


def _emmett(url: str) -> MakeContender:
    """Emmett as a peer. It runs in a Node process that measures its own figures."""
    conninfo = conninfo_to_dict(url)
    address = f"postgresql://{conninfo['user']}@/{conninfo['dbname']}?host={quote(str(conninfo['host']), safe='')}"
    address += f"&port={conninfo['port']}"

    def made(writers: int, each: int) -> Contender:
        def run(seconds: float) -> Run:
            command = ["node", str(NODE / "emmett.mjs"), address, str(writers), str(each), str(seconds)]
            done = subprocess.run(command, cwd=NODE, check=True, capture_output=True, text=True, timeout=seconds + 60)
            return Run(**json.loads(done.stdout))

        return Contender(EMMETT, run)

    return made
