"""/v1/checks: requests for checks, and the results. A check replays the whole log and compares the tables with it."""

from __future__ import annotations

from flask import Blueprint, Response

from service.api import response_types
from service.api.http import pagination
from service.api.http.operation import operation
from service.api.http.parameters import MAX_INTEGER
from service.api.http.problems import Problem
from service.api.http.request_context import ledger, principal, reader
from service.api.http.responses import answer
from service.api.http.visibility import must_read
from service.api.http.work import EXPENSIVE

bp = Blueprint("checks", __name__, url_prefix="/v1/checks")


@bp.post("")
@operation("Request a check of the whole ledger", "申请全面核查", response_types.CheckAsked, work=EXPENSIVE)
def ask() -> Response:
    """Request a check. If a check is already waiting, the answer names that one: at most one check waits."""
    must_read()
    [row] = ledger().execute("ask_check", by=principal().name)
    url = f"/v1/checks/{row['id']}"
    return answer({"id": row["id"], "check": url}, 202, headers={"Location": url})


@bp.get("")
@operation("List the latest checks", "最近的核查", response_types.Checks, limit=pagination.LIMIT)
def latest(*, limit: int | None) -> Response:
    must_read()
    with reader().at() as snapshot:
        rows = snapshot.rows("checks", id=None, limit=limit or pagination.DEFAULT_ROWS)
    return answer({"checks": [{name: row[name] for name in row if name != "report"} for row in rows]})


@bp.get("/<int:number>")
@operation("Get a check and its report", "单次核查及其结果", response_types.Check, work=EXPENSIVE)
def one(number: int) -> Response:
    must_read()
    with reader().at() as snapshot:
        row = snapshot.one("checks", id=min(number, MAX_INTEGER), limit=1)
    if row is None:
        raise Problem("not-found", check=number)
    return answer(row)
