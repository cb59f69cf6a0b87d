"""The response types of posts, refusals and the log."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, NotRequired, TypedDict

from service.api.response_types.every import AsOf, Cursor, Day, Position


class Drafted(TypedDict):
    """An event in the answer to a dry run. Without `dry_run`, the event would have been recorded."""

    type: str
    subject: str
    streamversion: int
    data: dict[str, Any]


class Outcome(TypedDict):
    """The outcome of one event of a bundle. A bundle is several events in one request.

    If the event was not recorded, the outcome has the members of a problem document.
    """

    source: NotRequired[str]
    id: NotRequired[str]
    outcome: Literal["recorded", "replayed", "would_record", "refused", "not_recorded"]
    position: NotRequired[Position]
    last_position: NotRequired[Position]
    stream: NotRequired[str]
    version: NotRequired[int]
    events: NotRequired[list[Drafted]]


class Posted(TypedDict, total=False):
    """The response to a post. For a single event, it is the outcome of this event.

    For a bundle, the only member is `outcomes`, with one outcome for each event.
    """

    source: str
    id: str
    outcome: Literal["recorded", "replayed", "would_record"]
    position: Position
    last_position: Position
    stream: str
    version: int
    events: list[Drafted]
    outcomes: list[Outcome]


class Refusal(TypedDict):
    """A refused post. It was refused `times` times for the same reason.

    `not_kept`: the names of the facts that were too large to be kept.
    """

    id: int
    first_at: datetime
    last_at: datetime
    times: int
    key: str
    source: str
    post_id: str
    type: str
    stream: str
    fund: str | None
    actor: str
    occurred_on: Day
    problem: str
    rule: str | None
    title: str
    title_zh: str
    facts: dict[str, Any]
    not_kept: list[str]


class DroppedRefusals(TypedDict):
    """How many refusals of a key are no longer kept. All that were first refused after `kept_since` are."""

    key: str
    dropped: int
    kept_since: datetime


class Refusals(TypedDict):
    refusals: list[Refusal]
    dropped: list[DroppedRefusals]
    next: Cursor


class PostFound(TypedDict):
    """The outcome of the post with this `source` and `id`, and all refusals of posts with that `source` and `id`."""

    source: str
    id: str
    outcome: Literal["recorded", "refused"]
    position: NotRequired[Position]
    last_position: NotRequired[Position]
    stream: NotRequired[str]
    version: NotRequired[int]
    recorded_at: NotRequired[datetime]
    fund: NotRequired[str]
    refusals: list[Refusal]
    as_of: AsOf


# The log ---------------------------------------------------------------------


class Event(TypedDict):
    """A CloudEvent. `data` has the fields of the event type's schema, and the members that the ledger assigned."""

    specversion: Literal["1.0"]
    id: str
    source: str
    type: str
    subject: str
    time: datetime
    datacontenttype: Literal["application/json"]
    position: Position
    streamversion: int
    data: dict[str, Any]


Events = list[Event]
