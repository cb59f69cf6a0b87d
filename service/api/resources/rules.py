"""/v1/rules: the rules that may refuse a post, with their sources. /v1/posting-rules: which event moves money where."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from domain.decision import POSTABLE, rules_of
from domain.posting import POSTINGS, WHEN_ZH, Posting
from domain.rules import RULES, Refused
from service.api import response_types
from service.api.http.operation import operation
from service.api.http.problems import Problem, kebab
from service.api.http.responses import answer

bp = Blueprint("rules", __name__, url_prefix="/v1")


def _rule(name: str, rule: type[Refused]) -> dict[str, Any]:
    return {
        "rule": name,
        "sentence": " ".join((rule.__doc__ or "").split()),
        "sentence_zh": rule.zh,
        "remedy": rule.remedy,
        "remedy_zh": rule.remedy_zh,
        "source": rule.source._asdict(),
        "improper": rule.improper,
        "waivable": rule.waivable,
        "guards": [fact for fact, type_ in POSTABLE.items() if rule in rules_of(type_)],
        "problem": f"/v1/problems/{kebab(name)}",
    }


def _posting(posting: Posting) -> dict[str, Any]:
    fact = POSTABLE[posting.event]
    reversible = fact.reversible
    return {
        "event": posting.event,
        "event_zh": fact.zh,
        "from": posting.source,
        "to": posting.target,
        "when": posting.when,
        "when_zh": WHEN_ZH[posting.when],
        "mirrors": list(fact.records_too),
        "reversible": "never" if reversible is None else "in_part" if reversible.in_part else "whole",
    }


ALL_RULES = {name: _rule(name, rule) for name, rule in RULES.items()}
ALL_POSTINGS = [_posting(posting) for posting in POSTINGS]


@bp.get("/rules")
@operation("List the rules that may refuse a post", "全部规则", response_types.Rules, scope=None)
def all_rules() -> Response:
    return answer({"rules": list(ALL_RULES.values())})


@bp.get("/rules/<rule>")
@operation("Get a rule", "单条规则", response_types.Rule, scope=None)
def one_rule(rule: str) -> Response:
    if rule not in ALL_RULES:
        raise Problem("not-found", rule=rule[:100])
    return answer(ALL_RULES[rule])


@bp.get("/posting-rules")
@operation(
    "List the posting rules: which event moves money between which accounts",
    "记账规则",
    response_types.PostingRules,
    scope=None,
)
def posting_rules() -> Response:
    return answer({"posting_rules": ALL_POSTINGS})
