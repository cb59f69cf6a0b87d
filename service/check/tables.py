"""The tables against the log: folded anew into temporary tables on the snapshot that the live ones are read in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from threading import Lock
from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row, tuple_row

from projections import ORDER, FoldStopped, changed
from projections.shadow_tables import (
    TEMPORARY,
    Comparison,
    Difference,
    at_a_time,
    compare,
    create,
    fold,
    lanes,
    look_there_first,
)
from service.check.finding import MAX_SHOWN, Finding, Report, found
from service.postgres.queries import QUERIES

Connect = Callable[[], Connection[Any]]
Told = Callable[[str, int], object]


def check_tables(connect: Connect, report: Report, told: Told) -> None:
    """Add to `report` where the tables, as of one moment, are not what the log says."""
    with connect() as conn, conn.transaction():
        conn.execute("set transaction isolation level repeatable read")
        conn.execute("lock table projection in access share mode")  # before the snapshot, as readers do
        rows = conn.cursor(row_factory=tuple_row)
        [(snapshot,)] = rows.execute("select pg_export_snapshot()").fetchall()
        [(position, head)] = rows.execute(QUERIES["reached"], {"names": list(ORDER)}).fetchall()
        report.position, report.head = position, head
        report.add(_cursors(conn, position, head))
        report.add(found("sql-changed", table=name) for name in changed(conn))
        position = min(position, head)
        if head > position:
            report.add([found("projection-behind", position=position, events=head - position)])
        lock = Lock()

        def run(lane: Sequence[str]) -> None:
            compared, stopped = _lane(connect, snapshot, lane, (position, head), told)
            with lock:
                report.rows += sum(each.live_rows for each in compared)
                for each in compared:
                    report.add(_of_table(each))
                    report.counts[_kind(each)] += max(each.differing - len(each.shown), 0)
                report.add([stopped] if stopped else [])

        at_a_time([lambda lane=lane: run(lane) for lane in lanes(ORDER)])  # type: ignore[misc]
        report.add(_conservation(conn))


def _lane(
    connect: Connect, snapshot: str, lane: Sequence[str], positions: tuple[int, int], told: Told
) -> tuple[list[Comparison], Finding | None]:
    with connect() as conn:
        look_there_first(conn, TEMPORARY)
        conn.execute("set temp_buffers = '128MB'")
        with conn.transaction(force_rollback=True):
            conn.execute("set transaction isolation level repeatable read")
            conn.execute(f"set transaction snapshot '{snapshot}'".encode())
            create(conn, TEMPORARY, lane)
            compared: list[Comparison] = []
            try:
                for upto in positions:  # as far as the live tables, then whether the rest can be folded at all
                    fold(conn, lane, upto, lambda reached: told(lane[0], reached))
                    compared = compared or list(compare(conn, TEMPORARY, lane, MAX_SHOWN))
            except FoldStopped as stopped:
                table, at = stopped.projection, stopped.position
                return compared, found("cannot-be-folded", table=table, position=at, reason=stopped.finding)
            return compared, None


def _cursors(conn: Connection[Any], position: int, head: int) -> Iterator[Finding]:
    """The projections whose cursor is missing, beyond the log, or not where the others are."""
    rows = conn.cursor(row_factory=tuple_row).execute("select name, position from projection").fetchall()
    at: dict[str, int] = dict(rows)
    if not at:
        return  # nothing was ever folded
    for name in ORDER:
        if at.get(name) != min(position, head):
            yield found("cursor-wrong", table=name, at=at.get(name, 0))


def _kind(compared: Comparison) -> str:
    return next((each.kind for each in _of_table(compared)), "wrong-value")


def _of_table(compared: Comparison) -> Iterator[Finding]:
    return (_of_row(compared.name, row) for row in compared.shown)


AMOUNTS = frozenset({
    "amount", "planned", "appropriated", "returned", "recovered", "received", "waived", "pool", "surrendered", "line",
    "committed", "payable", "in_approval", "in_transit", "paid", "fen", "ever",
})  # fmt: skip
"""Columns of money."""


def _of_row(table: str, row: Difference) -> Finding:
    if row.live is None:
        return found("missing-row", table=table, key=_named(row.anew or {}))
    if row.anew is None:
        return found("extra-row", table=table, key=_named(row.live))
    differing = [name for name, value in row.live.items() if value != row.anew[name]]
    kind = "wrong-amount" if AMOUNTS & set(differing) else "wrong-value"
    return found(
        kind,
        table=table,
        key=_named(row.live),
        columns=", ".join(differing),
        expected=[row.anew[name] for name in differing],
        found=[row.live[name] for name in differing],
    )


NAMES = (
    "fund", "depth", "position", "seq", "project", "batch", "award", "payment", "application", "round", "objection",
    "recovery", "waiver", "version",
)  # fmt: skip


def _named(row: dict[str, Any]) -> str:
    """The columns by which a person finds the row."""
    return " ".join(f"{name}={row[name]}" for name in NAMES if row.get(name) not in (None, ""))


def _conservation(conn: Connection[Any]) -> Iterator[Finding]:
    for row in conn.cursor(row_factory=dict_row).execute(QUERIES["conservation"]):
        yield found("conservation-broken", **row)
