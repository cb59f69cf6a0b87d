"""The response types of reconciliations: a statement compared with the ledger, and the accepted statements."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired, TypedDict

from msgspec import Meta

from service.api.response_types.every import AsOf, Day, Position, Yuan

Kind = Literal[
    "contradiction",
    "statement_only",
    "ledger_only",
    "duplicate",
    "amount_differs",
    "payee_differs",
    "date_differs",
]
Form = Literal[
    "csv",
    "xlsx",
    "xls",
    "ods",
    "html",
    "spreadsheetml",
    "camt.052",
    "camt.053",
    "camt.054",
    "voucher",
    "mt940",
    "mt942",
    "ofx",
]
Direction = Literal["out", "in"]
Confidence = Annotated[int, Meta(ge=0, le=100)]


class Totals(TypedDict):
    """The sum of the incoming amounts and the sum of the outgoing amounts, of a statement or of the ledger."""

    received: Yuan
    paid_out: Yuan


class ReconciliationSummary(TypedDict):
    """How many statement lines and ledger entries there are, and how many of them match.

    `exceptions`: the number of exceptions of each kind.
    """

    lines: int
    matched_lines: int
    entries: int
    matched_entries: int
    exceptions: dict[str, int]
    statement: Totals
    ledger: Totals


class StatementLine(TypedDict):
    """A line of the statement. `on` is its date."""

    number: int
    on: Day
    direction: Direction
    amount: Yuan
    payee: NotRequired[str]
    reference: NotRequired[str]
    voucher: NotRequired[str]


class LineOfFile(StatementLine):
    """A line of the statement, with its row in the file."""

    row: str | None
    summary: str | None


class CashEntry(TypedDict):
    """A reference to a ledger entry, with its amount net of reversals."""

    stream: str
    version: int
    amount: Yuan


class LedgerEntry(CashEntry):
    """A ledger entry. `account` has the last four digits of the payee's account number."""

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
    """An exception: statement lines or ledger entries that do not match, or that match with a difference.

    A `contradiction` has neither: it is within the statement, whose lines do not give one of its balances or totals.

    `kind`: the most serious kind in `differs`. `difference`: the statement's amount minus the ledger's. `repeats_line`:
    the number of the line that a duplicate line repeats. `settled`: the ledger entry that a duplicate line matches, and
    that an accepted statement of other days has already matched. A duplicate line has either `repeats_line` or
    `settled`. `pending`: a payment that matches the line, and is instructed but not yet confirmed.
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
    """A row of the file that is not a statement line, such as a total."""

    row: str
    text: str


class StatementRead(TypedDict):
    """How the file was read.

    `adds_up`: whether its balances and totals agree with its lines; null if it has none. `direction_by`: what says
    which lines pay out: the `headings`, a `column`, the `balances`, or a `parameter`. `unread`: the headings of the
    columns that were not read. `unchecked`: the parts of a line that the file lacks, so that they were not compared.
    `foreign_numbers`: the kinds of numbers that are the bank's own and not the ledger's, and were not compared either.
    """

    file_sha256: str
    form: Form
    encoding: str | None
    columns: dict[str, str]
    first_day: Day
    last_day: Day
    adds_up: bool | None
    direction_by: Literal["headings", "column", "balances", "parameter"] | None
    unread: list[str]
    unchecked: list[str]
    foreign_numbers: list[Literal["reference", "voucher"]]
    skipped: list[Skipped]


class StatementMatch(TypedDict):
    """Statement lines that match ledger entries, with the reasons and the confidence from 0 to 100."""

    lines: list[int]
    entries: list[CashEntry]
    reasons: list[str]
    confidence: Confidence


class Unexplained(TypedDict):
    """An exception. The client must add an explanation to it before accepting the result.

    `says`: what the statement says that its own lines contradict, of an exception of the kind `contradiction`.
    """

    kind: Kind
    lines: list[StatementLine]
    entries: list[CashEntry]
    says: NotRequired[str]


class Others(Totals):
    """The lines of a statement that are not of the fund, or of none of the funds: how many, and their sums."""

    lines: int


class Acceptance(TypedDict):
    """The data of StatementReconciled, except for the actor, the date, the documents and the explanations."""

    file_sha256: str
    first_day: Day
    last_day: Day
    position: Position
    lines: int
    received: Yuan
    paid_out: Yuan
    matches: list[StatementMatch]
    exceptions: list[Unexplained]
    others: NotRequired[Others]


class AcceptedBefore(TypedDict):
    """The version and position of the fund's last StatementReconciled event for this file and this statement's days."""

    version: int
    position: Position


class Reconciliation(TypedDict):
    """A statement compared with the ledger. `acceptance` is the data for accepting the result."""

    fund: str
    as_of: AsOf
    accepted: AcceptedBefore | None
    summary: ReconciliationSummary
    exceptions: list[Exceptional]
    others: Others
    statement: StatementRead
    acceptance: Acceptance


class AccountReconciliation(TypedDict):
    """A statement of an account that serves several funds, compared with the ledger of each.

    The lines of each fund are numbered from 1. `others`: the lines that are of none of them.
    """

    as_of: AsOf
    funds: list[Reconciliation]
    others: Others


class OutdatedSince(TypedDict):
    """The first EntryReversed that reduced a ledger entry below the amount that an accepted statement lists for it.

    `position`, `stream` and `version` are those of the EntryReversed.
    `entry` and `entry_version` are the reversed entry's type and its version in the same stream.
    """

    position: Position
    stream: str
    version: int
    entry: str
    entry_version: int


class Accepted(TypedDict):
    """A statement that was accepted by the StatementReconciled event with this `version`.

    If a file was accepted several times for the same days, only the last acceptance counts; the status of the others is
    `replaced`. `outdated_since` is null until a reversal reduces a ledger entry below the amount that the
    StatementReconciled event lists for it. The statement must then be reconciled again.
    """

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
    outdated_since: OutdatedSince | None


class Reconciliations(TypedDict):
    fund: str
    as_of: AsOf
    reconciliations: list[Accepted]
