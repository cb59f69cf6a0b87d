"""Converts a plan file to the events that set up its fund. The format: plan_format.py, docs/plan-format.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from domain.rules import Refused
from service.plans.plan_format import read_plan
from service.plans.plan_location import path_of_error, path_of_refusal
from service.yaml_file.document import FileWrong, parse
from service.yaml_file.kinds import Wrong, line_of

Event = dict[str, Any]


def read(file: Path) -> dict[str, Any]:
    """The plan in `file`, with parsed values and amounts as exact yuan. Raises FileWrong."""
    plan, wrong = read_plan(_document(file))
    if wrong:
        raise FileWrong(file, wrong)
    return plan


def _document(file: Path) -> Any:
    return parse(file, file.read_bytes())


def invalid(file: Path, event: Event, errors: Sequence[Mapping[str, str]]) -> FileWrong:
    """The errors of an event that was made from the plan, with their lines in the file.

    `errors` are as in a problem document: each has a JSON `pointer` into the event and a `detail`.
    """
    document = _document(file)
    paths = [(path_of_error(event, each["pointer"], document["plan"]), each["detail"]) for each in errors]
    return FileWrong(file, [Wrong(line_of(document, path), path, detail, "") for path, detail in paths])


def refused(file: Path, event: Event, refusal: Refused, zh: str) -> FileWrong:
    """The refusal of an event that was made from the plan, with its line in the file. `zh`: its Chinese sentence."""
    document = _document(file)
    path = path_of_refusal(event, refusal, document["plan"])
    return FileWrong(file, [Wrong(line_of(document, path), path, zh, str(refusal))])


def posts(plan: Mapping[str, Any], actor: str) -> Iterator[Event]:
    """The CloudEvents that set up the fund: established, funded, planned, its projects opened and allotted in full.

    Their ids are derived from the plan, so loading it again records nothing.
    """
    fund, money, body = plan["fund"], plan["appropriation"], plan["plan"]
    make = _EventFactory(fund["code"], actor)
    stream = f"fund/{fund['code']}"
    about = {name: fund[name] for name in ("name", "name_en", "settings") if name in fund}
    yield make("established", "FundEstablished", stream, fund["established_on"], fund["documents"], **about)
    received = {name: money[name] for name in ("amount", "budget_year")}
    yield make("appropriated", "AppropriationReceived", stream, money["received_on"], money["documents"], **received)
    yield make("drafted", "PlanDrafted", stream, body["drafted_on"], **_draft(body))
    yield make("adopted", "PlanAdopted", stream, body["adopted_on"], body["documents"], draft=3)
    for line in body["projects"]:
        code, opened = line["code"], body["adopted_on"]
        yield make(f"opened-{code}", "ProjectOpened", f"project/{code}", opened, fund=fund["code"])
        for batch, amount in line["amounts"].items():
            share = {"project": code, "batch": batch, "amount": amount}
            name, cited = f"allotted-{code}-{batch}", body["allotment_documents"]
            yield make(name, "FundsAllotted", stream, body["allotted_on"], cited, **share)


class _EventFactory:
    """Creates the CloudEvents of one plan."""

    def __init__(self, fund: str, actor: str) -> None:
        self._source, self._actor = f"/suyuan/plan/{fund}", actor

    def __call__(self, id_: str, type_: str, subject: str, on: str, documents: Any = (), **data: Any) -> Event:
        header = {"occurred_on": on, "actor": self._actor, "documents": list(documents)}
        return {
            "specversion": "1.0",
            "id": id_,
            "source": self._source,
            "type": type_,
            "subject": subject,
            "data": {**header, **data},
        }


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
            {"batch": batch, "amount": amount, "gate": gates[batch]} for batch, amount in line["amounts"].items()
        ],
    }
