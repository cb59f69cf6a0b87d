"""Rebuild projections from the log into new tables (shadow tables), and put these in place of the live ones.

The service accepts posts and folds them meanwhile. Nothing is replaced if a rebuilt table differs from the live one,
unless the caller accepts the difference.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from psycopg import Connection
from psycopg.errors import LockNotAvailable
from psycopg.rows import tuple_row
from psycopg.sql import SQL, Identifier

from projections import HEAD, ORDER, VERSIONS, with_dependencies
from projections.shadow_tables import Comparison, compare, create, fold, lanes, run_in_threads, set_search_path

SCHEMA = "suyuan_rebuild"
ONE_AT_A_TIME = 8_319_689_431_689_592_834  # `suyuan` in ASCII, and 2
"""The key of the advisory lock that allows one rebuild at a time."""
LOCK_TIMEOUT = "300ms"
"""How long one attempt to replace the live tables waits for each lock. New readers wait behind it, so keep it short."""
MAX_ATTEMPTS, MAX_PAUSE_SECONDS = 40, 2.0
NEAR_EVENTS = 1_000
"""The live tables may be replaced when at most this many events are left to fold into the rebuilt ones.

The transaction that replaces the live tables first folds these events, in some 0.1 s, while the projector waits.
"""


class AlreadyRunning(Exception):
    """Another rebuild is under way."""

    def __init__(self) -> None:
        super().__init__("another rebuild is under way 另一重建正在进行")


class PositionsDiffer(Exception):
    """The live tables are at different positions in the log. The projector must first catch up."""

    def __init__(self) -> None:
        super().__init__(
            "some projections are behind the others: let the projector catch up first.\n"
            "部分投影落后：请先由投影进程补齐。"
        )


class NotHeld(Exception):
    """A rebuild was asked to release a fund, but the fund is not held."""

    def __init__(self, fund: str) -> None:
        super().__init__(f"this fund is not held 该专项资金未被暂停: {fund}")


class HeldMeanwhile(Exception):
    """A fund was held while the projections were rebuilt: nothing is replaced, and the rebuild must be repeated."""

    def __init__(self) -> None:
        super().__init__("a fund was held meanwhile: rebuild again 期间有专项资金被暂停，请重新重建")


class Rebuilt(NamedTuple):
    """The result of a rebuild: the position of the rebuilt tables, and the comparisons with the live tables.

    `comparisons`: made at this position or, if events were folded between the comparison and the switch, at an earlier
    one. `switched`: whether the rebuilt tables have replaced the live ones.
    """

    position: int
    comparisons: tuple[Comparison, ...]
    switched: bool

    @property
    def unexpected(self) -> tuple[str, ...]:
        """The names of all tables whose rebuilt rows differ from the live rows, even if the difference was accepted."""
        return tuple(each.name for each in self.comparisons if each.differing)


def rebuild(
    connect: Callable[[], Connection[Any]],
    names: Sequence[str] = ORDER,
    accepted: Sequence[str] = (),
    on_progress: Callable[[str, int], object] = lambda *_: None,
    release: str | None = None,
) -> Rebuilt:
    """Rebuild `names` and the projections that they read; replace their live tables if the rebuilt tables are equal.

    The rebuilt tables are folded from the beginning of the log. `accepted`: the projections whose rebuilt tables may
    differ. `release`: a held fund to release, if any. Its events are folded again, its rows may differ, and `names`
    must be all projections. The projections are folded in at most two groups (lanes), each in a thread. `on_progress`
    is called with the name of the first projection of a lane, and the position that the lane has reached.

    The live tables are replaced in one transaction, and are unchanged until it commits. Raises AlreadyRunning,
    PositionsDiffer, FoldStopped, NotHeld, HeldMeanwhile; LockNotAvailable if readers hold their locks during every
    attempt to replace the live tables.
    """
    names = with_dependencies(names)
    assert release is None or names == ORDER, "a fund that is released needs all its tables"
    with connect() as conn, _alone(conn):
        conn.execute(SQL("drop schema if exists {} cascade").format(Identifier(SCHEMA)))
        conn.execute(SQL("create schema {}").format(Identifier(SCHEMA)))
        try:
            indexes = create(conn, SCHEMA, names)
            _copy_holds(conn, release)
            _catch_up(connect, names, indexes, on_progress)
            set_search_path(conn, SCHEMA)
            rebuilt = _compare(conn, names, release)
            if not set(rebuilt.unexpected) <= set(accepted):
                return rebuilt
            position = _switch(conn, rebuilt.position, names, release, on_progress)
            return rebuilt._replace(position=position, switched=True)
        finally:
            if not conn.closed:
                conn.execute("reset search_path")
                conn.execute(SQL("drop schema if exists {} cascade").format(Identifier(SCHEMA)))


@contextmanager
def _alone(conn: Connection[Any]) -> Iterator[None]:
    [(acquired,)] = (
        conn.cursor(row_factory=tuple_row).execute(f"select pg_try_advisory_lock({ONE_AT_A_TIME})").fetchall()
    )
    if not acquired:
        raise AlreadyRunning
    try:
        yield
    finally:
        if not conn.closed:
            conn.execute(f"select pg_advisory_unlock({ONE_AT_A_TIME})")


def _copy_holds(conn: Connection[Any], release: str | None) -> None:
    """Copy the table `held_fund` to the schema of the rebuild, so that the rebuild skips the events of held funds.

    The row of the fund `release`, if given, is left out. Raises NotHeld if there is no such row.
    """
    copy = Identifier(SCHEMA, "held_fund")
    conn.execute(SQL("create table {} as table public.held_fund").format(copy))
    if release and not conn.execute(SQL("delete from {} where fund = %s").format(copy), [release]).rowcount:
        raise NotHeld(release)


def _catch_up(
    connect: Callable[[], Connection[Any]],
    names: Sequence[str],
    indexes: Mapping[str, Sequence[str]],
    on_progress: Callable[[str, int], object],
) -> None:
    """Fold the rebuilt tables until they are at most NEAR_EVENTS behind the live ones; then create their indexes.

    `indexes`: the SQL statements that create the indexes of each table. The projections are folded in at most two
    groups (lanes), each in a thread. Each lane stops when it is near the live tables. The lanes may stop at different
    positions, because the live tables move on while posts come in.
    """

    def run(lane: tuple[str, ...]) -> None:
        with connect() as conn:
            set_search_path(conn, SCHEMA)
            _follow(conn, names, lane, 0, on_progress)
            for name in lane:
                for statement in indexes[name]:
                    conn.execute(statement.encode())
                conn.execute(SQL("analyze {}").format(Identifier(SCHEMA, name)))

    run_in_threads([lambda lane=lane: run(lane) for lane in lanes(names)])  # type: ignore[misc]


def _follow(
    conn: Connection[Any],
    names: Sequence[str],
    lane: Sequence[str],
    reached: int,
    on_progress: Callable[[str, int], object],
) -> int:
    """Fold the group of projections `lane` until it is at most NEAR_EVENTS behind the live tables of `names`.

    `reached`: the position that its rebuilt tables have reached so far. Returns the position that they reach.
    """
    while (upto := _live_position(conn, names)) > (reached + NEAR_EVENTS if reached else 0):
        fold(conn, lane, upto, lambda position: on_progress(lane[0], position), analyzed=reached)
        reached = upto
    return reached


def _live_position(conn: Connection[Any], names: Sequence[str]) -> int:
    """The lowest position among the cursors of all live tables, but at most the end of the log; 0 without cursors.

    Raises PositionsDiffer if the cursors are at different positions and `names` are not all projections. A rebuild of
    all projections repairs such cursors, and also cursors beyond the end of the log.
    """
    rows = conn.cursor(row_factory=tuple_row)
    positions = {position for (position,) in rows.execute(POSITIONS, [[*ORDER]])}
    if len(positions) > 1 and set(names) != set(ORDER):
        raise PositionsDiffer
    [(head,)] = rows.execute(HEAD).fetchall()
    return min([head, *positions]) if positions else 0


POSITIONS = "select position from public.projection where name = any(%s)"


def _compare(conn: Connection[Any], names: Sequence[str], release: str | None) -> Rebuilt:
    """In one snapshot, fold the rebuilt tables up to the live tables' position, and compare the two.

    The projector goes on folding meanwhile.

    The events after the snapshot are folded by the same SQL into the live and the rebuilt tables, and are not compared.
    The rows of the fund `release` are not compared either. Raises HeldMeanwhile.
    """
    with conn.transaction():
        conn.execute("set transaction isolation level repeatable read")
        position = _fold_rest(conn, names, release)
        return Rebuilt(position, tuple(compare(conn, SCHEMA, names, except_fund=release)), switched=False)


def _fold_rest(conn: Connection[Any], names: Sequence[str], release: str | None) -> int:
    """Fold the rebuilt tables of `names` up to the position of the live tables, and return this position.

    Raises HeldMeanwhile if a fund other than `release` was held since the rebuild began.
    """
    position = _live_position(conn, names)
    for lane in lanes(names):
        fold(conn, lane, position, lambda _: None, analyzed=position)
    if conn.execute(HELD_MEANWHILE, [release]).fetchone():
        raise HeldMeanwhile
    return position


def _switch(
    conn: Connection[Any],
    compared: int,
    names: Sequence[str],
    release: str | None,
    on_progress: Callable[[str, int], object],
) -> int:
    """Replace the live tables by the rebuilt ones, in at most MAX_ATTEMPTS attempts. Returns the new tables' position.

    `compared`: the position that the rebuilt tables have reached. An attempt first folds the events that they still
    lack. If the attempt fails, this folding is rolled back, while the projector goes on folding into the live tables.
    So before each attempt, the rebuilt tables catch up with the live tables; otherwise each attempt would have more to
    fold.
    """
    reached = dict.fromkeys(lanes(names), compared)
    for attempts_left in reversed(range(MAX_ATTEMPTS)):
        while min(reached.values()) + NEAR_EVENTS < _live_position(conn, names):
            reached = {lane: _follow(conn, names, lane, position, on_progress) for lane, position in reached.items()}
        try:
            return _try_to_switch(conn, names, release)
        except LockNotAvailable:
            if not attempts_left:
                raise
            time.sleep(min(0.1 * (MAX_ATTEMPTS - attempts_left), MAX_PAUSE_SECONDS))
    raise AssertionError("the last attempt returns or raises")


def _try_to_switch(conn: Connection[Any], names: Sequence[str], release: str | None) -> int:
    """In one transaction: stop the projector, fold the rest of the log, and replace the live tables.

    Returns the position of the new tables. `release`: the held fund to release, if any. Each reader starts with a
    shared lock on `projection`. So this transaction waits for the readers that have started, and new readers wait for
    it. Otherwise a reader could see a table that was created after the reader's snapshot: such a table would look
    empty. Raises LockNotAvailable if a lock is not granted within LOCK_TIMEOUT; also HeldMeanwhile, PositionsDiffer and
    FoldStopped.
    """
    with conn.transaction():
        conn.execute(SQL("set local lock_timeout = {}").format(LOCK_TIMEOUT))
        conn.execute("lock table public.projection in exclusive mode")
        position = _fold_rest(conn, names, release)
        conn.execute("lock table public.projection in access exclusive mode")
        for name in names:
            _replace_live_table(conn, name, position)
        conn.execute("delete from public.held_fund where fund = %s", [release])
    return position


def _replace_live_table(conn: Connection[Any], name: str, position: int) -> None:
    shadow, live = Identifier(SCHEMA, name), Identifier("public", name)
    conn.execute("select same_rights(%s::regclass, %s::regclass)", [f'{SCHEMA}."{name}"', f'public."{name}"'])
    conn.execute(SQL("drop table {}").format(live))
    conn.execute(SQL("alter table {} set schema public").format(shadow))
    conn.execute(SWITCHED, {"name": name, "version": VERSIONS[name], "position": position})


HELD_MEANWHILE = """
    select fund from public.held_fund as now
    where
        fund is distinct from %s
        and not exists (
            select from held_fund as h where (h.fund, h.position) = (now.fund, now.position)
        )
"""
"""Selects the code of each fund that has been held, or held at another position, since the rebuild began.

The parameter is the fund to release, which is left out, or null. `held_fund` without a schema is the copy that the
rebuild made when it began.
"""
SWITCHED = """
    insert into public.projection (name, version, position) values (%(name)s, %(version)s, %(position)s)
    on conflict (name) do update set version = excluded.version, position = excluded.position, moved_at = now()
"""
