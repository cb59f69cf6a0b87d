"""The forms of the contract itself, and of what those who run the service ask."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from msgspec import Meta

from service.api.response_types.every import Position


class Explanation(TypedDict):
    """A problem and its remedy."""

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
    """An event that may be posted: its schema, its rules, who may post it, what it moves, and an example."""

    type: str
    title_zh: str
    description: str
    description_zh: str
    subject: str
    scope: str
    cites: list[list[str]]
    claims: list[str]
    rules: list[str]
    moves: list[PostingRule]
    records_too: Annotated[str | None, Meta(description="The first of `mirrors`. `mirrors` 的第一项。")]
    mirrors: Annotated[
        list[str], Meta(description="What may be recorded with it on other streams. 可能同时记入其他事件流的事件。")
    ]
    schema: dict[str, Any]
    example: dict[str, Any]


class EventTypes(TypedDict):
    limits: dict[str, int]
    event_types: list[EventType]
    example_life: list[dict[str, Any]]


class Key(TypedDict):
    name: str
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
    scopes: list[str]
    funds: list[str]
    projects: list[str]
    sources: list[str]


class Self(TypedDict):
    """Who you are, and what you may do; no funds, projects or sources named: no limit."""

    name: str
    grants: list[Grant]


class KeyChange(TypedDict):
    id: int
    at: datetime
    key: str
    action: Literal["created", "rotated", "revoked"]
    by: str
    detail: dict[str, Any]


class Keys(TypedDict):
    keys: list[Key]
    changes: list[KeyChange]


class Alive(TypedDict):
    status: Literal["ok"]


class Ready(TypedDict):
    status: str
    log_position: NotRequired[Position]
    projected_position: NotRequired[Position]
