"""/v1/reconciliations: a statement of the treasury or the bank held against a fund's books. It records nothing.

The file is read, answered, and not kept: sent again, it gives the same result as of the same position. What is accepted
of it is posted as StatementReconciled.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import Blueprint, Response, current_app, request

from service.api import response_types
from service.api.http.operation import operation
from service.api.http.parameters import MIN_POSITION, CodeConverter, day, pattern, text, whole
from service.api.http.problems import SOON, Problem
from service.api.http.request_context import reader
from service.api.http.responses import answer
from service.api.http.visibility import must_read
from service.api.posting.fields import bank_account
from service.postgres.snapshots import Snapshot
from service.statements import Busy, Statement, StatementWrong, read
from service.statements.comparison import books_of, document, reconcile
from service.statements.tables import HEADINGS

bp = Blueprint("reconciliations", __name__, url_prefix="/v1/reconciliations")

FILES = (
    "text/csv",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/xml",
    "text/xml",
    "application/vnd.ms-excel",
    "application/octet-stream",
)
"""What a statement may be sent as; which it is, its content says."""
OF_FUND = pattern(CodeConverter.regex, "The fund's code", "专项资金代码")._replace(required=True)
COLUMNS = {
    f"column_{part}": text(
        f"The heading of the column `{part}`, if none of: {', '.join(usual)}", f"“{part}”列的标题（非上述常用名称时）"
    )
    for part, usual in HEADINGS.items()
}


@bp.post("")
@operation(
    "Hold a statement against the books",
    "与对账单核对",
    response_types.Reconciliation,
    takes=FILES,
    fund=OF_FUND,
    first_day=day("Its first day; left out: told by the file, or that of its first month", "首日；默认按文件或首月"),
    last_day=day("Its last day; left out: told by the file, or that of its last month", "末日；默认按文件或末月"),
    tolerance=whole("Days that a bank may take, 3 if left out", "容许相差的天数，默认 3", 0, 31),
    position=whole("The books as they stood at this position of the log", "账簿截至该日志位置"),
    min_position=MIN_POSITION,
    **COLUMNS,  # type: ignore[arg-type] # none of them is called `scope`
)
def hold_against(
    *,
    fund: str,
    first_day: date | None,
    last_day: date | None,
    tolerance: int | None,
    position: int | None,
    min_position: int | None,
    **columns: Any,
) -> Response:
    must_read(fund)
    if request.mimetype not in FILES:
        raise Problem("wrong-media-type", {"Accept-Post": ", ".join(FILES)})
    at = max(min_position or 0, position or 0)
    with reader().at(at) as snapshot:
        _must_be(snapshot, fund)
    statement = _read(
        {name.removeprefix("column_"): told for name, told in columns.items() if told}, first_day, last_day
    )
    with reader().at(at) as snapshot:
        books = books_of(snapshot, fund, statement, position)
    return answer(document(reconcile(books, statement, tolerance)))


def _must_be(snapshot: Snapshot, fund: str) -> None:
    if snapshot.one("funds", fund=fund) is None:
        raise Problem("not-found", fund=fund)


def _read(columns: Mapping[str, str], first_day: date | None, last_day: date | None) -> Statement:
    secret = current_app.config["SECRET"]
    try:
        return read(request.get_data(), columns, lambda number: bank_account(secret, number), (first_day, last_day))
    except StatementWrong as wrong:
        told = [{"pointer": where, "detail": f"{english} {chinese}"} for where, english, chinese in wrong.errors]
        raise Problem("statement-wrong", errors=told) from wrong
    except Busy as busy:
        raise Problem("unavailable", SOON) from busy


@bp.get("")
@operation(
    "The statements that were accepted",
    "已确认的对账单",
    response_types.Reconciliations,
    fund=OF_FUND,
    min_position=MIN_POSITION,
)
def accepted(*, fund: str, min_position: int | None) -> Response:
    must_read(fund)
    with reader().at(min_position or 0) as snapshot:
        _must_be(snapshot, fund)
        rows = snapshot.rows("reconciliations", fund=fund, position=snapshot.position, file_sha256=None)
        return answer({"fund": fund, "as_of": {"position": snapshot.position}, "reconciliations": rows})
