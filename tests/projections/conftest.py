"""An event log on PostgreSQL for the tests of projections: written, folded and read in one rolled-back transaction."""

from __future__ import annotations

import json

import pytest

import projections
from service import codec


class Log:
    """append(events) writes recorded events; fold(span) folds to the end of the log; rows(table) are sorted."""

    def __init__(self, conn):
        self.conn = conn

    def __len__(self):
        return self.conn.execute("select count(*) from event").fetchone()["count"]

    def append(self, events):
        for event in events:
            self.append_raw(event.stream, event.version, type(event.fact).__name__, codec.encode(event))
        return self

    def append_raw(self, stream, version, type_, fact):
        """Append an event that the domain may never record."""
        text = fact if isinstance(fact, str) else json.dumps(fact)
        self.conn.execute(
            "insert into event values ((select coalesce(max(position), 0) + 1 from event), %s, %s, %s, now(), %s)",
            [stream, version, type_, text],
        )

    def fold(self, span=projections.SPAN):
        """Fold the whole log, `span` events at a time; return the number of spans."""
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
