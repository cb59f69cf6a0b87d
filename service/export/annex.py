"""The annex 附表 of a fund's plan: the table of its lines as printed, as adjusted, and both beside each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from operator import itemgetter
from typing import Any

import msgspec

from domain.fund.plan import Annex
from domain.money import Money

Row = Mapping[str, Any]
Amounts = Mapping[int, int]
"""The amount in fen by batch."""

DRAFT = "征求意见稿"
"""The mark of a plan that is not adopted."""
TO_THE_LEFT = 5
"""The number of columns before the amounts."""


@dataclass(frozen=True, slots=True)
class PlanTable:
    """A plan, as a row of the query annex_plan or annex_draft.

    `tasks`, `batches`: their names, in the order of the plan. `amounts`: the amounts of each project.
    """

    title: str
    form: Annex
    tasks: Mapping[str, str]
    batches: Mapping[int, str]
    lines: Sequence[Row]
    amounts: Mapping[str, Amounts]

    def money(self, fen: int) -> str:
        return Money(fen).in_unit(self.form.unit)


def plan_table(row: Row) -> PlanTable:
    amounts: dict[str, dict[int, int]] = {}
    for each in row["amounts"]:
        amounts.setdefault(each["project"], {})[each["batch"]] = each["fen"]
    return PlanTable(
        row["title"],
        msgspec.convert(row["annex"] or {}, Annex),
        {task["code"]: task["name"] for task in row["tasks"]},
        {batch["batch"]: batch["name"] for batch in row["batches"]},
        row["lines"],
        amounts,
    )


def compared(printed: PlanTable, current: PlanTable) -> dict[str, Any]:
    """The annex of the plan `current`, each amount as `printed`, the adjustment since, and the current amount.

    The lines and batches that only the printed plan has follow those of the current plan.
    """
    batches = {**current.batches, **{n: name for n, name in printed.batches.items() if n not in current.batches}}
    gone = [line for line in printed.lines if line["project"] not in current.amounts]
    rows = [*_described(current, current.lines, in_plan=True), *_described(printed, gone, in_plan=False)]

    def three(then: Amounts, now: Amounts) -> dict[str, Any]:
        change = {batch: now.get(batch, 0) - then.get(batch, 0) for batch in batches}
        return {
            name: {
                "total": current.money(sum(amounts.values())),
                "batches": [{"batch": batch, "amount": current.money(amounts.get(batch, 0))} for batch in batches],
            }
            for name, amounts in (("printed", then), ("adjustment", change), ("current", now))
        }

    def of_project(plan: PlanTable, project: str) -> Amounts:
        return plan.amounts.get(project, {})

    return {
        "label": current.form.label,
        "plan_title": current.title,
        "caption": current.form.caption,
        "title": current.form.title or current.title,
        "unit": current.form.unit,
        "columns": _columns(current, batches.values()),
        "rows": [{**row, **three(*(of_project(plan, row["project"]) for plan in (printed, current)))} for row in rows],
        "total": {"heading": current.form.headings.sum, **three(_sums(printed), _sums(current))},
    }


def text(plan: PlanTable, mark: str | None = None) -> str:
    """The annex of `plan` as text, under the plan's title and `mark`: a line for each row, with tabs between the cells.

    An amount that the plan does not have is an empty cell.
    """
    body = (
        [*_left(row), *_cells(plan, plan.amounts[row["project"]])] for row in _described(plan, plan.lines, in_plan=True)
    )
    last = _total_row(plan, _cells(plan, _sums(plan)))
    return _lines(plan, mark, chain([_columns(plan, plan.batches.values())], body, [last]))


def text_compared(printed: PlanTable, current: PlanTable, mark: str | None = None) -> str:
    """As `text`, with three columns in place of each column of amounts."""
    both = compared(printed, current)
    amounts = [f"{column} {name}" for column in both["columns"][TO_THE_LEFT:] for name in THREE.values()]
    body = ([*_left(row), *_three_cells(row)] for row in both["rows"])
    last = _total_row(current, _three_cells(both["total"]))
    return _lines(current, mark, chain([[*both["columns"][:TO_THE_LEFT], *amounts]], body, [last]))


THREE = {"printed": "批准数", "adjustment": "调整数", "current": "现行数"}
"""The three amounts that stand beside each other, each with its heading in the text."""


def _described(plan: PlanTable, lines: Iterable[Row], *, in_plan: bool) -> Iterator[dict[str, Any]]:
    """The cells before the amounts of each line. Adjacent lines with the same tasks share the cells of the first."""
    for _, group in groupby(lines, key=itemgetter("tasks")):
        for place, line in enumerate(group):
            yield {
                "project": line["project"],
                "in_plan": in_plan,
                "scheme": None if place else "".join(f"（{code}）" for code in line["tasks"]),
                "tasks": None if place else "；".join(plan.tasks[code] for code in line["tasks"]),
                "number": line.get("number_raw") or str(line["number"]),
                "name": line["name_annex"],
                "awards": f"不超过{line['awards']}个" if line["award_rule"] == "max" else str(line["awards"]),
            }


def _columns(plan: PlanTable, batches: Iterable[str]) -> list[str]:
    words = plan.form.headings
    amounts = (f"{name}({plan.form.unit})" for name in (words.total, *batches))
    return [words.scheme, words.tasks, words.number, words.name, words.awards, *amounts]


def _left(row: Row) -> list[str]:
    return [row[name] or "" for name in ("scheme", "tasks", "number", "name", "awards")]


def _cells(plan: PlanTable, amounts: Amounts) -> Iterator[str]:
    yield plan.money(sum(amounts.values()))
    yield from (plan.money(amounts[batch]) if batch in amounts else "" for batch in plan.batches)


def _three_cells(row: Row) -> Iterator[str]:
    yield from (row[name]["total"] for name in THREE)
    for place in range(len(row["current"]["batches"])):
        yield from (row[name]["batches"][place]["amount"] for name in THREE)


def _total_row(plan: PlanTable, amounts: Iterable[str]) -> list[str]:
    return ["", "", "", plan.form.headings.sum, "", *amounts]


def _sums(plan: PlanTable) -> Amounts:
    sums: Counter[int] = Counter()
    for amounts in plan.amounts.values():
        sums.update(amounts)
    return sums


def _lines(plan: PlanTable, mark: str | None, rows: Iterable[Sequence[str]]) -> str:
    marked = f"（{mark}）" if mark and mark not in plan.title else None
    heading = (plan.form.label, plan.title, marked, "", plan.form.caption, plan.form.title)
    return "".join(f"{line}\n" for line in (*(each for each in heading if each is not None), *map("\t".join, rows)))
