"""Checks the live tables: folds the log into temporary tables and compares them with the live ones.

All is read in one database snapshot.
"""

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
    compare,
    create,
    fold,
    lanes,
    run_in_threads,
    set_search_path,
)
from service.check.finding import MAX_SHOWN, Finding, Report, new_finding
from service.postgres.queries import QUERIES

Connect = Callable[[], Connection[Any]]
OnProgress = Callable[[str, int], object]


def check_tables(connect: Connect, report: Report, on_progress: OnProgress) -> None:
    """Compare the live tables with a fold of the log, in one database snapshot; add the findings to `report`."""
    with connect() as conn, conn.transaction():
        conn.execute("set transaction isolation level repeatable read")
        conn.execute("lock table projection in access share mode")  # before the snapshot, as readers do
        rows = conn.cursor(row_factory=tuple_row)
        [(snapshot,)] = rows.execute("select pg_export_snapshot()").fetchall()
        [(position, head, _)] = rows.execute(QUERIES["reached"], {"names": list(ORDER)}).fetchall()
        report.position, report.head = position, head
        report.add(_cursors(conn, position, head))
        report.add(_rows(conn, "held_funds", "fund-held"))
        report.add(new_finding("sql-changed", table=name) for name in changed(conn))
        position = min(position, head)
        if head > position:
            report.add([new_finding("projection-behind", position=position, events=head - position)])
        lock = Lock()

        def run(lane: Sequence[str]) -> None:
            compared, stopped = _lane(connect, snapshot, lane, (position, head), on_progress)
            with lock:
                report.rows += sum(each.live_rows for each in compared)
                for each in compared:
                    report.add(_of_table(each))
                    report.counts[_kind(each)] += max(each.differing - len(each.shown), 0)
                report.add([stopped] if stopped else [])

        run_in_threads([lambda lane=lane: run(lane) for lane in lanes(ORDER)])  # type: ignore[misc]
        report.add(_rows(conn, "conservation", "conservation-broken"))


def _lane(
    connect: Connect, snapshot: str, lane: Sequence[str], positions: tuple[int, int], on_progress: OnProgress
) -> tuple[list[Comparison], Finding | None]:
    with connect() as conn:
        set_search_path(conn, TEMPORARY)
        conn.execute("set temp_buffers = '128MB'")
        with conn.transaction(force_rollback=True):
            conn.execute("set transaction isolation level repeatable read")
            conn.execute(f"set transaction snapshot '{snapshot}'".encode())
            create(conn, TEMPORARY, lane)
            compared: list[Comparison] = []
            try:
                for upto in positions:  # up to the live tables' position; then to the head, to see if the rest folds
                    fold(conn, lane, upto, lambda reached: on_progress(lane[0], reached))
                    compared = compared or list(compare(conn, TEMPORARY, lane, MAX_SHOWN))
            except FoldStopped as stopped:
                table, at = stopped.projection, stopped.position
                return compared, new_finding("cannot-be-folded", table=table, position=at, reason=stopped.finding)
            return compared, None


def _cursors(conn: Connection[Any], position: int, head: int) -> Iterator[Finding]:
    """A finding for each projection whose cursor is missing, is not at `position`, or is beyond the log's `head`."""
    rows = conn.cursor(row_factory=tuple_row).execute("select name, position from projected").fetchall()
    at: dict[str, int] = dict(rows)
    if not at:
        return  # nothing has been folded yet
    for name in ORDER:
        if at.get(name) != min(position, head):
            yield new_finding("cursor-wrong", table=name, at=at.get(name, 0))


def _kind(compared: Comparison) -> str:
    return next((each.kind for each in _of_table(compared)), "wrong-value")


def _of_table(compared: Comparison) -> Iterator[Finding]:
    return (_of_row(compared.name, row) for row in compared.shown)


AMOUNTS = frozenset({
    "amount", "planned", "appropriated", "returned", "recovered", "received", "waived", "lapsed", "pool", "surrendered",
    "line", "committed", "payable", "in_approval", "in_transit", "paid", "fen", "ever", "change", "allotted",
    "confirmed", "reversed", "first_fen", "interest", "interest_received", "interest_waived",
})  # fmt: skip
"""The columns of the projections' tables that are amounts of money; a difference in one is a finding of kind
wrong-amount."""


def _of_row(table: str, row: Difference) -> Finding:
    if row.live is None:
        return new_finding("missing-row", table=table, key=_named(row.rebuilt or {}))
    if row.rebuilt is None:
        return new_finding("extra-row", table=table, key=_named(row.live))
    differing = [name for name, value in row.live.items() if value != row.rebuilt[name]]
    kind = "wrong-amount" if AMOUNTS & set(differing) else "wrong-value"
    return new_finding(
        kind,
        table=table,
        key=_named(row.live),
        columns=", ".join(differing),
        expected=[row.rebuilt[name] for name in differing],
        found=[row.live[name] for name in differing],
    )


KEY_COLUMNS = (
    "fund", "depth", "position", "seq", "project", "batch", "award", "payment", "application", "round", "objection",
    "recovery", "waiver", "stream", "hold", "finding", "version",
)  # fmt: skip


def _named(row: dict[str, Any]) -> str:
    """The columns that identify the row to a reader, as text of the form `name=value`."""
    return " ".join(f"{name}={row[name]}" for name in KEY_COLUMNS if row.get(name) not in (None, ""))


def _rows(conn: Connection[Any], query: str, kind: str) -> Iterator[Finding]:
    """A finding of kind `kind` for each row that the query named `query` returns."""
    for row in conn.cursor(row_factory=dict_row).execute(QUERIES[query]):
        yield new_finding(kind, **row)
