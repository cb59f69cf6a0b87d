"""The response types of findings, holds and interest."""

from __future__ import annotations

from typing import Annotated, Literal, TypedDict

from msgspec import Meta

from service.api.response_types.every import AsOf, Cursor, Day, Document, Person, Position, Yuan

FindingStatus = Literal["open", "settled", "reversed"]
HoldStatus = Literal["held", "released", "reversed"]


class FindingEntry(TypedDict):
    """A finding 问题. `kind` is `irregular` if an event of this `type` opened it that broke `rule`.

    `award`, `payment` and `repeats` are those of that event: what became of the payment's money is in its register.
    `documents` are what the finding rests on; `about` are the positions of the events that a recorded finding names.
    `status` is `reversed` if the event that opened it was reversed.
    """

    stream: str
    finding: str
    fund: str
    project: str | None
    award: str | None
    payment: str | None
    repeats: Annotated[str | None, Meta(description="The payment that the bank executed twice. 被重复执行的支付。")]
    kind: str
    rule: str | None
    text: str | None
    authority: str | None
    found_by: Literal["audit", "inspection", "self"] | None
    documents: list[Document]
    about: list[Position]
    amount: Yuan | None
    due_on: Day | None
    type: str
    opened_on: Day
    opened_by: str
    opened_by_person: Person
    status: FindingStatus
    how: Literal["recovered", "regularised", "explained"] | None
    settled_on: Day | None
    settled_by: str | None
    settled_by_person: Person
    settlement: str | None
    settlement_documents: list[Document]
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
    documents: list[Document]
    held_on: Day
    held_by: str
    held_by_person: Person
    released_on: Day | None
    released_by: str | None
    released_by_person: Person
    release_reason: str | None
    release_documents: list[Document]
    status: HoldStatus
    events: list[Position]


class Holds(TypedDict):
    as_of: AsOf
    holds: list[HoldEntry]
    next: Cursor | None


class InterestMovement(TypedDict):
    """Interest that came in or was surrendered; negative if this was reversed. `type` is that of the event.

    `project` and `recovery`: with which recovery it came, if it came with one.
    """

    position: Position
    type: str
    booked_on: Day
    received: Yuan
    surrendered: Yuan
    project: str | None
    recovery: str | None
    actor: str
    person: Person
    documents: list[Document]


class Interest(TypedDict):
    """The interest 孳息 of a fund, which is not the fund's money: `held` is what is not surrendered yet."""

    as_of: AsOf
    received: Yuan
    surrendered: Yuan
    held: Annotated[Yuan, Meta(description="Received and not surrendered. 尚未上缴。")]
    movements: list[InterestMovement]
