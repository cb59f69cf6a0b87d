"""Converts a plan file to the events that set up its fund. The format: plan_format.py, docs/plan-format.md."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from service.plans import plan_consistency
from service.plans.plan_format import read_plan
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
    """The events that establish the fund, record its appropriation, adopt its plan, open its projects, and allot money.

    The ids of the events are derived from the plan, so loading the same plan again records nothing.
    """
    fund, money, body = file.plan["fund"], file.plan["appropriation"], file.plan["plan"]
    make = _EventFactory(fund["code"], actor)
    stream, day = f"fund/{fund['code']}", fund["established_on"]
    about = {name: fund[name] for name in ("documents", "name", "name_en", "settings") if name in fund}
    yield make("fund", "established", "FundEstablished", stream, on=day, **about)
    received = {name: money[name] for name in ("documents", "amount", "budget_year")}
    yield make("appropriation", "appropriated", "AppropriationReceived", stream, on=money["received_on"], **received)
    yield make("plan", "drafted", "PlanDrafted", stream, on=body["drafted_on"], **_draft(body))
    adopted = {"on": body["adopted_on"], "documents": body["documents"]}
    yield make("plan", "adopted", "PlanAdopted", stream, **adopted, draft=3)
    for number, line in enumerate(body["projects"], 1):
        code, place, opened = line["code"], f"plan.projects[{number}]", body["adopted_on"]
        yield make(place, f"opened-{code}", "ProjectOpened", f"project/{code}", on=opened, fund=fund["code"])
        allotted = {"on": body["allotted_on"], "documents": body["allotment_documents"], "project": code}
        for batch, amount in line["amounts"].items():
            share, id_ = {**allotted, "batch": batch, "amount": amount}, f"allotted-{code}-{batch}"
            yield make(f"{place}.amounts.{batch}", id_, "FundsAllotted", stream, **share)


class _EventFactory:
    """Creates the CloudEvents of one plan."""

    def __init__(self, fund: str, actor: str) -> None:
        self._source, self._actor = f"/suyuan/plan/{fund}", actor

    def __call__(
        self, place: str, id_: str, type_: str, subject: str, *, on: str, documents: Iterable[Any] = (), **data: Any
    ) -> PlanEvent:
        header = {"occurred_on": on, "actor": self._actor, "documents": list(documents)}
        event = {
            "specversion": "1.0",
            "id": id_,
            "source": self._source,
            "type": type_,
            "subject": subject,
            "data": {**header, **data},
        }
        return PlanEvent(event, place)


def _draft(body: Mapping[str, Any]) -> dict[str, Any]:
    gates = {batch["batch"]: batch["gate"] for batch in body["batches"]}
    return {
        "title": body["title"],
        "total": body["total"],
        "tasks": body["tasks"],
        "batches": [{name: each[name] for name in ("batch", "name", "total")} for each in body["batches"]],
        "lines": [_line(line, gates) for line in body["projects"]],
    }


def _line(line: Mapping[str, Any], gates: Mapping[int, str]) -> dict[str, Any]:
    award_rule, awards = line["awards"]
    return {
        "project": line["code"],
        "number": line["number"],
        **{name: line[name] for name in ("number_raw", "name", "name_en") if name in line},
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
