"""/v1/reconciliations: compares a statement of the treasury or the bank with a fund's ledger. It records nothing.

The file is not stored. If a client sends the file again, the result as of the same position is the same. To accept the
result, the client posts StatementReconciled.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

from flask import Blueprint, Response, current_app, request

from service.api import response_types
from service.api.http.held_funds import must_not_be_held, tables
from service.api.http.operation import operation
from service.api.http.parameters import MIN_POSITION, CodeConverter, day, flag, one_of, pattern, text, whole
from service.api.http.problems import RETRY_SOON, Problem
from service.api.http.responses import answer
from service.api.http.visibility import must_read
from service.api.http.work import EXPENSIVE
from service.api.posting.fields import bank_account
from service.postgres.snapshots import Snapshot
from service.statements import Choices, Overloaded, Statement, StatementWrong, read
from service.statements.comparison import Reconciliation, document, ledger_entries, others, reconcile, related_to
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


OF_FILE = {
    "first_day": day(
        "First day of the statement; default: as stated in the file, or the first day of its earliest line's month",
        "首日；默认按文件或首月",
    ),
    "last_day": day(
        "Last day of the statement; default: as stated in the file, or the last day of its latest line's month",
        "末日；默认按文件或末月",
    ),
    "tolerance": whole("Number of days by which dates may differ; default 3", "容许相差的天数，默认 3", 0, 31),
    "negative": one_of(
        "What negative amounts are, in a file with one signed column and no balances",
        "负数金额是什么",
        "paid",
        "received",
    ),
    "paid_word": text("Word for money paid out in the direction column", "收支方向列中表示支出的用词", 20),
    "received_word": text("Word for money received in the direction column", "收支方向列中表示收入的用词", 20),
    "ignored": text(
        "Headings that need not be read though they seem to be the payee's, separated by commas",
        "疑似对方户名而无须读取的列，以逗号分隔",
    ),
    "related_only": flag(
        "Leave out lines that match no entry, pay no payee of the fund and name none of its projects",
        "略去与本资金无关的行：既不与账目相符，也不是本资金的收款人或项目",
    ),
    "position": whole("Compare with the ledger as of this log position", "账簿截至该日志位置"),
    "min_position": MIN_POSITION,
    **COLUMNS,
}
"""What a client may say about a file, and about how it is compared."""
MAX_FUNDS = 20
"""How many funds one statement may be compared with."""


@bp.post("")
@operation(
    "Reconcile a statement with a fund's ledger",
    "与对账单核对",
    response_types.Reconciliation,
    work=EXPENSIVE,
    request_types=FILES,
    fund=REQUIRED_FUND,
    **OF_FILE,  # type: ignore[arg-type] # none of the parameters is called `scope`
)
def hold_against(*, fund: str, **said: Any) -> Response:
    [found] = _compared([fund], **said)
    return answer(document(found))


@bp.post("/account")
@operation(
    "Reconcile a statement of an account that serves several funds",
    "一个账户、多项资金的对账单核对",
    response_types.AccountReconciliation,
    work=EXPENSIVE,
    request_types=FILES,
    fund=text("Codes of the funds, separated by commas", "各专项资金代码，以逗号分隔", 2_000)._replace(required=True),
    **OF_FILE,  # type: ignore[arg-type] # none of the parameters is called `scope`
)
def hold_against_several(*, fund: str, **said: Any) -> Response:
    found = _compared(_funds(fund), **said)
    taken = Counter(line for each in found for line in each.others)
    of_none = [line for line, times in taken.items() if times == len(found)]
    as_of = {"position": found[0].ledger.position}
    return answer({"as_of": as_of, "funds": list(map(document, found)), "others": others(of_none)})


def _funds(written: str) -> list[str]:
    """The codes of the funds, each once. Raises Problem if one is not a code, or if there are too many."""
    codes = list(dict.fromkeys(each.strip() for each in written.split(",") if each.strip()))
    if not 0 < len(codes) <= MAX_FUNDS or not all(re.fullmatch(CodeConverter.regex, code) for code in codes):
        raise Problem(
            "bad-parameter",
            parameter="fund",
            detail=f"It must be 1 to {MAX_FUNDS} codes, separated by commas. 须为逗号分隔的 1 至 {MAX_FUNDS} 个代码。",
        )
    return codes


def _compared(
    funds: Sequence[str],
    *,
    first_day: date | None,
    last_day: date | None,
    tolerance: int | None,
    negative: str | None,
    paid_word: str | None,
    received_word: str | None,
    ignored: str | None,
    related_only: bool | None,
    position: int | None,
    min_position: int | None,
    **columns: Any,
) -> list[Reconciliation]:
    for fund in funds:
        must_read(fund)
    if request.mimetype not in FILES:
        raise Problem("wrong-media-type", {"Accept-Post": ", ".join(FILES)})
    at = max(min_position or 0, position or 0)
    for fund in funds:
        with tables(at, fund) as snapshot:
            _must_exist(snapshot, fund)
    named = {name.removeprefix("column_"): heading for name, heading in columns.items() if heading}
    unread = tuple(filter(None, re.split("[,，]", ignored or "")))
    statement = _read(Choices(named, negative, paid_word, received_word, unread), first_day, last_day)
    with tables(at, funds[0]) as snapshot:
        for fund in funds:
            must_not_be_held(snapshot, fund)
        ledgers = [ledger_entries(snapshot, fund, statement, position) for fund in funds]
        related = {fund: related_to(snapshot, fund) for fund in funds} if related_only else None
    return reconcile(ledgers, statement, tolerance, related)


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
