"""Where in a plan file the cause stands of an error in an event that was made from the file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from domain.rules import Refused
from domain.rules.every_post import (
    BeforeItsCause,
    BookedInFuture,
    BookedOutOfOrder,
    DocumentAlreadyUsed,
    MissingCitation,
    PeriodIsClosed,
)
from domain.rules.fund import FundExists, PlanExceedsPool, PlanNamesTwice, PlanSumsDisagree
from domain.rules.project import ProjectExists


class Section(NamedTuple):
    """The section of the file from which a type of event is made, and the fields that have another name there."""

    path: str
    renamed: Mapping[str, str]


SECTIONS = {
    "FundEstablished": Section("fund", {"occurred_on": "established_on", "subject": "code"}),
    "AppropriationReceived": Section("appropriation", {"occurred_on": "received_on"}),
    "PlanDrafted": Section("plan", {"occurred_on": "drafted_on", "lines": "projects", "project": "code"}),
    "PlanAdopted": Section("plan", {"occurred_on": "adopted_on"}),
    "ProjectOpened": Section("plan", {"occurred_on": "adopted_on", "subject": "project"}),
    "FundsAllotted": Section("plan", {"occurred_on": "allotted_on", "documents": "allotment_documents"}),
}
OF_LINE = {"batches": "amounts", "award_rule": "awards"}
"""The fields of a project's line that have another name in the file."""


def path_of_error(event: Mapping[str, Any], pointer: str, plan: Any) -> str:
    """The path in the plan file of the field at this JSON pointer into the event."""
    section = SECTIONS[event["type"]]
    first, *rest = pointer.removeprefix("/data").split("/")[1:] or [""]
    field = section.renamed.get(first, first)
    if field in ("project", "batch", "amount") and section.path == "plan":
        return _path_of_line(plan, _code(event))
    path = ".".join(filter(None, (section.path, field)))
    for number, step in enumerate(rest):
        name = OF_LINE.get(step, section.renamed.get(step, step)) if field == "projects" and number == 1 else step
        path += f"[{int(step) + 1}]" if step.isdigit() else f".{name}"
        if name == "amounts":
            break
    return path


def path_of_refusal(event: Mapping[str, Any], refusal: Refused, plan: Any) -> str:
    """The path in the plan file of what this rule refuses; the section of the event if the rule names no field."""
    section = SECTIONS[event["type"]]
    find = REFUSED.get(type(refusal))
    return find(event, refusal, plan) if find else section.path


def _day(event: Mapping[str, Any], _refusal: Any, plan: Any) -> str:
    return path_of_error(event, "/data/occurred_on", plan)


def _documents(event: Mapping[str, Any], _refusal: Any, plan: Any) -> str:
    return path_of_error(event, "/data/documents", plan)


def _sum(_event: Any, refusal: PlanSumsDisagree, plan: Any) -> str:
    """The total that disagrees: the plan's, that of `batch N`, or that of a project's line."""
    if refusal.what == "total":
        return "plan.total"
    if batch := re.fullmatch(r"batch (\d+)", refusal.what):
        return f"plan.batches[{_last(plan['batches'], 'batch', batch[1])}].total"
    return f"{_path_of_line(plan, refusal.what)}.total"


def _name(_event: Any, refusal: PlanNamesTwice, plan: Any) -> str:
    """The second place of a name: `batch N`, `task CODE`, `project CODE` or `number N`."""
    kind, _, name = refusal.what.partition(" ")
    listed, field = LISTS.get(kind, ("projects", "code"))
    return f"plan.{listed}[{_last(plan[listed], field, name)}].{field}"


LISTS = {
    "batch": ("batches", "batch"),
    "task": ("tasks", "code"),
    "project": ("projects", "code"),
    "number": ("projects", "number"),
}

REFUSED: Mapping[type[Refused], Callable[[Any, Any, Any], str]] = {
    MissingCitation: _documents,
    DocumentAlreadyUsed: _documents,
    BookedInFuture: _day,
    BookedOutOfOrder: _day,
    BeforeItsCause: _day,
    PeriodIsClosed: _day,
    PlanSumsDisagree: _sum,
    PlanNamesTwice: _name,
    PlanExceedsPool: lambda *_: "plan.total",
    FundExists: lambda *_: "fund.code",
    ProjectExists: lambda event, _refusal, plan: f"{_path_of_line(plan, _code(event))}.code",
}
"""How to find the cause of a refusal, by rule."""


def _code(event: Mapping[str, Any]) -> str:
    return str(event["data"].get("project") or event["subject"].partition("/")[2])


def _path_of_line(plan: Any, code: str) -> str:
    return f"plan.projects[{_last(plan['projects'], 'code', code)}]"


def _last(items: Iterable[Mapping[str, Any]], field: str, value: str) -> int:
    """The number, from 1, of the last item with this value."""
    return max((number for number, each in enumerate(items, 1) if str(each[field]) == value), default=0)
