"""/v1/reconciliations: compares a statement of the treasury or the bank with a fund's ledger. It records nothing.

The file is not stored. If a client sends the file again, the result as of the same position is the same. To accept the
result, the client posts StatementReconciled.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from flask import Blueprint, Response, current_app, request

from service.api import response_types
from service.api.http.held_funds import tables
from service.api.http.operation import operation
from service.api.http.parameters import MIN_POSITION, CodeConverter, day, one_of, pattern, text, whole
from service.api.http.problems import RETRY_SOON, Problem
from service.api.http.responses import answer
from service.api.http.visibility import must_read
from service.api.http.work import EXPENSIVE
from service.api.posting.fields import bank_account
from service.postgres.snapshots import Snapshot
from service.statements import Choices, Overloaded, Statement, StatementWrong, read
from service.statements.comparison import document, ledger_entries, reconcile
from service.statements.headings import HEADINGS

bp = Blueprint("reconciliations", __name__, url_prefix="/v1/reconciliations")

FILES = (
    "text/csv",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/xml",
    "text/xml",
    "application/vnd.ms-excel",
    "application/octet-stream",
)
"""The accepted media types of a statement file. The format of the file is detected from its content."""
REQUIRED_FUND = pattern(CodeConverter.regex, "Code of the fund", "专项资金代码")._replace(required=True)
COLUMNS = {
    f"column_{part}": text(
        f"Heading of the `{part}` column, if it is not a usual one such as {', '.join(usual[:5])}",
        f"“{part}”列的标题（非常用名称时）",
    )
    for part, usual in HEADINGS.items()
}


@bp.post("")
@operation(
    "Reconcile a statement with a fund's ledger",
    "与对账单核对",
    response_types.Reconciliation,
    work=EXPENSIVE,
    request_types=FILES,
    fund=REQUIRED_FUND,
    first_day=day(
        "First day of the statement; default: as stated in the file, or the first day of its earliest line's month",
        "首日；默认按文件或首月",
    ),
    last_day=day(
        "Last day of the statement; default: as stated in the file, or the last day of its latest line's month",
        "末日；默认按文件或末月",
    ),
    tolerance=whole("Number of days by which dates may differ; default 3", "容许相差的天数，默认 3", 0, 31),
    negative=one_of(
        "What negative amounts are, in a file with one signed column and no balances",
        "负数金额是什么",
        "paid",
        "received",
    ),
    paid_word=text("Word for money paid out in the direction column", "收支方向列中表示支出的用词", 20),
    received_word=text("Word for money received in the direction column", "收支方向列中表示收入的用词", 20),
    ignored=text(
        "Headings that need not be read though they seem to be the payee's, separated by commas",
        "疑似对方户名而无须读取的列，以逗号分隔",
    ),
    position=whole("Compare with the ledger as of this log position", "账簿截至该日志位置"),
    min_position=MIN_POSITION,
    **COLUMNS,  # type: ignore[arg-type] # none of the parameters is called `scope`
)
def hold_against(
    *,
    fund: str,
    first_day: date | None,
    last_day: date | None,
    tolerance: int | None,
    negative: str | None,
    paid_word: str | None,
    received_word: str | None,
    ignored: str | None,
    position: int | None,
    min_position: int | None,
    **columns: Any,
) -> Response:
    must_read(fund)
    if request.mimetype not in FILES:
        raise Problem("wrong-media-type", {"Accept-Post": ", ".join(FILES)})
    at = max(min_position or 0, position or 0)
    with tables(at, fund) as snapshot:
        _must_exist(snapshot, fund)
    named = {name.removeprefix("column_"): heading for name, heading in columns.items() if heading}
    unread = tuple(filter(None, re.split("[,，]", ignored or "")))
    statement = _read(Choices(named, negative, paid_word, received_word, unread), first_day, last_day)
    with tables(at, fund) as snapshot:
        ledger = ledger_entries(snapshot, fund, statement, position)
    return answer(document(reconcile(ledger, statement, tolerance)))


def _must_exist(snapshot: Snapshot, fund: str) -> None:
    if snapshot.one("funds", fund=fund) is None:
        raise Problem("not-found", fund=fund)


def _read(choices: Choices, first_day: date | None, last_day: date | None) -> Statement:
    secret = current_app.config["SECRET"]
    try:
        return read(request.get_data(), choices, lambda number: bank_account(secret, number), (first_day, last_day))
    except StatementWrong as wrong:
        errors = [{"pointer": where, "detail": f"{english} {chinese}"} for where, english, chinese in wrong.errors]
        raise Problem("statement-wrong", errors=errors) from wrong
    except Overloaded as error:
        raise Problem("unavailable", RETRY_SOON) from error


@bp.get("")
@operation(
    "List the accepted statements",
    "已确认的对账单",
    response_types.Reconciliations,
    fund=REQUIRED_FUND,
    min_position=MIN_POSITION,
)
def accepted(*, fund: str, min_position: int | None) -> Response:
    must_read(fund)
    with tables(min_position, fund) as snapshot:
        _must_exist(snapshot, fund)
        rows = snapshot.rows("reconciliations", fund=fund, position=snapshot.position, file_sha256=None)
        return answer({"fund": fund, "as_of": {"position": snapshot.position}, "reconciliations": rows})
