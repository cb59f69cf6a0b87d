"""One log line per request, with what became of the events that it posted, and the counts of both in the metrics."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType
from typing import Any

import structlog
from flask import Flask, Response, g, request

from service.ledger.outcomes import Committed, Refusal
from service.observability import metrics
from service.observability.request_ids import MAX_LOGGED

log = structlog.get_logger()


def install(app: Flask) -> None:
    """Make `app` log the outcome of each request and of its posts, and count requests and posts in the metrics."""

    @app.before_request
    def _begin() -> None:
        g.started, g.posts = time.perf_counter(), []

    @app.after_request
    def _end(response: Response) -> Response:
        with suppress(OSError, ValueError):  # a full disk or a closed pipe must not fail a request that was recorded
            _log(response)
        return response


METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"})
"""The HTTP methods that are metric labels. All others are counted as `other`, because clients may send arbitrary names.
"""


def _log(response: Response) -> None:
    key = getattr(g.get("principal"), "name", None)
    rule = request.url_rule
    record(
        request.method,
        rule.rule if rule else "none",
        request.path,
        status=response.status_code,
        key=key,
        seconds=time.perf_counter() - g.started,
        items=g.posts,
        problem=g.get("outcome"),
        environment=request.environ,
    )


def record(
    method: str,
    route: str,
    path: str,
    *,
    status: int,
    key: str | None,
    seconds: float,
    items: Sequence[Any] = (),
    problem: str | None = None,
    fields: Mapping[str, str] = MappingProxyType({}),
    environment: dict[str, Any] | None = None,
) -> None:
    """Count an answered request and its events in the metrics, and log them in one line.

    `items`: the posted events, as api/posting/one_event.py describes them. `fields`: the request's log fields, if they
    are not bound already.
    """
    measured = (method if method in METHODS else "other", route, status, key, seconds)
    metrics.count_request(*measured)
    if environment is not None:
        environment[metrics.MEASURED] = measured
    for item in items:
        metrics.POSTS.labels(item.result).inc()
        if isinstance(item.outcome, Refusal):
            metrics.REFUSALS.labels(type(item.outcome.rule).__name__).inc()
    log.info(
        "request",
        **fields,
        method=method,
        path=path[:MAX_LOGGED],
        status=status,
        key=key,
        problem=problem,
        milliseconds=round(seconds * 1000, 1),
        **(_of_event(items[0]) if len(items) == 1 else _of_bundle(items) if items else {}),
    )


def _of_event(item: Any) -> dict[str, Any]:
    """The log fields of a single posted event."""
    if not item.post:
        return {"outcome": item.result}
    posted, identity = item.post.posted, item.post.identity
    fields = {
        "outcome": item.result,
        "type": type(posted.fact).__name__,
        "stream": posted.stream,
        "source": identity.source,
        "id": identity.id,
    }
    if isinstance(item.outcome, Committed):
        fields["position"] = item.outcome.first
    if isinstance(item.outcome, Refusal):
        fields["rule"] = type(item.outcome.rule).__name__
    return fields


def _of_bundle(items: Sequence[Any]) -> dict[str, Any]:
    """The log fields of a bundle: how many events it had, by outcome and by rule, and where they were recorded."""
    rules = Counter(type(item.outcome.rule).__name__ for item in items if isinstance(item.outcome, Refusal))
    committed = [item.outcome for item in items if isinstance(item.outcome, Committed)]
    positions = (
        {"position": min(each.first for each in committed), "last_position": max(each.last for each in committed)}
        if committed
        else {}
    )
    outcomes = Counter(item.result for item in items)
    return {"events": len(items), "outcomes": dict(outcomes), **({"rules": dict(rules)} if rules else {}), **positions}
