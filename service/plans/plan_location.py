"""Finds the place in a plan file that caused an error in an event made from the file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from domain.rules import Refused
from domain.rules.every_post import (
    BeforeItsCause,
    BookedInFuture,
    BookedOutOfOrder,
    DocumentAlreadyUsed,
    MissingCitation,
    PeriodIsClosed,
)
from domain.rules.fund import (
    AppropriationsTooLarge,
    AppropriationTooLarge,
    FundExists,
    PlanLacksSource,
    SerialsExhausted,
    UnknownSource,
)
from domain.rules.project import ProjectExists
from service.plans.plan_file import PlanEvent
from service.yaml_file.kinds import ACTOR

EVERYWHERE = {"actor": ACTOR, "fund": "fund.code"}
FIELDS: Mapping[str, Mapping[str, str]] = {
    "FundEstablished": {"occurred_on": "fund.established_on"},
    "AppropriationReceived": {
        "occurred_on": "{place}.received_on",
        "funding_source": "{place}.source",
        "amount": "{place}.amount",
        "documents": "{place}.documents",
        "budget_year": "{place}.budget_year",
    },
    "PlanDrafted": {
        "occurred_on": "plan.drafted_on",
        "documents": "plan.draft_documents",
        "lines": "plan.projects",
    },
    "PlanAdopted": {"occurred_on": "plan.adopted_on"},
    "ProjectOpened": {"occurred_on": "plan.adopted_on", "subject": "{project}.code"},
    "FundsAllotted": {
        "occurred_on": "plan.allotted_on",
        "documents": "plan.allotment_documents",
        "project": "{project}.code",
        "batch": "{place}",
        "amount": "{place}",
    },
}
"""Maps each event type to the fields that have another name in the plan file, each with its path in the file.
EVERYWHERE has the fields for which this is so in every event type. A field that is neither here nor in EVERYWHERE has
the same name in the file, and is in the section that the event was made from.

In a path, `{place}` stands for the path of the block or field that the event was made from. `{project}` stands for the
path of the line of the plan that contains this block or field.
"""
OF_LINE = {"project": "code", "award_rule": "awards", "batches": "amounts"}
"""Maps the fields of a line of the plan, as an event names them, to their names in the plan file, if they differ."""


def path_of_error(made: PlanEvent, pointer: str, plan: Mapping[str, Any]) -> str:
    """The path of a field in the plan file, given the JSON pointer of that field in the event `made`.

    `plan` is the parsed plan file.
    """
    first, *rest = pointer.removeprefix("/data").removeprefix("/").split("/")
    section, project = made.place.partition(".")[0], made.place.partition(".amounts")[0]
    path = {**EVERYWHERE, **FIELDS[made.event["type"]]}.get(first, f"{section}.{first}".rstrip("."))
    path = path.format(place=made.place, project=project)
    if path == "plan.projects" and rest:
        line = plan["plan"]["projects"][int(rest[0])]
        return path + _steps(rest[:1]) + _in_line(rest[1:], line)
    return path + _steps(rest)


def _in_line(steps: list[str], line: Mapping[str, Any]) -> str:
    """The path of a field in the plan file, relative to the plan's line `line`.

    `steps` is the path of the same field in the event, relative to the event's copy of that line.
    """
    match steps:
        case ["batches", index, *_]:
            return f".amounts.{list(line['amounts'])[int(index)]}"
        case ["name_annex"] if "name_annex" not in line:
            return ".name"
        case [name, *rest]:
            return _steps([OF_LINE.get(name, name), *rest])
        case _:
            return ""


def _steps(steps: Iterable[str]) -> str:
    return "".join(f"[{int(step) + 1}]" if step.isdigit() else f".{step}" for step in steps)


def path_of_refusal(made: PlanEvent, refusal: Refused, plan: Mapping[str, Any]) -> str:
    """The path of the field of the plan file that caused `refusal`, a refusal of the event `made`.

    If REFUSED has no function for the refusing rule, the result is the path of the block or field that the event was
    made from.
    """
    find = REFUSED.get(type(refusal))
    return find(made, plan) if find else made.place


def _field(pointer: str) -> Callable[[PlanEvent, Mapping[str, Any]], str]:
    return lambda made, plan: path_of_error(made, pointer, plan)


def _path(path: str) -> Callable[[PlanEvent, Mapping[str, Any]], str]:
    return lambda *_: path


REFUSED: Mapping[type[Refused], Callable[[PlanEvent, Mapping[str, Any]], str]] = {
    MissingCitation: _field("/data/documents"),
    DocumentAlreadyUsed: _field("/data/documents"),
    BookedInFuture: _field("/data/occurred_on"),
    BookedOutOfOrder: _field("/data/occurred_on"),
    BeforeItsCause: _field("/data/occurred_on"),
    PeriodIsClosed: _field("/data/occurred_on"),
    PlanLacksSource: _path("plan.sources"),
    UnknownSource: _field("/data/funding_source"),
    AppropriationTooLarge: _field("/data/amount"),
    AppropriationsTooLarge: _field("/data/amount"),
    SerialsExhausted: _field("/data/amount"),
    FundExists: _path("fund.code"),
    ProjectExists: _field("/subject"),
}
"""Maps rules to functions. Each returns the path of the field of the plan file that caused the refusal."""
