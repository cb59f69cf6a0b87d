"""The forms of reconciliations: a statement held against the books, and those that were accepted."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired, TypedDict

from msgspec import Meta

from service.api.response_types.every import AsOf, Day, Position, Yuan

Kind = Literal["statement_only", "ledger_only", "duplicate", "amount_differs", "payee_differs", "date_differs"]
Direction = Literal["out", "in"]
Confidence = Annotated[int, Meta(ge=0, le=100)]


class Totals(TypedDict):
    received: Yuan
    paid_out: Yuan


class ReconciliationSummary(TypedDict):
    """What the statement and the books have, and how much of it agrees. `exceptions` are counted by kind."""

    lines: int
    matched_lines: int
    entries: int
    matched_entries: int
    exceptions: dict[str, int]
    statement: Totals
    ledger: Totals


class StatementLine(TypedDict):
    number: int
    on: Day
    direction: Direction
    amount: Yuan
    payee: NotRequired[str]
    reference: NotRequired[str]
    voucher: NotRequired[str]


class LineOfFile(StatementLine):
    """A line, and where it stands in the file."""

    row: str | None
    summary: str | None


class CashEntry(TypedDict):
    """An entry of the books by its place, less what was reversed of it."""

    stream: str
    version: int
    amount: Yuan


class LedgerEntry(CashEntry):
    """An entry as the books have it."""

    position: Position
    type: str
    on: Day
    direction: Direction
    payee: str | None
    account: str | None
    reference: str | None
    voucher: str | None
    payment: str | None


class Exceptional(TypedDict):
    """What does not agree. `kind` is the worst of what `differs`; `difference` the statement's amount less the books'.

    `repeats_line` is the line that a duplicate says again, or `settled` the entry that an accepted statement of other
    days has; `pending` is a payment that is instructed and not confirmed.
    """

    kind: Kind
    differs: list[Kind]
    sentence: str
    sentence_zh: str
    difference: Yuan
    lines: list[LineOfFile]
    entries: list[LedgerEntry]
    reasons: list[str]
    confidence: Confidence
    repeats_line: int | None
    pending: LedgerEntry | None
    settled: LedgerEntry | None


class Skipped(TypedDict):
    """A row that is no line, such as a total."""

    row: str
    text: str


class StatementRead(TypedDict):
    """How the file was read. `adds_up`: whether its own balances follow from its lines; null if it tells none."""

    file_sha256: str
    form: Literal["csv", "xlsx", "camt.053"]
    encoding: str | None
    columns: dict[str, str]
    first_day: Day
    last_day: Day
    adds_up: bool | None
    skipped: list[Skipped]


class StatementMatch(TypedDict):
    lines: list[int]
    entries: list[CashEntry]
    reasons: list[str]
    confidence: Confidence


class Unexplained(TypedDict):
    kind: Kind
    lines: list[StatementLine]
    entries: list[CashEntry]


class Acceptance(TypedDict):
    """The data of StatementReconciled, but for who accepts it, when, by which paper, and its explanations."""

    file_sha256: str
    first_day: Day
    last_day: Day
    position: Position
    lines: int
    received: Yuan
    paid_out: Yuan
    matches: list[StatementMatch]
    exceptions: list[Unexplained]


class AcceptedBefore(TypedDict):
    """Which StatementReconciled of the fund accepted this file last, and its position."""

    version: int
    position: Position


class Reconciliation(TypedDict):
    """A statement held against the books: the exceptions first."""

    fund: str
    as_of: AsOf
    accepted: AcceptedBefore | None
    summary: ReconciliationSummary
    exceptions: list[Exceptional]
    statement: StatementRead
    acceptance: Acceptance


class Accepted(TypedDict):
    """A statement that was accepted by StatementReconciled of this version; of one file the last counts."""

    version: int
    position: Position
    file_sha256: str
    first_day: Day
    last_day: Day
    compared_at: Position
    lines: int
    received: Yuan
    paid_out: Yuan
    matches: int
    exceptions: int
    accepted_on: Day
    accepted_by: str
    status: Literal["accepted", "replaced", "reversed"]


class Reconciliations(TypedDict):
    fund: str
    as_of: AsOf
    reconciliations: list[Accepted]
