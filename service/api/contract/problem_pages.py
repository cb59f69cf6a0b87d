"""/v1/problems: the reference of the problem types: title and remedy of each, in Chinese and English."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, render_template, request

from domain.decision import POSTABLE, rules_of
from domain.rules import RULES
from service.api import response_types
from service.api.http.operation import operation
from service.api.http.problem_types import PROBLEM_TYPES
from service.api.http.problems import Problem, kebab, status_of
from service.api.http.responses import answer

bp = Blueprint("problem_pages", __name__, url_prefix="/v1/problems")


def _of_kinds() -> dict[str, dict[str, Any]]:
    return {kind: {"type": f"/v1/problems/{kind}", **about._asdict()} for kind, about in PROBLEM_TYPES.items()}


def _of_rules() -> dict[str, dict[str, Any]]:
    return {
        kebab(name): {
            "type": f"/v1/problems/{kebab(name)}",
            "status": status_of(rule),
            "title": " ".join((rule.__doc__ or "").split()),
            "title_zh": rule.zh,
            "remedy": rule.remedy,
            "remedy_zh": rule.remedy_zh,
            "rule": name,
            "refuses": [fact for fact, type_ in POSTABLE.items() if rule in rules_of(type_)],
        }
        for name, rule in RULES.items()
    }


PROBLEMS = {**_of_kinds(), **_of_rules()}


@bp.get("")
@operation(
    "List the problem types with their remedies", "全部错误类型及处理办法", response_types.Explanations, scope=None
)
def all_problems() -> Response:
    return answer({"problems": list(PROBLEMS.values())})


@bp.get("/<kind>")
@operation("Get a problem type with its remedy", "错误说明", response_types.Explanation, scope=None)
def one_problem(kind: str) -> Response:
    kind = kind if kind in PROBLEMS else kebab(kind)  # the class name of a rule is accepted too
    if kind not in PROBLEMS:
        raise Problem("not-found", problem=kind[:100])
    if "text/html" in request.headers.get("Accept", ""):  # a browser
        return Response(render_template("problem.html", problem=PROBLEMS[kind], kind=kind))
    return answer(PROBLEMS[kind])
