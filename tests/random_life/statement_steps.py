"""Reconciled statements: valid ones, with up to two lines that the ledger does not have, and invalid ones."""

from __future__ import annotations

from datetime import date, timedelta

from msgspec.structs import replace

from domain.event import Recorded
from domain.fund.reconciliation import (
    CASH,
    CashEntry,
    Difference,
    Direction,
    Exceptional,
    Match,
    StatementLine,
    StatementReconciled,
    cash_of,
)
from domain.money import Money
from domain.state.project import Project
from tests.random_life.base import Life

ESTABLISHED = date(2019, 1, 1)


def reconcile(life: Life, _: Project) -> StatementReconciled:
    """A statement of some recorded cash entries; sometimes with the hash of an earlier file."""
    cash = [event for event in life.events if event.fund == life.fund.code and cash_of(event)]
    return statement(life, life.random.sample(cash, min(len(cash), life.random.randint(0, 3))))


def statement(life: Life, events: list[Recorded]) -> StatementReconciled:
    entries = [CashEntry(event.stream, event.version, cash_of(event)) for event in events]
    last = life.day if life.chance(60) else max(ESTABLISHED, life.day - timedelta(days=30))
    first = max(ESTABLISHED, last - timedelta(days=365)) if life.chance(80) else last
    lines = [
        StatementLine(len(events) + number, last, life.pick(tuple(Direction)), life.amount(), "某单位")
        for number in range(1, life.random.randint(1, 3))
    ]
    totals = dict.fromkeys(Direction, 0)
    for event, entry in zip(events, entries, strict=True):
        totals[CASH[type(event.fact).__name__]] += entry.amount
    for line in lines:
        totals[line.direction] += line.amount
    return StatementReconciled(
        file_sha256=f"{life.random.randint(1, 60):064}",
        first_day=first,
        last_day=last,
        position=len(life.events),
        lines=len(events) + len(lines),
        received=Money(totals[Direction.IN]),
        paid_out=Money(totals[Direction.OUT]),
        matches=tuple(Match((number,), (entry,), ("amount",), 25) for number, entry in enumerate(entries, 1)),
        exceptions=tuple(Exceptional(Difference.STATEMENT_ONLY, (line,), (), "其他资金") for line in lines),
    )


def _unexplained(life: Life, project: Project) -> StatementReconciled:
    return replace(
        _not_cash(life, project),
        exceptions=tuple(replace(each, explanation=None) for each in _not_cash(life, project).exceptions[-1:]),
    )


def _not_cash(life: Life, _: Project) -> StatementReconciled:
    return _with_exception(life, entries=(CashEntry(f"fund/{life.fund.code}", 2, Money(1)),))


def _more_than_recorded(life: Life, _: Project) -> StatementReconciled | None:
    entry = next((event for event in life.events if event.fund == life.fund.code and cash_of(event)), None)
    if entry is None:
        return None
    return _with_exception(life, entries=(CashEntry(entry.stream, entry.version, Money(10**9)),))


def _with_exception(life: Life, **changes: object) -> StatementReconciled:
    valid = statement(life, [])
    exception = Exceptional(Difference.LEDGER_ONLY, explanation="在途")
    return replace(valid, exceptions=(*valid.exceptions, replace(exception, **changes)))


def _line_outside(life: Life, _: Project) -> StatementReconciled:
    valid = statement(life, [])
    line = StatementLine(1, valid.last_day + timedelta(days=1), Direction.OUT, Money(1))
    return replace(valid, lines=1, exceptions=(Exceptional(Difference.STATEMENT_ONLY, (line,), (), "其他"),))


def _entry_twice(life: Life, _: Project) -> StatementReconciled | None:
    cash = [event for event in life.events if event.fund == life.fund.code and cash_of(event)]
    return statement(life, [cash[0], cash[0]]) if cash else None


INVALID_STATEMENT_STEPS = {
    "ExceptionUnexplained": _unexplained,
    "LineNotOnce": lambda life, _: replace(statement(life, []), lines=7),
    "EntryListedTwice": _entry_twice,
    "ExceptionMisnamed": lambda life, _: _with_exception(life),
    "NotCash": _not_cash,
    "NotAsRecorded": _more_than_recorded,
    "LineOutsideDays": _line_outside,
    "StatementTooLong": lambda life, _: replace(statement(life, []), first_day=date(2017, 1, 1)),
    "StatementDoesNotTie": lambda life, _: replace(statement(life, []), paid_out=Money(999)),
}
STATEMENT_STEPS = {reconcile: 2}
