"""The response types of the contract (problem and event types), of keys, and of the health checks."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from msgspec import Meta

from service.api.response_types.every import Person, Position


class Explanation(TypedDict):
    """A problem type and its remedy.

    Only the problem types for refusals by a rule have `rule` and `refuses`. `refuses` lists the event types that the
    rule may refuse.
    """

    type: str
    status: int
    title: str
    title_zh: str
    remedy: str
    remedy_zh: str
    rule: NotRequired[str]
    refuses: NotRequired[list[str]]


class Explanations(TypedDict):
    problems: list[Explanation]


PostingRule = TypedDict("PostingRule", {"from": str, "to": str, "when": str})


class EventType(TypedDict):
    """An event type that may be posted: its schema, rules, required scope, movements of money, and an example."""

    type: str
    title_zh: str
    description: str
    description_zh: str
    subject: str
    scope: str
    cites: list[list[str]]
    claims: list[str]
    apart_from: Annotated[
        list[str],
        Meta(
            description="The events whose poster may not post this one in the same matter. "
            "同一事项中，这些事件的经办人不得办理本事件。"
        ),
    ]
    rules: list[str]
    moves: list[PostingRule]
    records_too: Annotated[str | None, Meta(description="The first of `mirrors`. `mirrors` 的第一项。")]
    mirrors: Annotated[
        list[str],
        Meta(description="The events that may be recorded with it in other streams. 可能同时记入其他事件流的事件。"),
    ]
    schema: dict[str, Any]
    example: dict[str, Any]


class EventTypes(TypedDict):
    limits: dict[str, int]
    event_types: list[EventType]
    example_life: list[dict[str, Any]]


class Key(TypedDict):
    """An API key and its grant. If both `funds` and `projects` are empty, they are not limited.

    The key can post events of its `sources` only.
    """

    name: str
    person: Person
    state: Literal["in force", "expired", "revoked"]
    scopes: list[str]
    funds: list[str]
    projects: list[str]
    sources: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


class Grant(TypedDict):
    """Scopes, and what they are limited to: no fund or project if both `funds` and `projects` are empty.

    Events can be posted with one of `sources` only.
    """

    scopes: list[str]
    funds: list[str]
    projects: list[str]
    sources: list[str]


class Self(TypedDict):
    """The name, the person and the grants of the key that sent the request."""

    name: str
    person: Person
    grants: list[Grant]


class KeyChange(TypedDict):
    """A change to a key, who made it, and why, if a reason was given."""

    id: int
    at: datetime
    key: str
    action: Literal["created", "rotated", "revoked", "allowed", "named"]
    by: str
    reason: str | None
    detail: dict[str, Any]


class Keys(TypedDict):
    keys: list[Key]
    changes: list[KeyChange]


class Alive(TypedDict):
    status: Literal["ok"]
    version: str


class Ready(TypedDict):
    status: str
    log_position: NotRequired[Position]
    projected_position: NotRequired[Position]
