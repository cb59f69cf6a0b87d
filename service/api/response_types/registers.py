"""The response types of the registers (projects, awards, payments, documents) and of traces."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired, TypedDict

from msgspec import Meta

from service.api.response_types.every import (
    AsOf,
    Cursor,
    Day,
    DistinguishedBy,
    Document,
    Fen,
    Person,
    Position,
    SerialText,
    Yuan,
)
from service.api.response_types.funds import Figures, Goal, Selection, Support


class Project(TypedDict):
    """A project: a line of a fund's plan. `number` is its number in the plan."""

    project: str
    fund: str
    number: int
    name: str
    name_en: str | None
    tasks: list[str]
    award_rule: Literal["exact", "max"]
    awards: int
    fixed_total: bool
    checkpoints: list[str]
    objective: str | None
    support: Support | None
    goals: list[Goal]
    selection: Selection
    status: Literal["planned", "open", "closed"]
    in_plan: bool
    planned: Yuan
    opened_position: Position | None
    closed_position: Position | None
    awards_missing: Annotated[
        int | None,
        Meta(description="The awards that a closed project lacks of an exact number. 结项时缺少的立项数。"),
    ]


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


class PersonalIdentity(TypedDict):
    """The identity of a natural person, as the filter `recipient` of the registers takes it."""

    recipient: str
    id_last4: str


IdentityKind = Literal["uscc", "id_card", "registration"]
UnitCode = Annotated[
    str, Meta(description="Empty for a natural person and another registration. 自然人、其他登记为空。")
]
IdLast4 = Annotated[
    str | None, Meta(description="Of a natural person: the last four characters of the identity card. 身份证末四位。")
]
RegistrationText = Annotated[
    str | None,
    Meta(description="Another registration: country, register and number. 其他登记。", examples=["HK/BR/12345678"]),
]


class Actual(TypedDict):
    """What was reached of a performance goal of the line."""

    goal: str
    actual: str


class Checkpoint(TypedDict):
    """The state of an award at one checkpoint. `on`: the day of the last step there, null before the first one."""

    checkpoint: str
    status: Literal["none", "requested", "passed", "failed", "rectifying"]
    on: Day | None
    rectify_by: Day | None
    conclusion: Literal["excellent", "good", "qualified", "basically_qualified", "other"] | None
    score: str | None
    settled: Annotated[Yuan | None, Meta(description="The amount that the acceptance recognised. 核定金额。")]
    actuals: list[Actual]


class Award(TypedDict):
    """An award 立项 and its balances. `in_flight` is the amount of its payments in approval or in transit.

    `acceptance` and `rectify_by` are those of the last checkpoint; `checkpoints` has all of the line, in their order.
    """

    project: str
    award: str
    fund: str
    application: str
    applicant: str
    uscc: UnitCode
    identity_kind: IdentityKind
    id_last4: IdLast4
    registration: RegistrationText
    payee: str
    payee_uscc: UnitCode
    payee_identity_kind: IdentityKind
    payee_id_last4: IdLast4
    payee_registration: RegistrationText
    payee_account: Annotated[str, Meta(description="Last four digits. 账号后四位。")]
    score: str
    rank: int
    decided_on: Day
    acceptance: Literal["none", "requested", "passed", "failed", "rectifying"]
    status: Literal["live", "declined", "revoked", "terminated", "reversed"]
    ends_on: Day | None
    rectify_by: Day | None
    checkpoints: list[Checkpoint]
    awarded: Yuan
    committed: Yuan
    payable: Yuan
    in_flight: Yuan
    paid: Yuan
    recovered: Yuan
    applied: Annotated[
        Yuan | None, Meta(description="The amount applied for; null if the application did not say. 申报金额。")
    ]
    shown: Annotated[
        Yuan | None,
        Meta(
            description="What the last completed notice that lists the application showed; null if none, or if it is"
            " void. 最近一次公示期满的公示所列金额；未公示或公示已失效的为空。"
        ),
    ]
    decided: Annotated[
        Yuan,
        Meta(
            description="What the award list decided. It never changes afterwards; 0.00 if the list was reversed."
            " 立项决定的金额，其后不再变化；决定被冲销的为 0.00。"
        ),
    ]
    amended: Annotated[
        Yuan,
        Meta(
            description="Increases less reductions by AwardAmended, net of reversals. 立项金额调整净额（调增减调减）。"
        ),
    ]
    returned: Annotated[
        Yuan,
        Meta(description="What payees returned by PaymentReturned, net of reversals. 退回（退票、退款）净额。"),
    ]
    recovery_received: Annotated[
        Yuan,
        Meta(
            description="What was received on recoveries, net of reversals, also after it was reinstated or"
            " surrendered. `recovered` is what of it, and of money returned to the fund, is still there."
            " 追缴到账累计（净额），恢复指标或上缴后仍计入；recovered 为其中尚未恢复或上缴的。"
        ),
    ]
    renamed_to: Annotated[
        str | None,
        Meta(description="The name of the recipient since its last change of name. 单位更名、合并后的名称。"),
    ]
    events: list[Position]


class Awards(TypedDict):
    as_of: AsOf
    awards: list[Award]
    next: Cursor


class Application(TypedDict):
    """An application 申报, awarded or not. `award` is the name of its award, null if it has none.

    `screening`: the check of its documents. `score`: that of the review in force. `shown`: what the last completed
    notice that lists it showed; null if none, or if it is void. `excluded`: an objection to it was upheld.
    """

    application: str
    project: str
    fund: str
    round: int
    received_on: Day
    number: Annotated[str | None, Meta(description="受理号")]
    applicant: str
    uscc: UnitCode
    identity_kind: IdentityKind
    id_last4: IdLast4
    registration: RegistrationText
    amount: Annotated[Yuan | None, Meta(description="The amount applied for; null if not said. 申报金额。")]
    title: Annotated[str | None, Meta(description="The title of the project. 项目名称。")]
    place: Annotated[str | None, Meta(description="The place of the project. 项目地点。")]
    starts_on: Annotated[Day | None, Meta(description="Planned. 计划开始日。")]
    ends_on: Annotated[Day | None, Meta(description="Planned. 计划结束日。")]
    rewarded_for: Annotated[str | None, Meta(description="Of an entry of a list. 名单所列的奖励事项。")]
    grounds: Annotated[str | None, Meta(description="Of an entry of a list. 名单所列的奖励依据。")]
    status: Literal["live", "withdrawn", "excluded", "awarded", "reversed"]
    screening: Literal["pending", "passed", "failed"]
    score: str | None
    shown: Yuan | None
    withdrawn: bool
    excluded: bool
    award: str | None
    received_position: Position
    events: list[Position]


class Applications(TypedDict):
    as_of: AsOf
    applications: list[Application]
    next: Cursor


class Round(TypedDict):
    """A round of applications 征集轮次. It begins with its call; that of a list, with its notice.

    The days of a list's call are the day on which its notice was started.
    """

    round: int
    selection: Selection
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
    """An objection 异议 to an application or, if `application` is null, to the whole notice."""

    objection: str
    application: str | None
    reason: str
    received_on: Day
    status: Literal["open", "upheld", "rejected", "reversed"]
    resolved_on: Day | None
    events: list[Position]


class Recovery(TypedDict):
    """A recovery 追缴: the order to pay back money of a payment, and the amount that is still outstanding.

    `amount`: the amount ordered. `waived`: what was waived of it.
    `lapsed`: the amount that had already been returned in another way when the recovery was waived, and is therefore
    no longer demanded.
    """

    recovery: str
    project: str
    payment: str
    award: str
    batch: int
    payee: str
    reason: str
    ordered_on: Day
    ordered_by: str
    ordered_by_person: Person
    documents: list[Document]
    due_on: Day
    status: Literal["ordered", "reversed"]
    amount: Yuan
    received: Yuan
    waived: Yuan
    lapsed: Yuan
    outstanding: Yuan
    interest: Annotated[Yuan, Meta(description="The interest that was ordered besides. 决定追缴的孳息。")]
    interest_received: Yuan
    interest_waived: Yuan
    events: list[Position]


class Recoveries(TypedDict):
    fund: str
    as_of: AsOf
    recoveries: list[Recovery]
    next: Cursor


class Waiver(TypedDict):
    """A waiver 豁免 of a rule for one award or application."""

    rule: str
    award: str | None
    application: str | None
    payee: Annotated[str | None, Meta(description="The only payee that the waiver allows. 豁免的收款人。")]
    at_most: Annotated[
        Yuan | None, Meta(description="The most that this payee may receive or this award have. 金额上限。")
    ]
    reason: str
    documents: list[Document]
    granted_on: Day
    granted_by: str
    person: Person
    distinguished_by: DistinguishedBy
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
    person: Person
    distinguished_by: DistinguishedBy
    occurred_on: Day


class Payment(TypedDict):
    """A row of the payment register: request, approvals, voucher, bank reference, payee, dates and status."""

    project: str
    payment: str
    fund: str
    award: str
    batch: int
    amount: Yuan
    status: Literal["requested", "approved", "rejected", "cancelled", "instructed", "confirmed", "failed", "returned"]
    payee: str
    payee_uscc: str | None
    payee_identity_kind: IdentityKind | None
    payee_id_last4: IdLast4
    payee_registration: RegistrationText
    payee_account: Annotated[str, Meta(description="Last four digits. 账号后四位。")]
    payee_differs: bool
    requested_on: Day
    requested_by: str
    requested_by_person: Person
    request: Annotated[str | None, Meta(description="支付申请编号")]
    approvals: list[Approval]
    instructed_on: Day | None
    voucher: str | None
    confirmed_on: Day | None
    cleared_on: Annotated[Day | None, Meta(description="The clearing date. 清算日期。")]
    booked_on: Annotated[
        Day | None,
        Meta(description="The booking date of the confirmation, whose year it counts in. 支付确认的记账日期。"),
    ]
    bank_reference: str | None
    returned: Yuan
    recovered: Yuan
    unordered: Annotated[bool, Meta(description="The bank paid it though nobody had ordered it. 账外支付。")]
    repeats: Annotated[str | None, Meta(description="The payment that the bank executed twice. 被重复执行的支付。")]
    irregular: Annotated[list[str], Meta(description="The rules that its steps broke. 各步骤违反的规则。")]
    requested_position: Position
    events: list[Position]


class Payments(TypedDict):
    as_of: AsOf
    payments: list[Payment]
    next: Cursor


class PaymentNow(Payment):
    as_of: AsOf


WITHHELD = Meta(
    description="True if the key may not read the event: `stream` and `actor` are then empty, `version` is 0,"
    " `documents` has none, and `payee` is null; of its move, the step has only the amount."
    " 密钥无权查阅该事件时为 true，此时仅有位置、类型、日期和金额。"
)
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
        "withheld": NotRequired[Annotated[bool, WITHHELD]],
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
    """The events on the path that a payment's fen took from the account `treasury`.

    The `amount` of a step counts only these fen.
    """

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
    """The account that a fen is in. `since`: the position of the event that moved the fen there.

    Each of `project`, `batch`, `award` and `payment` is given only if it is part of the account's key.
    """

    account: str
    project: NotRequired[str]
    batch: NotRequired[int]
    award: NotRequired[str]
    payment: NotRequired[str]
    since: Position


class FenTrace(TypedDict):
    """Where one fen is now (`stands`), and the events on the path that it took from the account `treasury`."""

    serial: int
    serial_text: SerialText
    fund: str
    as_of: AsOf
    stands: Standing
    plan_line: LineOfPlan | None
    steps: list[Step]


class Citation(TypedDict):
    """An event that cites a document. `document` is the document as the event cites it."""

    position: Position
    type: str
    stream: str
    fund: str
    occurred_on: Day
    booked_on: Day
    actor: str
    document: Document


class OfficialNumber(TypedDict):
    """The parts of an official document number 文号."""

    issuer: str
    year: int
    serial: int


class Note(TypedDict):
    """A note on record 备案 about a fund or, if `project` is not null, a project, an application or an award of it.

    `corrected_by`: the position of the last note that corrects this one.
    """

    position: Position
    fund: str
    project: str | None
    kind: Literal[
        "leader_changed",
        "partner_changed",
        "agreement_changed",
        "authority_changed",
        "evaluation",
        "recusal",
        "other",
    ]
    kind_zh: str
    application: str | None
    award: str | None
    text: str
    noted_on: Day
    actor: str
    person: Person
    documents: list[Document]
    corrected_by: Position | None


class Notes(TypedDict):
    as_of: AsOf
    notes: list[Note]
    next: Cursor


class Cited(TypedDict):
    """A document's number in normalized form (`number`), and the events that cite the document."""

    number: str
    official: OfficialNumber | None
    as_of: AsOf
    citations: list[Citation]
    next: Cursor
