"""An operation of the API: what it is called, what it asks, what it answers, and the scope that it needs."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple, Protocol, cast

from flask import Response
from marshmallow import Schema

from service.api.http.parameters import Parameter, read
from service.api.http.problems import Problem
from service.api.http.request_context import principal


class Operation(NamedTuple):
    """`answers`: the type of the body; `scope`: None where any key will do, or where the posts' own scopes decide.

    `asks`: the schema of the request's body, unless it is events; `takes`: the types of a file in its place.
    """

    summary: str
    summary_zh: str
    answers: Any
    scope: str | None
    parameters: dict[str, Parameter]
    asks: Schema | None
    takes: tuple[str, ...]


class View(Protocol):
    """A view that an operation was declared for."""

    operation: Operation

    def __call__(self, **arguments: Any) -> Response: ...


def operation(
    summary: str,
    summary_zh: str,
    answers: Any,
    *,
    scope: str | None = "read",
    asks: Schema | None = None,
    takes: tuple[str, ...] = (),
    **parameters: Parameter,
) -> Callable[[Callable[..., Response]], View]:
    """Declare a view's operation: its query parameters come to it as arguments, read strictly; None if left out."""

    def declare(view: Callable[..., Response]) -> View:
        @wraps(view)
        def asked(**path: Any) -> Response:
            # Running the ledger has no limits to a fund or a project.
            if scope is not None and not (principal().may(scope) if scope == "admin" else principal().has(scope)):
                raise Problem("wrong-scope", scope=scope)
            return view(**path, **read(parameters))

        declared = cast(View, asked)
        declared.operation = Operation(summary, summary_zh, answers, scope, parameters, asks, takes)
        return declared

    return declare
