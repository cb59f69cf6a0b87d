"""/v1/awards: the awards 立项, one row each, with their amounts by status."""

from __future__ import annotations

from flask import Blueprint, Response

from service.api import response_types
from service.api.http import pagination
from service.api.http.held_funds import as_of, tables
from service.api.http.operation import operation
from service.api.http.parameters import FUND, MIN_POSITION, PROJECT, RECIPIENT, one_identity, one_of, pattern, text
from service.api.http.visibility import must_read

bp = Blueprint("awards", __name__, url_prefix="/v1/awards")

ACCEPTANCES = ("none", "requested", "passed", "failed", "rectifying")
STATUSES = ("live", "declined", "revoked", "terminated", "reversed")
AFTER = pattern(
    "[0-9]{1,18}[.][A-Za-z0-9][A-Za-z0-9._-]{0,63}", "Cursor: the `next` of the previous page", "从 next 所示之后开始"
)


@bp.get("")
@operation(
    "List awards and their balances",
    "立项台账",
    response_types.Awards,
    fund=FUND,
    project=PROJECT,
    status=one_of("Filter by status of the award", "仅限该状态的立项", *STATUSES),
    acceptance=one_of("Filter by status of the acceptance", "仅限该验收状态", *ACCEPTANCES),
    **RECIPIENT,  # type: ignore[arg-type] # none of the filters is called `scope`
    recipient_name=text(
        "Filter by the name of the applicant or payee, also before or after a change of name",
        "仅限该申报单位或收款人（名称，含更名前后）",
    ),
    after=AFTER,
    limit=pagination.LIMIT,
    min_position=MIN_POSITION,
)
def listed(
    *,
    fund: str | None,
    project: str | None,
    status: str | None,
    acceptance: str | None,
    uscc: str | None,
    recipient: str | None,
    recipient_name: str | None,
    after: str | None,
    limit: int | None,
    min_position: int | None,
) -> Response:
    must_read(fund, project)
    size = limit or pagination.DEFAULT_ROWS
    position, _, award = (after or "0.").partition(".")
    filters = {
        "fund": fund,
        "project": project,
        "status": status,
        "acceptance": acceptance,
        "recipient": one_identity(uscc, recipient),
        "recipient_name": recipient_name,
    }
    with tables(min_position, fund, project) as snapshot:
        rows = snapshot.rows("awards", **filters, position=int(position), award=award, limit=size)
        members = {"as_of": as_of(snapshot, fund, project)}
    return pagination.answer_rows("awards", rows, members, size, lambda row: f"{row['events'][0]}.{row['award']}")
