"""/v1/payments: the payment register, single payments, and the trace of a payment's money to its source."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from service.api import response_types
from service.api.http import pagination
from service.api.http.held_funds import absent, as_of, must_not_be_held, tables
from service.api.http.operation import operation
from service.api.http.parameters import (
    AWARD,
    BATCH,
    FUND,
    MIN_POSITION,
    PROJECT,
    RECIPIENT,
    day,
    one_identity,
    one_of,
    text,
    whole,
)
from service.api.http.problems import Problem
from service.api.http.responses import answer
from service.api.http.visibility import may_read, must_read
from service.api.resources import fen
from service.postgres.session import Row
from service.postgres.snapshots import Snapshot

bp = Blueprint("payments", __name__, url_prefix="/v1/payments")

STATUSES = ("requested", "approved", "rejected", "cancelled", "instructed", "confirmed", "failed", "returned")
FILTERS = {
    "fund": FUND,
    "project": PROJECT,
    "award": AWARD,
    "batch": BATCH,
    "status": one_of("Filter by status of the payment", "仅限该状态", *STATUSES),
    "payee": text(
        "Filter by the payee's name, also before or after a change of name, or by its code",
        "仅限该收款人（名称，含更名前后；或代码）",
    ),
    **RECIPIENT,
    "voucher": text("Filter by voucher number", "仅限该支付凭证号"),
    "bank_reference": text("Filter by bank reference", "仅限该流水号"),
    "confirmed_from": day("Paid on or after this date", "支付日期不早于"),
    "confirmed_to": day("Paid on or before this date", "支付日期不晚于"),
}
AFTER = whole("Cursor: return only payments requested after this log position", "从该位置申请的支付之后开始")
ONE_PROJECT = PROJECT._replace(
    about=("Code of the payment's project, if several projects have a payment of this name", "支付所属项目")
)


@bp.get("")
@operation(
    "List the payments in the payment register",
    "支付登记簿",
    response_types.Payments,
    **FILTERS,  # type: ignore[arg-type] # none of the filters is called `scope`
    after=AFTER,
    limit=pagination.LIMIT,
    min_position=MIN_POSITION,
)
def register(*, after: int | None, limit: int | None, min_position: int | None, **filters: Any) -> Response:
    must_read(filters["fund"], filters["project"])
    size = limit or pagination.DEFAULT_ROWS
    filters["recipient"] = one_identity(filters.pop("uscc"), filters["recipient"])
    with tables(min_position, filters["fund"], filters["project"]) as snapshot:
        rows = snapshot.rows("payments", **filters, payment=None, after=after or 0, limit=size)
        members = {"as_of": as_of(snapshot, filters["fund"], filters["project"])}
    return pagination.answer_rows("payments", rows, members, size, lambda row: str(row["requested_position"]))


@bp.get("/<name:payment>")
@operation("Get a payment", "单笔支付", response_types.PaymentNow, project=ONE_PROJECT, min_position=MIN_POSITION)
def one(payment: str, *, project: str | None, min_position: int | None) -> Response:
    with tables(min_position) as snapshot:
        return answer({**_readable(snapshot, payment, project), "as_of": {"position": snapshot.position}})


@bp.get("/<name:payment>/trace")
@operation(
    "Trace a payment's money to its source",
    "支付资金溯源",
    response_types.PaymentTrace,
    project=ONE_PROJECT,
    min_position=MIN_POSITION,
)
def trace(payment: str, *, project: str | None, min_position: int | None) -> Response:
    with tables(min_position) as snapshot:
        row = _readable(snapshot, payment, project)
        place = {key: row[key] for key in ("fund", "project", "batch", "award", "payment")}
        moves = snapshot.rows("payment_moves", **place)
        return answer(
            {
                **place,
                "amount": row["amount"],
                "status": row["status"],
                "fen": moves[-1]["fen"],
                "plan_line": snapshot.one("plan_line", **{key: row[key] for key in ("fund", "project", "batch")}),
                "steps": fen.steps(snapshot, moves),
                "as_of": {"position": snapshot.position},
            }
        )


def _readable(snapshot: Snapshot, payment: str, project: str | None) -> Row:
    """The row of the payment called `payment`, in `project` if it is given.

    Raises Problem unless the principal may read exactly one such payment. Raises Problem if the payment's fund is held.
    """
    no_filters = dict.fromkeys(FILTERS.keys() - {"uscc"})
    rows = snapshot.rows(
        "payments", **{**no_filters, "project": project}, payment=payment, after=0, limit=pagination.MAX_ROWS
    )
    readable = [row for row in rows if may_read(row["fund"], row["project"])]
    if not readable:
        raise absent(snapshot, payment=payment)
    if len(readable) > 1:
        raise Problem("ambiguous-name", payment=payment, projects=[row["project"] for row in readable])
    must_not_be_held(snapshot, readable[0]["fund"])
    return readable[0]
