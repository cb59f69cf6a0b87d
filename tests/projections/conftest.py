"""An event log on PostgreSQL for the tests of projections. Each test works in one transaction that is rolled back."""

from __future__ import annotations

import json

import pytest

import projections
from service import codec


class Log:
    """An event log and its tables. `append` adds recorded events, `fold` folds the log, and `rows` reads a table."""

    def __init__(self, conn):
        self.conn = conn

    def __len__(self):
        return self.conn.execute("select count(*) from event").fetchone()["count"]

    def append(self, events):
        for event in events:
            self.append_raw(event.stream, event.version, type(event.fact).__name__, codec.encode(event))
        return self

    def append_raw(self, stream, version, type_, fact, position=None):
        """Append an event of any content, even one that the domain would never record.

        `position`: its position, by default the next one.
        """
        text = fact if isinstance(fact, str) else json.dumps(fact)
        self.conn.execute(
            "insert into event values (coalesce(%s, (select coalesce(max(position), 0) + 1 from event)), %s, %s, %s,"
            " now(), %s)",
            [position, stream, version, type_, text],
        )

    def fold(self, span=projections.SPAN):
        """Fold the log to its end, `span` events at a time. Returns the number of spans."""
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
