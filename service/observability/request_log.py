"""One log line per request and per post, one for all that could not be read, and their counts in the metrics."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import suppress
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
    seconds = time.perf_counter() - g.started
    rule = request.url_rule
    route = rule.rule if rule else "none"
    method = request.method
    measured = (method if method in METHODS else "other", route, response.status_code, key, seconds)
    metrics.count_request(*measured)
    request.environ[metrics.MEASURED] = measured
    for item in g.posts:
        if item.post:
            _log_item(item, key)
    for outcome, events in Counter(item.result for item in g.posts if not item.post).items():
        metrics.POSTS.labels(outcome).inc(events)
        log.info("post", key=key, outcome=outcome, events=events)
    log.info(
        "request",
        method=method,
        path=request.path[:MAX_LOGGED],
        status=response.status_code,
        key=key,
        problem=g.get("outcome"),
        milliseconds=round(seconds * 1000, 1),
    )


def _log_item(item: Any, key: str | None) -> None:
    """Count one posted event that could be read in the metrics, and log it. `key`: the name of the sender's API key."""
    metrics.POSTS.labels(item.result).inc()
    fields: dict[str, Any] = {
        "outcome": item.result,
        "type": type(item.post.posted.fact).__name__,
        "stream": item.post.posted.stream,
        "source": item.post.identity.source,
        "id": item.post.identity.id,
    }
    if isinstance(item.outcome, Committed):
        fields["position"] = item.outcome.first
    if isinstance(item.outcome, Refusal):
        fields["rule"] = type(item.outcome.rule).__name__
        metrics.REFUSALS.labels(fields["rule"]).inc()
    log.info("post", key=key, **fields)
