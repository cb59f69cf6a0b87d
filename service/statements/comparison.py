"""Compares a statement with a fund's ledger as of a position; builds the result for the API and the command line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from domain.fund.reconciliation import CASH, Difference, Direction
from domain.money import Money
from domain.normalise import normalized
from domain.state.entities import BankAccount
from domain.tie_out import Days, Entry, Line, Pairing, foreign_numbers, tie_out
from service.postgres.session import Row
from service.postgres.snapshots import Snapshot
from service.statements import Statement
from service.statements.account import Related, divide
from service.statements.statement import Error

MARGIN = timedelta(days=31)
"""Entries that are booked up to this long before or after the statement's days are read too: they may match a line."""
TOLERANCE_DAYS = 3
"""The default number of days by which the dates of a line and its entry may differ."""


@dataclass(frozen=True, slots=True)
class LedgerEntries:
    """The entries of a fund's ledger that a statement is compared with, as of `position`.

    `entries`: the entries that may match a line, net of their reversals. `pending`: payments that are instructed, but
    neither confirmed nor failed. `settled`: entries that an accepted statement of other days has already matched.
    `accepted`: the acceptance of the same file for the same days, if it is still in force; otherwise None.
    """

    fund: str
    position: int
    entries: tuple[Entry, ...]
    pending: tuple[Entry, ...]
    settled: tuple[Entry, ...]
    accepted: Row | None


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What of a statement is of one fund, compared with the fund's ledger.

    `pairings`: lines and entries that belong together, with their differences, and each line or entry without a match.
    `foreign_numbers`: the kinds of numbers in the statement that are the bank's own, so that they were not compared.
    `others`: the lines of the statement that are not of this fund.
    """

    ledger: LedgerEntries
    statement: Statement
    pairings: tuple[Pairing, ...]
    foreign_numbers: frozenset[str] = frozenset()
    others: tuple[Line, ...] = ()

    @property
    def matches(self) -> list[Pairing]:
        return [each for each in self.pairings if not each.differs]

    @property
    def exceptions(self) -> list[Pairing]:
        """The pairings of lines and entries in which something differs, the most serious kind of difference first."""
        order = list(Difference)
        return sorted((each for each in self.pairings if each.differs), key=lambda each: order.index(each.differs[0]))


def ledger_entries(snapshot: Snapshot, fund: str, statement: Statement, position: int | None) -> LedgerEntries:
    """Read the entries of the fund's ledger that `statement` is compared with, as of `position`.

    If `position` is None, the position of the snapshot is used. Entries that may match a line are also read from the
    days up to MARGIN before and after the statement's days.
    """
    first, last = _days(statement)
    at = snapshot.position if position is None else position
    params = {"fund": fund, "position": at}
    this_statement = {"file_sha256": statement.sha256, "statement_first": first, "statement_last": last}
    cash = snapshot.rows("cash", **params, **this_statement, types=list(CASH), first=first - MARGIN, last=last + MARGIN)
    pending = snapshot.rows("in_transit", **params, first=first, last=last)
    accepted = snapshot.rows("reconciliations", **params, file_sha256=statement.sha256)
    return LedgerEntries(
        fund,
        at,
        tuple(_entry(row, fund) for row in cash if not row["settled"]),
        tuple(_entry(row, fund) for row in pending),
        tuple(_entry(row, fund) for row in cash if row["settled"]),
        next(
            (
                row
                for row in accepted
                if (row["status"], row["first_day"], row["last_day"]) == ("accepted", first, last)
            ),
            None,
        ),
    )


def reconcile(
    ledgers: Sequence[LedgerEntries],
    statement: Statement,
    tolerance: int | None,
    related: Mapping[str, Related] | None = None,
) -> list[Reconciliation]:
    """Compare `statement`, of an account that serves the funds of `ledgers`, with each of them.

    `tolerance`: the number of days by which the dates of a line and its entry may differ; None means TOLERANCE_DAYS.
    `related`: by what a line without an entry is recognised as one of a fund; those that are of none are left out. If
    it is None, they are of the first fund.
    """
    days = Days(*_days(statement), TOLERANCE_DAYS if tolerance is None else tolerance)
    entries, pending, settled = (
        [entry for ledger in ledgers for entry in getattr(ledger, part)] for part in ("entries", "pending", "settled")
    )
    pairings = tie_out(statement.lines, entries, days, pending=pending, settled=settled)
    foreign = foreign_numbers(statement.lines, [*entries, *pending, *settled])
    whole = (*map(_contradiction, statement.contradictions), *pairings)
    shares = divide(statement, whole, [ledger.fund for ledger in ledgers], related)
    return [
        Reconciliation(
            ledger,
            shares[ledger.fund].statement,
            shares[ledger.fund].pairings,
            foreign,
            shares[ledger.fund].others,
        )
        for ledger in ledgers
    ]


def related_to(snapshot: Snapshot, fund: str) -> Related:
    """By what a line is recognised as one of the fund."""
    row = snapshot.one("related", fund=fund) or {}
    names, projects = (frozenset(map(normalized, row[part])) for part in ("names", "projects"))
    return Related(names, frozenset(row["accounts"]), projects)


def _contradiction(error: Error) -> Pairing:
    place, english, chinese = error
    zh = re.sub(r"row (\d+)", r"文件第 \1 行", place)
    says = (f"{place}: {english}" if place else english, f"{zh}：{chinese}" if place else chinese)
    return Pairing((), (), differs=(Difference.CONTRADICTION,), says=says)


def _days(statement: Statement) -> tuple[date, date]:
    assert statement.first_day is not None, "reader.read sets the days of every statement"
    assert statement.last_day is not None
    return statement.first_day, statement.last_day


def _entry(row: Row, fund: str) -> Entry:
    payee = row["payee"] or {}
    account = payee.get("account")
    return Entry(
        on=row["on"],
        direction=CASH.get(row["type"], Direction.OUT),
        amount=Money(row["amount"]),
        payee=payee.get("name"),
        account=BankAccount(**account) if account else None,
        fund=fund,
        former=tuple(row.get("former") or ()),
        code=payee.get("uscc"),
        **{name: row[name] for name in ("stream", "version", "position", "type", "reference", "voucher", "payment")},
    )


# The result as a dictionary --------------------------------------------------------


def document(result: Reconciliation) -> dict[str, Any]:
    """The result as a dictionary for JSON.

    The differences (exceptions) come first, the data for accepting the result last.
    """
    statement = result.statement
    rows = dict(enumerate(statement.rows, 1))
    return {
        "fund": result.ledger.fund,
        "as_of": {"position": result.ledger.position},
        "accepted": result.ledger.accepted and {name: result.ledger.accepted[name] for name in ("version", "position")},
        "summary": _summary(result),
        "exceptions": [_exception(each, rows) for each in result.exceptions],
        "others": others(result.others),
        "statement": {
            "file_sha256": statement.sha256,
            "form": statement.form,
            "encoding": statement.encoding,
            "columns": dict(statement.columns),
            "first_day": statement.first_day,
            "last_day": statement.last_day,
            "adds_up": statement.adds_up,
            "direction_by": statement.direction_by,
            "unread": statement.unread,
            "unchecked": statement.unchecked,
            "foreign_numbers": sorted(result.foreign_numbers),
            "skipped": [{"row": row, "text": text} for row, text in statement.skipped],
        },
        "acceptance": acceptance(result),
    }


def _summary(result: Reconciliation) -> dict[str, Any]:
    kinds = [each.differs[0] for each in result.exceptions]
    entries = [entry for each in result.pairings for entry in each.entries]
    return {
        "lines": len(result.statement.lines),
        "matched_lines": sum(len(each.lines) for each in result.matches),
        "entries": len(entries),
        "matched_entries": sum(len(each.entries) for each in result.matches),
        "exceptions": {kind: kinds.count(kind) for kind in Difference},
        "statement": _stated(result),
        "ledger": _totals(entries),
    }


def _stated(result: Reconciliation) -> dict[str, str]:
    """The sums of the statement that are of the fund. A line for several funds counts with the entries of this one."""
    matched = [entry for each in result.matches for entry in each.entries]
    return _totals([*matched, *(line for each in result.exceptions for line in each.lines)])


def others(lines: Sequence[Line]) -> dict[str, Any]:
    """How many lines there are, and their sums."""
    return {"lines": len(lines), **_totals(lines)}


def _totals(lines_or_entries: Iterable[Line | Entry]) -> dict[str, str]:
    moved = list(lines_or_entries)
    return {
        name: str(Money(sum(each.amount for each in moved if each.direction is direction)))
        for name, direction in (("received", Direction.IN), ("paid_out", Direction.OUT))
    }


def _exception(pairing: Pairing, rows: Mapping[int, str]) -> dict[str, Any]:
    stated, booked = sum(line.amount for line in pairing.lines), sum(entry.amount for entry in pairing.entries)
    english, chinese = sentences(pairing, rows)
    return {
        "kind": pairing.differs[0],
        "differs": pairing.differs,
        "sentence": english,
        "sentence_zh": chinese,
        "difference": str(Money(stated - booked)),
        "lines": [
            {**_line_document(line), "row": rows.get(line.number), "summary": line.summary} for line in pairing.lines
        ],
        "entries": [_entry_document(entry) for entry in pairing.entries],
        "reasons": pairing.reasons,
        "confidence": pairing.confidence,
        "repeats_line": pairing.twin,
        "pending": _entry_document(pairing.pending) if pairing.pending else None,
        "settled": _entry_document(pairing.settled) if pairing.settled else None,
    }


def _line_document(line: Line) -> dict[str, Any]:
    """A statement line as a dict with the field names of the event StatementReconciled."""
    details = {"payee": line.payee, "reference": line.reference, "voucher": line.voucher}
    return {
        "number": line.number,
        "on": line.on,
        "direction": line.direction,
        "amount": str(line.amount),
        **{name: value for name, value in details.items() if value},
    }


def _entry_document(entry: Entry) -> dict[str, Any]:
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


def acceptance(result: Reconciliation) -> dict[str, Any]:
    """The data of the event StatementReconciled that accepts `result`, without the explanations of the differences."""
    statement = result.statement
    return {
        "file_sha256": statement.sha256,
        "first_day": statement.first_day,
        "last_day": statement.last_day,
        "position": result.ledger.position,
        "lines": len(statement.lines),
        **_stated(result),
        "matches": [
            {
                "lines": [line.number for line in each.lines],
                "entries": [_entry_reference(entry) for entry in each.entries],
                "reasons": each.reasons,
                "confidence": each.confidence,
            }
            for each in result.matches
        ],
        "exceptions": [
            {
                "kind": each.differs[0],
                "lines": [_line_document(line) for line in each.lines],
                "entries": [_entry_reference(entry) for entry in each.entries],
                **({"says": each.says[1]} if each.says else {}),
            }
            for each in result.exceptions
        ],
        **({"others": others(result.others)} if result.others else {}),
    }


def _entry_reference(entry: Entry) -> dict[str, Any]:
    return {"stream": entry.stream, "version": entry.version, "amount": str(entry.amount)}


# The result as sentences -----------------------------------------------------------

SENTENCES = {
    Difference.STATEMENT_ONLY: ("{lines}: not in the ledger.", "{lines}：账簿没有。"),
    Difference.LEDGER_ONLY: ("{entries}: not in the statement.", "{entries}：对账单没有。"),
    Difference.DUPLICATE: ("{lines} repeats line {twin}.", "{lines}：与第 {twin} 笔重复。"),
    Difference.AMOUNT_DIFFERS: (
        "{lines}, {entries}: the amount is {stated} in the statement and {booked} in the ledger.",
        "{lines}，{entries}：对账单 {stated} 元，账簿 {booked} 元。",
    ),
    Difference.PAYEE_DIFFERS: (
        "{lines}, {entries}: the payee is {paid} in the statement and {payee} in the ledger.",
        "{lines}，{entries}：对账单为“{paid}”，账簿为“{payee}”。",
    ),
    Difference.DATE_DIFFERS: (
        "{lines}, {entries}: the date is {days} in the statement and {booked_days} in the ledger.",
        "{lines}，{entries}：对账单 {days}，账簿 {booked_days}。",
    ),
}
SETTLED = (
    "{lines}: {payment} was already paid, and settled by an accepted statement of another period.",
    "{lines}：{payment} 已支付，且已由其他期间的对账单确认，疑为重复支付。",
)
PENDING = (
    "Payment {payment} has been instructed but not confirmed: post PaymentConfirmed.",
    "支付 {payment} 已发出指令、尚未确认，请登记支付确认。",
)


def sentences(pairing: Pairing, rows: Mapping[int, str]) -> tuple[str, str]:
    """Describes a pairing that differs, in English and in Chinese, with one sentence for each difference."""
    return _sentence(pairing, rows, 0), _sentence(pairing, rows, 1)


def _sentence(pairing: Pairing, rows: Mapping[int, str], language: int) -> str:
    facts = {
        "lines": ", ".join(place(line, rows, language) for line in pairing.lines),
        "entries": ", ".join(map(_entry_name, pairing.entries)),
        "twin": pairing.twin,
        "stated": Money(sum(each.amount for each in pairing.lines)),
        "booked": Money(sum(each.amount for each in pairing.entries)),
        "paid": _names(pairing.lines),
        "payee": _names(pairing.entries),
        "days": _dates(pairing.lines),
        "booked_days": _dates(pairing.entries),
    }
    if pairing.says:
        return pairing.says[language]
    if pairing.settled:
        return SETTLED[language].format(**facts, payment=_entry_name(pairing.settled))
    parts = [SENTENCES[kind][language].format(**facts) for kind in pairing.differs]
    if pairing.pending:
        parts.append(PENDING[language].format(payment=pairing.pending.payment))
    return " ".join(parts) if language == 0 else "".join(parts)


def _entry_name(entry: Entry) -> str:
    return entry.payment or f"{entry.stream}@{entry.version}"


def place(line: Line, rows: Mapping[int, str], language: int) -> str:
    """Names a line by its number and its place in the file, in English (`language` 0) or in Chinese (1)."""
    where = rows.get(line.number, "")
    if language == 0:
        return f"line {line.number} ({where})"
    where = re.sub(r"row (\d+)", r"文件第 \1 行", where)
    return f"第 {line.number} 笔（{where}）"


def _names(lines_or_entries: Iterable[Line | Entry]) -> str:
    names = (f"{each.payee or '?'}{f' …{each.account.last4}' if each.account else ''}" for each in lines_or_entries)
    return ", ".join(dict.fromkeys(names))


def _dates(lines_or_entries: Iterable[Line | Entry]) -> str:
    return ", ".join(dict.fromkeys(str(each.on) for each in lines_or_entries))
