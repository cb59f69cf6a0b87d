"""Checks whether a plan agrees with itself: no name is listed twice, every name that is used is listed, sums are right.

The rules of the ledger refuse a plan with such errors too, but they report one error at a time, and do not say where in
the file the error is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from domain.decision import TITLES
from domain.money import Money
from domain.rules import Refused
from domain.rules.fund import PlanExceedsSources, PlanNamesTwice, PlanSumsDisagree
from domain.state.fund import Gate
from service.yaml_file.kinds import short

Found = Iterator[tuple[str, str, str]]
"""Errors: for each one, the path of its field, and the reason in Chinese and in English."""


def errors(plan: Mapping[str, Any], wrong: Iterable[str]) -> Found:
    """The inconsistencies in `plan`. `wrong`: the paths of the fields that could not be read.

    A check is left out if a field that it relies on could not be read, or if an earlier check found an error in that
    field.
    """
    unread = list(wrong)
    for needs, check in CHECKS:
        if not any(related(need, path) for need in needs for path in unread):
            found = list(check(plan))
            yield from found
            unread += [path for path, _, _ in found]


def related(path: str, other: str) -> bool:
    """Whether the fields at the two paths are the same field, or one of them is inside the other."""
    shorter, longer = sorted((path, other), key=len)
    return not shorter or longer == shorter or longer.startswith((f"{shorter}.", f"{shorter}["))


def _names_twice(plan: Mapping[str, Any]) -> Found:
    for kind, listed, field in LISTS:
        rows = enumerate(plan.get(listed, ()), 1)
        names = ((f"plan.{listed}[{number}].{field}", each[field]) for number, each in rows)
        yield from _repeated(kind, names)
    for number, line in enumerate(plan["projects"], 1):
        tasks = ((f"plan.projects[{number}].tasks[{place}]", task) for place, task in enumerate(line["tasks"], 1))
        yield from _repeated("task", tasks)
        goals = enumerate(line.get("goals", ()), 1)
        yield from _repeated("goal", ((f"plan.projects[{number}].goals[{n}].name", each["name"]) for n, each in goals))
        named = line.get("checkpoints", ())
        checkpoints = ((f"plan.projects[{number}].checkpoints[{n}]", each) for n, each in enumerate(named, 1))
        others = Gate if named[-1:] != [Gate.ACCEPTANCE] else (Gate.AWARD, Gate.AGREEMENT)
        yield from _repeated("gate", (*(("", word) for word in others), *checkpoints))


def _repeated(kind: str, names: Iterable[tuple[str, object]]) -> Found:
    seen = {None}
    for path, name in names:
        if name is not None and name in seen:
            yield path, *_reason(PlanNamesTwice(what=f"{kind} {short(str(name))}"))
        seen.add(name)  # type: ignore[arg-type]


def _unknown_batches(plan: Mapping[str, Any]) -> Found:
    batches = {each["batch"] for each in plan["batches"]}
    for number, line in enumerate(plan["projects"], 1):
        for batch in line["amounts"].keys() - batches:
            yield f"plan.projects[{number}].amounts.{batch}", *_not_listed(batch, batches)


def _unknown_tasks(plan: Mapping[str, Any]) -> Found:
    tasks = {each["code"] for each in plan["tasks"]}
    for number, line in enumerate(plan["projects"], 1):
        for place, task in enumerate(line["tasks"], 1):
            if task is not None and task not in tasks:
                yield f"plan.projects[{number}].tasks[{place}]", *_not_listed(task, tasks)


def _unknown_gates(plan: Mapping[str, Any]) -> Found:
    """A gate that is not a checkpoint of a line which has it: its own gate, or else that of the plan's batch."""
    for place, each in enumerate(plan["batches"], 1):
        lines = [line for line in plan["projects"] if each["batch"] in line["amounts"].keys() - line.get("gates", {})]
        common = [set(line.get("checkpoints", ())) for line in lines]
        allowed = (*Gate, *sorted(set.intersection(*common) - {*Gate, None} if common else ()))
        if each["gate"] is not None and each["gate"] not in allowed:
            yield f"plan.batches[{place}].gate", *_not_one_of(each["gate"], allowed)
    for number, line in enumerate(plan["projects"], 1):
        allowed = tuple(dict.fromkeys((*Gate, *line.get("checkpoints", ()))))
        for batch, gate in line.get("gates", {}).items():
            at = f"plan.projects[{number}].gates.{batch}"
            if batch not in line["amounts"]:
                yield at, *_not_listed(batch, line["amounts"])
            elif gate is not None and gate not in allowed:
                yield at, *_not_one_of(gate, allowed)


def _not_one_of(value: str, allowed: Iterable[str]) -> tuple[str, str]:
    shown, listed = short(value), ", ".join(allowed)
    return f"须为 {listed} 之一，不能是 {shown}", f"it must be one of {listed}, not {shown}"


def _not_listed(name: object, known: Iterable[Any]) -> tuple[str, str]:
    shown, allowed = short(str(name)), short(", ".join(str(each) for each in sorted(known)))
    return f"计划中没有 {shown}，可用 {allowed}", f"the plan has no {shown}; allowed: {allowed}"


def _sums(plan: Mapping[str, Any]) -> Found:
    projects = plan["projects"]
    for number, line in enumerate(projects, 1):
        yield from _sum(f"plan.projects[{number}].total", line["code"], line["total"], line["amounts"].values())
    for number, each in enumerate(plan["batches"], 1):
        amounts = [line["amounts"][each["batch"]] for line in projects if each["batch"] in line["amounts"]]
        yield from _sum(f"plan.batches[{number}].total", f"batch {each['batch']}", each["total"], amounts)
    yield from _sum("plan.total", "total", plan["total"], [line["total"] for line in projects])


def _sources(plan: Mapping[str, Any]) -> Found:
    given = Money(sum(Money.parse(source["amount"]) for source in plan.get("sources", ())))
    planned = Money.parse(plan["total"])
    if "sources" in plan and planned > given:
        yield "plan.sources", *_reason(PlanExceedsSources(planned=planned, sources=given))


def _sum(path: str, what: str, stated: str, amounts: Iterable[str]) -> Found:
    computed = Money(sum(Money.parse(amount) for amount in amounts))
    if computed != Money.parse(stated):
        yield path, *_reason(PlanSumsDisagree(what=short(what), stated=Money.parse(stated), computed=computed))


def _reason(rule: Refused) -> tuple[str, str]:
    return rule.chinese(TITLES), str(rule)


LISTS = (
    ("batch", "batches", "batch"),
    ("task", "tasks", "code"),
    ("project", "projects", "code"),
    ("number", "projects", "number"),
    ("source", "sources", "source"),
)
"""Lists of the plan in which a name must not occur twice. Each has three parts: the kind of the names, as
PlanNamesTwice calls it; the list; and the field that has the name in each item of the list."""

CHECKS: tuple[tuple[tuple[str, ...], Callable[[Mapping[str, Any]], Found]], ...] = (
    ((), _names_twice),
    (("plan.batches",), _unknown_batches),
    (("plan.tasks",), _unknown_tasks),
    ((), _unknown_gates),
    (("plan.unit", "plan.batches", "plan.projects", "plan.total"), _sums),
    (("plan.unit", "plan.sources", "plan.total"), _sources),
)
"""Pairs: the paths of the fields that a check relies on, and the function that returns the errors that the check finds.
"""
