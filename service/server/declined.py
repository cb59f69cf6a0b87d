"""Requests that the gateway answers itself, with a problem document, instead of the application."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import structlog

from service.api.http import challenges, problems, response_headers
from service.observability import metrics, request_ids
from service.observability.request_ids import MAX_LOGGED
from service.server.wsgi import Answer

log = structlog.get_logger()


class Declined(Exception):
    """The gateway answers the request with a problem of type `kind`.

    `headers` are extra headers of the answer, `facts` extra members of its document.
    """

    def __init__(self, kind: str, headers: Mapping[str, str] | None = None, **facts: Any) -> None:
        super().__init__(kind)
        self.kind, self.headers, self.facts = kind, headers or {}, facts


class Disconnected(Exception):
    """The client closed the connection before it had sent its request, so that no response can be sent."""


HEADERS = {429: problems.RETRY_SOON, 503: problems.RETRY_SOON}
"""Maps statuses to the extra headers of their responses."""


def answer(scope: Any, fields: Mapping[str, str], declined: Declined) -> Answer:
    """The response to the request `scope`, whose log fields are `fields`.

    It closes the connection, because a body may not have been read.
    """
    document = problems.document(declined.kind, **declined.facts, request_id=fields["request_id"])
    status = document["status"]
    challenge = (
        challenges.of_unauthenticated(declined.kind, scope.headers.get("authorization")) if status == 401 else {}
    )
    headers: Sequence[tuple[str, str]] = [
        *response_headers.SECURITY.items(),
        ("Content-Type", "application/problem+json"),
        ("Cache-Control", response_headers.NO_STORE),
        *HEADERS.get(status, challenge).items(),
        *declined.headers.items(),
        (request_ids.HEADER, fields["request_id"]),
        ("Connection", "close"),
    ]
    metrics.REQUESTS.labels("any", "gateway", status).inc()
    asked = {"method": scope.method, "path": scope.path[:MAX_LOGGED]}
    log.info("request", **fields, **asked, status=status, problem=declined.kind)
    return Answer(status, list(headers), msgspec.json.encode(document) + b"\n")
