"""Reads a bank's statement in camt.053 of ISO 20022 (XML), in any version: elements are matched by local name."""

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
DIRECTIONS = {"DBIT": Direction.OUT, "CRDT": Direction.IN}


class _NoDoctype(TreeBuilder):
    """Rejects a document type declaration: without one, there are no entities to expand or fetch."""

    def doctype(self, *_: object) -> NoReturn:
        raise StatementWrong([("", "The document must not have a document type declaration.", "不得含文档类型声明。")])


def read(content: bytes, account_of: AccountOf, sha256: str) -> Statement:
    """All statements in the document, combined into one. Only booked entries are read.

    Raises StatementWrong if the document has errors, or if its statements are not all of one account.
    """
    elements = _tree(content).findall(".//{*}BkToCstmrStmt/{*}Stmt")
    if not elements or len({_account(each) for each in elements}) > 1:
        raise StatementWrong(
            [
                (
                    "",
                    "The document must contain camt.053 statements, all of one account.",
                    "须含同一账户的 camt.053 对账单。",
                )
            ]
        )
    lines, rows, errors = _entries(elements, account_of)
    if errors:
        raise StatementWrong(errors)
    if len(lines) > MAX_LINES:
        raise too_long()
    spans = [_span(each) for each in elements]
    first = min((first for first, _ in spans if first), default=None)
    last = max((last for _, last in spans if last), default=None)
    return Statement(sha256, "camt.053", tuple(lines), first, last, rows=tuple(rows), adds_up=_adds_up(elements))


def _account(statement: Element) -> str | None:
    return _text(statement, "Acct/Id/IBAN") or _text(statement, "Acct/Id/Othr/Id")


def _tree(content: bytes) -> Element:
    parser = XMLParser(target=_NoDoctype())  # noqa: S314 - see _NoDoctype
    try:
        parser.feed(_text_of(content))
        return parser.close()
    except (ParseError, ValueError, LookupError) as error:
        raise StatementWrong([("", f"The file is not valid XML: {error}.", f"XML 格式有误：{error}。")]) from error


def _text_of(content: bytes) -> bytes | str:
    """`content` decoded to text if it declares a Chinese encoding; otherwise `content` unchanged.

    The XML parser does not support Chinese encodings.
    """
    declared = re.match(rb"<\?xml[^>]{0,100}encoding=[\"']([A-Za-z0-9_-]{1,20})[\"']", content.lstrip()[:200])
    if declared and declared[1].decode().lower().replace("-", "") in ("gbk", "gb2312", "gb18030", "cp936"):
        return content.decode("gb18030")
    return content


def _entries(statements: Sequence[Element], account_of: AccountOf) -> tuple[list[Line], list[str], list[Error]]:
    """The lines of the booked entries, the place of each line in the document, and the errors."""
    lines: list[Line] = []
    rows: list[str] = []
    errors: list[Error] = []
    for where, entry in _booked_entries(statements):
        if len(errors) == MAX_ERRORS or len(lines) > MAX_LINES:
            break
        try:
            for line in _lines(entry, len(lines), account_of):
                lines.append(line)
                rows.append(where)
        except Wrong as wrong:
            errors.append((where, wrong.english, wrong.chinese))
    return lines, rows, errors


def _booked_entries(statements: Sequence[Element]) -> Iterator[tuple[str, Element]]:
    """Each booked entry with its place, such as `Stmt 2, Ntry 1`."""
    for number, statement in enumerate(statements, 1):
        prefix = f"Stmt {number}, " if len(statements) > 1 else ""
        for at, entry in enumerate(statement.findall("{*}Ntry"), 1):
            if (_text(entry, "Sts/Cd") or _text(entry, "Sts") or BOOKED) == BOOKED:
                yield f"{prefix}Ntry {at}", entry


def _lines(entry: Element, before: int, account_of: AccountOf) -> Iterator[Line]:
    """The lines of `entry`, numbered from `before` + 1.

    If the entry has several details, and their amounts add up to the entry's amount, each detail is a line. Otherwise
    the entry is one line.
    """
    on, direction, amount = _booking_day(entry), _direction(entry), _amount(entry.find("{*}Amt"))
    details = entry.findall("{*}NtryDtls/{*}TxDtls")
    amounts = [_detail_amount(each) for each in details]
    if len(details) > 1 and None not in amounts and sum(filter(None, amounts)) == amount:
        for number, (each, part) in enumerate(zip(details, amounts, strict=True), before + 1):
            yield _with_details(Line(on, direction, Money(part or 0), number=number), entry, each, account_of)
    else:
        detail = details[0] if len(details) == 1 else None
        yield _with_details(Line(on, direction, Money(amount), number=before + 1), entry, detail, account_of)


def _with_details(line: Line, entry: Element, detail: Element | None, account_of: AccountOf) -> Line:
    """`line` with the counterparty's name and account, and with the reference, the voucher number and the summary."""
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


def _text(parent: Element | None, path: str) -> str | None:
    element = parent.find("/".join(f"{{*}}{step}" for step in path.split("/"))) if parent is not None else None
    return (element.text or "").strip() or None if element is not None else None


def _day(parent: Element, path: str) -> date | None:
    """The date at `path` in `parent`; None if absent. A time with an offset is converted to Asia/Shanghai."""
    if written := _text(parent, f"{path}/DtTm"):
        return _day_of(written)
    return cells.day(written) if (written := _text(parent, f"{path}/Dt")) else None


def _day_of(time: str) -> date:
    try:
        parsed = datetime.fromisoformat(time)
    except ValueError as error:
        raise Wrong("The value is not a date and time.", "不是时间。") from error
    return cells.day(parsed.astimezone(SHANGHAI) if parsed.tzinfo else parsed)


def _booking_day(entry: Element) -> date:
    day = _day(entry, "BookgDt") or _day(entry, "ValDt")
    if day is None:
        raise Wrong("The entry has no booking date or value date.", "没有日期。")
    return day


def _direction(parent: Element) -> Direction:
    """The direction of `parent`, an entry or a balance: OUT for a debit of the account, IN for a credit.

    `RvslInd` is ignored: it only marks an entry as the reversal of an earlier entry.
    """
    direction = DIRECTIONS.get(_text(parent, "CdtDbtInd") or "")
    if direction is None:
        raise Wrong("CdtDbtInd must be DBIT or CRDT.", "CdtDbtInd 须为 DBIT 或 CRDT。")
    return direction


def _amount(element: Element | None) -> int:
    if element is None or element.get("Ccy") != CURRENCY:
        raise Wrong(f"An amount in {CURRENCY} is required.", f"须有 {CURRENCY} 金额。")
    amount = cells.amount((element.text or "").strip())
    if amount <= 0:
        raise Wrong("The amount must be greater than zero.", "金额须大于零。")
    return amount


def _detail_amount(detail: Element) -> int | None:
    for path in ("{*}Amt", "{*}AmtDtls/{*}TxAmt/{*}Amt"):
        if (element := detail.find(path)) is not None:
            return _amount(element)
    return None


def _span(statement: Element) -> tuple[date | None, date | None]:
    try:
        first, last = _text(statement, "FrToDt/FrDtTm"), _text(statement, "FrToDt/ToDtTm")
        return (_day_of(first) if first else None), (_day_of(last) if last else None)
    except Wrong as wrong:
        raise StatementWrong([("FrToDt", wrong.english, wrong.chinese)]) from wrong


def _adds_up(statements: Sequence[Element]) -> bool | None:
    """Whether, in every statement, the closing balance is the opening balance plus the entries.

    None if a statement lacks one of the balances, or if a balance or an entry cannot be read.
    """
    results = [_balances_agree(each) for each in statements]
    return None if None in results else all(results)


def _balances_agree(statement: Element) -> bool | None:
    balances = {_text(each, "Tp/CdOrPrtry/Cd"): each for each in statement.findall("{*}Bal")}
    if not {"OPBD", "CLBD"} <= balances.keys():
        return None
    try:
        opening, closing = (_balance(balances[code]) for code in ("OPBD", "CLBD"))
        moved = sum(_signed(_amount(e.find("{*}Amt")), _direction(e)) for _, e in _booked_entries([statement]))
    except Wrong:
        return None
    return opening + moved == closing


def _signed(amount: int, direction: Direction) -> int:
    return amount if direction is Direction.IN else -amount


def _balance(element: Element) -> int:
    return _signed(cells.amount(_text(element, "Amt")), _direction(element))
