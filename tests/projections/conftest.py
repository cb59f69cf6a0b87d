"""A log to write, fold and read: every test on real PostgreSQL, rolled back at its end."""

from __future__ import annotations

import json

import pytest

import projections
from service import codec


class Log:
    """append(events) as decided; fold(span) all there is; rows(table) in their order."""

    def __init__(self, conn):
        self.conn = conn

    def __len__(self):
        return self.conn.execute("select count(*) from event").fetchone()["count"]

    def append(self, events):
        for event in events:
            self.raw(event.stream, event.version, type(event.fact).__name__, codec.encode(event))
        return self

    def raw(self, stream, version, type_, fact):
        text = fact if isinstance(fact, str) else json.dumps(fact)
        self.conn.execute(
            "insert into event values ((select coalesce(max(position), 0) + 1 from event), %s, %s, %s, now(), %s)",
            [stream, version, type_, text],
        )

    def fold(self, span=projections.SPAN):
        spans = 0
        while projections.advance(self.conn, span):
            spans += 1
        return spans

    def empty(self):
        for name in (*projections.ORDER, "projection"):
            self.conn.execute(f"delete from {name}")

    def rows(self, table):
        return sorted(map(repr, self.conn.execute(f"select * from {table}").fetchall()))


@pytest.fixture
def log(conn):
    return Log(conn)
