"""Errors as RFC 9457 problem documents, in English and Chinese. The only place that knows both rules and statuses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from itertools import islice
from typing import Any, NamedTuple

import structlog
from flask import Flask, Response, g
from marshmallow import ValidationError
from psycopg import OperationalError
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from domain.money import Money
from domain.rules import Refused, UnknownStream
from service.api import answer
from service.api.strict import NotStrictJson
from service.ledger import Conflicts, NotRecorded, Outcome, Overtaken, Refusal, Unavailable
from service.reads import NotYet

log = structlog.get_logger()


class Kind(NamedTuple):
    status: int
    title: str
    title_zh: str


KINDS = {
    "not-strict-json": Kind(400, "The body is not strict JSON.", "请求体不是严格的 JSON。"),
    "bad-request": Kind(400, "The request cannot be understood.", "请求无法理解。"),
    "bad-parameter": Kind(400, "A query parameter is wrong.", "查询参数有误。"),
    "no-key": Kind(401, "Send a valid API key as a bearer token.", "请以 Bearer 令牌提供有效的 API 密钥。"),
    "wrong-scope": Kind(403, "This key may not do that.", "此密钥无权进行该操作。"),
    "not-found": Kind(404, "There is no such thing here.", "没有此资源。"),
    "method-not-allowed": Kind(405, "This address does not take that method.", "此地址不支持该方法。"),
    "identity-conflict": Kind(
        409, "This source and id were already posted with other content.", "相同 source 与 id 已提交过不同内容。"
    ),
    "stale-version": Kind(412, "The stream is not at the version you expect.", "该流的版本与预期不符。"),
    "length-required": Kind(411, "Say the body's length: chunked bodies are not read.", "请给出 Content-Length。"),
    "too-large": Kind(413, "The body or the bundle is too large.", "请求体或事件组过大。"),
    "wrong-media-type": Kind(
        415,
        "Send application/cloudevents+json or application/cloudevents-batch+json.",
        "请使用 application/cloudevents+json 或 application/cloudevents-batch+json。",
    ),
    "invalid-event": Kind(422, "The event does not have the form of its type.", "事件不符合其类型的格式。"),
    "not-recorded": Kind(422, "Another event of the bundle was refused.", "同组中有其他事件被拒绝，本事件未入账。"),
    "refused": Kind(422, "The ledger refuses the event.", "账簿拒绝此事件。"),
    "internal-error": Kind(500, "Something went wrong on our side.", "服务内部错误。"),
    "unavailable": Kind(
        503,
        "The ledger cannot be reached now. Send the same request again.",
        "账簿暂时不可用，请稍后原样重发。",
    ),
    "not-yet": Kind(503, "The projections have not reached that position yet.", "投影尚未到达该位置。"),
}


class Problem(Exception):
    """An error with its own document; `facts` are its extra members, `headers` its extra headers."""

    def __init__(self, kind: str, headers: Mapping[str, str] | None = None, **facts: Any) -> None:
        super().__init__(kind)
        self.kind, self.headers, self.facts = kind, headers or {}, facts


def document(kind: str, **facts: Any) -> dict[str, Any]:
    """A problem document. Relative type: it resolves against the service that sent it."""
    about = KINDS[kind]
    return {
        "type": f"/v1/problems/{kind}",
        "title": about.title,
        "title_zh": about.title_zh,
        "status": about.status,
        **facts,
    }


def of_rule(rule: Refused) -> dict[str, Any]:
    """A refusal: its rule, the rule's sentences with the numbers in them, and the numbers by name."""
    name = type(rule).__name__
    return {
        "type": f"/v1/problems/{kebab(name)}",
        "title": str(rule),
        "title_zh": rule.chinese,
        "status": 404 if isinstance(rule, UnknownStream) else 422,
        "rule": name,
        "facts": {key: _plain(value) for key, value in rule.facts.items()},
    }


def of_outcome(outcome: Outcome) -> dict[str, Any]:
    """The problem that an outcome other than Counted is."""
    match outcome:
        case Refusal(rule):
            return of_rule(rule)
        case Overtaken(stream, expected, actual):
            return document("stale-version", stream=stream, expected=expected, actual=actual)
        case Conflicts():
            return document("identity-conflict")
        case NotRecorded():
            return document("not-recorded")
        case _:
            raise AssertionError(outcome)


def of_invalid(error: ValidationError, prefix: str = "") -> dict[str, Any]:
    """What is wrong with an event's form, each error with a JSON pointer to it."""
    errors = [
        {"pointer": prefix + pointer, "detail": detail}
        for pointer, detail in islice(_pointers(error.messages), MOST_ERRORS)
    ]
    return document("invalid-event", errors=errors)


def _pointers(messages: Any, at: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(messages, Mapping):
        for name, inner in messages.items():
            step = "" if name == "_schema" else "/" + str(name).replace("~", "~0").replace("/", "~1")
            yield from _pointers(inner, at + step)
    elif isinstance(messages, list):
        for inner in messages:
            yield from _pointers(inner, at)
    else:
        yield at, str(messages)


def _plain(value: object) -> object:
    return str(value) if isinstance(value, date | Decimal | Money) else value


def kebab(name: str) -> str:
    """`BalanceTooSmall` as `balance-too-small`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


def respond(problem: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    """The answer that carries a problem document."""
    g.outcome = problem["type"].rpartition("/")[2]
    return answer(problem, problem["status"], "application/problem+json", headers)


MOST_ERRORS = 50
"""How many of an event's errors are told."""
BY_STATUS = {404: "not-found", 405: "method-not-allowed", 413: "too-large", 415: "wrong-media-type"}


def install(app: Flask) -> None:
    """Every error that leaves the service is a problem document."""

    @app.errorhandler(Problem)
    def _problem(error: Problem) -> Response:
        return respond(document(error.kind, **error.facts), error.headers)

    @app.errorhandler(NotStrictJson)
    def _not_json(error: NotStrictJson) -> Response:
        return respond(document("not-strict-json", detail=str(error)))

    @app.errorhandler(ValidationError)
    def _invalid(error: ValidationError) -> Response:
        return respond(of_invalid(error))

    @app.errorhandler(Unavailable)
    @app.errorhandler(OperationalError)
    def _unavailable(error: Exception) -> Response:
        log.warning("unavailable", reason=repr(error.__cause__ or error))
        return respond(document("unavailable"), {"Retry-After": "1"})

    @app.errorhandler(NotYet)
    def _not_yet(error: NotYet) -> Response:
        return respond(document("not-yet", position=error.position), {"Retry-After": "1"})

    @app.errorhandler(HTTPException)
    def _http(error: HTTPException) -> Response:
        code = error.code or 500
        kind = BY_STATUS.get(code, "bad-request" if code < 500 else "internal-error")
        allow = {"Allow": ", ".join(error.valid_methods or ())} if isinstance(error, MethodNotAllowed) else {}
        return respond(document(kind), allow)

    @app.errorhandler(Exception)
    def _unexpected(error: Exception) -> Response:
        log.exception("unexpected", error=type(error).__name__)
        return respond(document("internal-error"))
