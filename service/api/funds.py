"""/v1/funds: the funds, their plan beside actual, and their balances, now or as of a position or a booking date."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from service.api import answer, parameters, reader
from service.api.problems import Problem
from service.reads import Snapshot

bp = Blueprint("funds", __name__, url_prefix="/v1/funds")

GROUPINGS = ("batch", "project", "task", "award")


@bp.get("")
def all_funds() -> Response:
    asked = parameters.read(min_position=parameters.whole())
    with reader().at(asked["min_position"] or 0) as snapshot:
        return answer({"as_of": {"position": snapshot.position}, "funds": snapshot.rows("funds", fund=None)})


@bp.get("/<code:fund>")
def one_fund(fund: str) -> Response:
    asked = parameters.read(min_position=parameters.whole())
    with reader().at(asked["min_position"] or 0) as snapshot:
        return answer({**_known(snapshot, fund), "as_of": {"position": snapshot.position}})


@bp.get("/<code:fund>/balances")
def balances(fund: str) -> Response:
    asked = parameters.read(
        by=parameters.one_of(*GROUPINGS),
        position=parameters.whole(),
        booked_on=parameters.day,
        min_position=parameters.whole(),
    )
    by, position, booked_on = asked["by"] or "batch", asked["position"], asked["booked_on"]
    with reader().at(max(asked["min_position"] or 0, position or 0)) as snapshot:
        _known(snapshot, fund)
        of = {"fund": fund, "position": position, "booked_on": booked_on}
        rows = snapshot.rows(f"balances_by_{by}", **of)
        total = snapshot.one("balances_total", **of)
        as_of = {"position": snapshot.position if position is None else position}
        if booked_on is not None:
            as_of["booked_on"] = booked_on
        return answer({"fund": fund, "by": by, "as_of": as_of, "rows": rows, "total": total})


@bp.get("/<code:fund>/plan")
def plan(fund: str) -> Response:
    asked = parameters.read(min_position=parameters.whole())
    with reader().at(asked["min_position"] or 0) as snapshot:
        return answer(annex(snapshot, fund))


def annex(snapshot: Snapshot, fund: str) -> dict[str, Any]:
    """The plan's annex, regenerated: the same rows, names, order and totals, plan beside actual."""
    _known(snapshot, fund)
    total = snapshot.one("plan_totals", fund=fund) or {}
    names = {task["code"]: task["name"] for task in total.pop("tasks") or ()}
    lines = snapshot.rows("plan_lines", fund=fund)
    for line in lines:
        line["tasks"] = [{"code": code, "name": names[code]} for code in line["tasks"]]
    return {
        "fund": fund,
        "title": total.pop("title"),
        "unit": "元",
        "as_of": {"position": snapshot.position},
        "rows": lines,
        "total": {key: value for key, value in total.items() if key != "fund"},
    }


def _known(snapshot: Snapshot, fund: str) -> dict[str, Any]:
    row = snapshot.one("funds", fund=fund)
    if row is None:
        raise Problem("not-found", fund=fund)
    return row
