"""The endpoints that accept events, single or in bundles: for the whole ledger, and for one fund or project stream."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import structlog
from flask import Blueprint, Response, current_app, g, request
from marshmallow import ValidationError

from service import codec
from service.api import response_types
from service.api.http import problems, strict_json
from service.api.http.limits import BINARY, BUNDLE, EVENT, LIMITS, MAX_BUNDLE_EVENTS, POSTED
from service.api.http.operation import operation
from service.api.http.parameters import flag, version_of
from service.api.http.problems import Problem
from service.api.http.request_context import ledger, principal
from service.api.http.responses import answer
from service.api.http.visibility import fund_of
from service.api.http.work import POST
from service.api.posting import cloudevents, concealment, one_event, refusal_log
from service.api.posting.one_event import Item, Sender
from service.ledger.application import Unavailable
from service.ledger.outcomes import Committed, Decided, NotRecorded, Outcome

log = structlog.get_logger()

bp = Blueprint("intake", __name__, url_prefix="/v1")

PARAMETERS: dict[str, Any] = {
    "atomic": flag("false: decide and record each event of a bundle independently", "false：组内各事件各自成立"),
    "dry_run": flag("true: decide the events and return the outcome, but record nothing", "true：只判定并答复，不入账"),
}


@bp.post("/events")
@operation("Post events to the ledger", "向账簿提交事件", response_types.Posted, scope=None, work=POST, **PARAMETERS)
def post_anywhere(**parameters: bool | None) -> Response:
    for header in ("If-Match", "If-None-Match"):
        if header in request.headers:
            raise Problem(
                "bad-header", header=header, detail="Post to the URL of one stream. 请提交到事件流自己的地址。"
            )
    return _post(None, None, parameters)


@bp.post("/funds/<code:fund>/events")
@operation(
    "Post events to a fund's stream",
    "向专项资金的事件流提交事件",
    response_types.Posted,
    scope=None,
    work=POST,
    **PARAMETERS,
)
def post_to_fund(fund: str, **parameters: bool | None) -> Response:
    return _post(f"fund/{fund}", _expected(), parameters)


@bp.post("/projects/<code:project>/events")
@operation(
    "Post events to a project's stream",
    "向项目的事件流提交事件",
    response_types.Posted,
    scope=None,
    work=POST,
    **PARAMETERS,
)
def post_to_project(project: str, **parameters: bool | None) -> Response:
    return _post(f"project/{project}", _expected(), parameters)


@bp.route("/events", methods=["OPTIONS"])
@bp.route("/funds/<code:fund>/events", methods=["OPTIONS"])
@bp.route("/projects/<code:project>/events", methods=["OPTIONS"])
def options(**_: str) -> Response:
    """Answer with the accepted content types and the limits on a request."""
    return answer({"limits": LIMITS}, headers={"Allow": "GET, HEAD, POST, OPTIONS", **POSTED})


def _expected() -> int | None:
    """The stream version that the headers expect. Raises Problem if the headers are wrong.

    The result is the version in If-Match; 0 for `If-None-Match: *` (there is no such stream yet); None without either
    header.
    """
    match, none_match = request.headers.get("If-Match"), request.headers.get("If-None-Match")
    if match is not None and none_match is None:
        return version_of(match, "If-Match")
    if none_match is None:
        return None
    if match is not None or none_match.strip() != "*":
        raise Problem("bad-header", header="If-None-Match")
    return 0


def _post(stream: str | None, expected: int | None, parameters: Mapping[str, bool | None]) -> Response:
    atomic, dry_run = parameters["atomic"] is not False, parameters["dry_run"] is True
    events, single = _body()
    sender, opened_projects = Sender(principal(), current_app.config["SECRET"], fund_of), dict[str, str]()
    items = [
        one_event.read(event, stream, None if index else expected, opened_projects, sender)
        for index, event in enumerate(events)
    ]
    _decide(items, atomic=atomic, dry_run=dry_run)
    if not dry_run:
        g.posts = items
        _store_refusals(items)
    return _answer_one(items[0]) if single else _answer_bundle(items, atomic=atomic)


STORED_RESULTS = ("refused", "stale", "conflict")
"""The values of Item.result with which a post is stored in the table `refusal`: refused by a rule, or in conflict with
the stream's version or with an earlier post of the same identity."""


def _store_refusals(items: list[Item]) -> None:
    """Store the posts of `items` whose result is one of STORED_RESULTS.

    Raises Unavailable if they cannot be stored and no event of the request was recorded. If some event was recorded, a
    failure to store is only logged, and reported in the answer: the sender must learn what was recorded.
    """
    refused = [item for item in items if item.post and item.result in STORED_RESULTS]
    try:
        refusal_log.store((item.post, _failure(item)) for item in refused if item.post)
    except Unavailable:
        if not any(isinstance(item.outcome, Committed) for item in items):
            raise
        log.warning("refusals were not stored", refused=len(refused))
        for item in refused:
            item.kept = False


def _body() -> tuple[list[Any], bool]:
    """The events of the request, and whether the request is a single event rather than a bundle (an array of events).

    Raises Problem, NotStrictJson, ValidationError.
    """
    if request.content_length is None:
        raise Problem("length-required")
    kind = request.mimetype
    in_utf8 = request.mimetype_params.get("charset", "utf-8").lower() == "utf-8"
    if not in_utf8 or kind not in (EVENT, BUNDLE, BINARY) or (kind == BINARY and not _has_attributes()):
        raise Problem("wrong-media-type", POSTED)
    value = strict_json.parse(request.get_data())
    if kind == BINARY:
        return [cloudevents.from_headers(request.headers.items(), value)], True
    if kind == EVENT:
        return [value], True
    if not isinstance(value, list) or not value:
        raise ValidationError(["A bundle must be an array of one or more events. 事件组须为非空数组。"])
    if len(value) > MAX_BUNDLE_EVENTS:
        raise Problem("too-large", limits=LIMITS)
    return value, False


def _has_attributes() -> bool:
    return any(name.startswith("HTTP_CE_") for name in request.environ)


def _decide(items: list[Item], *, atomic: bool, dry_run: bool) -> None:
    """Have the ledger decide the posts, and set the outcome of each item.

    With `atomic`, all events are recorded or none is: if one is malformed or forbidden, no event is recorded.
    """
    valid = [item for item in items if item.post]
    posts = [item.post for item in valid if item.post]
    if atomic and len(valid) < len(items):
        outcomes: list[Outcome] = [NotRecorded()] * len(valid)
    else:
        decide = ledger().dry_run if dry_run else ledger().post
        outcomes = decide(posts, atomic=atomic) if posts else []
    for item, outcome in zip(valid, outcomes, strict=True):
        item.outcome = outcome


def _answer_one(item: Item) -> Response:
    if isinstance(item.outcome, Committed):
        return answer(
            one_event.recorded(item, item.outcome),
            one_event.status(item.outcome),
            headers=one_event.headers(item.outcome),
        )
    if isinstance(item.outcome, Decided):
        return answer(_result_of(item))
    return problems.respond(_failure(item))


def _answer_bundle(items: list[Item], *, atomic: bool) -> Response:
    results = [_result_of(item, index) for index, item in enumerate(items)]
    if atomic and any(each["outcome"] == "refused" for each in results):
        return problems.respond({**problems.document("refused"), "outcomes": results})
    counted = [item.outcome for item in items if isinstance(item.outcome, Committed)]
    headers = {"Event-Position": str(max(outcome.last for outcome in counted))} if counted else {}
    created = atomic and not all(outcome.replayed for outcome in counted)
    return answer({"outcomes": results}, 201 if created else 200, headers=headers)


def _result_of(item: Item, index: int | None = None) -> dict[str, Any]:
    """The part of the response about one event. `index`: the event's index in a bundle, None for a single event."""
    if isinstance(item.outcome, Committed):
        return one_event.recorded(item, item.outcome)
    identity = one_event.identity(item.event)
    match item.outcome:
        case Decided(events):
            return {**identity, "outcome": item.result, "events": [_preview(event) for event in events]}
        case NotRecorded():
            return {**identity, "outcome": "not_recorded", **_failure(item)}
    return {**identity, "outcome": "refused", **_with_index(_failure(item), index)}


def _failure(item: Item) -> Mapping[str, Any]:
    """The problem document of an item that was not recorded, as the sender may see it."""
    if item.problem is not None:
        return item.problem
    assert item.outcome is not None
    assert item.post is not None
    problem = concealment.of_post(problems.outcome_problem(item.outcome), item.post.posted)
    return problem if item.kept else {**problem, "kept": False}


def _with_index(problem: Mapping[str, Any], index: int | None) -> Mapping[str, Any]:
    """The problem document, with each JSON pointer prefixed by `index`: the event's index in a bundle, if any."""
    if index is None or "errors" not in problem:
        return problem
    errors = [{**error, "pointer": f"/{index}{error['pointer']}"} for error in problem["errors"]]
    return {**problem, "errors": errors}


def _preview(event: Any) -> dict[str, Any]:
    """One event in the answer to a dry run. Without `dry_run`, the event would have been recorded.

    The event has the same form as in the log, but no position and no account digests. It has no digest of the content
    either, because a client could confirm a guessed account number with that digest.
    """
    data = msgspec.json.decode(codec.encode(event))
    del data["content_sha256"]
    return {
        "type": type(event.fact).__name__,
        "subject": event.stream,
        "streamversion": event.version,
        "data": _without_digests(data),
    }


def _without_digests(value: Any) -> Any:
    """`value` without account digests. With them, a sender could try account numbers until one gives a known digest."""
    if isinstance(value, dict):
        return {
            name: {"last4": each["last4"]} if name == "account" and isinstance(each, dict) else _without_digests(each)
            for name, each in value.items()
        }
    return [_without_digests(each) for each in value] if isinstance(value, list) else value
