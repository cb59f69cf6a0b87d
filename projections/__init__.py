"""Read models. Each is one SQL statement that folds a span of the log into the one table it is named after.

The same file serves the live tail and a rebuild. To add one: its `.sql` and its name below, its migration, its test.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from psycopg import Connection, DataError, IntegrityError
from psycopg.rows import tuple_row

ORDER = (
    "movement", "balance", "lot", "fund", "appropriation", "plan", "project", "round", "application", "objection",
    "award", "payment", "recovery", "waiver", "citation",
)  # fmt: skip
"""The projections, each after those that it reads."""
PROJECTIONS = {name: (files(__package__) / f"{name}.sql").read_text(encoding="utf-8") for name in ORDER}
SPAN = 10_000
"""Events folded in one transaction, at most."""


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


class _Failed(Exception):
    def __init__(self, span: Span, projection: str) -> None:
        self.span, self.projection = span, projection


def advance(conn: Connection[Any], most: int = SPAN) -> Span | None:
    """Fold the next span of at most `most` events; None if there was none.

    The cursors move in the same transaction as the rows, so an event counts exactly once, and their row locks keep
    every table single-writer. A span that fails is halved until the one position at fault is found: the events before
    it stay folded, and FoldStopped names it.
    """
    while True:
        try:
            return _fold(conn, most)
        except _Failed as failed:
            if len(failed.span) == 1:
                finding = str(failed.__cause__).strip()
                raise FoldStopped(failed.span.upto, failed.projection, finding) from failed.__cause__
            most = len(failed.span) // 2


def _fold(conn: Connection[Any], most: int) -> Span | None:
    with conn.transaction():
        conn.execute("set local synchronous_commit = off")  # lost rows are folded again, with their cursor
        conn.execute(REGISTER, {"names": list(ORDER)})
        rows = conn.cursor(row_factory=tuple_row)
        cursors: dict[str, int] = dict(rows.execute(CLAIM, {"names": list(ORDER)}).fetchall())
        head: int = rows.execute(HEAD).fetchall()[0][0]
        after = min(cursors.values())
        upto = min([after + most, head, *(at for at in cursors.values() if at > after)])
        if upto == after:
            return None
        span = Span(after, upto)
        behind = [name for name in ORDER if cursors[name] == after]
        for name in behind:
            try:
                conn.execute(PROJECTIONS[name], {"after": after, "upto": upto})
                conn.execute("set constraints all immediate")
            except (DataError, IntegrityError) as error:
                raise _Failed(span, name) from error
        conn.execute(MOVE, {"upto": upto, "names": behind})
        return span


REGISTER = "insert into projection (name) select unnest(%(names)s::text[]) on conflict do nothing"
CLAIM = "select name, position from projection where name = any(%(names)s) order by name for update"
HEAD = "select coalesce(max(position), 0) from event"
MOVE = "update projection set position = %(upto)s, moved_at = now() where name = any(%(names)s)"
