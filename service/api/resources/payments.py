"""/v1/payments: the register of payments, one payment, and where its money came from."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from service.api import response_types
from service.api.http import pagination
from service.api.http.operation import operation
from service.api.http.parameters import AWARD, BATCH, FUND, MIN_POSITION, PROJECT, day, one_of, pattern, text, whole
from service.api.http.problems import Problem
from service.api.http.request_context import reader
from service.api.http.responses import answer
from service.api.http.visibility import may_read, must_read
from service.api.resources import fen
from service.postgres.snapshots import Row, Snapshot

bp = Blueprint("payments", __name__, url_prefix="/v1/payments")

STATUSES = ("requested", "approved", "rejected", "cancelled", "instructed", "confirmed", "failed", "returned")
FILTERS = {
    "fund": FUND,
    "project": PROJECT,
    "award": AWARD,
    "batch": BATCH,
    "status": one_of("Only payments that stand so", "仅限该状态", *STATUSES),
    "payee": text("Only this payee, by name", "仅限该收款人（名称）"),
    "uscc": pattern("[0-9A-Z]{18}", "Only this payee, by code", "仅限该收款人（统一社会信用代码）"),
    "voucher": text("Only this voucher", "仅限该支付凭证号"),
    "bank_reference": text("Only this bank reference", "仅限该流水号"),
    "confirmed_from": day("Paid on this day or later", "支付日期不早于"),
    "confirmed_to": day("Paid on this day or earlier", "支付日期不晚于"),
}
AFTER = whole("After the payment requested at this position", "从该位置申请的支付之后开始")
ONE_PROJECT = PROJECT._replace(about=("The payment's project, where several have one of this name", "支付所属项目"))


@bp.get("")
@operation(
    "The register of payments",
    "支付登记簿",
    response_types.Payments,
    **FILTERS,  # type: ignore[arg-type] # none of them is called `scope`
    after=AFTER,
    limit=pagination.LIMIT,
    min_position=MIN_POSITION,
)
def register(*, after: int | None, limit: int | None, min_position: int | None, **wanted: Any) -> Response:
    must_read(wanted["fund"], wanted["project"])
    size = limit or pagination.DEFAULT_ROWS
    with reader().at(min_position or 0) as snapshot:
        rows = snapshot.rows("payments", **wanted, payment=None, after=after or 0, limit=size)
        beside = {"as_of": {"position": snapshot.position}}
    return pagination.answer_rows("payments", rows, beside, size, lambda row: str(row["requested_position"]))


@bp.get("/<name:payment>")
@operation("One payment", "单笔支付", response_types.PaymentNow, project=ONE_PROJECT, min_position=MIN_POSITION)
def one(payment: str, *, project: str | None, min_position: int | None) -> Response:
    with reader().at(min_position or 0) as snapshot:
        return answer({**_found(snapshot, payment, project), "as_of": {"position": snapshot.position}})


@bp.get("/<name:payment>/trace")
@operation(
    "Where a payment's money came from",
    "支付资金溯源",
    response_types.PaymentTrace,
    project=ONE_PROJECT,
    min_position=MIN_POSITION,
)
def trace(payment: str, *, project: str | None, min_position: int | None) -> Response:
    with reader().at(min_position or 0) as snapshot:
        found = _found(snapshot, payment, project)
        place = {key: found[key] for key in ("fund", "project", "batch", "award", "payment")}
        moves = snapshot.rows("payment_moves", **place)
        return answer(
            {
                **place,
                "amount": found["amount"],
                "status": found["status"],
                "fen": moves[-1]["fen"],
                "plan_line": snapshot.one("plan_line", **{key: found[key] for key in ("fund", "project", "batch")}),
                "steps": fen.steps(snapshot, moves),
                "as_of": {"position": snapshot.position},
            }
        )


def _found(snapshot: Snapshot, payment: str, project: str | None) -> Row:
    """The one payment of this name that the reader may see. Raises Problem if there is none, or there are several."""
    anything = dict.fromkeys(FILTERS)
    rows = snapshot.rows(
        "payments", **{**anything, "project": project}, payment=payment, after=0, limit=pagination.MAX_ROWS
    )
    seen = [row for row in rows if may_read(row["fund"], row["project"])]
    if not seen:
        raise Problem("not-found", payment=payment)
    if len(seen) > 1:
        raise Problem("ambiguous-name", payment=payment, projects=[row["project"] for row in seen])
    return seen[0]
