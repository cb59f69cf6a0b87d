"""The forms of the answers about rules, conditions, shares, clocks and alerts."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired, TypedDict

from msgspec import Meta

from service.api.response_types.every import AsOf, Cursor, Day, Position, Yuan


class Source(TypedDict):
    """Where a rule comes from."""

    kind: Literal["law", "seed", "setting", "practice", "books"]
    zh: str
    en: str


class Rule(TypedDict):
    rule: str
    sentence: Annotated[str, Meta(description="What it says when it refuses, with the names of its numbers.")]
    sentence_zh: str
    remedy: str
    remedy_zh: str
    source: Source
    waivable: Annotated[Literal["award", "application"] | None, Meta(description="What it may be waived for.")]
    guards: Annotated[list[str], Meta(description="The event types that it may refuse.")]
    problem: str


class Rules(TypedDict):
    rules: list[Rule]


PublishedPosting = TypedDict(
    "PublishedPosting",
    {
        "event": str,
        "event_zh": str,
        "from": str,
        "to": str,
        "when": Annotated[str, Meta(description="Which of the event's moves it is; empty if it has one.")],
        "when_zh": str,
        "mirrors": Annotated[list[str], Meta(description="What is recorded on other streams with it.")],
        "reversible": Literal["in_part", "whole", "never"],
    },
)


class PostingRules(TypedDict):
    posting_rules: list[PublishedPosting]


# Why -------------------------------------------------------------------------


class Cause(TypedDict):
    """An event by which a condition is met, and the documents it cites."""

    position: Position
    type: str
    stream: str
    version: int
    occurred_on: Day
    documents: list[dict[str, Any]]


class Missing(TypedDict):
    """What a condition would refuse with now."""

    rule: str
    title: str
    title_zh: str
    remedy: str
    remedy_zh: str
    facts: dict[str, Any]


class Condition(TypedDict):
    requires: str
    requires_zh: str
    rules: list[str]
    met: bool
    by: list[Cause]
    missing: Missing | None


class NextStep(TypedDict):
    """A post that would bring the money further. It may be posted today if all its conditions are met."""

    event: str
    event_zh: str
    subject: str
    scope: Annotated[str, Meta(description="What the poster's key must have. 提交所需权限。")]
    may_be_posted: bool
    cites: list[list[str]]
    about: Annotated[dict[str, Any], Meta(description="What the post would name. 提交时应填的内容。")]
    conditions: list[Condition]


class Why(TypedDict):
    """Why a batch is not paid: where its money stands, and the steps that it waits for, in turn, if it waits."""

    project: str
    fund: str
    batch: int
    award: str | None
    as_of: AsOf
    says: Annotated[str, Meta(description="Where the money stands, in a sentence. 资金现状。")]
    says_zh: str
    accounts: dict[str, Yuan]
    steps: list[NextStep]


# Shares ----------------------------------------------------------------------


class Share(TypedDict):
    batch: int
    amount: Yuan


class Allocated(TypedDict):
    """What one application gets; `rank` by score, of equals the earlier received first."""

    application: str
    score: str
    rank: int
    total: Yuan
    amounts: list[Share]


class Allocation(TypedDict):
    """A calculation: nothing is recorded. AwardListDecided may rest on it with `by_score` and this quantum."""

    project: str
    as_of: AsOf
    method: str
    method_zh: str
    quantum: Yuan
    review: int
    total: Yuan
    batches: list[Share]
    rows: list[Allocated]


# Clocks and alerts -----------------------------------------------------------


class Appropriation(TypedDict):
    """One appropriation's clock: days from its receipt to the allotment and the payment of its own fen."""

    position: Position
    version: int
    budget_year: int
    received_on: Day
    amount: Yuan
    days_to_first_allotment: int | None
    days_to_last_allotment: int | None
    days_to_first_payment: int | None
    days_to_last_payment: int | None
    paid: Yuan
    surrendered: Yuan
    unspent: Yuan
    carried_out_of: Annotated[int | None, Meta(description="The last year that it was carried forward out of.")]
    spend_by: Day


class Appropriations(TypedDict):
    fund: str
    as_of: AsOf
    appropriations: list[Appropriation]


class Alert(TypedDict):
    alert: str
    urgency: Literal["due", "overdue", "odd"]
    sentence: str
    sentence_zh: str
    rule: str | None
    source: Source
    project: NotRequired[str]
    due_on: NotRequired[Day]
    facts: dict[str, Any]
    events: list[Position]


class Alerts(TypedDict):
    """What asks for attention today: overdue first, then due, then odd."""

    fund: str
    as_of: AsOf
    today: Day
    alerts: list[Alert]


class Unevidenced(TypedDict):
    position: Position
    seq: int
    type: str
    stream: str
    occurred_on: Day
    kind: str
    number: str
    title: str | None
    evidenced_by: Annotated[
        Position | None, Meta(description="Where the same document is cited with its SHA-256. 他处已附哈希的位置。")
    ]


class MissingEvidence(TypedDict):
    fund: str
    as_of: AsOf
    missing: list[Unevidenced]
    next: Cursor
