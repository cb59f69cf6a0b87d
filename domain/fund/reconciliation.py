"""The books tied out with a statement of the treasury or the bank: what matched, and why the rest did not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from enum import StrEnum
from itertools import chain

from msgspec import Struct
from msgspec.structs import replace

from domain.decision_context import Context, Decision
from domain.event import Allowed, Fact, Recorded, Reference, restores
from domain.fund.lifecycle import FundFact
from domain.money import Money
from domain.posting import POOL
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
    """Which way a statement's money went, as its account sees it."""

    OUT = "out"
    IN = "in"


CASH = {
    "PaymentConfirmed": Direction.OUT,
    "PaymentReturned": Direction.IN,
    "RecoveryReceived": Direction.IN,
    "SurplusSurrendered": Direction.OUT,
}
"""The events that a statement shows. A surrender out of the pool is not among them: it moves an entitlement only."""


REVERSIBLE_IN_PART = CASH.keys() - {"PaymentConfirmed"}
"""Those that may stand for less than was recorded."""
MAX_SPAN = timedelta(days=366)
"""What a statement covers at most."""


class Difference(StrEnum):
    """How the statement and the books may differ, the worst first."""

    STATEMENT_ONLY = "statement_only"
    LEDGER_ONLY = "ledger_only"
    DUPLICATE = "duplicate"
    AMOUNT_DIFFERS = "amount_differs"
    PAYEE_DIFFERS = "payee_differs"
    DATE_DIFFERS = "date_differs"


SIDES = {
    **dict.fromkeys(Difference, (True, True)),
    Difference.STATEMENT_ONLY: (True, False),
    Difference.DUPLICATE: (True, False),
    Difference.LEDGER_ONLY: (False, True),
}
"""Whether an exception of each kind has lines, and entries."""


class StatementLine(Struct, frozen=True):
    """A line of the statement by its number, from 1; kept where it did not match."""

    number: int
    on: date
    direction: Direction
    amount: Money
    payee: str | None = None
    reference: str | None = None
    voucher: str | None = None


class CashEntry(Struct, frozen=True):
    """An entry of the books by its place, with its amount less what was reversed of it."""

    stream: str
    version: int
    amount: Money


class Match(Struct, frozen=True):
    """Lines and entries of the same sum: one and one, one and many, or many and one; `confidence` is 0 to 100."""

    lines: tuple[int, ...]
    entries: tuple[CashEntry, ...]
    reasons: tuple[str, ...]
    confidence: int


class Exceptional(Struct, frozen=True):
    """What did not match, and why that is so."""

    kind: Difference
    lines: tuple[StatementLine, ...] = ()
    entries: tuple[CashEntry, ...] = ()
    explanation: str | None = None

    @property
    def about(self) -> str:
        """Such as `#3, project/p@12`: the lines and entries that it is about."""
        lines = (f"#{each.number}" for each in self.lines)
        return ", ".join(chain(lines, (f"{each.stream}@{each.version}" for each in self.entries)))


class StatementReconciled(FundFact, frozen=True):
    """A statement of some days was held against the books as of a position: each line matched or explained.

    The statement is known by its days and the SHA-256 of its file, which one without lines may share with others; of
    the same one the last acceptance counts. `received` and `paid_out` are
    the sums of its lines. Entries may have been reversed since the position.
    """

    zh = "对账确认"
    about_zh = "确认一份对账单：每行与账簿业务相符，或差异已作说明；同一文件再次确认的，以最后一次为准。"
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

    @property
    def statement(self) -> str:
        """What the statement is known by."""
        return f"{self.file_sha256}/{self.first_day}/{self.last_day}"

    @property
    def entries(self) -> Iterator[CashEntry]:
        """All entries that it names."""
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
    """The fund as it was before it accepted this statement the last time."""
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
        computed = Money(sum(_told(context, fact, direction)))
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
    told = Counter(_numbers(fact))
    for number in chain(range(1, fact.lines + 1), told):
        times = told[number] if number <= fact.lines else 0
        if times != 1:
            raise LineNotOnce(line=number, lines=fact.lines, times=told[number])


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
    """What a statement shows of an event; None if it shows nothing."""
    if type(event.fact).__name__ not in CASH or event.mirrors:
        return None
    amount = Money(sum(move.amount for move in event.moves if move.source != POOL))
    return amount or None


def _told(context: Context, fact: StatementReconciled, direction: Direction) -> Iterator[Money]:
    """The amounts that went this way: of the entries of each match, and of the lines of each exception."""
    for match in fact.matches:
        yield from (each.amount for each in match.entries if _direction(context, each) is direction)
    for exception in fact.exceptions:
        yield from _of_lines(exception.lines, direction)


def _of_lines(lines: Iterable[StatementLine], direction: Direction) -> Iterator[Money]:
    return (line.amount for line in lines if line.direction is direction)


def _direction(context: Context, entry: CashEntry) -> Direction:
    return CASH[type(_entry(context, entry).fact).__name__]
