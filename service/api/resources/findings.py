"""/v1/findings and /v1/holds: what went wrong and what became of it; which money is held."""

from __future__ import annotations

from typing import Any, get_args

from flask import Blueprint, Response

from service.api import response_types
from service.api.http import pagination
from service.api.http.held_funds import as_of, tables
from service.api.http.operation import operation
from service.api.http.parameters import FUND, MIN_POSITION, PROJECT, one_of, pattern
from service.api.http.visibility import must_read
from service.api.response_types.findings import FindingStatus, HoldStatus

bp = Blueprint("findings", __name__, url_prefix="/v1")

AFTER = pattern(
    "[0-9]{1,18}[.][A-Za-z0-9][A-Za-z0-9._-]{0,127}", "Cursor: the `next` of the previous page", "从 next 所示之后开始"
)
PAGE: dict[str, Any] = {"after": AFTER, "limit": pagination.LIMIT, "min_position": MIN_POSITION}


@bp.get("/findings")
@operation(
    "List findings, and what became of them",
    "问题台账",
    response_types.Findings,
    fund=FUND,
    project=PROJECT,
    status=one_of("Filter by status of the finding", "仅限该状态的问题", *get_args(FindingStatus)),
    **PAGE,
)
def findings(**parameters: Any) -> Response:
    return _page("findings", "finding", **parameters)


@bp.get("/holds")
@operation(
    "List holds, standing and released",
    "冻结台账",
    response_types.Holds,
    fund=FUND,
    project=PROJECT,
    status=one_of("Filter by status of the hold", "仅限该状态的冻结", *get_args(HoldStatus)),
    **PAGE,
)
def holds(**parameters: Any) -> Response:
    return _page("holds", "hold", **parameters)


def _page(
    query: str,
    kind: str,
    *,
    fund: str | None,
    project: str | None,
    status: str | None,
    after: str | None,
    limit: int | None,
    min_position: int | None,
) -> Response:
    """A page of the rows of `query`. `kind`: the column with the name that the cursor has after a row's position."""
    must_read(fund, project)
    size = limit or pagination.DEFAULT_ROWS
    position, _, name = (after or "0.").partition(".")
    filters = {"fund": fund, "project": project, "status": status}
    with tables(min_position, fund, project) as snapshot:
        rows = snapshot.rows(query, **filters, position=int(position), name=name, limit=size)
        members = {"as_of": as_of(snapshot, fund, project)}
    return pagination.answer_rows(query, rows, members, size, lambda row: f"{row['events'][0]}.{row[kind]}")
