"""/v1/event-types: the reference of the event types: schema, rules, required scope, movements of money, and example."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from domain.decision import POSTABLE, apart_from, rules_of
from domain.event import Fact, subject
from domain.posting import POSTINGS
from service.api import response_types
from service.api.contract import examples, schemas
from service.api.http.limits import LIMITS
from service.api.http.operation import operation
from service.api.http.problems import Problem
from service.api.http.responses import answer
from service.api.posting.event_schemas import SCHEMAS

bp = Blueprint("event_types", __name__, url_prefix="/v1/event-types")

LIFE = examples.life()
EXAMPLES = {event["type"]: event for event in reversed(LIFE)}
"""The example of each event type: the first event of this type in the example life (examples.py)."""


def describe(name: str) -> dict[str, Any]:
    """The published reference entry of the event type `name`."""
    fact: type[Fact] = POSTABLE[name]
    return {
        "type": name,
        "title_zh": fact.zh,
        "description": " ".join((fact.__doc__ or "").split()),
        "description_zh": fact.about_zh,
        "subject": subject(fact),
        "scope": SCHEMAS[name].scope,
        "cites": [list(choice) for choice in fact.cites],
        "claims": list(fact.claims),
        "apart_from": list(apart_from(fact)),
        "rules": [rule.__name__ for rule in rules_of(fact)],
        "moves": [
            {"from": rule.source, "to": rule.target, "when": rule.when} for rule in POSTINGS if rule.event == name
        ],
        "records_too": next(iter(fact.records_too), None),
        "mirrors": list(fact.records_too),
        "schema": schemas.DATA[name],
        "example": EXAMPLES[name],
    }


CATALOGUE = {name: describe(name) for name in SCHEMAS if name in EXAMPLES}


@bp.get("")
@operation("List the event types that may be posted", "可提交的事件类型", response_types.EventTypes, scope=None)
def all_types() -> Response:
    return answer({"limits": LIMITS, "event_types": list(CATALOGUE.values()), "example_life": LIFE})


@bp.get("/<type_>")
@operation("Get an event type", "单个事件类型", response_types.EventType, scope=None)
def one_type(type_: str) -> Response:
    if type_ not in CATALOGUE:
        raise Problem("not-found", type=type_[:100])
    return answer(CATALOGUE[type_])
