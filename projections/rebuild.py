"""Rebuild projections beside the live tables while posts go on, and let them take their place if they are the same."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from psycopg import Connection
from psycopg.errors import LockNotAvailable
from psycopg.rows import tuple_row
from psycopg.sql import SQL, Identifier

from projections import HEAD, ORDER, VERSIONS, with_what_they_read
from projections.shadow_tables import Comparison, at_a_time, compare, create, fold, lanes, look_there_first

SCHEMA = "suyuan_rebuild"
ONE_AT_A_TIME = 7002
"""The advisory lock of whoever rebuilds."""
PATIENCE = "300ms"
"""How long the switch waits for readers in one try; new readers wait behind it."""
TRIES, MAX_PAUSE_SECONDS = 40, 2.0


class Running(Exception):
    """Another rebuild is under way."""

    def __init__(self) -> None:
        super().__init__("another rebuild is under way 另一重建正在进行")


class NotLevel(Exception):
    """The tables are not at one position: the projector is bringing some of them up."""

    def __init__(self) -> None:
        super().__init__(
            "some projections are behind the others: let the projector bring them up first.\n"
            "部分投影落后：请先由投影进程补齐。"
        )


class Rebuilt(NamedTuple):
    """What came of it: the position at which old and new were compared, and whether the new took the old's place."""

    position: int
    comparisons: tuple[Comparison, ...]
    switched: bool

    @property
    def unexpected(self) -> tuple[str, ...]:
        return tuple(each.name for each in self.comparisons if each.differing)


class _Differs(Exception):
    """Undoes the switch."""


def rebuild(
    connect: Callable[[], Connection[Any]],
    names: Sequence[str] = ORDER,
    accepted: Sequence[str] = (),
    told: Callable[[str, int], object] = lambda *_: None,
) -> Rebuilt:
    """Fold these projections, and what they read, from zero into new tables, and switch to them if all is the same.

    `accepted`: those that may differ from the live ones. `told` is called with a lane's name and its position. Until
    the switch, which is one transaction, the live tables are as they were, whatever happens. Raises Running, NotLevel,
    FoldStopped; LockNotAvailable where readers leave no gap for the switch.
    """
    names = with_what_they_read(names)
    with connect() as conn, _alone(conn):
        conn.execute(SQL("drop schema if exists {} cascade").format(Identifier(SCHEMA)))
        conn.execute(SQL("create schema {}").format(Identifier(SCHEMA)))
        try:
            indexes = create(conn, SCHEMA, names)
            _catch_up(connect, names, indexes, told)
            return _switch(conn, names, accepted)
        finally:
            if not conn.closed:
                conn.execute("reset search_path")
                conn.execute(SQL("drop schema if exists {} cascade").format(Identifier(SCHEMA)))


@contextmanager
def _alone(conn: Connection[Any]) -> Iterator[None]:
    [(mine,)] = conn.cursor(row_factory=tuple_row).execute(f"select pg_try_advisory_lock({ONE_AT_A_TIME})").fetchall()
    if not mine:
        raise Running
    try:
        yield
    finally:
        if not conn.closed:
            conn.execute(f"select pg_advisory_unlock({ONE_AT_A_TIME})")


def _catch_up(
    connect: Callable[[], Connection[Any]],
    names: Sequence[str],
    indexes: Mapping[str, Sequence[str]],
    told: Callable[[str, int], object],
) -> None:
    """Both lanes up to where the live tables are, and again as far as those have moved on; then the other indexes."""

    def run(lane: tuple[str, ...]) -> None:
        with connect() as conn:
            look_there_first(conn, SCHEMA)
            reached = -1
            while (upto := _live_position(conn, names)) > reached:
                fold(conn, lane, upto, lambda position: told(lane[0], position))
                reached = upto
            for name in lane:
                for statement in indexes[name]:
                    conn.execute(statement.encode())
                conn.execute(SQL("analyze {}").format(Identifier(SCHEMA, name)))

    at_a_time([lambda lane=lane: run(lane) for lane in lanes(names)])  # type: ignore[misc]


def _live_position(conn: Connection[Any], names: Sequence[str]) -> int:
    """Where the live tables are. A rebuild of all puts cursors right that are apart, or beyond the log."""
    rows = conn.cursor(row_factory=tuple_row)
    positions = {position for (position,) in rows.execute(POSITIONS, [[*ORDER]])}
    if len(positions) > 1 and set(names) != set(ORDER):
        raise NotLevel
    [(head,)] = rows.execute(HEAD).fetchall()
    return min([head, *positions]) if positions else 0


POSITIONS = "select position from public.projection where name = any(%s)"


def _switch(conn: Connection[Any], names: Sequence[str], accepted: Sequence[str]) -> Rebuilt:
    look_there_first(conn, SCHEMA)
    for left in reversed(range(TRIES)):
        try:
            return _try_to_switch(conn, names, accepted)
        except LockNotAvailable:
            if not left:
                raise
            time.sleep(min(0.1 * (TRIES - left), MAX_PAUSE_SECONDS))
    raise AssertionError("the last try is the last")


def _try_to_switch(conn: Connection[Any], names: Sequence[str], accepted: Sequence[str]) -> Rebuilt:
    """In one transaction: stop the projector, fold the rest, compare, and put the new tables in the old ones' place.

    Readers begin with a shared lock on `projection`; so the switch waits for those that have begun, and those that
    begin now wait for it: none sees a table that is younger than its snapshot, which would look empty.
    """
    found: tuple[Comparison, ...] = ()
    position = 0
    try:
        with conn.transaction():
            conn.execute(SQL("set local lock_timeout = {}").format(PATIENCE))
            conn.execute("lock table public.projection in exclusive mode")
            position = _live_position(conn, names)
            for lane in lanes(names):
                fold(conn, lane, position, lambda _: None)
            found = tuple(compare(conn, SCHEMA, names))
            _check(found, accepted)
            conn.execute("lock table public.projection in access exclusive mode")
            for name in names:
                _take_its_place(conn, name, position)
    except _Differs:
        return Rebuilt(position, found, switched=False)
    return Rebuilt(position, found, switched=True)


def _check(found: Sequence[Comparison], accepted: Sequence[str]) -> None:
    if any(each.differing and each.name not in accepted for each in found):
        raise _Differs


def _take_its_place(conn: Connection[Any], name: str, position: int) -> None:
    anew, live = Identifier(SCHEMA, name), Identifier("public", name)
    conn.execute("select same_rights(%s::regclass, %s::regclass)", [f'{SCHEMA}."{name}"', f'public."{name}"'])
    conn.execute(SQL("drop table {}").format(live))
    conn.execute(SQL("alter table {} set schema public").format(anew))
    conn.execute(SWITCHED, {"name": name, "version": VERSIONS[name], "position": position})


SWITCHED = """
    insert into public.projection (name, version, position) values (%(name)s, %(version)s, %(position)s)
    on conflict (name) do update set version = excluded.version, position = excluded.position, moved_at = now()
"""
