"""Converts a plan file to the events that set up its fund. The format: plan_format.py, docs/plan-format.md."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from service.plans import plan_consistency
from service.plans.plan_format import read_plan
from service.plans.schedule import Arrival, schedule
from service.yaml_file.document import FileWrong, document_of, text_of
from service.yaml_file.kinds import Wrong, wrong_at

Event = dict[str, Any]


@dataclass(frozen=True)
class PlanFile:
    """A plan file that was read: its document with line numbers, its parsed plan, and the errors of its fields."""

    path: Path
    document: Any
    plan: Mapping[str, Any]
    wrong: tuple[Wrong, ...]

    def at(self, path: str, zh: str, en: str) -> Wrong:
        """An error of the field at `path`, with the line number of the field in the file."""
        return wrong_at(self.document, path, zh, en)


def read(file: Path) -> PlanFile:
    """The plan in `file`.

    Raises FileWrong if the file is not YAML or any field is wrong, FileUnreadable if the file is too large, and OSError
    if the file cannot be opened or read.
    """
    plan = parse(file)
    if plan.wrong:
        raise FileWrong(file, plan.wrong)
    return plan


def parse(file: Path) -> PlanFile:
    """The plan in `file`, with the errors of its fields.

    Raises FileWrong if the file is not YAML, FileUnreadable if the file is too large, and OSError if the file cannot be
    opened or read.
    """
    document = document_of(file, text_of(file))
    plan, wrong = read_plan(document)
    disagreements = plan_consistency.errors(plan["plan"], [each.path for each in wrong])
    return PlanFile(file, document, plan, (*wrong, *(wrong_at(document, *each) for each in disagreements)))


class PlanEvent(NamedTuple):
    """A CloudEvent made from a plan file. `place`: the path of the block or field that the event was made from."""

    event: Event
    place: str


def posts(file: PlanFile, actor: str) -> Iterator[Event]:
    """The CloudEvents that set up the fund, to be posted in this order."""
    return (each.event for each in events(file, actor))


def events(file: PlanFile, actor: str) -> Iterator[PlanEvent]:
    """The events that establish the fund, record its appropriations, adopt its plan, open its projects, allot money.

    The ids of the events are derived from the plan, so loading the same plan again records nothing.
    """
    fund, body, planned = file.plan["fund"], file.plan["plan"], schedule(file.plan)
    make = _EventFactory(fund["code"], actor)
    day = fund["established_on"]
    about = {name: fund[name] for name in ("documents", "name", "name_en", "settings") if name in fund}
    yield make("fund", "established", "FundEstablished", on=day, **about)
    for arrival in planned.before:
        yield make.arrival(arrival)
    drafted = {"on": body["drafted_on"], "documents": body.get("draft_documents", ())}
    yield make("plan", "drafted", "PlanDrafted", **drafted, **_draft(body))
    for arrival in planned.between:
        yield make.arrival(arrival)
    adopted = {"on": body["adopted_on"], "documents": body["documents"]}
    yield make("plan", "adopted", "PlanAdopted", **adopted, draft=2 + len(planned.before))
    unopened = dict(enumerate(body["projects"], 1))
    for step in planned.steps:
        if isinstance(step, Arrival):
            yield make.arrival(step)
            continue
        portion, day = step
        if line := unopened.pop(portion.number, None):
            yield make.opened(portion.number, line["code"], body["adopted_on"])
        place, id_ = (
            f"plan.projects[{portion.number}].amounts.{portion.batch}",
            f"allotted-{portion.project}-{portion.batch}",
        )
        allotted: dict[str, Any] = {"project": portion.project, "batch": portion.batch, "amount": portion.text}
        yield make(place, id_, "FundsAllotted", on=day, documents=body["allotment_documents"], **allotted)
    for number, line in unopened.items():
        yield make.opened(number, line["code"], body["adopted_on"])


def left_out(file: PlanFile) -> Iterator[str]:
    """What of the plan is not loaded because its money has not arrived yet, each as a line in both languages."""
    planned = schedule(file.plan)
    for arrival in planned.not_arrived:
        yield f"{arrival.place}: {arrival.amount} 元尚未到位，未载入 yuan have not arrived and are not loaded"
    for portion in planned.not_allotted:
        yield f"{portion.project} / {portion.batch}: {portion.amount} 元尚未分配 yuan are not allotted yet"


def source_of(fund: str) -> str:
    """The source of the events that set up the fund with the code `fund` from a plan file."""
    return f"/suyuan/plan/{fund}"


class _EventFactory:
    """Creates the CloudEvents of one plan."""

    def __init__(self, fund: str, actor: str) -> None:
        self._fund, self._source, self._actor = fund, source_of(fund), actor

    def arrival(self, arrival: Arrival) -> PlanEvent:
        money = arrival.content
        received = {name: money[name] for name in ("documents", "amount", "budget_year") if name in money}
        if "source" in money:
            received["funding_source"] = money["source"]
        return self(arrival.place, arrival.id_, "AppropriationReceived", on=str(arrival.on), **received)

    def opened(self, number: int, code: str, on: str) -> PlanEvent:
        place = f"plan.projects[{number}]"
        return self(place, f"opened-{code}", "ProjectOpened", f"project/{code}", on=on, fund=self._fund)

    def __call__(
        self,
        place: str,
        id_: str,
        type_: str,
        subject: str = "",
        *,
        on: str,
        documents: Iterable[Any] = (),
        **data: Any,
    ) -> PlanEvent:
        header = {"occurred_on": on, "actor": self._actor, "documents": list(documents)}
        event = {
            "specversion": "1.0",
            "id": id_,
            "source": self._source,
            "type": type_,
            "subject": subject or f"fund/{self._fund}",
            "data": {**header, **data},
        }
        return PlanEvent(event, place)


def _draft(body: Mapping[str, Any]) -> dict[str, Any]:
    gates: dict[int, str] = {batch["batch"]: batch["gate"] for batch in body["batches"]}
    return {
        "title": body["title"],
        "total": body["total"],
        **({"sources": body["sources"]} if "sources" in body else {}),
        "tasks": body["tasks"],
        "batches": [{name: each[name] for name in ("batch", "name", "total")} for each in body["batches"]],
        "lines": [_line(line, gates) for line in body["projects"]],
        **({"annex": {**body["annex"], "unit": body["unit"]}} if "annex" in body else {}),
    }


AS_WRITTEN = ("number_raw", "name", "name_en", "share", "checkpoints", "objective", "support", "goals", "selection")
"""The fields of a line that its event has as the file has them, if it has them."""


def _line(line: Mapping[str, Any], gates: Mapping[int, str]) -> dict[str, Any]:
    award_rule, awards = line["awards"]
    gates = {**gates, **line.get("gates", {})}
    return {
        "project": line["code"],
        "number": line["number"],
        **{name: line[name] for name in AS_WRITTEN if name in line},
        "name_annex": line.get("name_annex", line["name"]),
        "tasks": line["tasks"],
        "award_rule": award_rule,
        "awards": awards,
        "fixed_total": line.get("fixed_total", False),
        "total": line["total"],
        "batches": [
            {"batch": batch, "amount": amount, "gate": gates.get(batch)} for batch, amount in line["amounts"].items()
        ],
    }
