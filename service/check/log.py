"""The log by itself: dense positions and versions, time that never goes back, and a post for every fact."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row

from service.check.finding import Finding, Report, found
from service.postgres.queries import QUERIES

KINDS = {
    "check_positions": "position-gap",
    "check_versions": "version-gap",
    "check_times": "time-goes-back",
    "check_posts": "post-missing",
    "check_post_rows": "post-wrong",
    "check_claim_rows": "claim-wrong",
    "check_serial": "serial-wrong",
}
"""By query: what each of its rows is."""


def check_log(connect: Callable[[], Connection[Any]], report: Report) -> None:
    """Add to `report` what is wrong with the log as such, up to its end."""
    with connect() as conn:
        for query, kind in KINDS.items():
            report.add(_rows(conn, query, kind, report.head))


def _rows(conn: Connection[Any], query: str, kind: str, position: int) -> Iterator[Finding]:
    for row in conn.cursor(row_factory=dict_row).execute(QUERIES[query], {"upto": position}):
        yield found(kind, **row)
