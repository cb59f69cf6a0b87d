"""/v1/funds/{fund}/annex: the annex 附表 of the plan as printed, the adjustments since, and as it is now."""

from __future__ import annotations

from datetime import date
from typing import Any, NamedTuple

from flask import Blueprint, Response

from service.api import response_types
from service.api.http.held_funds import existing_fund, tables
from service.api.http.operation import operation
from service.api.http.parameters import MIN_POSITION, day, one_of, whole
from service.api.http.problems import Problem
from service.api.http.responses import answer
from service.api.http.visibility import must_read
from service.api.resources.funds import as_of_time, plan_shown
from service.export.annex import DRAFT, PlanTable, compared, plan_table, text, text_compared
from service.postgres.snapshots import Snapshot

bp = Blueprint("annexes", __name__, url_prefix="/v1/funds")

PARAMETERS = {
    "position": whole("The plan in force and its amounts as of this log position", "截至该日志位置的计划"),
    "booked_on": day("The plan in force and its amounts at the end of this booking date", "截至该记账日期的计划"),
    "min_position": MIN_POSITION,
}


class Annexes(NamedTuple):
    """The plan as printed, which was adopted or is only drafted, and the plan as it is at the time asked for."""

    status: str
    position: int | None
    printed: PlanTable
    current: PlanTable

    @property
    def mark(self) -> str | None:
        return DRAFT if self.status == "draft" else None


@bp.get("/<code:fund>/annex")
@operation(
    "Get the annex of a fund's plan: as printed, the adjustments, and as it is now; before its adoption, of the draft",
    "资金安排计划附表：批准数、调整数、现行数；批准前为草案（征求意见稿）",
    response_types.Annex,
    **PARAMETERS,  # type: ignore[arg-type] # none of the parameters is called `scope`
)
def annex(fund: str, *, position: int | None, booked_on: date | None, min_position: int | None) -> Response:
    must_read(fund)
    with tables(max(min_position or 0, position or 0), fund) as snapshot:
        shown = _annexes(snapshot, fund, position, booked_on)
        members = {"fund": fund, "as_of": as_of_time(snapshot, position, booked_on)}
    status = {"status": shown.status, "position": shown.position, "mark": shown.mark}
    return answer({**members, **status, **compared(shown.printed, shown.current)})


@bp.get("/<code:fund>/annex.txt")
@operation(
    "Get the annex of a fund's plan as text, to compare with the printed one",
    "资金安排计划附表（文本，可与印发的附表核对）",
    None,
    amounts=one_of(
        "The plan as printed (default), as it is now, or both with the adjustments between them",
        "批准数（默认）、现行数，或批准数、调整数、现行数并列",
        "printed",
        "current",
        "compared",
    ),
    **PARAMETERS,  # type: ignore[arg-type] # none of the parameters is called `scope`
)
def annex_text(
    fund: str, *, amounts: str | None, position: int | None, booked_on: date | None, min_position: int | None
) -> Response:
    must_read(fund)
    with tables(max(min_position or 0, position or 0), fund) as snapshot:
        shown = _annexes(snapshot, fund, position, booked_on)
        headers = {"Event-Position": str(snapshot.position)}
    body = _text(shown, amounts or "printed")
    return Response(body, 200, headers, content_type="text/plain; charset=utf-8")


def _text(shown: Annexes, amounts: str) -> str:
    if amounts == "compared":
        return text_compared(shown.printed, shown.current, shown.mark)
    return text(shown.printed if amounts == "printed" else shown.current, shown.mark)


def _annexes(snapshot: Snapshot, fund: str, position: int | None, booked_on: date | None) -> Annexes:
    """Raises Problem `not-found` if there is no such fund, or no plan of it at that time."""
    existing = existing_fund(snapshot, fund)
    status, plan_position = plan_shown(snapshot, existing, position, booked_on)
    if status == "none":
        raise Problem("not-found", fund=fund)
    if status == "draft":
        draft = _table(snapshot, "annex_draft", position=plan_position)
        return Annexes(status, plan_position, draft, draft)
    adopted = _table(snapshot, "annex_plan", fund=fund, position=existing["adopted_position"], booked_on=None)
    current = _table(snapshot, "annex_plan", fund=fund, position=position, booked_on=booked_on)
    return Annexes(status, plan_position, adopted, current)


def _table(snapshot: Snapshot, query: str, **params: Any) -> PlanTable:
    row = snapshot.one(query, **params)
    assert row is not None, "the plan that is shown was drafted"
    return plan_table(row)
