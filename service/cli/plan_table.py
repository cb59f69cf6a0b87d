"""Planned and paid amounts as a table for the terminal, Chinese first, in units of 万元 (10 000 yuan)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from domain.money import Money

MAX_LINES = 50
"""The number of a plan's lines that the table has; the others are only in its total."""


def table(plan: Mapping[str, Any]) -> Table:
    """A table of a plan: the planned and paid amounts of each batch.

    `plan` has the form that service.api.resources.funds.planned_and_actual returns.
    """
    batches = plan["total"]["batches"]
    title = f"{escape(plan['title'])}\n计划与实际 planned and actual · 万元 10 000 yuan"
    shown = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=0, show_edge=False)
    shown.add_column("\n序号\nno.", justify="right", no_wrap=True)
    shown.add_column("\n项目名称\nproject", min_width=20, overflow="fold")
    shown.add_column("\n立项\nawards", justify="right", no_wrap=True)
    for batch in batches:
        shown.add_column(f"{escape(batch['name'])}\n计划\nplanned", justify="right", no_wrap=True)
        shown.add_column("\n已拨付\npaid", justify="right", no_wrap=True, style="red")
    for line in plan["rows"][:MAX_LINES]:
        limit = ("≤" if line["award_rule"] == "max" else "") + str(line["awards"])
        number, awarded = str(line["number"]), f"{line['awarded_count']}/{limit}"
        shown.add_row(number, escape(line["name_annex"]), awarded, *_cells(line["batches"], batches))
    if more := len(plan["rows"][MAX_LINES:]):
        shown.add_row("…", f"另有 {more} 个项目 {more} more projects")
    shown.add_section()
    shown.add_row("", "合计 total", "", *_cells(batches, batches), style="bold")
    return shown


def _cells(amounts: list[dict[str, Any]], batches: list[dict[str, Any]]) -> Iterator[str]:
    by_number = {each["batch"]: each for each in amounts}
    for batch in batches:
        each = by_number.get(batch["batch"])
        for figure in ("planned", "paid"):
            yield Money.parse(each[figure]).wan if each else ""
