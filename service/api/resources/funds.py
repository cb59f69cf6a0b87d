"""/v1/funds: the funds, their plans with actual amounts, their balances now or in the past, and their movements."""

from __future__ import annotations

from datetime import date
from typing import Any, NamedTuple

from flask import Blueprint, Response

from domain.posting import ACCOUNTS
from service.api import response_types
from service.api.http import pagination
from service.api.http.held_funds import as_of, existing_fund, tables
from service.api.http.operation import operation
from service.api.http.parameters import (
    AWARD,
    BATCH,
    MIN_POSITION,
    PROJECT,
    CodeConverter,
    NameConverter,
    day,
    named_by,
    one_of,
    pattern,
    whole,
)
from service.api.http.problems import Problem
from service.api.http.responses import answer
from service.api.http.visibility import may_read, must_read
from service.postgres.session import Row
from service.postgres.snapshots import Snapshot

bp = Blueprint("funds", __name__, url_prefix="/v1/funds")


class Grouping(NamedTuple):
    """How balances are grouped: the columns that identify a row, and the parts of the cursor if they come in pages.

    `has_total`: the last row of its query is the whole fund.
    """

    columns: tuple[str, ...]
    has_total: bool = True
    after: tuple[str, ...] = ()


GROUPINGS = {
    "batch": Grouping(("batch",)),
    "project": Grouping(("project", "name")),
    "task": Grouping(("task",)),
    "month": Grouping(("month",), has_total=False),
    "source": Grouping(("source", "name", "level"), has_total=False),
    "appropriation": Grouping(("appropriation",), has_total=False, after=("after",)),
    "award": Grouping(
        ("project", "award", "applicant"),
        has_total=False,
        after=("after_number", "after_project", "after_rank", "after_award"),
    ),
}
AFTER_ROW = pattern(
    f"([0-9]{{1,9}}/{CodeConverter.regex}/[0-9]{{1,9}}/({NameConverter.regex})?|[0-9]{{1,16}})",
    "Cursor, only with by=award or by=appropriation: the `next` of the previous page",
    "从 next 所示之后开始，仅用于 by=award 和 by=appropriation",
)
ROWS_LIMIT = pagination.LONG_LIMIT._replace(
    about=(
        "Maximum number of rows per page, only with by=award or by=appropriation; default 1000",
        "每页行数，默认 1000，仅用于 by=award 和 by=appropriation",
    )
)
OTHER_GROUPING = "The cursor is one of another grouping. 该 next 属于另一种分组。"
ONLY_IN_PAGES = "Only the balances by award or by appropriation have pages. 仅 by=award 和 by=appropriation 分页。"
MOVEMENT_FILTERS = {
    "project": PROJECT,
    "batch": BATCH,
    "award": AWARD,
    "payment": named_by(NameConverter, "Filter by payment name", "仅限该支付"),
    "account": one_of("Filter by account: movements out of it or into it", "仅限该账户的收支", *ACCOUNTS),
    "booked_from": day("Booked on or after this date", "记账日期不早于"),
    "booked_to": day("Booked on or before this date", "记账日期不晚于"),
}


@bp.get("")
@operation("List the funds", "专项资金", response_types.Funds, min_position=MIN_POSITION)
def all_funds(*, min_position: int | None) -> Response:
    with tables(min_position) as snapshot:
        rows = [row for row in snapshot.rows("funds", fund=None) if may_read(row["fund"])]
        return answer({"as_of": as_of(snapshot), "funds": rows})


@bp.get("/<code:fund>")
@operation("Get a fund", "单个专项资金", response_types.FundNow, min_position=MIN_POSITION)
def one_fund(fund: str, *, min_position: int | None) -> Response:
    must_read(fund)
    with tables(min_position, fund) as snapshot:
        return answer({**existing_fund(snapshot, fund), "as_of": {"position": snapshot.position}})


@bp.get("/<code:fund>/balances")
@operation(
    "Get a fund's balances, now or in the past",
    "余额（当前或历史）",
    response_types.Balances,
    by=one_of(
        "One row per batch (default), project, set of tasks, month, source of money, appropriation or award",
        "按批次（默认）、项目、任务、月份、资金来源、指标或立项",
        *GROUPINGS,
    ),
    position=whole("Balances as of this log position", "截至该日志位置"),
    booked_on=day("Balances at the end of this booking date", "截至该记账日期"),
    after=AFTER_ROW,
    limit=ROWS_LIMIT,
    min_position=MIN_POSITION,
)
def balances(
    fund: str,
    *,
    by: str | None,
    position: int | None,
    booked_on: date | None,
    after: str | None,
    limit: int | None,
    min_position: int | None,
) -> Response:
    """The balances of a fund. Groupings of which a fund may have thousands of rows come in pages."""
    must_read(fund)
    by = by or "batch"
    grouping = GROUPINGS[by]
    place = after.split("/") if after else [None] * len(grouping.after)
    if not grouping.after and (after or limit):
        raise Problem("bad-parameter", parameter="after" if after else "limit", detail=ONLY_IN_PAGES)
    if len(place) != len(grouping.after):
        raise Problem("bad-parameter", parameter="after", detail=OTHER_GROUPING)
    with tables(max(min_position or 0, position or 0), fund) as snapshot:
        existing_fund(snapshot, fund)
        params = {"fund": fund, "position": position, "booked_on": booked_on}
        *rows, total_row = snapshot.rows(f"balances_by_{by if grouping.has_total else 'batch'}", **params)
        total = _without(total_row, "of_fund", *GROUPINGS["batch"].columns, *grouping.columns) | total_row["of_fund"]
        members = {"fund": fund, "by": by, "as_of": as_of_time(snapshot, position, booked_on), "total": total}
        size = limit or pagination.MAX_ROWS
        if not grouping.has_total:
            cursor = dict(zip(grouping.after, place, strict=True))
            rows = snapshot.rows(f"balances_by_{by}", **params, **cursor, limit=size)
        if not grouping.after:
            return answer({**members, "rows": [_without(row, "of_fund") for row in rows], "next": None})
    last = rows[-1]["cursor"] if rows else ""
    rows = [_without(row, "cursor") for row in rows]
    return pagination.answer_rows("rows", rows, members, size, lambda _: last)


def as_of_time(snapshot: Snapshot, position: int | None, booked_on: date | None) -> dict[str, Any]:
    at = {"position": snapshot.position if position is None else position}
    return at if booked_on is None else {**at, "booked_on": booked_on}


def _without(row: Row, *names: str) -> Row:
    return {name: value for name, value in row.items() if name not in names}


@bp.get("/<code:fund>/movements")
@operation(
    "List the movements of a fund's money",
    "资金流水",
    response_types.Movements,
    **MOVEMENT_FILTERS,  # type: ignore[arg-type] # none of the filters is called `scope`
    after=pattern("[0-9]{1,18}[.][0-9]{1,9}", "Cursor: the `next` of the previous page", "从 next 所示之后开始"),
    limit=pagination.LIMIT,
    min_position=MIN_POSITION,
)
def movements(fund: str, *, after: str | None, limit: int | None, min_position: int | None, **filters: Any) -> Response:
    must_read(fund, filters["project"])
    size = limit or pagination.DEFAULT_ROWS
    position, seq = (after or "0.0").split(".")
    with tables(min_position, fund, filters["project"]) as snapshot:
        existing_fund(snapshot, fund, filters["project"])
        rows = snapshot.rows("movements", fund=fund, **filters, position=int(position), seq=int(seq), limit=size)
        members = {"fund": fund, "as_of": {"position": snapshot.position}}
    return pagination.answer_rows("movements", rows, members, size, lambda row: f"{row['position']}.{row['seq']}")


@bp.get("/<code:fund>/recoveries")
@operation(
    "List the recoveries of a fund",
    "追缴台账",
    response_types.Recoveries,
    project=PROJECT,
    after=whole("Cursor: return only recoveries ordered after this log position", "从该位置决定的追缴之后开始"),
    limit=pagination.LIMIT,
    min_position=MIN_POSITION,
)
def recoveries(
    fund: str, *, project: str | None, after: int | None, limit: int | None, min_position: int | None
) -> Response:
    must_read(fund, project)
    size = limit or pagination.DEFAULT_ROWS
    with tables(min_position, fund, project) as snapshot:
        existing_fund(snapshot, fund, project)
        rows = snapshot.rows("recoveries", fund=fund, project=project, after=after or 0, limit=size)
        members = {"fund": fund, "as_of": {"position": snapshot.position}}
    return pagination.answer_rows("recoveries", rows, members, size, lambda row: str(row["events"][0]))


@bp.get("/<code:fund>/plan")
@operation(
    "Get the annex of a fund's plan, with planned and actual amounts; before its adoption, of the last draft",
    "资金安排计划附表（计划与实际）；批准前为最近的草案（征求意见稿）",
    response_types.Plan,
    position=whole("The plan in force and the amounts as of this log position", "截至该日志位置的计划与实际"),
    booked_on=day("The plan in force and the amounts at the end of this booking date", "截至该记账日期的计划与实际"),
    min_position=MIN_POSITION,
)
def plan(fund: str, *, position: int | None, booked_on: date | None, min_position: int | None) -> Response:
    must_read(fund)
    with tables(max(min_position or 0, position or 0), fund) as snapshot:
        return answer(planned_and_actual(snapshot, fund, position, booked_on))


def planned_and_actual(
    snapshot: Snapshot, fund: str, position: int | None = None, booked_on: date | None = None
) -> dict[str, Any]:
    """The lines of the fund's plan, with planned and actual amounts, as of a position and booking date.

    By default, it is the plan in force now. The result has no rows if no plan was in force. Raises Problem if there is
    no such fund.
    """
    existing, params = existing_fund(snapshot, fund), {"fund": fund, "position": position, "booked_on": booked_on}
    status, plan_position = plan_shown(snapshot, existing, position, booked_on)
    if status == "draft":
        total = snapshot.one("draft_totals", position=plan_position) or {}
        lines = snapshot.rows("draft_lines", position=plan_position)
    else:
        total = snapshot.one("plan_totals", **params) or {}
        lines = snapshot.rows("plan_lines", **params)
    return {
        "fund": fund,
        "title": total.pop("title"),
        "status": status,
        "position": plan_position,
        "unit": "元",
        "as_of": as_of_time(snapshot, position, booked_on),
        "rows": lines,
        "total": {key: value for key, value in total.items() if key != "fund"},
    }


def plan_shown(snapshot: Snapshot, fund: Row, position: int | None, booked_on: date | None) -> tuple[str, int | None]:
    """Which plan of `fund` to show: its status, and the log position of the event that set it.

    `fund`: the fund's row in the tables. With `position` or `booked_on`, the plan is the one in force as of that log
    position and booking date; None sets no limit. With neither, it is the plan in force now, or else the last draft.
    The status is "adopted", "revised" (changed since it was adopted) or "draft"; if there is no such plan, the result
    is ("none", None).
    """
    if position is None and booked_on is None:
        in_force = fund["plan_position"]
    else:
        then = {"fund": fund["fund"], "position": position, "booked_on": booked_on}
        in_force = (snapshot.one("plan_position_at", **then) or {}).get("position")
    if in_force:
        return ("adopted" if in_force == fund["adopted_position"] else "revised"), in_force
    is_draft = position is None and booked_on is None and fund["draft_position"] is not None
    return ("draft", fund["draft_position"]) if is_draft else ("none", None)
