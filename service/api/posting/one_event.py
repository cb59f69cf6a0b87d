"""One event of a request: how it is read, and what is answered when it is recorded.

Nothing here needs a request of Flask: the web server reads single events without it (server/single_posts.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from marshmallow import ValidationError
from msgspec.structs import replace

from domain.project.lifecycle import ProjectOpened
from service.api.http import problems
from service.api.posting import cloudevents
from service.api.posting.event_schemas import SCHEMAS
from service.auth.grants import Principal
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


class Sender(NamedTuple):
    """Who posts, and what it takes to read what it posts.

    `secret`: the key of the digests that replace account numbers. `fund_of`: the fund of a stream; None if the log has
    no such project. It is asked only if the sender is limited to some funds or projects.
    """

    principal: Principal
    secret: bytes
    fund_of: Callable[[str], str | None]


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


def read(event: Any, stream: str | None, expected: int | None, opened_projects: dict[str, str], sender: Sender) -> Item:
    """Parse one event of a request. The item has the post, or the problem of a malformed or forbidden event.

    `stream` (from the URL) and `expected` (the stream version, from the headers) are filled in if the event lacks them.
    If the event opens a project, the project's stream and fund are added to `opened_projects`.
    Permissions are checked before the data is validated, so that no time is spent on the data of a forbidden event.
    """
    try:
        if isinstance(event, dict):
            _fill(event, stream, expected)
        envelope = cloudevents.parse_envelope(event)
        fund = _limiting_fund(envelope, sender, opened_projects)
        if forbidden := _forbidden(envelope, sender.principal, fund):
            return Item(event, problem=forbidden)
        post = cloudevents.parse_post(envelope, sender.principal.name, sender.secret, sender.principal.person)
    except ValidationError as error:
        return Item(event, problem=problems.invalid_problem(error))
    if isinstance(post.posted.fact, ProjectOpened):
        opened_projects[post.posted.stream] = post.posted.fact.fund
    elif fund and post.posted.stream.startswith("project/"):
        post = replace(post, fund=fund)
    return Item(event, post)


def _fill(event: dict[str, Any], stream: str | None, expected: int | None) -> None:
    if stream is not None and event.setdefault("subject", stream) != stream:
        raise ValidationError({"subject": [f"It must be {stream}, as in the URL. 与地址中的 {stream} 不符。"]})
    if expected is not None and event.setdefault("expectedversion", expected) != expected:
        raise ValidationError(
            {"expectedversion": [f"It must be {expected}, as in the headers. 与标头中的 {expected} 不符。"]}
        )


def _limiting_fund(envelope: cloudevents.Envelope, sender: Sender, opened_projects: Mapping[str, str]) -> str | None:
    """The fund of the event, if the sender may post such events in some funds or projects only.

    `opened_projects`: the fund of each project whose stream an earlier event of the same request opens.
    """
    if all(sender.principal.may(scope, source=envelope["source"]) for scope in _scopes(envelope)):
        return None
    stream: str = envelope["subject"]
    if envelope["type"] == ProjectOpened.__name__:
        fund = envelope["data"].get("fund")
        return fund if isinstance(fund, str) else None
    return sender.fund_of(stream) or opened_projects.get(stream)


def _forbidden(envelope: cloudevents.Envelope, principal: Principal, fund: str | None) -> Mapping[str, Any] | None:
    """The problem document if the sender may not post this event, else None. `fund`: see _limiting_fund()."""
    stream, source = envelope["subject"], envelope["source"]
    place = (fund, stream.removeprefix("project/") if stream.startswith("project/") else None)
    for scope in _scopes(envelope):
        if not principal.has(scope):
            return problems.document("wrong-scope", scope=scope)
        if not principal.may(scope, *place):
            return problems.document("out-of-limits", stream=stream)
        if not principal.may(scope, *place, source):
            return problems.document("wrong-source", source=source)
    return None


def _scopes(envelope: cloudevents.Envelope) -> tuple[str, ...]:
    """The scopes that the event needs: that of its type, and another if it says that it broke a rule."""
    scope = SCHEMAS[envelope["type"]].scope
    return (scope, "post:irregular") if envelope["data"].get("irregular") else (scope,)


def status(outcome: Committed) -> int:
    """The HTTP status of the answer to a single event that is recorded."""
    return 200 if outcome.replayed else 201


def headers(outcome: Committed) -> dict[str, str]:
    """The headers of the answer to a single event that is recorded, besides those of all answers."""
    own = {
        "Location": f"/v1/events/{outcome.first}",
        "ETag": f'"{outcome.version}"',
        "Event-Position": str(outcome.last),
    }
    return {**own, "Idempotent-Replay": "true"} if outcome.replayed else own


def recorded(item: Item, outcome: Committed) -> dict[str, Any]:
    """What is answered about an event that is recorded."""
    assert item.post is not None, "it was decided"
    return {
        "source": item.post.identity.source,
        "id": item.post.identity.id,
        "outcome": item.result,
        "position": outcome.first,
        "last_position": outcome.last,
        "stream": item.post.posted.stream,
        "version": outcome.version,
    }


def identity(event: Any) -> dict[str, str]:
    """The `source` and `id` of a posted event, as far as it has them."""
    return {name: event[name] for name in ("source", "id") if _is_short_text(event, name)}


def _is_short_text(event: Any, name: str) -> bool:
    return isinstance(event, dict) and isinstance(event.get(name), str) and len(event[name]) <= 256
