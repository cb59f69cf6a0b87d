"""The same tables again beside the live ones, folded from zero by the same SQL: for a rebuild, or for a check.

A rebuild makes them in a schema of their own; a check in the session's temporary one, where they need no rights and are
gone with it. Names of tables lead there first, and to the log and the functions of the live schema after.
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
"""Events folded at a time: few while the planner knows nothing of the tables, then more than live."""
MEMORY = "64MB"
"""What one sort or hash of a large span may take in the database."""


class Difference(NamedTuple):
    """A row that the two tables do not agree on; None where one of them lacks it."""

    live: dict[str, Any] | None
    anew: dict[str, Any] | None


class Comparison(NamedTuple):
    """A table beside the one folded anew: rows, digests, and in how many rows they differ, some of them shown."""

    name: str
    live_rows: int
    new_rows: int
    live_digest: int
    new_digest: int
    differing: int
    shown: tuple[Difference, ...]


def lanes(names: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """These projections in two groups that do not read each other, so that both can be folded at a time."""
    first = _together(names[0], names) if names else frozenset()
    parts = (tuple(n for n in names if n in first), tuple(n for n in names if n not in first))
    return tuple(part for part in parts if part)


def _together(name: str, names: Sequence[str]) -> frozenset[str]:
    """Those that `name` reads, that read it, and so on."""
    found = {name}
    while True:
        more = {n for n in names if n not in found and (READS[n] & found or any(n in READS[each] for each in found))}
        if not more:
            return frozenset(found)
        found |= more


def create(conn: Connection[Any], schema: str, names: Sequence[str]) -> dict[str, list[str]]:
    """Empty tables like the live ones, with their constraints; give, by table, what adds the other indexes.

    Folding needs no more than the constraints; the rest is cheaper to add at the end.
    """
    rows = conn.cursor(row_factory=tuple_row)
    later: dict[str, list[str]] = {}
    for name in (*names, "projection"):
        made = rows.execute(MAKE, {"live": f'public."{name}"', "schema": schema})
        later[name] = [statement for (statement,) in made.fetchall()]
    return later


MAKE = "select make_like(%(live)s::regclass, %(schema)s)"


def look_there_first(conn: Connection[Any], schema: str) -> None:
    """From now on a table's name means the one in `schema`, where it has one."""
    conn.execute(SQL("set search_path = {}, public").format(Identifier(schema)))
    conn.execute(SQL("set work_mem = {}").format(MEMORY))


def fold(conn: Connection[Any], names: Sequence[str], upto: int, told: Callable[[int], object]) -> None:
    """Fold these tables up to `upto`, telling the position after each span. Raises FoldStopped."""
    most, known = FIRST_SPAN, 0
    while span := advance(conn, most, names, upto):
        if span.upto >= 2 * known:  # the planner must know how they have grown; autovacuum would come too late
            known, most = span.upto, min(2 * most, SPAN)
            for name in names:
                conn.execute(SQL("analyze {}").format(Identifier(name)))
        told(span.upto)


def at_a_time(tasks: Sequence[Callable[[], object]]) -> None:
    """Run tasks in threads, and raise what the first of them raised."""
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


def compare(conn: Connection[Any], schema: str, names: Sequence[str], most: int = 20) -> Iterator[Comparison]:
    """The live tables against those in `schema`, row by row where their digests differ."""
    for name in names:
        live, anew = f'public."{name}"', f'{schema}."{name}"'
        (live_rows, live_digest), (new_rows, new_digest) = _digest(conn, live), _digest(conn, anew)
        shown: tuple[Difference, ...] = ()
        differing = 0
        if live_digest != new_digest or live_rows != new_rows:
            asked = {"live": live, "anew": anew, "most": most}
            rows = conn.cursor(row_factory=dict_row).execute(DIFFERENCES, asked).fetchall()
            shown = tuple(Difference(row["live_row"], row["new_row"]) for row in rows)
            differing = rows[0]["differing"] if rows else 0
        yield Comparison(name, live_rows, new_rows, int(live_digest), int(new_digest), differing, shown)


def _digest(conn: Connection[Any], table: str) -> tuple[int, int]:
    [row] = conn.cursor(row_factory=tuple_row).execute(DIGEST, {"table": table}).fetchall()
    return row


DIGEST = "select row_count, digest from table_digest(%(table)s::regclass)"
DIFFERENCES = """
    select live_row, new_row, differing
    from table_differences(%(live)s::regclass, %(anew)s::regclass, %(most)s)
"""
