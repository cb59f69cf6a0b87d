"""/v1/events: post one event or a bundle, and read the log."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, current_app, g, request
from marshmallow import ValidationError

from service.api import answer, cloudevents, ledger, parameters, principal, problems, reader, strict
from service.api.problems import Problem
from service.ledger import Counted, NotRecorded, Outcome, Post

bp = Blueprint("events", __name__, url_prefix="/v1/events")

ONE = "application/cloudevents+json"
BUNDLE = "application/cloudevents-batch+json"
MOST_IN_BUNDLE = 1_000
MOST_IN_PAGE = 1_000


@bp.post("")
def post() -> Response:
    if request.content_length is None:
        raise Problem("length-required")
    if request.mimetype_params.get("charset", "utf-8").lower() != "utf-8":
        raise Problem("wrong-media-type")
    if request.mimetype == ONE:
        parameters.read()
        return _post_one(strict.parse(request.get_data()))
    if request.mimetype == BUNDLE:
        atomic = parameters.read(atomic=parameters.flag)["atomic"]
        return _post_bundle(strict.parse(request.get_data()), atomic=atomic is not False)
    raise Problem("wrong-media-type")


def _post_one(body: Any) -> Response:
    post = cloudevents.read(body, principal(), current_app.config["SECRET"])
    [outcome] = ledger().post([post])
    _note(post, outcome)
    if not isinstance(outcome, Counted):
        return problems.respond(problems.of_outcome(outcome))
    headers = {
        "Location": f"/v1/events/{outcome.first}",
        "ETag": f'"{outcome.version}"',
        "Event-Position": str(outcome.last),
    }
    if outcome.replayed:
        headers["Idempotent-Replay"] = "true"
    return answer(_said(post, outcome), 200 if outcome.replayed else 201, headers=headers)


def _post_bundle(body: Any, *, atomic: bool) -> Response:
    if not isinstance(body, list) or not body:
        raise ValidationError(["A bundle is a list of one or more events. 事件组须为非空数组。"])
    if len(body) > MOST_IN_BUNDLE:
        raise Problem("too-large", most=MOST_IN_BUNDLE)
    read = [_read(event, index) for index, event in enumerate(body)]
    posts = [each for each in read if isinstance(each, Post)]
    if atomic and len(posts) < len(read):
        outcomes: list[Outcome] = [NotRecorded()] * len(posts)
    else:
        outcomes = ledger().post(posts, atomic=atomic) if posts else []
    said = iter([_said(post, outcome) for post, outcome in zip(posts, outcomes, strict=True)])
    items = [next(said) if isinstance(each, Post) else each for each in read]
    for post, outcome in zip(posts, outcomes, strict=True):
        _note(post, outcome)
    if atomic and any(item["outcome"] == "refused" for item in items):
        return problems.respond({**problems.document("refused"), "outcomes": items})
    last = max((outcome.last for outcome in outcomes if isinstance(outcome, Counted)), default=0)
    new = atomic and any(item["outcome"] == "recorded" for item in items)
    return answer({"outcomes": items}, 201 if new else 200, headers={"Event-Position": str(last)} if last else {})


def _read(event: Any, index: int) -> Post | dict[str, Any]:
    """The post that one event of a bundle is, or the item that says why it cannot be read."""
    try:
        return cloudevents.read(event, principal(), current_app.config["SECRET"])
    except ValidationError as error:
        return {"outcome": "refused", **problems.of_invalid(error, f"/{index}")}
    except Problem as error:
        return {"outcome": "refused", **problems.document(error.kind, **error.facts)}


def _said(post: Post, outcome: Outcome) -> dict[str, Any]:
    """What became of one post."""
    who = {"source": post.identity.source, "id": post.identity.id}
    if isinstance(outcome, Counted):
        return {
            **who,
            "outcome": "replayed" if outcome.replayed else "recorded",
            "position": outcome.first,
            "last_position": outcome.last,
            "stream": post.posted.stream,
            "version": outcome.version,
        }
    name = "not_recorded" if isinstance(outcome, NotRecorded) else "refused"
    return {**who, "outcome": name, **problems.of_outcome(outcome)}


def _note(post: Post, outcome: Outcome) -> None:
    """For the log: one line per post."""
    g.posts.append((post, outcome))


@bp.get("")
def page() -> Response:
    asked = parameters.read(after=parameters.whole(), limit=parameters.whole(1, MOST_IN_PAGE))
    after, limit = asked["after"] or 0, asked["limit"] or 100
    with reader().at() as snapshot:
        rows = snapshot.rows("events", after=after, limit=limit)
    return answer_page(rows, f"/v1/events?after={rows[-1]['position']}&limit={limit}" if rows else None)


def answer_page(rows: list[dict[str, Any]], following: str | None) -> Response:
    """A page of the log as a CloudEvents batch, with the address of the next."""
    source = current_app.config["SOURCE"]
    headers = {"Link": f'<{following}>; rel="next"'} if following else {}
    return answer([cloudevents.write(row, source) for row in rows], 200, BUNDLE, headers)


@bp.get("/<int:position>")
def one(position: int) -> Response:
    parameters.read()
    with reader().at() as snapshot:
        row = snapshot.one("event", position=min(position, parameters.MOST))
    if row is None:
        raise Problem("not-found")
    return answer(cloudevents.write(row, current_app.config["SOURCE"]), 200, ONE)
