"""/v1/applications: the applications 申报, one row each, also those that were not awarded."""

from __future__ import annotations

from flask import Blueprint, Response

from service.api import response_types
from service.api.http import pagination
from service.api.http.held_funds import as_of, tables
from service.api.http.operation import operation
from service.api.http.parameters import FUND, MIN_POSITION, PROJECT, one_of, pattern, whole
from service.api.http.visibility import must_read

bp = Blueprint("applications", __name__, url_prefix="/v1/applications")

STATUSES = ("live", "withdrawn", "excluded", "awarded", "reversed")


@bp.get("")
@operation(
    "List applications, awarded or not",
    "申报台账",
    response_types.Applications,
    fund=FUND,
    project=PROJECT,
    status=one_of("Filter by status of the application", "仅限该状态的申报", *STATUSES),
    uscc=pattern(
        "[0-9A-Z]{18}", "Filter by the applicant's unified social credit code", "仅限该申报单位（统一社会信用代码）"
    ),
    after=whole("Cursor: return only applications received after this log position", "从该位置受理的申报之后开始"),
    limit=pagination.LIMIT,
    min_position=MIN_POSITION,
)
def register(
    *,
    fund: str | None,
    project: str | None,
    status: str | None,
    uscc: str | None,
    after: int | None,
    limit: int | None,
    min_position: int | None,
) -> Response:
    must_read(fund, project)
    size = limit or pagination.DEFAULT_ROWS
    filters = {"fund": fund, "project": project, "status": status, "uscc": uscc}
    with tables(min_position, fund, project) as snapshot:
        rows = snapshot.rows("applications", **filters, after=after or 0, limit=size)
        members = {"as_of": as_of(snapshot, fund, project)}
    return pagination.answer_rows("applications", rows, members, size, lambda row: str(row["received_position"]))
