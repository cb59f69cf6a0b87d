"""The response types of findings, holds and interest."""

from __future__ import annotations

from typing import Annotated, Literal, TypedDict

from msgspec import Meta

from service.api.response_types.every import AsOf, Cursor, Day, Position, Yuan

FindingStatus = Literal["open", "settled", "reversed"]
HoldStatus = Literal["held", "released", "reversed"]


class FindingEntry(TypedDict):
    """A finding 问题. `kind` is `irregular` if an event opened it that broke `rule`.

    `status` is `reversed` if the event that opened it was reversed.
    """

    stream: str
    finding: str
    fund: str
    project: str | None
    kind: str
    rule: str | None
    text: str | None
    authority: str | None
    found_by: Literal["audit", "inspection", "self"] | None
    amount: Yuan | None
    due_on: Day | None
    opened_on: Day
    opened_by: str
    status: FindingStatus
    how: Literal["recovered", "regularised", "explained"] | None
    settled_on: Day | None
    settled_by: str | None
    settlement: str | None
    events: list[Position]


class Findings(TypedDict):
    as_of: AsOf
    findings: list[FindingEntry]
    next: Cursor | None


class HoldEntry(TypedDict):
    """A hold 冻结 on an award, or on the whole project if `award` is null. `amount` is null if all money is held."""

    project: str
    hold: str
    fund: str
    award: str | None
    amount: Yuan | None
    until: Day | None
    authority: str
    reason: str
    held_on: Day
    held_by: str
    released_on: Day | None
    status: HoldStatus
    events: list[Position]


class Holds(TypedDict):
    as_of: AsOf
    holds: list[HoldEntry]
    next: Cursor | None


class InterestMovement(TypedDict):
    """Interest that came in or was surrendered; negative if this was reversed. `type` is that of the event."""

    position: Position
    type: str
    booked_on: Day
    received: Yuan
    surrendered: Yuan


class Interest(TypedDict):
    """The interest 孳息 of a fund, which is not the fund's money: `held` is what is not surrendered yet."""

    as_of: AsOf
    received: Yuan
    surrendered: Yuan
    held: Annotated[Yuan, Meta(description="Received and not surrendered. 尚未上缴。")]
    movements: list[InterestMovement]
