"""Reads camt.053, camt.052 and camt.054 of ISO 20022 (XML), in any version: elements are matched by local name.

A bank's statement (053), its report within a day (052) and its notification (054) have entries of the same form. Only
booked entries are lines; the others, and notices of 0.00, are skipped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date
from xml.etree.ElementTree import Element

from msgspec.structs import replace

from domain.fund.reconciliation import Direction
from domain.money import Money
from domain.tie_out import Line
from service.statements import amounts, cells, markup
from service.statements.agreement import Period
from service.statements.balances import signed
from service.statements.camt_checks import DIRECTIONS, Part, checked, direction_of
from service.statements.cells import AccountOf, Wrong
from service.statements.collector import Collector
from service.statements.markup import find, find_all, text
from service.statements.statement import Statement, StatementWrong

CURRENCY, BOOKED = "CNY", "BOOK"
MESSAGES = (
    ("BkToCstmrStmt", "Stmt", "camt.053"),
    ("BkToCstmrAcctRpt", "Rpt", "camt.052"),
    ("BkToCstmrDbtCdtNtfctn", "Ntfctn", "camt.054"),
)
"""The element of each message, the element of each statement in it, and the message's name."""
AMOUNTS = ("Amt", "AmtDtls/TxAmt/Amt", "AmtDtls/CntrValAmt/Amt")
"""Where a detail has its amount in the currency of the account."""
FEE = "手续费 Charges"
"""The summary of the line for what the bank charged beside the payments of an entry."""


def read(content: bytes, account_of: AccountOf, sha256: str) -> Statement:
    """All statements, reports or notifications in the document, combined into one. Only booked entries are lines.

    Raises StatementWrong if the document has errors, or if its statements are not all of one account.
    """
    document = markup.parse(content)
    name, form, elements = _message(document)
    found = Collector()
    parts = [
        _part(f"{name} {number}" if len(elements) > 1 else "", element, account_of, found)
        for number, element in enumerate(elements, 1)
    ]
    period = _period(parts, found)
    pages = document.findall(".//{*}GrpHdr/{*}MsgPgntn")
    return found.statement(sha256, form, period, checked(parts, pages), markup.encoding(content))


def _message(document: Element) -> tuple[str, str, Sequence[Element]]:
    """The name of the elements of the statements, the name of the message, and the elements. Raises StatementWrong."""
    found = [
        (part, form, elements)
        for message, part, form in MESSAGES
        if (elements := document.findall(f".//{{*}}{message}/{{*}}{part}"))
    ]
    if len(found) != 1:
        raise StatementWrong(
            [
                (
                    "",
                    "The document must contain camt.053 statements, camt.052 reports or camt.054 notifications.",
                    "须含 camt.053 对账单、camt.052 报告或 camt.054 通知。",
                )
            ]
        )
    name, form, elements = found[0]
    accounts = [text(each, "Acct/Id/IBAN", "Acct/Id/Othr/Id") for each in elements]
    other = next((number for number, each in enumerate(accounts, 1) if each != accounts[0]), None)
    if other:
        raise StatementWrong(
            [(f"{name} {other}", "The statements must all be of one account.", "须为同一账户的对账单。")]
        )
    return name, form, elements


def _period(parts: Sequence[Part], found: Collector) -> Period:
    """The first and the last day that the statements say that they cover; None if no statement says it."""
    days: dict[str, list[date]] = {"FrDtTm": [], "ToDtTm": []}
    for part in parts:
        for name, known in days.items():
            with found.at(f"{part.prefix}FrToDt"):
                if written := text(part.element, f"FrToDt/{name}"):
                    known.append(markup.day_of(written))
    return min(days["FrDtTm"], default=None), max(days["ToDtTm"], default=None)


# Entries ---------------------------------------------------------------------------


def _part(where: str, element: Element, account_of: AccountOf, found: Collector) -> Part:
    """One statement: its booked entries are added to `found` as lines, and to the part to be compared."""
    part = Part(where, element)
    for number, entry in enumerate(find_all(element, "Ntry"), 1):
        place = f"{part.prefix}Ntry {number}"
        status = _status(entry)
        if status != BOOKED:
            with suppress(Wrong):
                part.pending.append(_whole(entry))
            found.skip(place, status, text(entry, "Amt"), text(entry, "AddtlNtryInf"))
            continue
        with found.at(place):
            whole = _whole(entry)
            part.add(place, whole)
            if not whole.amount:
                found.skip(place, text(entry, "Amt"), text(entry, "AddtlNtryInf"), _notice(entry))
                continue
            for within, line in _lines(entry, whole, element, account_of):
                found.add(place + within, line)
    return part


def _status(entry: Element) -> str:
    """BOOK if the entry is booked, or if it states no status; otherwise the status that it states."""
    status = text(entry, "Sts/Cd", "Sts/Prtry", "Sts") or BOOKED
    return BOOKED if status.upper() in (BOOKED, "BOOKED") else status


def _notice(entry: Element) -> str | None:
    return text(entry, "NtryDtls/TxDtls/RmtInf/Ustrd", "NtryDtls/TxDtls/AddtlTxInf")


def _whole(entry: Element) -> Line:
    """The entry as one line, with its day, direction and amount, which may be 0. Raises Wrong."""
    on = markup.day(entry, "BookgDt") or markup.day(entry, "ValDt")
    if on is None:
        raise Wrong("The entry has no booking date or value date.", "没有日期。")
    amount = _amount(find(entry, "Amt"))
    if amount is None:
        raise Wrong(f"An amount in {CURRENCY} is required.", f"须有 {CURRENCY} 金额。")
    return Line(on, direction_of(entry), Money(amount))


def _amount(element: Element | None) -> int | None:
    """The amount in fen; None if it is in another currency, because a foreign amount is never yuan. Raises Wrong."""
    if element is None or element.get("Ccy") != CURRENCY:
        return None
    amount = amounts.amount(element.text)
    if amount < 0:
        raise Wrong("The amount must not be negative.", "金额不得为负。")
    return amount


def _lines(entry: Element, whole: Line, statement: Element, account_of: AccountOf) -> Iterator[tuple[str, Line]]:
    """The lines of a booked entry, each with its place within the entry.

    If the amounts of the entry's details add up to the entry's amount, each detail is a line. If they do so together
    with the charges, the charges are one more line. Otherwise the entry is one line.
    """
    details = find_all(entry, "NtryDtls/TxDtls")
    parts = [_signed_detail(each, whole.direction) for each in details]
    known = [part for part in parts if part is not None]
    charges = sum(known) - signed(whole)
    split = len(known) == len(details) > 0 and charges in (0, _charges(entry, details))
    if not split or (len(details) == 1 and not charges):
        yield "", _with_details(whole, entry, details[0] if len(details) == 1 else None, statement, account_of)
        return
    for number, (detail, part) in enumerate(zip(details, known, strict=True), 1):
        if part:
            line = _with_details(_moved(whole, part), entry, detail, statement, account_of)
            own = line.reference if len(details) == 1 or line.reference != _number_of(entry) else None
            yield f", TxDtls {number}", replace(line, reference=own)
    if charges:
        yield ", Chrgs", replace(_moved(whole, -charges), summary=FEE)


def _moved(whole: Line, fen: int) -> Line:
    """A part of the entry `whole` by which the account gains `fen`, which is negative if money goes out."""
    return Line(whole.on, Direction.IN if fen > 0 else Direction.OUT, Money(abs(fen)))


def _signed_detail(detail: Element, direction: Direction) -> int | None:
    """What the account gains by a detail, in fen; None if the detail has no amount in CNY. Raises Wrong.

    A detail has the direction of its entry, unless it states its own.
    """
    own = DIRECTIONS.get(text(detail, "CdtDbtInd") or "", direction)
    found = (_amount(find(detail, path)) for path in AMOUNTS)
    amount = next((each for each in found if each is not None), None)
    return None if amount is None else amount if own is Direction.IN else -amount


def _charges(entry: Element, details: Sequence[Element]) -> int:
    """What the bank charged, in fen, as the entry states it, or else its details. 0 if it cannot be read."""
    stated = find_all(entry, "Chrgs") or [each for detail in details for each in find_all(detail, "Chrgs")]
    charged = 0
    with suppress(Wrong):
        for each in stated:
            for record in find_all(each, "Rcrd") or [each]:
                amount = _amount(find(record, "Amt")) or _amount(find(record, "TtlChrgsAndTaxAmt")) or 0
                charged += -amount if text(record, "CdtDbtInd") == "CRDT" else amount
    return charged


# Details ---------------------------------------------------------------------------


def _with_details(
    line: Line, entry: Element, detail: Element | None, statement: Element, account_of: AccountOf
) -> Line:
    """`line` with the counterparty's name and account, and with the reference, the voucher number and the summary.

    An entry's reference is that of its only detail; several details do not share it.
    """
    party = _party(line, entry, detail, statement)
    parties = find(detail, "RltdPties")
    account = text(parties, f"{party}Acct/Id/Othr/Id", f"{party}Acct/Id/IBAN")
    name = text(parties, f"{party}/Pty/Nm", f"{party}/Nm", f"{party}/Agt/FinInstnId/Nm")
    return replace(
        line,
        payee=cells.name(name),
        account=cells.account(account, account_of),
        reference=markup.number(text(detail, "Refs/AcctSvcrRef"), text(entry, "AcctSvcrRef")),
        voucher=markup.number(text(detail, "Refs/EndToEndId"), text(detail, "Refs/InstrId")),
        summary=cells.name(_remittance(detail) or text(detail, "AddtlTxInf") or text(entry, "AddtlNtryInf")),
    )


def _number_of(entry: Element) -> str | None:
    return markup.number(text(entry, "AcctSvcrRef"))


def _remittance(detail: Element | None) -> str:
    found = [] if detail is None else find_all(detail, "RmtInf/Ustrd")
    return " ".join(each.text or "" for each in found).strip()


def _party(line: Line, entry: Element, detail: Element | None, statement: Element) -> str:
    """The element of the counterparty: the creditor of money that goes out, the debtor of money that comes in.

    The reversal of an entry names the parties of the payment that it reverses. Some banks exchange them, so a party
    with the account of the statement is not the counterparty.
    """
    parties = ("Cdtr", "Dbtr") if line.direction is Direction.OUT else ("Dbtr", "Cdtr")
    if text(entry, "RvslInd") not in ("true", "1"):
        return parties[0]
    own = text(statement, "Acct/Id/IBAN", "Acct/Id/Othr/Id")
    other = text(detail, f"RltdPties/{parties[1]}Acct/Id/IBAN", f"RltdPties/{parties[1]}Acct/Id/Othr/Id")
    named = find(detail, f"RltdPties/{parties[1]}") is not None
    return parties[1] if named and (other is None or other != own) else parties[0]
