"""A statement held against the books as of a position: what the API and the command line answer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from domain.fund.reconciliation import CASH, Difference, Direction
from domain.money import Money
from domain.state.entities import BankAccount
from domain.tie_out import Days, Entry, Line, Pairing, tie_out
from service.postgres.snapshots import Row, Snapshot
from service.statements import Statement

REACH = timedelta(days=31)
"""How far beyond the statement's days an entry may lie that a line is found to be of."""
TOLERANCE = 3
"""How many days a bank may take, unless told otherwise."""


@dataclass(frozen=True, slots=True)
class Books:
    """What of a fund's books is held against a statement, as of `position`.

    `settled`: by accepted statements of other days; `accepted`: what accepted this very statement last.
    """

    fund: str
    position: int
    entries: tuple[Entry, ...]
    pending: tuple[Entry, ...]
    settled: tuple[Entry, ...]
    accepted: Row | None


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """A statement and a fund's books: every pairing."""

    books: Books
    statement: Statement
    pairings: tuple[Pairing, ...]

    @property
    def matches(self) -> list[Pairing]:
        return [each for each in self.pairings if not each.differs]

    @property
    def exceptions(self) -> list[Pairing]:
        """The worst first."""
        order = list(Difference)
        return sorted((each for each in self.pairings if each.differs), key=lambda each: order.index(each.differs[0]))


def books_of(snapshot: Snapshot, fund: str, statement: Statement, position: int | None) -> Books:
    """The fund's cash about the statement's days as it stood at `position`; None: as of now."""
    first, last = _days(statement)
    at = snapshot.position if position is None else position
    asked = {"fund": fund, "position": at}
    of = {"file_sha256": statement.sha256, "statement_first": first, "statement_last": last}
    cash = snapshot.rows("cash", **asked, **of, types=list(CASH), first=first - REACH, last=last + REACH)
    pending = snapshot.rows("in_transit", **asked, first=first, last=last)
    accepted = snapshot.rows("reconciliations", **asked, file_sha256=statement.sha256)
    return Books(
        fund,
        at,
        tuple(_entry(row) for row in cash if not row["settled"]),
        tuple(map(_entry, pending)),
        tuple(_entry(row) for row in cash if row["settled"]),
        next(
            (
                row
                for row in accepted
                if (row["status"], row["first_day"], row["last_day"]) == ("accepted", first, last)
            ),
            None,
        ),
    )


def reconcile(books: Books, statement: Statement, tolerance: int | None) -> Reconciliation:
    """Hold `statement` against the books."""
    days = Days(*_days(statement), TOLERANCE if tolerance is None else tolerance)
    pairings = tie_out(statement.lines, books.entries, days, pending=books.pending, settled=books.settled)
    return Reconciliation(books, statement, tuple(pairings))


def _days(statement: Statement) -> tuple[date, date]:
    assert statement.first_day is not None, "a statement that was read has its days"
    assert statement.last_day is not None
    return statement.first_day, statement.last_day


def _entry(row: Row) -> Entry:
    payee = row["payee"] or {}
    account = payee.get("account")
    return Entry(
        on=row["on"],
        direction=CASH.get(row["type"], Direction.OUT),
        amount=Money(row["amount"]),
        payee=payee.get("name"),
        account=BankAccount(**account) if account else None,
        **{name: row[name] for name in ("stream", "version", "position", "type", "reference", "voucher", "payment")},
    )


# As it is told -------------------------------------------------------------------


def document(of: Reconciliation) -> dict[str, Any]:
    """The exceptions first; last what would accept the whole, as StatementReconciled has it, yet to be explained."""
    statement = of.statement
    rows = dict(enumerate(statement.rows, 1))
    return {
        "fund": of.books.fund,
        "as_of": {"position": of.books.position},
        "accepted": of.books.accepted and {name: of.books.accepted[name] for name in ("version", "position")},
        "summary": _summary(of),
        "exceptions": [_exception(each, rows) for each in of.exceptions],
        "statement": {
            "file_sha256": statement.sha256,
            "form": statement.form,
            "encoding": statement.encoding,
            "columns": dict(statement.columns),
            "first_day": statement.first_day,
            "last_day": statement.last_day,
            "adds_up": statement.adds_up,
            "skipped": [{"row": row, "text": text} for row, text in statement.skipped],
        },
        "acceptance": acceptance(of),
    }


def _summary(of: Reconciliation) -> dict[str, Any]:
    kinds = [each.differs[0] for each in of.exceptions]
    entries = [entry for each in of.pairings for entry in each.entries]
    return {
        "lines": len(of.statement.lines),
        "matched_lines": sum(len(each.lines) for each in of.matches),
        "entries": len(entries),
        "matched_entries": sum(len(each.entries) for each in of.matches),
        "exceptions": {kind: kinds.count(kind) for kind in Difference},
        "statement": _totals(of.statement.lines),
        "ledger": _totals(entries),
    }


def _totals(of: Iterable[Line | Entry]) -> dict[str, str]:
    told = list(of)
    return {
        name: str(Money(sum(each.amount for each in told if each.direction is direction)))
        for name, direction in (("received", Direction.IN), ("paid_out", Direction.OUT))
    }


def _exception(of: Pairing, rows: Mapping[int, str]) -> dict[str, Any]:
    stated, booked = sum(line.amount for line in of.lines), sum(entry.amount for entry in of.entries)
    english, chinese = sentences(of, rows)
    return {
        "kind": of.differs[0],
        "differs": of.differs,
        "sentence": english,
        "sentence_zh": chinese,
        "difference": str(Money(stated - booked)),
        "lines": [{**_line(line), "row": rows.get(line.number), "summary": line.summary} for line in of.lines],
        "entries": [_told(entry) for entry in of.entries],
        "reasons": of.reasons,
        "confidence": of.confidence,
        "repeats_line": of.twin,
        "pending": _told(of.pending) if of.pending else None,
        "settled": _told(of.settled) if of.settled else None,
    }


def _line(line: Line) -> dict[str, Any]:
    """A line as the acceptance keeps it."""
    told = {"payee": line.payee, "reference": line.reference, "voucher": line.voucher}
    return {
        "number": line.number,
        "on": line.on,
        "direction": line.direction,
        "amount": str(line.amount),
        **{name: value for name, value in told.items() if value},
    }


def _told(entry: Entry) -> dict[str, Any]:
    return {
        "stream": entry.stream,
        "version": entry.version,
        "position": entry.position,
        "type": entry.type,
        "on": entry.on,
        "direction": entry.direction,
        "amount": str(entry.amount),
        "payee": entry.payee,
        "account": entry.account.last4 if entry.account else None,
        "reference": entry.reference,
        "voucher": entry.voucher,
        "payment": entry.payment,
    }


def acceptance(of: Reconciliation) -> dict[str, Any]:
    """What StatementReconciled says of this, its exceptions yet to be explained."""
    statement = of.statement
    return {
        "file_sha256": statement.sha256,
        "first_day": statement.first_day,
        "last_day": statement.last_day,
        "position": of.books.position,
        "lines": len(statement.lines),
        **_totals(statement.lines),
        "matches": [
            {
                "lines": [line.number for line in each.lines],
                "entries": [_cash(entry) for entry in each.entries],
                "reasons": each.reasons,
                "confidence": each.confidence,
            }
            for each in of.matches
        ],
        "exceptions": [
            {
                "kind": each.differs[0],
                "lines": [_line(line) for line in each.lines],
                "entries": [_cash(entry) for entry in each.entries],
            }
            for each in of.exceptions
        ],
    }


def _cash(entry: Entry) -> dict[str, Any]:
    return {"stream": entry.stream, "version": entry.version, "amount": str(entry.amount)}


# In words ------------------------------------------------------------------------

SENTENCES = {
    Difference.STATEMENT_ONLY: ("{lines}: the books do not have it.", "{lines}：账簿没有。"),
    Difference.LEDGER_ONLY: ("{entries}: the statement does not show it.", "{entries}：对账单没有。"),
    Difference.DUPLICATE: ("{lines} repeats line {twin}.", "{lines}：与第 {twin} 笔重复。"),
    Difference.AMOUNT_DIFFERS: (
        "{lines}, {entries}: the statement says {stated}, the books {booked}.",
        "{lines}，{entries}：对账单 {stated} 元，账簿 {booked} 元。",
    ),
    Difference.PAYEE_DIFFERS: (
        "{lines}, {entries}: the statement names {paid}, the books {payee}.",
        "{lines}，{entries}：对账单为“{paid}”，账簿为“{payee}”。",
    ),
    Difference.DATE_DIFFERS: (
        "{lines}, {entries}: the statement says {days}, the books {booked_days}.",
        "{lines}，{entries}：对账单 {days}，账簿 {booked_days}。",
    ),
}
SETTLED = (
    "{lines}: {payment} was paid and settled by an accepted statement of other days already.",
    "{lines}：{payment} 已支付，且已由其他期间的对账单确认，疑为重复支付。",
)
PENDING = (
    " Payment {payment} is instructed and not confirmed: post PaymentConfirmed.",
    "支付 {payment} 已发出指令、尚未确认，请登记支付确认。",
)


def sentences(of: Pairing, rows: Mapping[int, str]) -> tuple[str, str]:
    """An exception in English and in Chinese, all that differs in turn."""
    return _said(of, rows, 0), _said(of, rows, 1)


def _said(of: Pairing, rows: Mapping[int, str], language: int) -> str:
    facts = {
        "lines": ", ".join(place(line, rows, language) for line in of.lines),
        "entries": ", ".join(map(_place_of, of.entries)),
        "twin": of.twin,
        "stated": Money(sum(each.amount for each in of.lines)),
        "booked": Money(sum(each.amount for each in of.entries)),
        "paid": _names(of.lines),
        "payee": _names(of.entries),
        "days": _told_days(of.lines),
        "booked_days": _told_days(of.entries),
    }
    if of.settled:
        return SETTLED[language].format(**facts, payment=_place_of(of.settled))
    told = [SENTENCES[kind][language].format(**facts) for kind in of.differs]
    if of.pending:
        told.append(PENDING[language].format(payment=of.pending.payment))
    return " ".join(told) if language == 0 else "".join(told)


def _place_of(entry: Entry) -> str:
    return entry.payment or f"{entry.stream}@{entry.version}"


def place(line: Line, rows: Mapping[int, str], language: int) -> str:
    """A line by its number and where it stands in the file: in English (0) or Chinese (1)."""
    where = rows.get(line.number, "")
    if language == 0:
        return f"line {line.number} ({where})"
    where = re.sub(r"row (\d+)", r"文件第 \1 行", where)
    return f"第 {line.number} 笔（{where}）"


def _names(of: Iterable[Line | Entry]) -> str:
    told = (f"{each.payee or '?'}{f' …{each.account.last4}' if each.account else ''}" for each in of)
    return ", ".join(dict.fromkeys(told))


def _told_days(of: Iterable[Line | Entry]) -> str:
    return ", ".join(dict.fromkeys(str(each.on) for each in of))
