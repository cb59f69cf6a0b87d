"""Hold a fund if one of its events cannot be folded, so that the events of all other funds are still folded.

The rows of a held fund stay as they were before that event. The table `held_fund` has one row for each held fund. A
session that folds while a fund is held puts a temporary view in front of the log. The view lacks the event that cannot
be folded and all later events of the fund. So holding a fund changes neither the SQL of the projections nor their
versions, and folding is not slower while no fund is held.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from psycopg import Connection
from psycopg.rows import tuple_row


class Hold(NamedTuple):
    """A fund that is held because its event at `position` cannot be folded into `projection`; `finding`: the reason."""

    fund: str
    position: int
    projection: str
    finding: str


def hold(conn: Connection[Any], position: int, projection: str, finding: str) -> str | None:
    """Hold the fund of the event at `position`, because `projection` cannot fold this event; `finding` is the reason.

    Returns the fund's code, or None if the event names no fund or the fund is already held at `position` or before it.
    """
    event = {"position": position, "projection": projection, "finding": finding}
    row: tuple[str] | None = conn.cursor(row_factory=tuple_row).execute(HOLD, event).fetchone()
    return row and row[0]


HOLD = """
    insert into held_fund (fund, position, projection, finding)
    select fact ->> 'fund', position, %(projection)s, %(finding)s
    from public.event
    where position = %(position)s and fact ->> 'fund' <> ''
    on conflict (fund) do update set
        position = excluded.position,
        projection = excluded.projection,
        finding = excluded.finding,
        held_at = excluded.held_at
    where held_fund.position > excluded.position  -- a new projection may stop at an earlier event
    returning fund
"""


def fund_of(conn: Connection[Any], position: int) -> str | None:
    """The code of the fund that the event at `position` names; None if it names none."""
    row: tuple[str | None] | None = conn.cursor(row_factory=tuple_row).execute(FUND_OF, [position]).fetchone()
    return (row and row[0]) or None


FUND_OF = "select fact ->> 'fund' from public.event where position = %s"


def skip_held(conn: Connection[Any]) -> None:
    """For the rest of this session, make the name `event` mean a view of the log that skips events of held funds.

    The view lacks the event for which a fund is held, and all later events of the fund. It reads the table that the
    name `held_fund` means when the view is created: in a rebuild, that is the rebuild's own copy.
    """
    conn.execute(SKIP_HELD)
    # Prepared statements would still read the table: PostgreSQL does not notice that a name has a new meaning.
    conn.execute("discard plans")


SKIP_HELD = """
    create temporary view event as
    select e.*
    from public.event as e
    where not exists (select from held_fund as h where h.fund = e.fact ->> 'fund' and h.position <= e.position)
"""
NOT_SKIPPED_YET = "exists (select from held_fund) and to_regclass('pg_temp.event') is null"
"""An SQL condition without parameters: a fund is held, and this session does not use the view of `skip_held` yet."""
