"""Rebuild projections from the log into new tables (shadow tables), and put these in place of the live ones.

The service accepts posts and folds them meanwhile. Nothing is replaced if a rebuilt table differs from the live one,
unless the caller accepts the difference. If an event cannot be folded, its fund is held, as by the projector.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from psycopg import Connection
from psycopg.errors import LockNotAvailable
from psycopg.rows import tuple_row
from psycopg.sql import SQL, Identifier

from projections import HEAD, OF_THE_EVENT, ORDER, VERSIONS, FoldStopped, with_dependencies
from projections.held_fund import Hold, fund_of, hold
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


class NotHeld(Exception):
    """A rebuild was asked to release a fund, but the fund is not held."""

    def __init__(self, fund: str) -> None:
        super().__init__(f"this fund is not held 该专项资金未被暂停: {fund}")


class HeldMeanwhile(Exception):
    """A fund was held while the projections were rebuilt: nothing is replaced, and the rebuild must be repeated."""

    def __init__(self) -> None:
        super().__init__("a fund was held meanwhile: rebuild again 期间有专项资金被暂停，请重新重建")


class _NotIndexed(Exception):
    """A value of some event does not fit into an index of a rebuilt table, which was created after the fold."""


class Rebuilt(NamedTuple):
    """The result of a rebuild: the position of the rebuilt tables, and the comparisons with the live tables.

    `comparisons`: made at this position or, if events were folded between the comparison and the switch, at an earlier
    one. `unexpected`: the names of the tables that differ and may not. `held`: the funds that are held because the
    rebuild could not fold one of their events. `switched`: whether the rebuilt tables have replaced the live ones; if
    not, nothing has changed, and the funds `held` are not held either.
    """

    position: int
    comparisons: tuple[Comparison, ...]
    unexpected: tuple[str, ...]
    held: tuple[Hold, ...]
    switched: bool = False

    @property
    def differing(self) -> tuple[str, ...]:
        """The names of all tables whose rebuilt rows differ from the live rows, even if they may."""
        return tuple(each.name for each in self.comparisons if each.differing)


class _Task(NamedTuple):
    """What an attempt to rebuild folds, and how.

    `names`: the projections. `lanes`: the same names, in groups that are folded in parallel. `release`: the held fund
    to release, or None. `on_progress`: see `rebuild`. `holds`: whether the fund of an event that cannot be folded is
    held; if not, such an event ends the attempt. An attempt that holds has one lane with all projections, so that no
    table has events of a fund that another table skips. It creates all indexes first, so that a value that does not fit
    into an index stops the fold at its event.
    """

    names: tuple[str, ...]
    lanes: tuple[tuple[str, ...], ...]
    release: str | None
    on_progress: Callable[[str, int], object]
    holds: bool = False


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

    All projections are rebuilt, and not only `names`, in two cases. The first: the live tables are not all at the same
    position of the log. The second: an event cannot be folded. Then all projections are folded once more, in one lane;
    the fund of each such event is held, and its rows may differ. FoldStopped is raised instead if the event names no
    fund or belongs to the fund `release`.

    The live tables are replaced in one transaction, and are unchanged until it commits. Raises AlreadyRunning,
    FoldStopped, NotHeld, HeldMeanwhile; LockNotAvailable if readers hold their locks during every attempt to replace
    the live tables.
    """
    names = with_dependencies(names)
    assert release is None or names == ORDER, "a fund that is released needs all its tables"
    with connect() as conn, _alone(conn):
        if not _at_one_position(conn):
            names = ORDER
        try:
            return _attempt(connect, conn, _Task(names, lanes(names), release, on_progress), accepted)
        except FoldStopped as stopped:
            if fund_of(conn, stopped.position) in (None, release):
                raise
        except _NotIndexed:
            pass  # the other attempt finds the event
        return _attempt(connect, conn, _Task(ORDER, (ORDER,), release, on_progress, holds=True), accepted)


def is_running(conn: Connection[Any]) -> bool:
    """Whether a rebuild is under way."""
    with suppress(AlreadyRunning), _alone(conn):
        return False
    return True


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


def _at_one_position(conn: Connection[Any]) -> bool:
    """Whether the cursors of all live tables are at the same position. A projection without a cursor does not count."""
    return len({position for (position,) in conn.cursor(row_factory=tuple_row).execute(POSITIONS, [[*ORDER]])}) <= 1


def _attempt(
    connect: Callable[[], Connection[Any]], conn: Connection[Any], task: _Task, accepted: Sequence[str]
) -> Rebuilt:
    """Fold the rebuilt tables in a new schema; compare them; replace the live tables, or else drop the schema again.

    Raises FoldStopped if an event cannot be folded and its fund is not held; also _NotIndexed, NotHeld, HeldMeanwhile
    and LockNotAvailable.
    """
    conn.execute(SQL("drop schema if exists {} cascade").format(Identifier(SCHEMA)))
    conn.execute(SQL("create schema {}").format(Identifier(SCHEMA)))
    try:
        indexes = create(conn, SCHEMA, task.names)
        _copy_holds(conn, task.release)
        _catch_up(connect, task, indexes)
        set_search_path(conn, SCHEMA)
        rebuilt = _compare(conn, task, accepted)
        return rebuilt if rebuilt.unexpected else _switch(conn, task, rebuilt)
    finally:
        if not conn.closed:
            conn.execute("reset search_path")
            conn.execute(SQL("drop schema if exists {} cascade").format(Identifier(SCHEMA)))


def _copy_holds(conn: Connection[Any], release: str | None) -> None:
    """Copy the table `held_fund` to the schema of the rebuild, so that the rebuild skips the events of held funds.

    The row of the fund `release`, if given, is left out. Raises NotHeld if there is no such row. A rebuild adds its own
    holds to the copy.
    """
    copy = Identifier(SCHEMA, "held_fund")
    conn.execute(SQL("create table {} (like public.held_fund including all)").format(copy))
    conn.execute(SQL("insert into {} table public.held_fund").format(copy))
    if release and not conn.execute(SQL("delete from {} where fund = %s").format(copy), [release]).rowcount:
        raise NotHeld(release)


def _catch_up(connect: Callable[[], Connection[Any]], task: _Task, indexes: Mapping[str, Sequence[str]]) -> None:
    """Fold the rebuilt tables until they are at most NEAR_EVENTS behind the live ones, and create their indexes.

    `indexes`: the SQL statements that create the indexes of each table. Each lane is folded in a thread, and stops when
    it is near the live tables. The lanes may stop at different positions, because the live tables move on while posts
    come in. Raises FoldStopped and _NotIndexed.
    """

    def run(lane: tuple[str, ...]) -> None:
        statements = [statement for name in lane for statement in indexes[name]]
        with connect() as conn:
            set_search_path(conn, SCHEMA)
            if task.holds:
                _create_indexes(conn, statements)
            _follow(conn, task, lane, 0)
            if not task.holds:
                _create_indexes(conn, statements)
            for name in lane:
                conn.execute(SQL("analyze {}").format(Identifier(SCHEMA, name)))

    run_in_threads([lambda lane=lane: run(lane) for lane in task.lanes])  # type: ignore[misc]


def _create_indexes(conn: Connection[Any], statements: Sequence[str]) -> None:
    try:
        for statement in statements:
            conn.execute(statement.encode())
    except OF_THE_EVENT as error:
        raise _NotIndexed from error


def _follow(conn: Connection[Any], task: _Task, lane: tuple[str, ...], reached: int) -> int:
    """Fold the group of projections `lane` until it is at most NEAR_EVENTS behind the live tables.

    `reached`: the position that its rebuilt tables have reached so far. Returns the position that they reach.
    """
    while (upto := _live_position(conn)) > (reached + NEAR_EVENTS if reached else 0):
        _fold(conn, task, lane, upto, analyzed=reached)
        reached = upto
    return reached


def _fold(conn: Connection[Any], task: _Task, lane: tuple[str, ...], upto: int, analyzed: int) -> None:
    """Fold the rebuilt tables of `lane` up to the position `upto`. `analyzed`: see `fold`.

    If `task` holds, each event that cannot be folded is noted in the rebuild's own table `held_fund`, and this event
    and all later events of its fund are skipped. Raises FoldStopped if `task` does not hold, or if the event names no
    fund or belongs to the fund that is released.
    """
    while True:
        try:
            return fold(conn, lane, upto, lambda position: task.on_progress(lane[0], position), analyzed)
        except FoldStopped as stopped:
            if not task.holds or fund_of(conn, stopped.position) in (None, task.release):
                raise
            if hold(conn, stopped.position, stopped.projection, stopped.finding) is None:
                raise
            analyzed = 0  # short spans from here on: where one event fails, others may, and each costs two spans


def _live_position(conn: Connection[Any]) -> int:
    """The highest position among the cursors of all live tables, but at most the end of the log; 0 without cursors.

    A live table that is behind this position, or has no cursor yet, is replaced by one that has reached the position.
    """
    rows = conn.cursor(row_factory=tuple_row)
    positions: list[int] = [position for (position,) in rows.execute(POSITIONS, [[*ORDER]])]
    head: int
    [(head,)] = rows.execute(HEAD).fetchall()
    return min(head, max(positions, default=0))


POSITIONS = "select position from public.projected where name = any(%s)"


def _compare(conn: Connection[Any], task: _Task, accepted: Sequence[str]) -> Rebuilt:
    """In one snapshot, fold the rebuilt tables up to the live tables' position, and compare the two.

    The projector goes on folding meanwhile.

    The events after the snapshot are folded by the same SQL into the live and the rebuilt tables, and are not compared.
    The rows of held funds are not compared either: no answer comes from them. The tables `accepted` may differ, and so
    may tables that have not reached the position of the others. Raises FoldStopped and HeldMeanwhile.
    """
    with conn.transaction():
        conn.execute("set transaction isolation level repeatable read")
        position = _fold_rest(conn, task)
        rows = conn.cursor(row_factory=tuple_row)
        held = [fund for (fund,) in rows.execute("select fund from held_fund").fetchall()]
        except_funds = [*held, *([task.release] if task.release else [])]
        comparisons = tuple(compare(conn, SCHEMA, task.names, except_funds=except_funds))
        reached = {name for (name,) in rows.execute(REACHED, [[*task.names], position])}
        unexpected = [each.name for each in comparisons if each.differing and each.name in reached - {*accepted}]
        return Rebuilt(position, comparisons, tuple(unexpected), _new_holds(conn))


def _fold_rest(conn: Connection[Any], task: _Task) -> int:
    """Fold the rebuilt tables up to the position of the live tables, and return this position.

    Raises FoldStopped. Raises HeldMeanwhile if a fund was held since the rebuild began, unless it is the fund to
    release, or the rebuild itself has held it at the same position or before it.
    """
    position = _live_position(conn)
    silent = task._replace(on_progress=lambda *_: None)
    for lane in task.lanes:
        _fold(conn, silent, lane, position, analyzed=position)
    if conn.execute(HELD_MEANWHILE, [task.release]).fetchone():
        raise HeldMeanwhile
    return position


def _new_holds(conn: Connection[Any]) -> tuple[Hold, ...]:
    """The holds of this rebuild, in the order of their positions, without those that are in the live table already."""
    return tuple(Hold(*row) for row in conn.cursor(row_factory=tuple_row).execute(NEW_HOLDS))


def _switch(conn: Connection[Any], task: _Task, compared: Rebuilt) -> Rebuilt:
    """Replace the live tables by the rebuilt ones, in at most MAX_ATTEMPTS attempts.

    `compared`: the result of the comparison, with the position that the rebuilt tables have reached. An attempt first
    folds the events that they still lack. If the attempt fails, this folding is rolled back, while the projector goes
    on folding into the live tables. So before each attempt, the rebuilt tables catch up with the live tables; otherwise
    each attempt would have more to fold.
    """
    reached = dict.fromkeys(task.lanes, compared.position)
    for attempts_left in reversed(range(MAX_ATTEMPTS)):
        while min(reached.values()) + NEAR_EVENTS < _live_position(conn):
            reached = {lane: _follow(conn, task, lane, position) for lane, position in reached.items()}
        try:
            position, held = _try_to_switch(conn, task)
        except LockNotAvailable:
            if not attempts_left:
                raise
            time.sleep(min(0.1 * (MAX_ATTEMPTS - attempts_left), MAX_PAUSE_SECONDS))
        else:
            return compared._replace(position=position, held=held, switched=True)
    raise AssertionError("the last attempt returns or raises")


def _try_to_switch(conn: Connection[Any], task: _Task) -> tuple[int, tuple[Hold, ...]]:
    """In one transaction: stop the projector, fold the rest of the log, replace the live tables, and record the holds.

    Returns the position of the new tables, and the new holds. Each reader starts with a shared lock on `projection`. So
    this transaction waits for the readers that have started, and new readers wait for it. Otherwise a reader could see
    a table that was created after the reader's snapshot: such a table would look empty. Raises LockNotAvailable if a
    lock is not granted within LOCK_TIMEOUT; also HeldMeanwhile and FoldStopped.
    """
    with conn.transaction():
        conn.execute(SQL("set local lock_timeout = {}").format(LOCK_TIMEOUT))
        conn.execute("lock table public.projection in exclusive mode")
        position = _fold_rest(conn, task)
        conn.execute("lock table public.projection in access exclusive mode")
        for name in task.names:
            _replace_live_table(conn, name)
        names = list(task.names)
        conn.execute(SWITCHED, {"names": names, "versions": [VERSIONS[name] for name in names], "position": position})
        conn.execute("delete from public.held_fund where fund = %s", [task.release])
        held = _new_holds(conn)
        conn.execute(RECORD_HOLDS)
    return position, held


def _replace_live_table(conn: Connection[Any], name: str) -> None:
    shadow, live = Identifier(SCHEMA, name), Identifier("public", name)
    conn.execute("select same_rights(%s::regclass, %s::regclass)", [f'{SCHEMA}."{name}"', f'public."{name}"'])
    conn.execute(SQL("drop table {}").format(live))
    conn.execute(SQL("alter table {} set schema public").format(shadow))


REACHED = "select name from public.projected where name = any(%s) and position >= %s"
HELD_MEANWHILE = """
    select fund from public.held_fund as now
    where
        fund is distinct from %s
        and not exists (
            select from held_fund as h where h.fund = now.fund and h.position <= now.position
        )
"""
"""Selects the code of each fund that has been held, or held at an earlier position, since the rebuild began.

The parameter is the fund to release, which is left out, or null. `held_fund` without a schema is the copy that the
rebuild made when it began, with the holds that it has added.
"""
NEW_HOLDS = """
    select fund, position, projection, finding
    from held_fund as h
    where not exists (select from public.held_fund as now where (now.fund, now.position) = (h.fund, h.position))
    order by position
"""
RECORD_HOLDS = """
    insert into public.held_fund as live (fund, position, projection, finding)
    select fund, position, projection, finding from held_fund
    on conflict (fund) do update set
        position = excluded.position,
        projection = excluded.projection,
        finding = excluded.finding,
        held_at = excluded.held_at
    where live.position > excluded.position
"""
SWITCHED = """
    with made as (insert into public.projection_cursor (position) values (%(position)s) returning id)
    insert into public.projection (name, version, cursor)
    select given.name, given.version, made.id
    from unnest(%(names)s::text[], %(versions)s::text[]) as given (name, version)
    cross join made
    on conflict (name) do update set version = excluded.version, cursor = excluded.cursor
"""
