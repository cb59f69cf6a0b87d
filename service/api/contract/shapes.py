"""The bodies of answers, as types: what `/openapi.json` publishes and the tests hold every answer to."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from msgspec import Meta

Yuan = Annotated[
    str, Meta(pattern=r"^-?(0|[1-9][0-9]*)\.[0-9]{2}$", description="Yuan with exactly two places. 元，两位小数。")
]
Position = Annotated[int, Meta(ge=0, description="A position in the log. 日志位置。")]
Fen = Annotated[
    str, Meta(description="Serials of fen as half-open ranges, as PostgreSQL writes them. 分的编号，左闭右开区间。")
]
Cursor = Annotated[str | None, Meta(description="`after` of the next page, null at the end. 下一页的 after。")]
Day = date


class Problem(TypedDict):
    """RFC 9457, with the title in Chinese too."""

    type: str
    title: str
    title_zh: str
    status: int
    remedy: str
    remedy_zh: str
    detail: NotRequired[str]
    rule: NotRequired[str]
    facts: NotRequired[dict[str, Any]]
    errors: NotRequired[list[ErrorAt]]
    outcomes: NotRequired[list[dict[str, Any]]]


class ErrorAt(TypedDict):
    pointer: str
    detail: str


class AsOf(TypedDict):
    position: Position
    booked_on: NotRequired[Day]


class Document(TypedDict):
    kind: str
    number: str
    title: NotRequired[str]
    issuer: NotRequired[str]
    date: NotRequired[Day]
    sha256: NotRequired[str]
    year: NotRequired[int]
    item: NotRequired[int]


# Posting ---------------------------------------------------------------------


class Drafted(TypedDict):
    type: str
    subject: str
    streamversion: int
    data: dict[str, Any]


class Outcome(TypedDict):
    """What became of one event; a problem's members too, if it does not count."""

    source: NotRequired[str]
    id: NotRequired[str]
    outcome: Literal["recorded", "replayed", "would_record", "refused", "not_recorded"]
    position: NotRequired[Position]
    last_position: NotRequired[Position]
    stream: NotRequired[str]
    version: NotRequired[int]
    events: NotRequired[list[Drafted]]


class Posted(TypedDict, total=False):
    """What became of one event; of a bundle: `outcomes`, one for each of its events."""

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


class Refusals(TypedDict):
    refusals: list[Refusal]
    next: Cursor


class PostFound(TypedDict):
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
    """A CloudEvent; `data` is as its type's schema says, with what the ledger assigned."""

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


# Funds -----------------------------------------------------------------------


class Fund(TypedDict):
    fund: str
    name: str
    name_en: str | None
    title: str | None
    status: Literal["open", "closed"]
    appropriated: Yuan
    planned: Yuan
    projects: int
    settings: Annotated[dict[str, Any], Meta(description="As the last event that set them says. 最近一次设定。")]
    settings_version: int
    closed_through: Annotated[Day | None, Meta(description="The last day of closed books. 已结账至。")]
    established_position: Position
    adopted_position: Position | None
    plan_position: Annotated[Position | None, Meta(description="What put the plan in force. 现行计划。")]
    closed_position: Position | None


class FundNow(Fund):
    as_of: AsOf


class Funds(TypedDict):
    as_of: AsOf
    funds: list[Fund]


class Figures(TypedDict):
    planned: Yuan
    allotted: Yuan
    line: Yuan
    committed: Yuan
    payable: Yuan
    in_approval: Yuan
    in_transit: Yuan
    paid: Yuan


class BalanceRow(Figures):
    """One row; which of the keys it has, `by` says."""

    batch: NotRequired[int]
    project: NotRequired[str]
    name: NotRequired[str]
    task: NotRequired[str]
    award: NotRequired[str | None]
    applicant: NotRequired[str | None]


class BalanceTotal(Figures):
    pool: Yuan
    recovered: Yuan
    surrendered: Yuan
    appropriated: Yuan


class Balances(TypedDict):
    fund: str
    by: Literal["batch", "project", "task", "award"]
    as_of: AsOf
    rows: list[BalanceRow]
    total: BalanceTotal


class PlanFigures(TypedDict):
    planned: Yuan
    allotted: Yuan
    awarded: Yuan
    paid: Yuan


class PlanBatch(PlanFigures):
    batch: int
    name: str
    gate: NotRequired[str]
    adopted: NotRequired[Annotated[Yuan, Meta(description="As first adopted. 批准数。")]]


class Task(TypedDict):
    code: str
    name: str


class PlanLine(PlanFigures):
    number: int
    number_raw: str | None
    project: str
    name: str
    name_annex: str
    name_en: str | None
    tasks: list[Task]
    award_rule: Literal["exact", "max"]
    awards: int
    fixed_total: bool
    awarded_count: int
    adopted: Annotated[Yuan, Meta(description="As first adopted. 批准数。")]
    batches: list[PlanBatch]


class PlanTotal(PlanFigures):
    batches: list[PlanBatch]


class Plan(TypedDict):
    fund: str
    title: str | None
    unit: str
    as_of: AsOf
    rows: list[PlanLine]
    total: PlanTotal


# `from` is a word of Python's: such types are written as calls.
Movement = TypedDict(
    "Movement",
    {
        "position": Position,
        "seq": int,
        "type": str,
        "entry": Annotated[str | None, Meta(description="The type of the entry reversed. 被冲销事项类型。")],
        "booked_on": Day,
        "from": str,
        "to": str,
        "project": str | None,
        "batch": int | None,
        "award": str | None,
        "payment": str | None,
        "fen": Fen,
        "amount": Yuan,
    },
)


class Movements(TypedDict):
    fund: str
    as_of: AsOf
    movements: list[Movement]
    next: Cursor


# Projects --------------------------------------------------------------------


class Project(TypedDict):
    project: str
    fund: str
    number: int
    name: str
    name_en: str | None
    tasks: list[str]
    award_rule: Literal["exact", "max"]
    awards: int
    fixed_total: bool
    status: Literal["planned", "open", "closed"]
    in_plan: bool
    planned: Yuan
    opened_position: Position | None
    closed_position: Position | None


class Projects(TypedDict):
    as_of: AsOf
    projects: list[Project]


class ProjectBatch(Figures):
    batch: int
    name: str
    gate: str


class PaymentsOfStatus(TypedDict):
    status: str
    payments: int
    amount: Yuan


class Award(TypedDict):
    """One award 立项, and where its money stands."""

    project: str
    award: str
    fund: str
    application: str
    applicant: str
    uscc: str
    payee: str
    payee_uscc: str
    payee_account: Annotated[str, Meta(description="Last four digits. 账号后四位。")]
    score: str
    rank: int
    decided_on: Day
    acceptance: Literal["none", "requested", "passed", "failed", "rectifying"]
    status: Literal["live", "declined", "revoked", "terminated", "reversed"]
    ends_on: Day | None
    rectify_by: Day | None
    awarded: Yuan
    committed: Yuan
    payable: Yuan
    in_flight: Yuan
    paid: Yuan
    recovered: Yuan
    events: list[Position]


class Awards(TypedDict):
    as_of: AsOf
    awards: list[Award]
    next: Cursor


class Round(TypedDict):
    """One round of applications 征集轮次, from its call."""

    round: int
    status: Literal["under_way", "decided", "failed", "reversed"]
    opens_on: Day
    closes_on: Day
    closed_on: Day | None
    reviewed_on: Day | None
    notice_from: Day | None
    notice_to: Day | None
    notice_completed_on: Day | None
    events: list[Position]


class Objection(TypedDict):
    """An objection 异议 to an application, or to the whole list if none is named."""

    objection: str
    application: str | None
    reason: str
    received_on: Day
    status: Literal["open", "upheld", "rejected", "reversed"]
    resolved_on: Day | None
    events: list[Position]


class Recovery(TypedDict):
    """Money of a payment that must come back 追缴."""

    recovery: str
    payment: str
    award: str
    batch: int
    ordered_on: Day
    due_on: Day
    status: Literal["ordered", "reversed"]
    amount: Yuan
    received: Yuan
    waived: Yuan
    outstanding: Yuan
    events: list[Position]


class Waiver(TypedDict):
    """A rule set aside 豁免 for one award or application."""

    rule: str
    award: str | None
    application: str | None
    reason: str
    granted_on: Day
    granted_by: str
    status: Literal["granted", "reversed"]
    events: list[Position]


class ProjectNow(Project):
    as_of: AsOf
    batches: list[ProjectBatch]
    award_list: list[Award]
    payments: list[PaymentsOfStatus]
    rounds: list[Round]
    objections: list[Objection]
    recoveries: list[Recovery]
    waivers: list[Waiver]


# Payments --------------------------------------------------------------------


class Approval(TypedDict):
    position: Position
    decision: Literal["approved", "rejected"]
    level: str | None
    actor: str
    occurred_on: Day


class Payment(TypedDict):
    """A line of the register: request, approvals, voucher, bank reference, payee, dates and where it stands."""

    project: str
    payment: str
    fund: str
    award: str
    batch: int
    amount: Yuan
    status: Literal["requested", "approved", "rejected", "cancelled", "instructed", "confirmed", "failed", "returned"]
    payee: str
    payee_uscc: str | None
    payee_account: Annotated[str, Meta(description="Last four digits. 账号后四位。")]
    payee_differs: bool
    requested_on: Day
    requested_by: str
    request: Annotated[str | None, Meta(description="支付申请编号")]
    approvals: list[Approval]
    instructed_on: Day | None
    voucher: str | None
    confirmed_on: Day | None
    bank_reference: str | None
    returned: Yuan
    recovered: Yuan
    requested_position: Position
    events: list[Position]


class Payments(TypedDict):
    as_of: AsOf
    payments: list[Payment]
    next: Cursor


class PaymentNow(Payment):
    as_of: AsOf


Step = TypedDict(
    "Step",
    {
        "position": Position,
        "type": str,
        "stream": str,
        "version": int,
        "occurred_on": Day,
        "booked_on": Day,
        "actor": str,
        "documents": list[Document],
        "payee": str | None,
        "from": NotRequired[str],
        "to": NotRequired[str],
        "amount": NotRequired[Yuan],
        "project": NotRequired[str | None],
        "batch": NotRequired[int | None],
        "award": NotRequired[str | None],
        "payment": NotRequired[str | None],
    },
)


class LineOfPlan(TypedDict):
    project: str
    number: int
    name: str
    batch: int
    batch_name: str
    gate: str
    planned: Yuan


class PaymentTrace(TypedDict):
    """Every event on the way of a payment's fen, from the central fund; `amount` in a step: of these fen."""

    project: str
    payment: str
    fund: str
    award: str
    batch: int
    amount: Yuan
    status: str
    fen: Fen
    plan_line: LineOfPlan | None
    steps: list[Step]
    as_of: AsOf


class Standing(TypedDict):
    account: str
    project: NotRequired[str]
    batch: NotRequired[int]
    award: NotRequired[str]
    payment: NotRequired[str]
    since: Position


class FenTrace(TypedDict):
    serial: int
    fund: str
    as_of: AsOf
    stands: Standing
    plan_line: LineOfPlan | None
    steps: list[Step]


class Citation(TypedDict):
    position: Position
    type: str
    stream: str
    fund: str
    occurred_on: Day
    booked_on: Day
    actor: str
    document: Document


class OfficialNumber(TypedDict):
    """A 文号 taken apart."""

    issuer: str
    year: int
    serial: int


class Cited(TypedDict):
    """`number` as it is known by, however it was typed."""

    number: str
    official: OfficialNumber | None
    as_of: AsOf
    citations: list[Citation]
    next: Cursor


# The contract itself, and those who run it ------------------------------------


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
