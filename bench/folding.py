"""Folding all tables in live spans, compared with writing the same rows by plain SQL, span by span."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from psycopg import Connection
from psycopg.sql import SQL, Composed, Identifier

import projections
from bench.paced import Timed
from bench.race import Contender, Pace, Row, Run, race
from projections.shadow_tables import create

SECTION, WORK = "projector", "live spans, all"
FOLDED, PLAIN = "Suyuan", "its rows, by plain SQL"
SCHEMA, KEPT = "bench_folded", "bench_rows"
Connect = Callable[[], Connection[Any]]
ROWS_OF_SPANS = SQL("""
    create unlogged table {kept} as select ntile({spans}) over (order by t.ctid) as span, t.* from {table} as t
""")


def rows(connect: Connect, events: int, pace: Pace) -> Iterator[Row]:
    """Measures folding the log of `events` events into empty tables, and writing the rows that this leaves.

    Plain SQL writes into tables with the same constraints and indexes, in as many transactions. Each writes an equal
    part of every table, in the order in which the rows were written; a row that several spans change is written once.
    """
    spans = -(-events // projections.SPAN)

    def fold(_: float) -> Run:
        with connect() as conn, _empty_tables(conn):
            return _timed(conn, events, lambda: projections.advance(conn) is not None)

    def write(_: float) -> Run:
        with connect() as conn, _empty_tables(conn):
            left, statements = iter(range(1, spans + 1)), [_insert(conn, name) for name in projections.ORDER]
            return _timed(conn, events, lambda: _write_span(conn, statements, next(left, None)))

    with connect() as conn:
        while projections.advance(conn):
            pass
        _keep_rows(conn, spans)
        yield from race(SECTION, WORK, [Contender(FOLDED, fold), Contender(PLAIN, write)], pace)
        conn.execute(SQL("drop schema {} cascade").format(Identifier(KEPT)))


def _timed(conn: Connection[Any], events: int, step: Callable[[], bool]) -> Run:
    """The figures of taking steps until one returns False.

    After 1, 2, 4, 8 … steps the tables are analyzed, which is not timed: in production, autovacuum analyzes them.
    """
    steps, seconds = 0, 0.0
    while True:
        started = time.perf_counter()
        if not step():
            return Timed(events, 0.0, seconds).as_run()
        seconds += time.perf_counter() - started
        steps += 1
        if steps & (steps - 1) == 0:
            _analyze(conn, projections.ORDER)


def _analyze(conn: Connection[Any], names: Sequence[str]) -> None:
    for name in names:
        conn.execute(SQL("analyze {}").format(Identifier(name)))


@contextmanager
def _empty_tables(conn: Connection[Any]) -> Iterator[None]:
    """Context manager: the names of the projections mean empty tables, with all constraints and indexes."""
    conn.execute(SQL("create schema {}").format(Identifier(SCHEMA)))
    indexes = create(conn, SCHEMA, projections.ORDER)
    conn.execute(SQL("set search_path = {}, public").format(Identifier(SCHEMA)))
    for statements in indexes.values():
        for statement in statements:
            conn.execute(statement.encode())
    try:
        yield
    finally:
        conn.execute("reset search_path")
        conn.execute(SQL("drop schema {} cascade").format(Identifier(SCHEMA)))


def _keep_rows(conn: Connection[Any], spans: int) -> None:
    conn.execute(SQL("create schema {}").format(Identifier(KEPT)))
    for name in projections.ORDER:
        kept = Identifier(KEPT, name)
        conn.execute(ROWS_OF_SPANS.format(kept=kept, table=Identifier(name), spans=spans))
        conn.execute(SQL("create index on {} (span)").format(kept))
        conn.execute(SQL("analyze {}").format(kept))


def _insert(conn: Connection[Any], name: str) -> Composed:
    """The statement that writes the rows of a span into the table `name`."""
    found = conn.execute("select attname from pg_attribute where attrelid = %s::regclass and attnum > 0", [name])
    columns = SQL(", ").join(Identifier(column) for (column,) in found)
    insert = SQL("insert into {} ({}) select {} from {} where span = %s")
    return insert.format(Identifier(name), columns, columns, Identifier(KEPT, name))


def _write_span(conn: Connection[Any], statements: Sequence[Composed], span: int | None) -> bool:
    if span is None:
        return False
    with conn.transaction():
        conn.execute("set local synchronous_commit = off")  # as the projector does
        for statement in statements:
            conn.execute(statement, [span])
    return True
