"""Declares an operation of the API: its summary, parameters, request body, response type and required scope."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple, Protocol, cast

from flask import Response
from marshmallow import Schema

from service.api.http.parameters import Parameter, read
from service.api.http.problems import Problem
from service.api.http.request_context import principal
from service.api.http.work import READ, Work


class Operation(NamedTuple):
    """The published description of an operation.

    `response`: the type of the response body, None for plain text. `scope`: the scope that the key must have; None if
    no particular scope is needed, or if the scope depends on the types of the posted events. `work`: the kind of work
    that the operation is. `request`: the schema of the request body if the body is JSON other than events.
    `request_types`: the accepted media types if the request body is a file.
    """

    summary: str
    summary_zh: str
    response: Any
    scope: str | None
    work: Work
    parameters: dict[str, Parameter]
    request: Schema | None
    request_types: tuple[str, ...]


class View(Protocol):
    """A view function that carries its operation."""

    operation: Operation

    def __call__(self, **arguments: Any) -> Response: ...


def operation(
    summary: str,
    summary_zh: str,
    response: Any,
    *,
    scope: str | None = "read",
    work: Work = READ,
    request: Schema | None = None,
    request_types: tuple[str, ...] = (),
    **parameters: Parameter,
) -> Callable[[Callable[..., Response]], View]:
    """A decorator that attaches an Operation to a view, and checks the operation's scope on every call.

    The view receives the query parameters as keyword arguments, parsed strictly. A parameter that the request leaves
    out is None.
    """

    def declare(view: Callable[..., Response]) -> View:
        @wraps(view)
        def authorized(**path: Any) -> Response:
            # `admin` concerns the whole ledger: a grant that is limited to some funds or projects does not suffice.
            if scope is not None and not (principal().may(scope) if scope == "admin" else principal().has(scope)):
                raise Problem("wrong-scope", scope=scope)
            return view(**path, **read(parameters))

        declared = cast(View, authorized)
        declared.operation = Operation(summary, summary_zh, response, scope, work, parameters, request, request_types)
        return declared

    return declare
