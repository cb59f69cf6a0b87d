"""Pages for people who would rather look than query: the plan beside what became of it."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from flask import Blueprint, render_template

from domain.money import Money
from service.api.http.request_context import reader
from service.api.resources.funds import annex

bp = Blueprint("console", __name__, template_folder="templates")


@bp.app_template_filter("wan")
def wan(yuan: str) -> str:
    """An amount in yuan as 万元, exact."""
    return Money.parse(yuan).wan


@bp.app_template_filter("share")
def share(part: str, whole: str) -> str:
    """How much of `whole` `part` is, in per cent with one place; a dash for nothing of nothing."""
    total = Money.parse(whole)
    return f"{int(Money.parse(part)) * 1000 // total / 10:.1f}" if total else "–"


@bp.get("/")
def home() -> str:
    """The funds' plans beside actual."""
    with reader().at() as snapshot:
        funds = snapshot.rows("funds", fund=None)
        plans = [_by_tasks(annex(snapshot, fund["fund"])) for fund in funds if fund["title"]]
        position = snapshot.position
    return render_template("home.html", plans=plans, position=position)


def _by_tasks(plan: dict[str, Any]) -> dict[str, Any]:
    """The annex with its lines grouped as printed: neighbours that serve the same tasks share one cell."""
    groups = [list(lines) for _, lines in groupby(plan["rows"], key=lambda line: line["tasks"])]
    return {**plan, "groups": groups, "batches": plan["total"]["batches"]}
