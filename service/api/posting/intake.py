"""Where events are posted: to the log as a whole, or to one fund's or project's stream; one, or a bundle of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import structlog
from flask import Blueprint, Response, current_app, g, request
from marshmallow import ValidationError

from domain.project.lifecycle import ProjectOpened
from service import codec
from service.api import response_types
from service.api.http import problems, strict_json
from service.api.http.limits import BINARY, BUNDLE, LIMITS, MAX_BUNDLE_EVENTS, ONE, POSTED
from service.api.http.operation import operation
from service.api.http.parameters import flag, version_of
from service.api.http.problems import Problem
from service.api.http.request_context import ledger, principal, reader
from service.api.http.responses import answer
from service.api.posting import cloudevents, refusal_log
from service.api.posting.event_schemas import SCHEMAS
from service.auth.grants import Principal
from service.ledger.application import Unavailable
from service.ledger.outcomes import Conflicts, Counted, Decided, NotRecorded, Outcome, Overtaken, Post, Refusal

log = structlog.get_logger()

bp = Blueprint("intake", __name__, url_prefix="/v1")

HOW = {
    "atomic": flag("false: each event of a bundle stands for itself", "false：组内各事件各自成立"),
    "dry_run": flag("true: decide and answer, record nothing", "true：只判定并答复，不入账"),
}


@dataclass(slots=True)
class Item:
    """One event of a request: the post it was read as, unless it could not be, and what became of it."""

    event: Any
    post: Post | None = None
    problem: Mapping[str, Any] | None = None
    outcome: Outcome | None = None

    @property
    def result(self) -> str:
        """What became of it, in one word."""
        match self.outcome:
            case Counted(replayed=replayed):
                return "replayed" if replayed else "recorded"
            case Decided():
                return "would_record"
            case NotRecorded():
                return "not_recorded"
            case Overtaken():
                return "stale"
            case Conflicts():
                return "conflict"
            case Refusal():
                return "refused"
            case None:
                return "forbidden" if self.problem and self.problem["status"] == 403 else "malformed"

    @property
    def why_not(self) -> Mapping[str, Any]:
        """The problem of an item that does not count."""
        if self.problem is not None:
            return self.problem
        assert self.outcome is not None
        return problems.of_outcome(self.outcome)


@bp.post("/events")
@operation("Post to the ledger", "向账簿提交事件", response_types.Posted, scope=None, **HOW)  # type: ignore[arg-type]
def post_anywhere(**how: bool | None) -> Response:
    for header in ("If-Match", "If-None-Match"):
        if header in request.headers:
            raise Problem(
                "bad-header", header=header, detail="Post to a stream's own address. 请提交到事件流自己的地址。"
            )
    return _post(None, None, how)


@bp.post("/funds/<code:fund>/events")
@operation("Post to a fund's stream", "向专项资金的事件流提交事件", response_types.Posted, scope=None, **HOW)  # type: ignore[arg-type]
def post_to_fund(fund: str, **how: bool | None) -> Response:
    return _post(f"fund/{fund}", _expected(), how)


@bp.post("/projects/<code:project>/events")
@operation("Post to a project's stream", "向项目的事件流提交事件", response_types.Posted, scope=None, **HOW)  # type: ignore[arg-type]
def post_to_project(project: str, **how: bool | None) -> Response:
    return _post(f"project/{project}", _expected(), how)


@bp.route("/events", methods=["OPTIONS"])
@bp.route("/funds/<code:fund>/events", methods=["OPTIONS"])
@bp.route("/projects/<code:project>/events", methods=["OPTIONS"])
def options(**_: str) -> Response:
    """What may be posted here, and how much of it."""
    return answer({"limits": LIMITS}, headers={"Allow": "GET, HEAD, POST, OPTIONS", **POSTED})


def _expected() -> int | None:
    """The stream's version that the sender has seen, from the conditional headers; 0: there is no such stream yet."""
    match, none_match = request.headers.get("If-Match"), request.headers.get("If-None-Match")
    if match is not None and none_match is None:
        return version_of(match, "If-Match")
    if none_match is None:
        return None
    if match is not None or none_match.strip() != "*":
        raise Problem("bad-header", header="If-None-Match")
    return 0


def _post(stream: str | None, expected: int | None, how: Mapping[str, bool | None]) -> Response:
    atomic, dry_run = how["atomic"] is not False, how["dry_run"] is True
    events, one = _body()
    opened: dict[str, str] = {}
    items = [_read(event, stream, None if index else expected, opened) for index, event in enumerate(events)]
    _decide(items, atomic=atomic, dry_run=dry_run)
    if not dry_run:
        g.posts = items
        _keep_refusals(items)
    return _answer_one(items[0]) if one else _answer_bundle(items, atomic=atomic)


KEPT = ("refused", "stale", "conflict")


def _keep_refusals(items: list[Item]) -> None:
    """Raises Unavailable if they cannot be kept, unless some of the request counted: that is the answer it needs."""
    try:
        refusal_log.keep((item.post, item.why_not) for item in items if item.post and item.result in KEPT)
    except Unavailable:
        if not any(isinstance(item.outcome, Counted) for item in items):
            raise
        log.warning("refusals were not kept", refused=sum(item.result in KEPT for item in items))


def _body() -> tuple[list[Any], bool]:
    """The events of the request, and whether it is one by itself."""
    if request.content_length is None:
        raise Problem("length-required")
    kind = request.mimetype
    in_utf8 = request.mimetype_params.get("charset", "utf-8").lower() == "utf-8"
    if not in_utf8 or kind not in (ONE, BUNDLE, BINARY) or (kind == BINARY and not _has_attributes()):
        raise Problem("wrong-media-type", POSTED)
    value = strict_json.parse(request.get_data())
    if kind == BINARY:
        return [cloudevents.from_headers(request.headers.items(), value)], True
    if kind == ONE:
        return [value], True
    if not isinstance(value, list) or not value:
        raise ValidationError(["A bundle is a list of one or more events. 事件组须为非空数组。"])
    if len(value) > MAX_BUNDLE_EVENTS:
        raise Problem("too-large", limits=LIMITS)
    return value, False


def _has_attributes() -> bool:
    return any(name.startswith("HTTP_CE_") for name in request.environ)


def _read(event: Any, stream: str | None, expected: int | None, opened: dict[str, str]) -> Item:
    """One event of the request, with what the address and the headers say of it filled in.

    Whether the sender may post it comes before its data: what may not be posted is not worth reading.
    """
    try:
        if isinstance(event, dict):
            _fill(event, stream, expected)
        envelope = cloudevents.opened(event)
        if forbidden := _forbidden(envelope, principal(), opened):
            return Item(event, problem=forbidden)
        post = cloudevents.read(envelope, principal().name, current_app.config["SECRET"])
    except ValidationError as error:
        return Item(event, problem=problems.of_invalid(error))
    if isinstance(post.posted.fact, ProjectOpened):
        opened[post.posted.stream] = post.posted.fact.fund
    return Item(event, post)


def _fill(event: dict[str, Any], stream: str | None, expected: int | None) -> None:
    if stream is not None and event.setdefault("subject", stream) != stream:
        raise ValidationError({"subject": [f"The address says {stream}. 与地址中的 {stream} 不符。"]})
    if expected is not None and event.setdefault("expectedversion", expected) != expected:
        raise ValidationError({"expectedversion": [f"The headers say {expected}. 与标头中的 {expected} 不符。"]})


def _forbidden(envelope: cloudevents.Opened, who: Principal, opened: Mapping[str, str]) -> Mapping[str, Any] | None:
    """The problem if this principal may not post that. `opened`: funds of projects that the request itself opens."""
    scope, source, stream = SCHEMAS[envelope["type"]].scope, envelope["source"], envelope["subject"]
    if not who.has(scope):
        return problems.document("wrong-scope", scope=scope)
    if who.may(scope, source=source):
        return None
    kind, _, code = stream.partition("/")
    if kind == "fund":
        fund: Any = code
    elif envelope["type"] == ProjectOpened.__name__:
        fund = envelope["data"].get("fund")
    else:
        fund = _fund_of(stream) or opened.get(stream)
    place = (fund if isinstance(fund, str) else None, code if kind == "project" else None)
    if who.may(scope, *place, source):
        return None
    if who.may(scope, *place):
        return problems.document("wrong-source", source=source)
    return problems.document("out-of-limits", stream=stream)


def _fund_of(stream: str) -> str | None:
    """The fund that a project belongs to, looked up once in a request."""
    known: dict[str, str | None] = g.setdefault("funds_of_streams", {})
    if stream not in known:
        known[stream] = _looked_up(stream)
    return known[stream]


def _looked_up(stream: str) -> str | None:
    with reader().at() as snapshot:
        row = snapshot.one("stream_fund", stream=stream)
    return row["fund"] if row else None


def _decide(items: list[Item], *, atomic: bool, dry_run: bool) -> None:
    """Let the ledger decide the posts that may be made; of an atomic bundle all or none."""
    sound = [item for item in items if item.post]
    posts = [item.post for item in sound if item.post]
    if atomic and len(sound) < len(items):
        outcomes: list[Outcome] = [NotRecorded()] * len(sound)
    else:
        post = ledger().consider if dry_run else ledger().post
        outcomes = post(posts, atomic=atomic) if posts else []
    for item, outcome in zip(sound, outcomes, strict=True):
        item.outcome = outcome


def _answer_one(item: Item) -> Response:
    if isinstance(item.outcome, Counted):
        headers = {
            "Location": f"/v1/events/{item.outcome.first}",
            "ETag": f'"{item.outcome.version}"',
            "Event-Position": str(item.outcome.last),
        }
        if item.outcome.replayed:
            headers["Idempotent-Replay"] = "true"
        return answer(_said(item), 200 if item.outcome.replayed else 201, headers=headers)
    if isinstance(item.outcome, Decided):
        return answer(_said(item))
    return problems.respond(item.why_not)


def _answer_bundle(items: list[Item], *, atomic: bool) -> Response:
    said = [_said(item, index) for index, item in enumerate(items)]
    if atomic and any(each["outcome"] == "refused" for each in said):
        return problems.respond({**problems.document("refused"), "outcomes": said})
    counted = [item.outcome for item in items if isinstance(item.outcome, Counted)]
    headers = {"Event-Position": str(max(outcome.last for outcome in counted))} if counted else {}
    new = atomic and not all(outcome.replayed for outcome in counted)
    return answer({"outcomes": said}, 201 if new else 200, headers=headers)


def _said(item: Item, index: int | None = None) -> dict[str, Any]:
    """What became of one event, as it is answered; `index`: its place in a bundle."""
    who = {name: item.event[name] for name in ("source", "id") if _is_named(item.event, name)}
    match item.outcome:
        case Counted(first, last, version):
            stream = item.post.posted.stream if item.post else ""
            at = {"position": first, "last_position": last, "stream": stream, "version": version}
            return {**who, "outcome": item.result, **at}
        case Decided(events):
            return {**who, "outcome": item.result, "events": [_drafted(event) for event in events]}
        case NotRecorded():
            return {**who, "outcome": "not_recorded", **item.why_not}
    return {**who, "outcome": "refused", **_pointed(item.why_not, index)}


def _is_named(event: Any, name: str) -> bool:
    return isinstance(event, dict) and isinstance(event.get(name), str) and len(event[name]) <= 256


def _pointed(problem: Mapping[str, Any], index: int | None) -> Mapping[str, Any]:
    """A problem whose pointers lead into a bundle."""
    if index is None or "errors" not in problem:
        return problem
    errors = [{**error, "pointer": f"/{index}{error['pointer']}"} for error in problem["errors"]]
    return {**problem, "errors": errors}


def _drafted(event: Any) -> dict[str, Any]:
    """An event that would be recorded, in the words of the log but for the digests of accounts; without a position."""
    return {
        "type": type(event.fact).__name__,
        "subject": event.stream,
        "streamversion": event.version,
        "data": _undigested(msgspec.json.decode(codec.encode(event))),
    }


def _undigested(value: Any) -> Any:
    """Without the digests of accounts: a dry run must not tell which account a digest is of."""
    if isinstance(value, dict):
        return {
            name: {"last4": each["last4"]} if name == "account" and isinstance(each, dict) else _undigested(each)
            for name, each in value.items()
        }
    return [_undigested(each) for each in value] if isinstance(value, list) else value
