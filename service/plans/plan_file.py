"""A plan file: a district's plan in YAML, read strictly and turned into the posts that set up its fund.

The format is described in docs/plan-format.md. Every scalar is read as text, so no amount ever becomes a float.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from domain.money import Money
from domain.state.fund import Gate

UNITS = {"分": 1, "元": 100, "万元": 1_000_000}
"""The units a plan may be written in, in fen."""

FLAGS = {"true": True, "false": False}
_AMOUNT = re.compile(r"[0-9]{1,15}(\.[0-9]{1,10})?", re.ASCII)

Event = dict[str, Any]


class PlanFileWrong(ValueError):
    """The plan file does not have the form of docs/plan-format.md."""


class _Loader(yaml.BaseLoader):
    """Scalars stay text; a key that stands twice is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        mapping = super().construct_mapping(node, deep)
        if len(mapping) < len(node.value):
            raise PlanFileWrong(f"a name stands twice: 名称重复{node.start_mark}")
        return mapping


def read(file: Path) -> dict[str, Any]:
    """The plan in `file`, its scalars as text. Raises PlanFileWrong."""
    try:
        plan = yaml.load(file.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - BaseLoader makes only text
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise PlanFileWrong(str(error)) from error
    if not isinstance(plan, dict) or plan.get("format") != "suyuan-plan/1":
        raise PlanFileWrong("it must begin with: format: suyuan-plan/1 首行须为 format: suyuan-plan/1")
    return plan


def posts(plan: Mapping[str, Any], actor: str) -> Iterator[Event]:
    """The CloudEvents that set up the fund: established, funded, planned, its projects open and allotted.

    Their ids are derived from the plan, so loading it again records nothing. Raises PlanFileWrong.
    """
    try:
        yield from _posts(plan, actor)
    except PlanFileWrong:
        raise
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise PlanFileWrong(f"missing or of the wrong form: {error} 缺失或格式错误") from error


NAMES = {
    "file": {"format", "fund", "appropriation", "plan"},
    "fund": {"code", "name", "name_en", "established_on", "settings", "documents"},
    "settings": {
        "notice_working_days", "approvals", "acceptance_tries", "notice_order", "rectification_months", "quantum",
        "years_to_spend", "period_close_days", "idle_days", "december_percent",
    },
    "appropriation": {"amount", "budget_year", "received_on", "documents"},
    "plan": {
        "title", "unit", "drafted_on", "adopted_on", "allotted_on", "documents", "allotment_documents", "tasks",
        "batches", "total", "projects",
    },
    "batch": {"batch", "name", "gate", "total"},
    "line": {
        "code", "number", "number_raw", "name", "name_annex", "name_en", "tasks", "awards", "fixed_total", "amounts",
        "total",
    },
}  # fmt: skip
"""What each part of a plan file may name; a misspelt name would otherwise be silently ignored."""


def _known(part: str, mapping: Mapping[str, Any]) -> Mapping[str, Any]:
    for name in mapping.keys() - NAMES[part]:
        raise PlanFileWrong(f"{part}: there is no such name 没有此名称: {name}")
    return mapping


def _posts(plan: Mapping[str, Any], actor: str) -> Iterator[Event]:
    _known("file", plan)
    fund, money, body = (_known(part, plan[part]) for part in ("fund", "appropriation", "plan"))
    say = _Sender(fund["code"], actor)
    stream, unit = f"fund/{fund['code']}", body["unit"]
    yield say(
        "established", "FundEstablished", stream, fund["established_on"], fund["documents"], **_founding(fund, unit)
    )
    yield say(
        "appropriated",
        "AppropriationReceived",
        stream,
        money["received_on"],
        money["documents"],
        amount=_yuan(money["amount"], unit),
        budget_year=_whole(money["budget_year"]),
    )
    yield say("drafted", "PlanDrafted", stream, body["drafted_on"], **_draft(body))
    yield say("adopted", "PlanAdopted", stream, body["adopted_on"], body["documents"], draft=3)
    for line in body["projects"]:
        code, opened = line["code"], body["adopted_on"]
        yield say(f"opened-{code}", "ProjectOpened", f"project/{code}", opened, fund=fund["code"])
        for batch, amount in line["amounts"].items():
            share = {"project": code, "batch": _whole(batch), "amount": _yuan(amount, unit)}
            name, cited = f"allotted-{code}-{batch}", body["allotment_documents"]
            yield say(name, "FundsAllotted", stream, body["allotted_on"], cited, **share)


class _Sender:
    """Makes the CloudEvents of one plan."""

    def __init__(self, fund: str, actor: str) -> None:
        self._source, self._actor = f"/suyuan/plan/{fund}", actor

    def __call__(self, id_: str, type_: str, subject: str, on: str, documents: Any = (), **data: Any) -> Event:
        cited = [_document(document) for document in documents]
        circumstances = {"occurred_on": on, "actor": self._actor, "documents": cited}
        return {
            "specversion": "1.0",
            "id": id_,
            "source": self._source,
            "type": type_,
            "subject": subject,
            "data": {**circumstances, **data},
        }


def _founding(fund: Mapping[str, Any], unit: str) -> dict[str, Any]:
    settings = _known("settings", fund["settings"])
    named = ("name", "name_en")
    counted = ("rectification_months", "years_to_spend", "period_close_days", "idle_days", "december_percent")
    return {
        **{name: fund[name] for name in named if name in fund},
        "settings": {
            "notice_working_days": _whole(settings["notice_working_days"]),
            "approvals": settings["approvals"],
            "acceptance_tries": _whole(settings["acceptance_tries"]),
            **{name: settings[name] for name in ("notice_order",) if name in settings},
            **{name: _whole(settings[name]) for name in counted if name in settings},
            **{name: _yuan(settings[name], unit) for name in ("quantum",) if name in settings},
        },
    }


def _draft(body: Mapping[str, Any]) -> dict[str, Any]:
    unit = body["unit"]
    gates = {batch["batch"]: Gate(batch["gate"]) for batch in (_known("batch", each) for each in body["batches"])}
    return {
        "title": body["title"],
        "total": _yuan(body["total"], unit),
        "tasks": body["tasks"],
        "batches": [
            {"batch": _whole(b["batch"]), "name": b["name"], "total": _yuan(b["total"], unit)} for b in body["batches"]
        ],
        "lines": [_line(line, unit, gates) for line in body["projects"]],
    }


def _line(line: Mapping[str, Any], unit: str, gates: Mapping[str, Gate]) -> dict[str, Any]:
    ((award_rule, awards),) = _known("line", line)["awards"].items()
    named = ("number_raw", "name", "name_en")
    return {
        "project": line["code"],
        "number": _whole(line["number"]),
        **{name: line[name] for name in named if name in line},
        "name_annex": line.get("name_annex", line["name"]),
        "tasks": line["tasks"],
        "award_rule": award_rule,
        "awards": _whole(awards),
        "fixed_total": FLAGS[line.get("fixed_total", "false")],
        "total": _yuan(line["total"], unit),
        "batches": [
            {"batch": _whole(batch), "amount": _yuan(amount, unit), "gate": gates[batch]}
            for batch, amount in line["amounts"].items()
        ],
    }


def _document(document: Mapping[str, str]) -> dict[str, Any]:
    return {name: _whole(text) if name in ("year", "item") else text for name, text in document.items()}


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise PlanFileWrong(f"{text!r} must be a whole number 须为整数")
    return int(text)


def _yuan(text: str, unit: str) -> str:
    """An amount in the plan's unit as exact yuan. Raises PlanFileWrong if it is not a whole number of fen."""
    if not _AMOUNT.fullmatch(text) or unit not in UNITS:
        raise PlanFileWrong(f"{text!r} {unit} is not an amount 不是金额")
    fen = Decimal(text) * UNITS[unit]
    if fen != fen.to_integral_value():
        raise PlanFileWrong(f"{text!r} {unit} is not a whole number of fen 不是整分")
    return str(Money(int(fen)))
