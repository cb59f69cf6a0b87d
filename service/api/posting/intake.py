"""The endpoints that accept events, single or in bundles: for the whole ledger, and for one fund or project stream."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import structlog
from flask import Blueprint, Response, current_app, g, request
from marshmallow import ValidationError
from msgspec.structs import replace

from domain.project.lifecycle import ProjectOpened
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
from service.api.posting import cloudevents, concealment, refusal_log
from service.api.posting.event_schemas import SCHEMAS
from service.auth.grants import Principal
from service.ledger.application import Unavailable
from service.ledger.outcomes import (
    Committed,
    Decided,
    IdentityConflict,
    NewerLog,
    NotRecorded,
    Outcome,
    Post,
    Refusal,
    VersionConflict,
)

log = structlog.get_logger()

bp = Blueprint("intake", __name__, url_prefix="/v1")

PARAMETERS: dict[str, Any] = {
    "atomic": flag("false: decide and record each event of a bundle independently", "false：组内各事件各自成立"),
    "dry_run": flag("true: decide the events and return the outcome, but record nothing", "true：只判定并答复，不入账"),
}


@dataclass(slots=True)
class Item:
    """One event of a request.

    `post`: the parsed event, None if the event is malformed or forbidden. `problem`: the problem document if the event
    is malformed or forbidden, else None. `outcome`: the ledger's decision on `post`. `kept`: false if the post was
    refused and could not be stored among the refusals.
    """

    event: Any
    post: Post | None = None
    problem: Mapping[str, Any] | None = None
    outcome: Outcome | None = None
    kept: bool = True

    @property
    def result(self) -> str:
        """The result of the event as a short code, such as `refused`, for responses, logs and metrics."""
        match self.outcome:
            case Committed(replayed=replayed):
                return "replayed" if replayed else "recorded"
            case Decided():
                return "would_record"
            case NotRecorded():
                return "not_recorded"
            case VersionConflict():
                return "stale"
            case IdentityConflict():
                return "conflict"
            case Refusal():
                return "refused"
            case NewerLog():
                return "newer_log"
            case None:
                return "forbidden" if self.problem and self.problem["status"] == 403 else "malformed"

    @property
    def failure(self) -> Mapping[str, Any]:
        """The problem document of an item that was not recorded, as the sender may see it."""
        if self.problem is not None:
            return self.problem
        assert self.outcome is not None
        assert self.post is not None
        problem = concealment.of_post(problems.outcome_problem(self.outcome), self.post.posted)
        return problem if self.kept else {**problem, "kept": False}


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
    opened_projects: dict[str, str] = {}
    items = [_read(event, stream, None if index else expected, opened_projects) for index, event in enumerate(events)]
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
        refusal_log.store((item.post, item.failure) for item in refused if item.post)
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


def _read(event: Any, stream: str | None, expected: int | None, opened_projects: dict[str, str]) -> Item:
    """Parse one event of the request. The item has the post, or the problem of a malformed or forbidden event.

    `stream` (from the URL) and `expected` (the stream version, from the headers) are filled in if the event lacks them.
    If the event opens a project, the project's stream and fund are added to `opened_projects`.
    Permissions are checked before the data is validated, so that no time is spent on the data of a forbidden event.
    """
    try:
        if isinstance(event, dict):
            _fill(event, stream, expected)
        envelope = cloudevents.parse_envelope(event)
        sender = principal()
        if forbidden := _forbidden(envelope, sender, opened_projects):
            return Item(event, problem=forbidden)
        post = cloudevents.parse_post(envelope, sender.name, current_app.config["SECRET"], sender.person)
    except ValidationError as error:
        return Item(event, problem=problems.invalid_problem(error))
    if (fund := opened_projects.get(post.posted.stream)) and fund_of(post.posted.stream) is None:
        post = replace(post, fund=fund)
    if isinstance(post.posted.fact, ProjectOpened):
        opened_projects[post.posted.stream] = post.posted.fact.fund
    return Item(event, post)


def _fill(event: dict[str, Any], stream: str | None, expected: int | None) -> None:
    if stream is not None and event.setdefault("subject", stream) != stream:
        raise ValidationError({"subject": [f"It must be {stream}, as in the URL. 与地址中的 {stream} 不符。"]})
    if expected is not None and event.setdefault("expectedversion", expected) != expected:
        raise ValidationError(
            {"expectedversion": [f"It must be {expected}, as in the headers. 与标头中的 {expected} 不符。"]}
        )


def _forbidden(
    envelope: cloudevents.Envelope, sender: Principal, opened_projects: Mapping[str, str]
) -> Mapping[str, Any] | None:
    """The problem document if `sender` may not post this event, else None.

    `opened_projects`: the fund of each project whose stream an earlier event of the same request opens.
    """
    scope, source, stream = SCHEMAS[envelope["type"]].scope, envelope["source"], envelope["subject"]
    if not sender.has(scope):
        return problems.document("wrong-scope", scope=scope)
    if sender.may(scope, source=source):
        return None
    kind, _, code = stream.partition("/")
    if kind == "fund":
        fund: Any = code
    elif envelope["type"] == ProjectOpened.__name__:
        fund = envelope["data"].get("fund")
    else:
        fund = fund_of(stream) or opened_projects.get(stream)
    place = (fund if isinstance(fund, str) else None, code if kind == "project" else None)
    if sender.may(scope, *place, source):
        return None
    if sender.may(scope, *place):
        return problems.document("wrong-source", source=source)
    return problems.document("out-of-limits", stream=stream)


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
        headers = {
            "Location": f"/v1/events/{item.outcome.first}",
            "ETag": f'"{item.outcome.version}"',
            "Event-Position": str(item.outcome.last),
        }
        if item.outcome.replayed:
            headers["Idempotent-Replay"] = "true"
        return answer(_result_of(item), 200 if item.outcome.replayed else 201, headers=headers)
    if isinstance(item.outcome, Decided):
        return answer(_result_of(item))
    return problems.respond(item.failure)


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
    identity = {name: item.event[name] for name in ("source", "id") if _is_short_text(item.event, name)}
    match item.outcome:
        case Committed(first, last, version):
            stream = item.post.posted.stream if item.post else ""
            recorded = {"position": first, "last_position": last, "stream": stream, "version": version}
            return {**identity, "outcome": item.result, **recorded}
        case Decided(events):
            return {**identity, "outcome": item.result, "events": [_preview(event) for event in events]}
        case NotRecorded():
            return {**identity, "outcome": "not_recorded", **item.failure}
    return {**identity, "outcome": "refused", **_with_index(item.failure, index)}


def _is_short_text(event: Any, name: str) -> bool:
    return isinstance(event, dict) and isinstance(event.get(name), str) and len(event[name]) <= 256


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
