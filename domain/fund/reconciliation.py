"""Reconciliation of the ledger with a statement of the treasury or bank: matches, and exceptions with explanations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from enum import StrEnum
from itertools import chain

from msgspec.structs import replace

from domain.decision_context import Context, Decision
from domain.event import Allowed, Fact, Recorded, Reference, restores
from domain.event_part import EventPart
from domain.fund.lifecycle import FundFact
from domain.money import Money
from domain.posting import POOL, SURRENDERED
from domain.rules.every_post import BeforeItsCause, UnknownEntry, WindowEmpty
from domain.rules.reconciliation import (
    EntryListedTwice,
    ExceptionMisnamed,
    ExceptionUnexplained,
    LineNotOnce,
    LineOutsideDays,
    NotAsRecorded,
    NotCash,
    StatementDoesNotTie,
    StatementTooLong,
)
from domain.state.fund import Fund, Reconciled

# Events ----------------------------------------------------------------------


class Direction(StrEnum):
    """The direction of a statement line: money out of, or into, the account of the statement."""

    OUT = "out"
    IN = "in"


CASH = {
    "PaymentConfirmed": Direction.OUT,
    "PaymentReturned": Direction.IN,
    "RecoveryReceived": Direction.IN,
    "SurplusSurrendered": Direction.OUT,
    "UnorderedPaymentFound": Direction.OUT,
    "InterestReceived": Direction.IN,
    "InterestSurrendered": Direction.OUT,
}
"""The event types that a bank's or treasury's statement shows, each with the direction of the money.

A SurplusSurrendered out of the pool is not shown, because no cash moves: see `cash_of`.
"""
REVERSIBLE_IN_PART = CASH.keys() - {"PaymentConfirmed", "UnorderedPaymentFound"}
"""The event types of CASH that can be reversed in part.

A reconciliation may state a smaller amount than the recorded one for entries of these types only.
"""
MAX_SPAN = timedelta(days=366)
"""The maximum number of days that one statement may cover."""


class Difference(StrEnum):
    """The ways in which the statement and the ledger can differ. The most severe comes first.

    CONTRADICTION: the statement contradicts itself, because a balance or a total in it is not the one that its lines
    give. A line may be missing then.
    """

    CONTRADICTION = "contradiction"
    STATEMENT_ONLY = "statement_only"
    LEDGER_ONLY = "ledger_only"
    DUPLICATE = "duplicate"
    AMOUNT_DIFFERS = "amount_differs"
    PAYEE_DIFFERS = "payee_differs"
    DATE_DIFFERS = "date_differs"


SIDES = {
    **dict.fromkeys(Difference, (True, True)),
    Difference.CONTRADICTION: (False, False),
    Difference.STATEMENT_ONLY: (True, False),
    Difference.DUPLICATE: (True, False),
    Difference.LEDGER_ONLY: (False, True),
}
"""For each kind of difference: whether its exceptions name statement lines, and whether they name ledger entries."""


class StatementLine(EventPart, frozen=True):
    """A line of the statement, numbered from 1. Exceptions store whole lines; matches store only their numbers."""

    number: int
    on: date
    direction: Direction
    amount: Money
    payee: str | None = None
    reference: str | None = None
    voucher: str | None = None


class CashEntry(EventPart, frozen=True):
    """A ledger entry that a match or exception names. `amount` is its amount without the part that was reversed."""

    stream: str
    version: int
    amount: Money


class Match(EventPart, frozen=True):
    """Statement lines and ledger entries that belong together: one to one, one to several, or several to one.

    The lines and the entries have equal sums. `lines`: the numbers of the lines. `reasons`: what the lines and the
    entries have in common. `confidence`: how certain it is that they belong together, from 0 to 100.
    """

    lines: tuple[int, ...]
    entries: tuple[CashEntry, ...]
    reasons: tuple[str, ...]
    confidence: int


class Exceptional(EventPart, frozen=True):
    """A difference between statement and ledger, with its explanation.

    SIDES says for each kind of difference whether it names `lines`, `entries` or both. A contradiction names neither;
    instead, `says` quotes what the statement says. `explanation`: the reason for the difference, as a person writes it.
    """

    kind: Difference
    lines: tuple[StatementLine, ...] = ()
    entries: tuple[CashEntry, ...] = ()
    explanation: str | None = None
    says: str | None = None

    @property
    def about(self) -> str:
        """The lines and entries as a text: `#3, project/p@12` is line 3 and version 12 of the stream `project/p`."""
        if self.says is not None:
            return self.says
        lines = (f"#{each.number}" for each in self.lines)
        return ", ".join(chain(lines, (f"{each.stream}@{each.version}" for each in self.entries)))


class OtherLines(EventPart, frozen=True):
    """The lines of the statement that are not of this fund, which shares the account: how many there are, and sums."""

    lines: int
    received: Money
    paid_out: Money


class StatementReconciled(FundFact, frozen=True):
    """A statement was accepted: each line matches the ledger as of `position`, or is explained as an exception.

    `file_sha256`, `first_day` and `last_day` together identify a statement. The hash alone does not, because the files
    of two periods without payments may be identical. If the same statement is accepted again, its last
    StatementReconciled counts.

    `lines` is the number of lines in the statement, `received` the sum of its incoming lines, and `paid_out` the sum of
    its outgoing lines. If other funds share the account, these three fields count only the lines of this fund, which
    are numbered from 1, and `others` sums up the remaining lines. The matched entries were in force at `position`; some
    may have been reversed since.
    """

    zh = "对账确认"
    about_zh = "确认一份对账单：每行与账簿业务相符，或差异已作说明；同一对账单再次确认的，以最后一次为准。"
    allowed = Allowed.ALWAYS
    reversible = restores("statement")
    cites = (("对账单",),)
    refused_by = (
        WindowEmpty,
        StatementTooLong,
        BeforeItsCause,
        LineOutsideDays,
        ExceptionMisnamed,
        ExceptionUnexplained,
        LineNotOnce,
        EntryListedTwice,
        UnknownEntry,
        NotCash,
        NotAsRecorded,
        StatementDoesNotTie,
    )
    file_sha256: str
    first_day: date
    last_day: date
    position: int
    lines: int
    received: Money
    paid_out: Money
    matches: tuple[Match, ...] = ()
    exceptions: tuple[Exceptional, ...] = ()
    others: OtherLines | None = None

    @property
    def statement(self) -> str:
        """The identifier of the statement: the hash of its file, and its first and last day."""
        return f"{self.file_sha256}/{self.first_day}/{self.last_day}"

    @property
    def entries(self) -> Iterator[CashEntry]:
        """The ledger entries of all matches and exceptions."""
        for match in self.matches:
            yield from match.entries
        for exception in self.exceptions:
            yield from exception.entries

    def refers_to(self, stream: str) -> tuple[Reference, ...]:
        return tuple(Reference(each.stream, each.version) for each in self.entries)


FACTS: tuple[type[Fact], ...] = (StatementReconciled,)

# Evolve ----------------------------------------------------------------------


def evolve(fund: Fund, fact: StatementReconciled, event: Recorded) -> Fund:
    accepted = (*fund.reconciled.get(fact.statement, ()), Reconciled(event.version, fact.first_day, fact.last_day))
    return replace(fund, reconciled=fund.reconciled.set(fact.statement, accepted))


def unaccepted(fund: Fund, statement: str) -> Fund:
    """The fund without its last StatementReconciled for the statement with the identifier `statement`."""
    *before, _ = fund.reconciled[statement]
    reconciled = fund.reconciled.set(statement, tuple(before)) if before else fund.reconciled.delete(statement)
    return replace(fund, reconciled=reconciled)


# Decide ----------------------------------------------------------------------


def decide(context: Context, _: Fund, fact: StatementReconciled) -> Decision:
    _check_days(context, fact)
    for each in fact.exceptions:
        if (bool(each.lines), bool(each.entries)) != SIDES[each.kind]:
            raise ExceptionMisnamed(difference=each.kind, lines=len(each.lines), entries=len(each.entries))
        if each.explanation is None:
            raise ExceptionUnexplained(difference=each.kind, about=each.about)
    _each_line_once(fact)
    _each_entry_once(context, fact)
    for entry in fact.entries:
        _is_recorded(context, entry)
    for direction, stated in ((Direction.OUT, fact.paid_out), (Direction.IN, fact.received)):
        computed = Money(sum(_amounts(context, fact, direction)))
        if computed != stated:
            raise StatementDoesNotTie(direction=direction, stated=stated, computed=computed)
    return context.allow()


def _check_days(context: Context, fact: StatementReconciled) -> None:
    days = {"first_day": fact.first_day, "last_day": fact.last_day}
    if fact.last_day < fact.first_day:
        raise WindowEmpty(**days)
    if fact.last_day - fact.first_day >= MAX_SPAN:
        raise StatementTooLong(**days)
    context.not_before("statement", fact.last_day)
    for exception in fact.exceptions:
        for line in exception.lines:
            if not fact.first_day <= line.on <= fact.last_day:
                raise LineOutsideDays(line=line.number, on=line.on, **days)


def _each_line_once(fact: StatementReconciled) -> None:
    counts = Counter(_numbers(fact))
    for number in chain(range(1, fact.lines + 1), counts):
        times = counts[number] if number <= fact.lines else 0
        if times != 1:
            raise LineNotOnce(line=number, lines=fact.lines, times=counts[number])


def _numbers(fact: StatementReconciled) -> Iterator[int]:
    for match in fact.matches:
        yield from match.lines
    for exception in fact.exceptions:
        yield from (line.number for line in exception.lines)


def _each_entry_once(context: Context, fact: StatementReconciled) -> None:
    for reference, times in Counter(fact.refers_to(context.stream)).items():
        if times > 1:
            raise EntryListedTwice(stream=reference.stream, version=reference.version)


def _is_recorded(context: Context, entry: CashEntry) -> None:
    event = _entry(context, entry)
    recorded = cash_of(event)
    if event.fund != context.code or recorded is None:
        raise NotCash(stream=entry.stream, version=entry.version)
    in_part = type(event.fact).__name__ in REVERSIBLE_IN_PART
    if entry.amount > recorded or (entry.amount < recorded and not in_part):
        raise NotAsRecorded(stream=entry.stream, version=entry.version, recorded=recorded, amount=entry.amount)


def _entry(context: Context, entry: CashEntry) -> Recorded:
    event = context.ledger.entries.get(Reference(entry.stream, entry.version))
    if event is None:
        raise UnknownEntry(stream=entry.stream, version=entry.version)
    return event


def cash_of(event: Recorded) -> Money | None:
    """The amount that a bank's or treasury's statement shows for `event`; None if statements do not show it."""
    if type(event.fact).__name__ not in CASH or event.mirrors:
        return None
    amount = Money(sum(move.amount for move in event.moves if (move.source, move.target) != (POOL, SURRENDERED)))
    return amount or None


def _amounts(context: Context, fact: StatementReconciled, direction: Direction) -> Iterator[Money]:
    """The amounts of all matched entries, and of all statement lines in exceptions, that have this `direction`."""
    for match in fact.matches:
        yield from (each.amount for each in match.entries if _direction(context, each) is direction)
    for exception in fact.exceptions:
        yield from _of_lines(exception.lines, direction)


def _of_lines(lines: Iterable[StatementLine], direction: Direction) -> Iterator[Money]:
    return (line.amount for line in lines if line.direction is direction)


def _direction(context: Context, entry: CashEntry) -> Direction:
    return CASH[type(_entry(context, entry).fact).__name__]
