"""Check the log for consistency: positions and versions without gaps, ascending times, correct posts and claims."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row

from service.check.finding import Finding, Report, new_finding
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
"""For each query, by name: the published kind of finding that each of its rows becomes."""


def check_log(connect: Callable[[], Connection[Any]], report: Report) -> None:
    """Run the queries in KINDS on the log up to `report.head`, and add their findings to `report`."""
    with connect() as conn:
        for query, kind in KINDS.items():
            report.add(_rows(conn, query, kind, report.head))


def _rows(conn: Connection[Any], query: str, kind: str, position: int) -> Iterator[Finding]:
    for row in conn.cursor(row_factory=dict_row).execute(QUERIES[query], {"upto": position}):
        yield new_finding(kind, **row)
