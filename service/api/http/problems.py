"""Errors as RFC 9457 problem documents in English and Chinese; the only module that maps rules to HTTP statuses."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from itertools import islice
from typing import Any

import structlog
from flask import Flask, Response, g, request
from marshmallow import ValidationError
from psycopg import OperationalError
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from domain.decision import TITLES
from domain.money import Money
from domain.rules import Refused
from domain.rules.every_post import UnknownStream
from service import __version__
from service.api.http import challenges
from service.api.http.problem_types import PROBLEM_TYPES
from service.api.http.request_context import request_id
from service.api.http.responses import answer
from service.api.http.strict_json import NotStrictJson
from service.auth import grants
from service.codec import NewerEvent
from service.ledger.application import Unavailable
from service.ledger.outcomes import IdentityConflict, NewerLog, NotRecorded, Outcome, Refusal, VersionConflict
from service.postgres.snapshots import NotInTheLog, NotYet

log = structlog.get_logger()


class Problem(Exception):
    """An error of problem type `kind`; `facts` are extra members of its document, `headers` extra response headers."""

    def __init__(self, kind: str, headers: Mapping[str, str] | None = None, **facts: Any) -> None:
        super().__init__(kind)
        self.kind, self.headers, self.facts = kind, headers or {}, facts


def document(kind: str, **facts: Any) -> dict[str, Any]:
    """A problem document of type `kind`, with `facts` as extra members. Its `type` is a URL relative to the service."""
    about = PROBLEM_TYPES[kind]
    return {
        "type": f"/v1/problems/{kind}",
        "title": about.title,
        "title_zh": about.title_zh,
        "status": about.status,
        "remedy": about.remedy,
        "remedy_zh": about.remedy_zh,
        **facts,
    }


def refusal_problem(rule: Refused) -> dict[str, Any]:
    """The problem document of a refusal: the rule, its message with the values filled in, and the values by name."""
    name = type(rule).__name__
    waivable = {"waivable": rule.waivable} if rule.waivable else {}
    return {
        "type": f"/v1/problems/{kebab(name)}",
        "title": str(rule),
        "title_zh": rule.chinese(TITLES),
        "status": status_of(type(rule)),
        "remedy": rule.remedy,
        "remedy_zh": rule.remedy_zh,
        "rule": name,
        **waivable,
        "facts": {key: _plain(value) for key, value in rule.facts.items()},
    }


def status_of(rule: type[Refused]) -> int:
    """The HTTP status of a refusal by this rule: 404 for UnknownStream, 422 for all others."""
    return 404 if rule is UnknownStream else 422


def outcome_problem(outcome: Outcome) -> dict[str, Any]:
    """The problem document of a post that was not recorded.

    `outcome` is a refusal, a version conflict, an identity conflict, NewerLog, or NotRecorded. NotRecorded means that
    another post of the same atomic bundle failed.
    """
    match outcome:
        case Refusal(rule):
            return refusal_problem(rule)
        case VersionConflict(stream, expected, actual):
            return document("stale-version", stream=stream, expected=expected, actual=actual)
        case IdentityConflict():
            return document("identity-conflict")
        case NotRecorded():
            return document("not-recorded")
        case NewerLog(error):
            return _newer_log(error)
        case _:
            raise AssertionError(outcome)


def _newer_log(error: NewerEvent) -> dict[str, Any]:
    return document("newer-log", event_type=error.event_type, fields=error.fields, version=__version__)


def invalid_problem(error: ValidationError, kind: str = "invalid-event") -> dict[str, Any]:
    """The problem document of a failed validation: up to MAX_ERRORS errors, each with a JSON pointer."""
    errors = islice(_pointers(error.messages), MAX_ERRORS)
    return document(kind, errors=[{"pointer": pointer, "detail": detail} for pointer, detail in errors])


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
    """A name such as `BalanceTooSmall` in lower case with hyphens: `balance-too-small`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


def respond(problem: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    """The response with the document `problem` and the id of the request.

    Sets `g.outcome` to the problem type, for the request log.
    """
    g.outcome = problem["type"].rpartition("/")[2]
    if problem["status"] == 403:
        headers = {**(headers or {}), **challenges.of_forbidden(g.outcome, problem.get("scope"))}
    return answer({**problem, "request_id": request_id()}, problem["status"], "application/problem+json", headers)


MAX_ERRORS = 50
"""Maximum number of validation errors that are reported for one event."""
BY_STATUS = {404: "not-found", 405: "method-not-allowed", 413: "too-large", 415: "wrong-media-type"}
RETRY_SOON = {"Retry-After": "1"}
RETRY_LATER = {"Retry-After": "60"}


def install(app: Flask) -> None:
    """Register the error handlers, so that every error response is a problem document."""
    for kind, handler in HANDLERS.items():
        app.register_error_handler(kind, handler)


def _problem(error: Problem) -> Response:
    return respond(document(error.kind, **error.facts), error.headers)


def _validation_error(error: ValidationError) -> Response:
    return respond(invalid_problem(error, "invalid-event" if request.blueprint == "intake" else "invalid-body"))


def _not_authenticated(error: grants.NotAuthenticated) -> Response:
    if PROBLEM_TYPES[error.kind].status != 401:
        return respond(document(error.kind), RETRY_SOON)
    return respond(
        document(error.kind), challenges.of_unauthenticated(error.kind, request.headers.get("Authorization"))
    )


def _unavailable(error: Exception) -> Response:
    log.warning("unavailable", reason=repr(error.__cause__ or error))
    return respond(document("unavailable"), RETRY_SOON)


def _http_exception(error: HTTPException) -> Response:
    code = error.code or 500
    kind = BY_STATUS.get(code, "bad-request" if code < 500 else "internal-error")
    allow = {"Allow": ", ".join(error.valid_methods or ())} if isinstance(error, MethodNotAllowed) else {}
    return respond(document(kind), allow)


def _unexpected(error: Exception) -> Response:
    log.exception("unexpected", error=type(error).__name__)
    return respond(document("internal-error"))


HANDLERS: dict[type[Exception], Callable[[Any], Response]] = {
    Problem: _problem,
    Refused: lambda error: respond(refusal_problem(error)),
    NotStrictJson: lambda error: respond(document("not-strict-json", detail=str(error))),
    ValidationError: _validation_error,
    Unavailable: _unavailable,
    OperationalError: _unavailable,
    NewerEvent: lambda error: respond(_newer_log(error), RETRY_LATER),
    NotInTheLog: lambda error: respond(document("not-in-the-log", head=error.head)),
    NotYet: lambda error: respond(document("not-yet", position=error.position), RETRY_SOON),
    grants.NotAuthenticated: _not_authenticated,
    HTTPException: _http_exception,
    Exception: _unexpected,
}
"""Maps each exception type to the function that returns the error response for an exception of this type."""
