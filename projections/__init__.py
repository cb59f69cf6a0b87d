"""Projections (read models): each is one SQL statement that folds a span of the log into the table of its name.

The projector, a rebuild and a check run the same SQL. To add a projection: add its `.sql` file, its name in ORDER, its
migration and its test.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from typing import Any

from psycopg import Connection, Cursor, DataError, Error, IntegrityError
from psycopg.errors import CardinalityViolation, ProgramLimitExceeded
from psycopg.rows import tuple_row

from projections.held_fund import NOT_SKIPPED_YET, skip_held

ORDER = (
    "movement", "balance", "batch_change", "lot", "fund", "appropriation", "origin_change", "spending", "plan",
    "plan_source", "project", "round", "application", "objection", "award", "payment", "recovery", "waiver",
    "hold", "finding", "recipient_rename", "recipient", "reconciliation", "note", "citation",
)  # fmt: skip
"""The names of all projections, each after those whose tables its SQL reads."""
PROJECTIONS = {name: (files(__package__) / f"{name}.sql").read_text(encoding="utf-8") for name in ORDER}


def version(text: str) -> str:
    """The version of a projection whose SQL is `text`: a hash of the SQL without comments and layout."""
    bare = " ".join(re.sub("--.*", "", text).split())
    return sha256(bare.encode()).hexdigest()[:16]


VERSIONS = {name: version(text) for name, text in PROJECTIONS.items()}
"""The version of each projection's present SQL. A table is folded only by the version that its fold began with."""
SPAN = 10_000
"""The default maximum number of events folded in one transaction."""


def _reads(name: str) -> frozenset[str]:
    text = re.sub("--.*", "", PROJECTIONS[name])
    return frozenset(re.findall(r"\b(?:from|join) (\w+)", text)) & frozenset(ORDER) - {name}


READS = {name: _reads(name) for name in ORDER}
"""For each projection, the other projections whose tables its SQL reads."""

OF_EVERY_TYPE = frozenset(
    {"movement", "balance", "batch_change", "lot", "origin_change", "spending", "payment", "citation"}
)
"""The projections that events of any type can change: they read the documents or the movements of all."""
TYPES = {name: frozenset(re.findall(r"'([A-Z]\w+|irregular)'", PROJECTIONS[name])) for name in ORDER}
"""For each projection, the event types that its SQL names, and `irregular` if its SQL looks for this mark. A span with
none of them is not folded into the projection, unless it is one of OF_EVERY_TYPE."""


def with_dependencies(names: Iterable[str]) -> tuple[str, ...]:
    """`names` and all projections whose tables they read, directly or indirectly, in the order of ORDER."""
    wanted = set(names)
    for name in reversed(ORDER):
        if name in wanted:
            wanted |= READS[name]
    return tuple(name for name in ORDER if name in wanted)


@dataclass(frozen=True, slots=True)
class Span:
    """The positions above `after`, up to and including `upto`."""

    after: int
    upto: int

    def __len__(self) -> int:
        return self.upto - self.after


class FoldStopped(Exception):
    """The event at `position` violates an invariant and cannot be folded. Its fund can be held (`held_fund.py`)."""

    def __init__(self, position: int, projection: str, finding: str) -> None:
        super().__init__(f"{projection} stopped at position {position}: {finding}")
        self.position, self.projection, self.finding = position, projection, finding

    @property
    def facts(self) -> dict[str, Any]:
        return {"position": self.position, "projection": self.projection, "finding": self.finding}


class Changed(Exception):
    """The SQL of the projections `names` has changed since their tables were folded; these must be rebuilt."""

    def __init__(self, names: Sequence[str]) -> None:
        listed = " ".join(names)
        super().__init__(
            f"the SQL of these projections has changed since their tables were folded: {listed}.\n"
            "Run suyuan migrate, which rebuilds them.\n"
            f"以下投影的 SQL 已改动，请运行 suyuan migrate 重建：{listed}"
        )
        self.names = tuple(names)


OF_THE_EVENT = (DataError, IntegrityError, ProgramLimitExceeded, CardinalityViolation)
"""The errors of PostgreSQL that an event itself causes: whenever the event is folded again, its error is raised again.

PostgreSQL raises ProgramLimitExceeded for a key that is too long for its index, and CardinalityViolation for an event
that writes one row twice.
"""


class _Failed(Exception):
    def __init__(self, span: Span, projection: str) -> None:
        self.span, self.projection = span, projection


def advance(
    conn: Connection[Any], max_events: int = SPAN, names: Sequence[str] = ORDER, upto: int | None = None
) -> Span | None:
    """Fold the next span into those tables of `names` that are furthest behind.

    `names` are in the order of ORDER. The span has at most `max_events` events, and none at a position above `upto`. If
    other tables of `names` are further ahead, the span ends at the latest at the position of the nearest of them; from
    there on, it is folded together with the others. Returns the span, or None if there is nothing to fold. The cursors
    move in the same transaction as the rows, so each event is folded exactly once. The row locks on the cursors allow
    only one writer per table. The events of held funds are skipped.

    If the span fails with one of the errors OF_THE_EVENT, everything before the first event that fails is folded, and
    FoldStopped is raised with the position of this event. Raises Changed, before anything is folded, if the SQL of a
    projection has changed since its table was folded. Any other error of PostgreSQL while a table is folded gets a note
    that names the projection and the span.
    """
    try:
        return _fold(conn, max_events, names, upto)
    except _Failed as failed:
        return _fold_before_failure(conn, names, failed)


def _fold_before_failure(conn: Connection[Any], names: Sequence[str], failed: _Failed) -> Span:
    """Fold the events of the span `failed` before the first event that fails, and raise FoldStopped for this event.

    Half of the events are tried, then half of the rest, and so on. So all attempts together have about twice as many
    events as the span. Returns the span in the unexpected case that each part of it can be folded.
    """
    after = reached = failed.span.after
    while reached < failed.span.upto:
        if len(failed.span) == 1:
            finding = str(failed.__cause__).strip()
            raise FoldStopped(failed.span.upto, failed.projection, finding) from failed.__cause__
        try:
            folded = _fold(conn, max(1, (failed.span.upto - reached) // 2), names, failed.span.upto)
        except _Failed as smaller:
            failed = smaller
        else:
            reached = folded.upto if folded else failed.span.upto
    return Span(after, reached)


def _fold(conn: Connection[Any], max_events: int, names: Sequence[str], limit: int | None) -> Span | None:
    with conn.transaction():
        # A commit lost in a crash is folded again: the cursor is lost with the rows.
        conn.execute("set local synchronous_commit = off")
        rows = conn.cursor(row_factory=tuple_row)
        cursors = _claim(rows, names)
        [(head, not_skipped_yet)] = rows.execute(HEAD_AND_NOT_SKIPPED_YET).fetchall()
        if not_skipped_yet:
            skip_held(conn)
        after = min(cursor.position for cursor in cursors.values())
        ahead = (cursor.position for cursor in cursors.values() if cursor.position > after)
        upto = min([after + max_events, head if limit is None else limit, *ahead])
        if upto <= after:
            return None
        span = Span(after, upto)
        behind = [name for name in names if cursors[name].position == after]
        types = {type_ for (type_,) in rows.execute(TYPES_OF_SPAN, {"after": after, "upto": upto})}
        for name in behind:
            if name not in OF_EVERY_TYPE and types.isdisjoint(TYPES[name]):
                continue
            try:
                conn.execute(PROJECTIONS[name], {"after": after, "upto": upto})
                conn.execute("set constraints all immediate")
            except OF_THE_EVENT as error:
                raise _Failed(span, name) from error
            except Error as error:
                error.add_note(f"{name}, positions {after + 1} to {upto}")
                raise
        _move(conn, span, [cursor for cursor in cursors.values() if cursor.position in (after, upto)])
        return span


@dataclass(frozen=True, slots=True)
class _Cursor:
    """The position that the table of the projection `name` has reached.

    `id`: the identifier of the cursor's row, which projections that move together share. `shared`: whether projections
    that are not folded now share it.
    """

    name: str
    id: int
    position: int
    shared: bool


def _claim(rows: Cursor[Any], names: Sequence[str]) -> dict[str, _Cursor]:
    """Lock the cursors of `names` until the transaction ends, and return them by name.

    Projections without a cursor get one together. Raises Changed if the SQL of any of `names` has changed since its
    table was folded.
    """
    given = {"names": list(names), "versions": [VERSIONS[name] for name in names]}
    claimed = rows.execute(CLAIM, given).fetchall()
    if len(claimed) < len(names) or any(same is None for *_, same in claimed):
        # Also if another session has just given them another cursor: then the first attempt does not find it.
        rows.execute(REGISTER, given)
        rows.execute(ADOPT, given)
        claimed = rows.execute(CLAIM, given).fetchall()
        assert len(claimed) == len(names), "now each of them has a cursor, and this transaction has locked it"
    if differing := {cursor[0] for *cursor, same in claimed if not same}:
        raise Changed([name for name in names if name in differing])
    return {cursor[0]: _Cursor(*cursor) for *cursor, _ in claimed}


def _move(conn: Connection[Any], span: Span, cursors: Sequence[_Cursor]) -> None:
    """Move these cursors to the end of the span. From then on, their projections share one cursor."""
    if len({cursor.id for cursor in cursors}) == 1 and not cursors[0].shared:
        conn.execute(MOVE, {"upto": span.upto, "id": cursors[0].id})
    else:
        conn.execute(SHARE_NEW_CURSOR, {"upto": span.upto, "names": [cursor.name for cursor in cursors]})


def changed(conn: Connection[Any]) -> tuple[str, ...]:
    """The names of all projections whose SQL has changed since their tables were folded; these must be rebuilt."""
    current = {"names": list(ORDER), "versions": [VERSIONS[name] for name in ORDER]}
    differing = {name for (name,) in conn.cursor(row_factory=tuple_row).execute(CHANGED, current)}
    return tuple(name for name in ORDER if name in differing)


def outdated(conn: Connection[Any]) -> tuple[str, ...]:
    """The names of all projections that an upgrade must rebuild: those `changed`, and those that are new.

    A projection is new if it has no cursor while others have one. The projector could fold a new one too, but alone,
    from zero, while the tables that its SQL reads are already at the end of the log.
    """
    new = {name for (name,) in conn.cursor(row_factory=tuple_row).execute(UNFOLDED, {"names": list(ORDER)})}
    return tuple(name for name in ORDER if name in new | {*changed(conn)})


REGISTER = """
    with new as materialized (
        select given.*
        from unnest(%(names)s::text[], %(versions)s::text[]) as given (name, version)
        where not exists (select from projection as p where p.name = given.name)
    ), made as (
        insert into projection_cursor (position) select 0 where exists (select from new) returning id
    )
    insert into projection (name, version, cursor) select new.name, new.version, made.id from new cross join made
    on conflict (name) do nothing
"""
"""Gives the projections that have no cursor yet one together, at the beginning of the log."""
ADOPT = """
    update projection as p set version = given.version
    from unnest(%(names)s::text[], %(versions)s::text[]) as given (name, version)
    where p.name = given.name and p.version is null
"""
"""Records the present versions of projections whose tables were folded before versions were recorded."""
CLAIM = """
    select p.name, c.id, c.position,
        exists (select from projection as other where other.cursor = c.id and other.name <> all (%(names)s)) as shared,
        p.version = given.version as same
    from projection as p
    join projection_cursor as c on c.id = p.cursor
    join unnest(%(names)s::text[], %(versions)s::text[]) as given (name, version) on given.name = p.name
    order by p.name
    for update of p, c
"""
UNFOLDED = """
    select given.name
    from unnest(%(names)s::text[]) as given (name)
    where
        exists (select from projection as p where p.name = any(%(names)s))
        and not exists (select from projection as p where p.name = given.name)
"""
CHANGED = """
    select p.name
    from projection as p
    join unnest(%(names)s::text[], %(versions)s::text[]) as given (name, version) using (name)
    where p.version <> given.version
"""
HEAD = "select coalesce(max(position), 0) from public.event"
"""Selects the last position of the whole log, the events of held funds included; 0 if the log is empty."""
HEAD_AND_NOT_SKIPPED_YET = f"select ({HEAD}), {NOT_SKIPPED_YET}"
TYPES_OF_SPAN = """
    select distinct coalesce(fact ->> 'entry', type) from event where position > %(after)s and position <= %(upto)s
    union all
    select 'irregular'
    where exists (
        select from event
        where
            position > %(after)s
            and position <= %(upto)s
            and (fact ? 'irregular' or fact -> 'restored' @> '[{"kind": "finding"}]')
    )
"""
"""The types of the events in a span; of a reversal, that of the entry: what the entry did not change, its reversal does
not change either. And `irregular`, if an event has this mark, or reverses one that has."""
MOVE = "update projection_cursor set position = %(upto)s, moved_at = now() where id = %(id)s"
SHARE_NEW_CURSOR = """
    with made as (insert into projection_cursor (position) values (%(upto)s) returning id)
    update projection set cursor = made.id from made where name = any(%(names)s)
"""
"""Gives these projections a new cursor together. The rows of cursors that no projection has any more are left."""
