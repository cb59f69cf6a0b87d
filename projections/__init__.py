"""Read models. Each is one SQL statement that folds a span of the log into the one table it is named after.

The same file serves the live tail, a rebuild and a check. To add one: its `.sql` and its name below, its migration, its
test.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from typing import Any

from psycopg import Connection, Cursor, DataError, IntegrityError
from psycopg.rows import tuple_row

ORDER = (
    "movement", "balance", "lot", "fund", "appropriation", "plan", "project", "round", "application", "objection",
    "award", "payment", "recovery", "waiver", "reconciliation", "citation",
)  # fmt: skip
"""The projections, each after those that it reads."""
PROJECTIONS = {name: (files(__package__) / f"{name}.sql").read_text(encoding="utf-8") for name in ORDER}
VERSIONS = {name: sha256(text.encode()).hexdigest()[:16] for name, text in PROJECTIONS.items()}
"""The version of each: that of its SQL. A table is folded on only by the version that began it."""
SPAN = 10_000
"""Events folded in one transaction, at most."""


def _reads(name: str) -> frozenset[str]:
    text = re.sub("--.*", "", PROJECTIONS[name])
    return frozenset(re.findall(r"\b(?:from|join) (\w+)", text)) & frozenset(ORDER) - {name}


READS = {name: _reads(name) for name in ORDER}
"""The other projections that each reads while it is folded."""


def with_what_they_read(names: Iterable[str]) -> tuple[str, ...]:
    """These projections and all that they read, in order."""
    wanted = set(names)
    for name in reversed(ORDER):
        if name in wanted:
            wanted |= READS[name]
    return tuple(name for name in ORDER if name in wanted)


@dataclass(frozen=True, slots=True)
class Span:
    """Positions above `after` and up to `upto`."""

    after: int
    upto: int

    def __len__(self) -> int:
        return self.upto - self.after


class FoldStopped(Exception):
    """The log at this position cannot be folded: it says what must never be. Nothing is skipped."""

    def __init__(self, position: int, projection: str, finding: str) -> None:
        super().__init__(f"{projection} stopped at position {position}: {finding}")
        self.position, self.projection, self.finding = position, projection, finding


class Changed(Exception):
    """These projections were folded by other versions of their SQL: they are to be rebuilt."""

    def __init__(self, names: Sequence[str]) -> None:
        listed = " ".join(names)
        super().__init__(
            f"the SQL of these projections has changed since their tables were folded: {listed}.\n"
            f"以下投影的 SQL 已改动，须先重建。\n"
            f"suyuan rebuild {listed} --accept-differences {','.join(names)}"
        )
        self.names = tuple(names)


class _Failed(Exception):
    def __init__(self, span: Span, projection: str) -> None:
        self.span, self.projection = span, projection


def advance(
    conn: Connection[Any], most: int = SPAN, names: Sequence[str] = ORDER, upto: int | None = None
) -> Span | None:
    """Fold the next span of at most `most` events, none above `upto`, into the tables of `names`; None if none is left.

    The cursors move in the same transaction as the rows, so an event counts exactly once, and their row locks keep
    every table single-writer. A span that fails is halved until the one position at fault is found: the events before
    it stay folded, and FoldStopped names it. Raises Changed before anything is folded by other SQL than before.
    """
    while True:
        try:
            return _fold(conn, most, names, upto)
        except _Failed as failed:
            if len(failed.span) == 1:
                finding = str(failed.__cause__).strip()
                raise FoldStopped(failed.span.upto, failed.projection, finding) from failed.__cause__
            most = len(failed.span) // 2


def _fold(conn: Connection[Any], most: int, names: Sequence[str], limit: int | None) -> Span | None:
    with conn.transaction():
        conn.execute("set local synchronous_commit = off")  # lost rows are folded again, with their cursor
        rows = conn.cursor(row_factory=tuple_row)
        cursors = _claim(rows, names)
        head: int = rows.execute(HEAD).fetchall()[0][0]
        after = min(cursors.values())
        upto = min([after + most, head if limit is None else limit, *(at for at in cursors.values() if at > after)])
        if upto <= after:
            return None
        span = Span(after, upto)
        behind = [name for name in names if cursors[name] == after]
        for name in behind:
            try:
                conn.execute(PROJECTIONS[name], {"after": after, "upto": upto})
                conn.execute("set constraints all immediate")
            except (DataError, IntegrityError) as error:
                raise _Failed(span, name) from error
        conn.execute(MOVE, {"upto": upto, "names": behind})
        return span


def _claim(rows: Cursor[Any], names: Sequence[str]) -> dict[str, int]:
    """Where each has come to; the cursors are ours until the transaction ends. Raises Changed."""
    versions = [VERSIONS[name] for name in names]
    rows.execute(REGISTER, {"names": list(names), "versions": versions})
    claimed = rows.execute(CLAIM, {"names": list(names), "versions": versions}).fetchall()
    if differing := {name for name, _, same in claimed if not same}:
        raise Changed([name for name in names if name in differing])
    return {name: position for name, position, _ in claimed}


def changed(conn: Connection[Any]) -> tuple[str, ...]:
    """The projections whose tables were folded by other versions of their SQL."""
    asked = {"names": list(ORDER), "versions": [VERSIONS[name] for name in ORDER]}
    found = {name for (name,) in conn.cursor(row_factory=tuple_row).execute(CHANGED, asked)}
    return tuple(name for name in ORDER if name in found)


REGISTER = """
    insert into projection (name, version) select * from unnest(%(names)s::text[], %(versions)s::text[])
    on conflict (name) do update set version = excluded.version where projection.version is null
"""
CLAIM = """
    select p.name, p.position, p.version = given.version as same
    from projection as p
    join unnest(%(names)s::text[], %(versions)s::text[]) as given (name, version) using (name)
    order by p.name
    for update of p
"""
CHANGED = """
    select p.name
    from projection as p
    join unnest(%(names)s::text[], %(versions)s::text[]) as given (name, version) using (name)
    where p.version <> given.version
"""
HEAD = "select coalesce(max(position), 0) from event"
MOVE = "update projection set position = %(upto)s, moved_at = now() where name = any(%(names)s)"
