"""/v1/applications: the applications 申报, one row each, also those that were not awarded."""

from __future__ import annotations

from flask import Blueprint, Response

from service.api import response_types
from service.api.http import pagination
from service.api.http.held_funds import as_of, tables
from service.api.http.operation import operation
from service.api.http.parameters import FUND, MIN_POSITION, PROJECT, RECIPIENT, one_identity, one_of
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
    **RECIPIENT,  # type: ignore[arg-type] # none of the filters is called `scope`
    after=pagination.AFTER_NAME,
    limit=pagination.LIMIT,
    min_position=MIN_POSITION,
)
def register(
    *,
    fund: str | None,
    project: str | None,
    status: str | None,
    uscc: str | None,
    recipient: str | None,
    after: str | None,
    limit: int | None,
    min_position: int | None,
) -> Response:
    must_read(fund, project)
    size = limit or pagination.DEFAULT_ROWS
    position, application = pagination.position_and_name(after)
    filters = {"fund": fund, "project": project, "status": status, "recipient": one_identity(uscc, recipient)}
    with tables(min_position, fund, project) as snapshot:
        rows = snapshot.rows("applications", **filters, position=position, application=application, limit=size)
        members = {"as_of": as_of(snapshot, fund, project)}
    return pagination.answer_rows(
        "applications",
        rows,
        members,
        size,
        lambda row: pagination.name_cursor(row["received_position"], row["application"]),
    )
