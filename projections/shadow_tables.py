"""Shadow tables: tables like the live ones, folded from the beginning of the log by the same SQL.

They are made for a rebuild, which puts them in place of the live tables, or for a check, which only compares them.

A rebuild creates shadow tables in a schema of its own. A check creates them in the session's temporary schema, where
they need no privileges and are dropped with the session. In both cases, the search path finds the shadow tables before
the live tables; the log and the functions are found in the live schema.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from threading import Thread
from typing import Any, NamedTuple

from psycopg import Connection
from psycopg.rows import dict_row, tuple_row
from psycopg.sql import SQL, Identifier

from projections import READS, advance

TEMPORARY = "pg_temp"
FIRST_SPAN, SPAN = 1_000, 50_000
"""The number of events in the first spans folded into new shadow tables, and the largest number in any span.

The first spans are short, because PostgreSQL's planner has no statistics of the new tables yet. The largest spans are
longer than the spans that the projector folds into live tables.
"""
WORK_MEM = "64MB"
"""PostgreSQL's setting `work_mem` while shadow tables are folded: the memory of one sort or hash of a large span."""


class Difference(NamedTuple):
    """A row that differs between a live table and its shadow table.

    `live`: the row in the live table, or None if the live table lacks it. `rebuilt`: the row in the shadow table, or
    None if the shadow table lacks it.
    """

    live: dict[str, Any] | None
    rebuilt: dict[str, Any] | None


class Comparison(NamedTuple):
    """The comparison of a live table with its shadow table.

    `name`: the table. `live_rows` and `live_digest`: the number of rows of the live table, and a hash of all of them;
    `new_rows` and `new_digest`: the same of the shadow table. `differing`: the number of differing rows. `shown`: some
    of these rows.
    """

    name: str
    live_rows: int
    new_rows: int
    live_digest: int
    new_digest: int
    differing: int
    shown: tuple[Difference, ...]


def lanes(names: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """The projections `names`, divided into at most two groups (lanes) that can be folded in parallel.

    No projection of one group reads the table of a projection of the other group.
    """
    first = _connected(names[0], names) if names else frozenset()
    groups = (tuple(n for n in names if n in first), tuple(n for n in names if n not in first))
    return tuple(group for group in groups if group)


def _connected(name: str, names: Sequence[str]) -> frozenset[str]:
    """The projection `name`, and all projections of `names` that are connected with it, directly or through others.

    Two projections are directly connected if one reads the table of the other.
    """
    group = {name}
    while True:
        more = {n for n in names if n not in group and (READS[n] & group or any(n in READS[each] for each in group))}
        if not more:
            return frozenset(group)
        group |= more


def create(conn: Connection[Any], schema: str, names: Sequence[str]) -> dict[str, list[str]]:
    """Create empty tables in `schema`: one like each live table of `names`, and two for the cursors.

    The new tables have the constraints of the live tables, but not the indexes that belong to no constraint. Returns
    the SQL statements that create these indexes, by table. Folding needs only the constraints, and it is cheaper to
    create the indexes at the end.
    """
    rows = conn.cursor(row_factory=tuple_row)
    later: dict[str, list[str]] = {}
    for name in (*names, "projection", "projection_cursor"):
        statements = rows.execute(MAKE, {"live": f'public."{name}"', "schema": schema})
        later[name] = [statement for (statement,) in statements.fetchall()]
    return later


MAKE = "select make_like(%(live)s::regclass, %(schema)s)"


def set_search_path(conn: Connection[Any], schema: str) -> None:
    """For this session, look tables up in `schema` first, then in `public`; also set `work_mem` to WORK_MEM."""
    conn.execute(SQL("set search_path = {}, public").format(Identifier(schema)))
    conn.execute(SQL("set work_mem = {}").format(WORK_MEM))


def fold(
    conn: Connection[Any],
    names: Sequence[str],
    upto: int,
    on_progress: Callable[[int], object],
    analyzed: int = 0,
) -> None:
    """Fold the log into the shadow tables `names`, from the position that they have reached to the position `upto`.

    After each span, `on_progress` is called with the position reached. The events of held funds are skipped, as in the
    live tables. The planner's statistics are updated when the position reached is at least twice `analyzed`, and again
    each time it has doubled. `analyzed` is 0 for new tables. Raises FoldStopped if an event cannot be folded.
    """
    max_events = SPAN if analyzed else FIRST_SPAN
    while span := advance(conn, max_events, names, upto):
        if span.upto >= 2 * analyzed:  # the planner needs fresh statistics; autovacuum would come too late
            analyzed, max_events = span.upto, min(2 * max_events, SPAN)
            for name in names:
                conn.execute(SQL("analyze {}").format(Identifier(name)))
        on_progress(span.upto)


def run_in_threads(tasks: Sequence[Callable[[], object]]) -> None:
    """Run each task in a thread of its own, and wait for all. Raises the first exception that any task raised."""
    raised: list[BaseException] = []

    def run(task: Callable[[], object]) -> None:
        try:
            task()
        except BaseException as error:  # noqa: BLE001 - raised again below
            raised.append(error)

    threads = [Thread(target=run, args=(task,), daemon=True) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if raised:
        raise raised[0]


def compare(
    conn: Connection[Any], schema: str, names: Sequence[str], max_shown: int = 20, except_funds: Sequence[str] = ()
) -> Iterator[Comparison]:
    """Compare each live table of `names` with its shadow table in `schema`; yields one Comparison for each table.

    The rows are compared one by one only if the digests of the tables differ. Each Comparison shows at most `max_shown`
    differing rows. The rows of the funds `except_funds` are not compared.
    """
    for name in names:
        live, shadow = f'public."{name}"', f'{schema}."{name}"'
        (live_rows, live_digest), (new_rows, new_digest) = (
            _digest(conn, each, except_funds) for each in (live, shadow)
        )
        shown: tuple[Difference, ...] = ()
        differing = 0
        if live_digest != new_digest or live_rows != new_rows:
            tables = {"live": live, "shadow": shadow, "max_shown": max_shown, "except_funds": list(except_funds)}
            rows = conn.cursor(row_factory=dict_row).execute(DIFFERENCES, tables).fetchall()
            shown = tuple(Difference(row["live_row"], row["new_row"]) for row in rows)
            differing = rows[0]["differing"] if rows else 0
        yield Comparison(name, live_rows, new_rows, int(live_digest), int(new_digest), differing, shown)


def _digest(conn: Connection[Any], table: str, except_funds: Sequence[str]) -> tuple[int, int]:
    params = {"table": table, "except_funds": list(except_funds)}
    [row] = conn.cursor(row_factory=tuple_row).execute(DIGEST, params).fetchall()
    return row


DIGEST = "select row_count, digest from table_digest(%(table)s::regclass, %(except_funds)s)"
DIFFERENCES = """
    select live_row, new_row, differing
    from table_differences(%(live)s::regclass, %(shadow)s::regclass, %(max_shown)s, %(except_funds)s)
"""
