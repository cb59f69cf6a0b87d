"""Requests that post one small event each: the batch is read, decided in one transaction, and answered, without Flask.

Only what is recorded is answered here. Whatever else there is to say is said by the application, to which the gateway
sends the request then; both read events with the same function (api/posting/one_event.py).
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import msgspec
import structlog

from service.api.http import response_headers, strict_json
from service.api.http.limits import EVENT
from service.api.posting import one_event
from service.api.posting.one_event import Item, Sender
from service.app import Route
from service.auth.grants import Principal
from service.ledger.application import Ledger, Unavailable
from service.ledger.outcomes import Committed
from service.observability import metrics, request_ids, request_log
from service.server.declined import Declined
from service.server.wsgi import Answer

log = structlog.get_logger()

CONTENT_TYPE = re.compile(rf"{re.escape(EVENT)}(; *charset=utf-8)?", re.IGNORECASE)
UNUSUAL = ("if-match", "if-none-match")
"""The headers of a request that only the application understands."""
HEADERS = [("Content-Type", "application/json"), *response_headers.OF_POSTS, *response_headers.SECURITY.items()]


class SinglePost(NamedTuple):
    """A request that posts one event. `stream`: the stream in its URL, if any. `fields`: its log fields."""

    path: str
    rule: str
    stream: str | None
    principal: Principal
    body: bytes
    fields: Mapping[str, str]


def single_post(
    scope: Any, route: Route, principal: Principal, body: bytes, fields: Mapping[str, str]
) -> SinglePost | None:
    """The request that `scope` is the head of, if it asks for nothing that only the application understands."""
    usual = not scope.query_string and not any(name in scope.headers for name in UNUSUAL)
    types = scope.headers.get_all("content-type")
    if not usual or len(types) != 1 or not CONTENT_TYPE.fullmatch(types[0]):
        return None
    return SinglePost(scope.path, route.rule, route.stream, principal, body, fields)


class SinglePosts:
    """Posts single events to `ledger`. `secret`: the key of the digests that replace account numbers."""

    def __init__(self, ledger: Ledger, secret: bytes) -> None:
        self._ledger, self._secret = ledger, secret

    def answer(self, requests: Sequence[SinglePost]) -> list[Answer | Declined | None]:
        """The answer to each request whose event is recorded, and None for all others.

        If the ledger is not available, Declined instead of any answer.
        """
        metrics.ACTIVE.inc(len(requests))
        try:
            return self._answers(requests)
        finally:
            metrics.ACTIVE.dec(len(requests))

    def _answers(self, requests: Sequence[SinglePost]) -> list[Answer | Declined | None]:
        began = time.perf_counter()
        items = [self._read(request) for request in requests]
        posts = [item.post for item in items if item and item.post]
        outcomes = iter(self._ledger.post_each(posts) if posts else ())
        return [
            self._answer(request, item, next(outcomes), began) if item and item.post else None
            for request, item in zip(requests, items, strict=True)
        ]

    def _read(self, request: SinglePost) -> Item | None:
        """The event of the request; None if it cannot be read, for which the application will say why."""
        sender = Sender(request.principal, self._secret, self._ledger.cached_fund_of)
        try:
            return one_event.read(strict_json.parse(request.body), request.stream, None, {}, sender)
        except Exception:  # noqa: BLE001 - the application meets it too, and answers
            return None

    def _answer(self, request: SinglePost, item: Item, outcome: object, began: float) -> Answer | Declined | None:
        if isinstance(outcome, Unavailable):
            log.warning("unavailable", **request.fields, reason=repr(outcome.__cause__ or outcome))
            return Declined("unavailable")
        if not isinstance(outcome, Committed):
            return None
        item.outcome = outcome
        status, body = one_event.status(outcome), msgspec.json.encode(one_event.recorded(item, outcome)) + b"\n"
        with suppress(OSError, ValueError):  # a full disk or a closed pipe must not fail a post that was recorded
            request_log.record(
                "POST",
                request.rule,
                request.path,
                status=status,
                key=request.principal.name,
                seconds=time.perf_counter() - began,
                items=[item],
                fields=request.fields,
            )
        own = one_event.headers(outcome).items()
        headers = [*HEADERS, *own, (request_ids.HEADER, request.fields["request_id"])]
        return Answer(status, headers, body)
