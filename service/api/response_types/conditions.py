"""The response types of rules, conditions, allocations, appropriations and alerts."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired, TypedDict

from msgspec import Meta

from service.api.response_types.every import AsOf, Cursor, Day, Document, Level, Position, Yuan


class Source(TypedDict):
    """The source of a rule or an alert, in Chinese and English.

    `kind`: a law (`law`), the plan of the special fund (`seed`), a setting of the fund (`setting`), common practice
    (`practice`), or the consistency of the ledger (`books`).
    """

    kind: Literal["law", "seed", "setting", "practice", "books"]
    zh: str
    en: str


class Rule(TypedDict):
    """A rule that may refuse a post. `problem` is the URL of its problem type."""

    rule: str
    sentence: Annotated[
        str, Meta(description="The message of a refusal, with the names of its values in place of the values.")
    ]
    sentence_zh: str
    remedy: str
    remedy_zh: str
    source: Source
    improper: Annotated[
        bool,
        Meta(description="A duty: what has broken it can be recorded as `irregular`. 违反后仍已发生的，可作违规登记。"),
    ]
    waivable: Annotated[
        Literal["award", "application"] | None, Meta(description="What the rule may be waived for; null if never.")
    ]
    guards: Annotated[list[str], Meta(description="The event types that the rule may refuse.")]
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
        "when": Annotated[str, Meta(description="Which of the event's movements this is; empty if it has only one.")],
        "when_zh": str,
        "mirrors": Annotated[list[str], Meta(description="The events that are recorded with it in other streams.")],
        "reversible": Literal["in_part", "whole", "never"],
    },
)


class PostingRules(TypedDict):
    posting_rules: list[PublishedPosting]


# Why -------------------------------------------------------------------------


class Cause(TypedDict):
    """An event that meets a condition, and the documents that it cites."""

    position: Position
    type: str
    stream: str
    version: int
    occurred_on: Day
    documents: list[dict[str, Any]]


class Missing(TypedDict):
    """The refusal that the next step would get if it were posted now, while the condition is not met."""

    rule: str
    title: str
    title_zh: str
    remedy: str
    remedy_zh: str
    facts: dict[str, Any]


class Condition(TypedDict):
    """A condition that must be met before a next step may be posted.

    `by`: the events that meet it. `missing`: the refusal if it is not met.
    """

    requires: str
    requires_zh: str
    rules: list[str]
    met: bool
    by: list[Cause]
    missing: Missing | None


class NextStep(TypedDict):
    """An event that would bring the money closer to payment.

    If all its conditions are met, the event may be posted today.
    """

    event: str
    event_zh: str
    subject: str
    scope: Annotated[str, Meta(description="The scope that the sender's key must have. 提交所需权限。")]
    may_be_posted: bool
    cites: list[list[str]]
    about: Annotated[dict[str, Any], Meta(description="Known values of the event's data. 提交时应填的内容。")]
    conditions: list[Condition]


class Why(TypedDict):
    """Why a batch is not paid: the balances of the batch's accounts, and the steps that are still needed, in order."""

    project: str
    fund: str
    batch: int
    award: str | None
    as_of: AsOf
    says: Annotated[str, Meta(description="The state of the money, in one sentence. 资金现状。")]
    says_zh: str
    accounts: dict[str, Yuan]
    steps: list[NextStep]


# Allocations -----------------------------------------------------------------


class Share(TypedDict):
    """An amount of money in one batch of the plan."""

    batch: int
    amount: Yuan


class Allocated(TypedDict):
    """The amounts allocated to one application, and its rank by score.

    Applications with equal scores rank by application number, then in the order of receipt.
    """

    application: str
    score: str
    rank: int
    total: Yuan
    amounts: list[Share]


class Allocation(TypedDict):
    """A calculated allocation of money to applications; nothing is recorded.

    The client can post the amounts in an AwardListDecided event that has `by_score` true and the same `quantum`.
    """

    project: str
    as_of: AsOf
    method: str
    method_zh: str
    quantum: Yuan
    review: int
    total: Yuan
    batches: list[Share]
    rows: list[Allocated]


# Appropriations and alerts ---------------------------------------------------


class Appropriation(TypedDict):
    """An appropriation with its deadline, `spend_by`.

    Each `days_to_…` counts the days from the receipt of the appropriation to the first or last allotment, or to the
    first or last payment, as its name says. Only allotments and payments of this appropriation's own fen count.
    """

    position: Position
    version: int
    source: Annotated[str | None, Meta(description="Its source of money; null if the plan lists none. 资金来源。")]
    source_name: str | None
    level: Level | None
    documents: list[Document]
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
    carried_out_of: Annotated[int | None, Meta(description="The last year out of which it was carried forward.")]
    spend_by: Day


class Appropriations(TypedDict):
    fund: str
    as_of: AsOf
    appropriations: list[Appropriation]
    next: Cursor


class Alert(TypedDict):
    """Something in a fund that is overdue, due or odd (irregular).

    `events`: the log positions of the events on which the alert is based.
    """

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
    """The alerts of today: overdue ones first, then due ones, then odd ones.

    Alerts about movements of money are found in the tables; `as_of` is the position up to which the tables are folded.
    All other alerts are found in the ledger's own states as they were at the same position; `states_as_of` is the
    position of the last event in the states.

    Of each kind of alert, the first thousand are listed; `left_out` says how many more there are, by the alert's name.
    An alert has at most a thousand positions of further events.
    """

    fund: str
    as_of: AsOf
    states_as_of: AsOf
    today: Day
    alerts: list[Alert]
    left_out: dict[str, int]


class Unevidenced(TypedDict):
    """A citation that names a document but does not give the SHA-256 of its file."""

    position: Position
    seq: int
    type: str
    stream: str
    occurred_on: Day
    kind: str
    number: str
    title: str | None
    evidenced_by: Annotated[
        Position | None,
        Meta(description="The position where the same document is cited with its SHA-256. 他处已附哈希的位置。"),
    ]


class MissingEvidence(TypedDict):
    fund: str
    as_of: AsOf
    missing: list[Unevidenced]
    next: Cursor
