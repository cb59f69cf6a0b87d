"""The console: an HTML page with the plan of each fund and the actual amounts next to it, or the draft of its plan."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from flask import Blueprint, g, render_template

from domain.money import Money
from service.api.http.request_context import reader
from service.api.http.visibility import may_read
from service.api.resources.funds import planned_and_actual
from service.postgres.session import Row
from service.postgres.snapshots import Snapshot

bp = Blueprint("console", __name__, template_folder="templates")


@bp.app_template_filter("wan")
def wan(yuan: str) -> str:
    """An amount in yuan as an exact amount in 万元 (10,000 yuan)."""
    return Money.parse(yuan).wan


@bp.app_template_filter("share")
def share(part: str, whole: str) -> str:
    """`part` as a percentage of `whole`, with one decimal place; a dash if `whole` is zero."""
    total = Money.parse(whole)
    return f"{int(Money.parse(part)) * 1000 // total / 10:.1f}" if total else "–"


@bp.get("/")
def home() -> str:
    """The console page: the plan of each fund with its actual amounts.

    If the page needs a key, it has the funds that the key may read.
    """
    with reader().at() as snapshot:
        funds = [row for row in snapshot.rows("funds", fund=None) if "principal" not in g or may_read(row["fund"])]
        plans = [
            {**_by_tasks(planned_and_actual(snapshot, fund["fund"])), "held": snapshot.held.get(fund["fund"])}
            for fund in funds
            if fund["title"] or fund["draft_position"]
        ]
        position = snapshot.position
        received = _first_appropriation(snapshot, plans[0]["fund"]) if plans else None
    return render_template("home.html", plans=plans, position=position, received=received)


def _first_appropriation(snapshot: Snapshot, fund: str) -> Row | None:
    """The first appropriation of `fund`, whose document and year are examples of what to ask; None if it has none."""
    return next(iter(snapshot.rows("appropriations", fund=fund, after=0, limit=1)), None)


def _by_tasks(plan: dict[str, Any]) -> dict[str, Any]:
    """The annex `plan` with its lines in groups, as in the printed plan.

    Adjacent lines with the same tasks are one group. The page shows the tasks of a group in one cell.
    """
    groups = [list(lines) for _, lines in groupby(plan["rows"], key=lambda line: line["tasks"])]
    return {**plan, "groups": groups, "batches": plan["total"]["batches"]}
