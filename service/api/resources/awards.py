"""/v1/awards: the awards 立项, one row each, with their amounts by status."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, Response

from service.api import response_types
from service.api.http import pagination
from service.api.http.held_funds import as_of, tables
from service.api.http.operation import operation
from service.api.http.parameters import (
    FUND,
    MIN_POSITION,
    PAYEE,
    PROJECT,
    RECIPIENT,
    day,
    one_identity,
    one_of,
    text,
    whole,
)
from service.api.http.problems import Problem
from service.api.http.visibility import must_read

ONLY_NOW = "The register of the past is filtered by `uscc` and `payee`. 过去的台账按 uscc 和 payee 筛选。"

bp = Blueprint("awards", __name__, url_prefix="/v1/awards")

ACCEPTANCES = ("none", "requested", "passed", "failed", "rectifying")
STATUSES = ("live", "declined", "revoked", "terminated", "reversed")


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
    payee=PAYEE,
    position=whole("The register as of this log position", "截至该日志位置的台账"),
    booked_on=day("The register at the end of this booking date", "截至该记账日期的台账"),
    after=pagination.AFTER_NAME,
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
    payee: str | None,
    position: int | None,
    booked_on: date | None,
    after: str | None,
    limit: int | None,
    min_position: int | None,
) -> Response:
    """The register of awards: now, from the tables, or as of a past time, from the log."""
    must_read(fund, project)
    size = limit or pagination.DEFAULT_ROWS
    decided_at, award = pagination.position_and_name(after)
    filters = {"fund": fund, "project": project, "status": status, "acceptance": acceptance, "payee": payee}
    now = {"recipient": one_identity(uscc, recipient), "recipient_name": recipient_name}
    page = {"position": decided_at, "award": award, "limit": size}
    with tables(max(min_position or 0, position or 0), fund, project) as snapshot:
        at = as_of(snapshot, fund, project)
        if position is None and booked_on is None:
            rows = snapshot.rows("awards", **filters, **now, **page)
        elif recipient or recipient_name:
            name = "recipient" if recipient else "recipient_name"
            raise Problem("bad-parameter", parameter=name, detail=ONLY_NOW)
        else:
            past = {"uscc": uscc, "at_position": position, "at_booked_on": booked_on}
            rows = snapshot.rows("awards_at", **filters, **past, **page)
            given = {"position": position, "booked_on": booked_on}
            at |= {name: value for name, value in given.items() if value is not None}
        members = {"as_of": at}
    return pagination.answer_rows(
        "awards", rows, members, size, lambda row: pagination.name_cursor(row["events"][0], row["award"])
    )
