"""camt.053 of ISO 20022: a bank's statement in XML. Any version: elements are known by their names alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import NoReturn
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser

from msgspec.structs import replace

from domain.fund.reconciliation import Direction
from domain.money import Money
from domain.tie_out import Line
from service.calendar import SHANGHAI
from service.statements import cells
from service.statements.cells import AccountOf, Wrong
from service.statements.statement import MAX_ERRORS, MAX_LINES, Error, Statement, StatementWrong, too_long

CURRENCY, BOOKED = "CNY", "BOOK"
WAYS = {"DBIT": Direction.OUT, "CRDT": Direction.IN}


class _Plain(TreeBuilder):
    """Builds the tree, and refuses a document type: without one there are no entities to grow or to fetch."""

    def doctype(self, *_: object) -> NoReturn:
        raise StatementWrong([("", "It must not have a document type.", "不得含文档类型声明。")])


def read(content: bytes, account_of: AccountOf, sha256: str) -> Statement:
    """The statements of one account in a document, their booked entries only. Raises StatementWrong."""
    stated = _tree(content).findall(".//{*}BkToCstmrStmt/{*}Stmt")
    if not stated or len({_account(each) for each in stated}) > 1:
        raise StatementWrong(
            [("", "It must hold camt.053 statements of one account.", "须含同一账户的 camt.053 对账单。")]
        )
    lines, rows, errors = _entries(stated, account_of)
    if errors:
        raise StatementWrong(errors)
    if len(lines) > MAX_LINES:
        raise too_long()
    spans = [_span(each) for each in stated]
    first = min((first for first, _ in spans if first), default=None)
    last = max((last for _, last in spans if last), default=None)
    return Statement(sha256, "camt.053", tuple(lines), first, last, rows=tuple(rows), adds_up=_adds_up(stated))


def _account(stated: Element) -> str | None:
    return _text(stated, "Acct/Id/IBAN") or _text(stated, "Acct/Id/Othr/Id")


def _tree(content: bytes) -> Element:
    parser = XMLParser(target=_Plain())  # noqa: S314 - see _Plain
    try:
        parser.feed(_text_of(content))
        return parser.close()
    except (ParseError, ValueError, LookupError) as error:
        raise StatementWrong([("", f"It is no right XML: {error}.", f"XML 格式有误：{error}。")]) from error


def _text_of(content: bytes) -> bytes | str:
    """The document as text if it says that it is in a Chinese encoding, which the parser does not know."""
    declared = re.match(rb"<\?xml[^>]{0,100}encoding=[\"']([A-Za-z0-9_-]{1,20})[\"']", content.lstrip()[:200])
    if declared and declared[1].decode().lower().replace("-", "") in ("gbk", "gb2312", "gb18030", "cp936"):
        return content.decode("gb18030")
    return content


def _entries(stated: Sequence[Element], account_of: AccountOf) -> tuple[list[Line], list[str], list[Error]]:
    lines: list[Line] = []
    rows: list[str] = []
    errors: list[Error] = []
    for where, entry in _booked_entries(stated):
        if len(errors) == MAX_ERRORS or len(lines) > MAX_LINES:
            break
        try:
            for line in _lines(entry, len(lines), account_of):
                lines.append(line)
                rows.append(where)
        except Wrong as wrong:
            errors.append((where, wrong.english, wrong.chinese))
    return lines, rows, errors


def _booked_entries(stated: Sequence[Element]) -> Iterator[tuple[str, Element]]:
    """Each with its place; what the bank has not booked yet is left out."""
    for number, statement in enumerate(stated, 1):
        of = f"Stmt {number}, " if len(stated) > 1 else ""
        for at, entry in enumerate(statement.findall("{*}Ntry"), 1):
            if (_text(entry, "Sts/Cd") or _text(entry, "Sts") or BOOKED) == BOOKED:
                yield f"{of}Ntry {at}", entry


def _lines(entry: Element, before: int, account_of: AccountOf) -> Iterator[Line]:
    """An entry is a line; one whose details tell amounts that come to its own is a line for each of these."""
    on, direction, amount = _booked(entry), _way(entry), _amount(entry.find("{*}Amt"))
    details = entry.findall("{*}NtryDtls/{*}TxDtls")
    told = [_detail_amount(each) for each in details]
    if len(details) > 1 and None not in told and sum(filter(None, told)) == amount:
        for number, (each, part) in enumerate(zip(details, told, strict=True), before + 1):
            yield _told(Line(on, direction, Money(part or 0), number=number), entry, each, account_of)
    else:
        detail = details[0] if len(details) == 1 else None
        yield _told(Line(on, direction, Money(amount), number=before + 1), entry, detail, account_of)


def _told(line: Line, entry: Element, detail: Element | None, account_of: AccountOf) -> Line:
    """The line with what is told of the other party, and with its numbers."""
    party = "Cdtr" if line.direction is Direction.OUT else "Dbtr"
    name = _text(detail, f"RltdPties/{party}/Pty/Nm") or _text(detail, f"RltdPties/{party}/Nm")
    account = _text(detail, f"RltdPties/{party}Acct/Id/Othr/Id") or _text(detail, f"RltdPties/{party}Acct/Id/IBAN")
    reference = _text(detail, "Refs/AcctSvcrRef") or _text(entry, "AcctSvcrRef")
    voucher = _text(detail, "Refs/EndToEndId") or _text(detail, "Refs/InstrId")
    return replace(
        line,
        payee=cells.name(name),
        account=cells.account(account, account_of),
        reference=cells.number(reference),
        voucher=cells.number(None if voucher == "NOTPROVIDED" else voucher),
        summary=cells.name(_text(detail, "RmtInf/Ustrd") or _text(entry, "AddtlNtryInf")),
    )


def _text(of: Element | None, path: str) -> str | None:
    found = of.find("/".join(f"{{*}}{step}" for step in path.split("/"))) if of is not None else None
    return (found.text or "").strip() or None if found is not None else None


def _day(of: Element, path: str) -> date | None:
    """A day in Asia/Shanghai, whatever zone a time is told in."""
    if written := _text(of, f"{path}/DtTm"):
        return _day_of(written)
    return cells.day(written) if (written := _text(of, f"{path}/Dt")) else None


def _day_of(time: str) -> date:
    try:
        told = datetime.fromisoformat(time)
    except ValueError as error:
        raise Wrong("It is no time.", "不是时间。") from error
    return cells.day(told.astimezone(SHANGHAI) if told.tzinfo else told)


def _booked(entry: Element) -> date:
    found = _day(entry, "BookgDt") or _day(entry, "ValDt")
    if found is None:
        raise Wrong("It has no day.", "没有日期。")
    return found


def _way(of: Element) -> Direction:
    """As its account sees it; `RvslInd` only says that it undoes an earlier one."""
    way = WAYS.get(_text(of, "CdtDbtInd") or "")
    if way is None:
        raise Wrong("CdtDbtInd must be DBIT or CRDT.", "CdtDbtInd 须为 DBIT 或 CRDT。")
    return way


def _amount(of: Element | None) -> int:
    if of is None or of.get("Ccy") != CURRENCY:
        raise Wrong(f"It must have an amount in {CURRENCY}.", f"须有 {CURRENCY} 金额。")
    found = cells.amount((of.text or "").strip())
    if found <= 0:
        raise Wrong("Its amount must be above zero.", "金额须大于零。")
    return found


def _detail_amount(detail: Element) -> int | None:
    for path in ("{*}Amt", "{*}AmtDtls/{*}TxAmt/{*}Amt"):
        if (found := detail.find(path)) is not None:
            return _amount(found)
    return None


def _span(stated: Element) -> tuple[date | None, date | None]:
    try:
        first, last = _text(stated, "FrToDt/FrDtTm"), _text(stated, "FrToDt/ToDtTm")
        return (_day_of(first) if first else None), (_day_of(last) if last else None)
    except Wrong as wrong:
        raise StatementWrong([("FrToDt", wrong.english, wrong.chinese)]) from wrong


def _adds_up(stated: Sequence[Element]) -> bool | None:
    """Whether each closing balance is the opening one and its entries; None if not all of them are told."""
    told = [_closes(each) for each in stated]
    return None if None in told else all(told)


def _closes(stated: Element) -> bool | None:
    balances = {_text(each, "Tp/CdOrPrtry/Cd"): each for each in stated.findall("{*}Bal")}
    if not {"OPBD", "CLBD"} <= balances.keys():
        return None
    try:
        opening, closing = (_balance(balances[code]) for code in ("OPBD", "CLBD"))
        moved = sum(_signed(_amount(e.find("{*}Amt")), _way(e)) for _, e in _booked_entries([stated]))
    except Wrong:
        return None
    return opening + moved == closing


def _signed(amount: int, way: Direction) -> int:
    return amount if way is Direction.IN else -amount


def _balance(of: Element) -> int:
    return _signed(cells.amount(_text(of, "Amt")), _way(of))
