"""Reads bank statements in OFX (Open Financial Exchange): version 1, which is SGML, and version 2, which is XML."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta, timezone
from xml.etree.ElementTree import Element, SubElement

from domain.fund.reconciliation import Direction
from domain.money import Money
from domain.tie_out import Line
from service.calendar import SHANGHAI
from service.statements import amounts, cells, markup
from service.statements.agreement import Period, combined, contradiction, unreadable
from service.statements.balances import Checked, Step, check, steps_of
from service.statements.cells import AccountOf, Wrong
from service.statements.collector import Collector
from service.statements.markup import find_all, text
from service.statements.plain_text import decoded
from service.statements.statement import Statement, StatementWrong

CURRENCY = "CNY"
AGGREGATES = {
    "OFX", "BANKMSGSRSV1", "STMTTRNRS", "STMTRS", "BANKACCTFROM", "BANKTRANLIST", "STMTTRN", "BANKTRANLISTP",
    "STMTTRNP", "BANKACCTTO", "CCACCTTO", "PAYEE", "CURRENCY", "ORIGCURRENCY", "LEDGERBAL", "AVAILBAL",
}  # fmt: skip
"""The elements that have elements. In version 1 all others have no end tag."""
UNIQUE = ("STMTRS", "STMTTRN")
"""Elements that are never within an element of their own name."""
SIGNS = {"CREDIT": 1, "DEBIT": -1}
"""The sign that an amount must have, by the type of its transaction."""
_CDATA = re.compile(r"<!\[CDATA\[(.*?)\]\]>", re.DOTALL)
_TAG = re.compile(r"<(/?)([A-Za-z0-9_.]{1,40})\s*(/?)>([^<]*)")
_TIME = re.compile(
    r"([0-9]{8})(?:([0-9]{2})([0-9]{2})(?:[0-9]{2}(?:\.[0-9]{1,3})?)?"
    r"(?:\[([+-]?[0-9]{1,2})(?:\.([0-9]{2}))?(?::\w*)?\])?)?"
)


def is_ofx(content: bytes) -> bool:
    return markup.head(content).lstrip().startswith("OFXHEADER") or markup.root_name(content).upper() == "OFX"


def read(content: bytes, account_of: AccountOf, sha256: str) -> Statement:
    """The transactions of all bank statements in the file, of one account in CNY. Raises StatementWrong.

    The day is that of DTPOSTED; a time with an offset is converted to Asia/Shanghai. FITID, by which a program knows a
    transaction again, is not the bank's reference: REFNUM is.
    """
    written, encoding = decoded(content)
    statements = list(_tree(written).iter("STMTRS"))
    _require_one_account(statements)
    found = Collector()
    steps: list[Step] = []
    checked: list[Checked] = []
    for number, statement in enumerate(statements, 1):
        prefix = f"STMTRS {number}, " if len(statements) > 1 else ""
        with found.at(f"{prefix}CURDEF"):
            _require_yuan(text(statement, "CURDEF"))
        before = len(found.lines)
        _read_transactions(statement, prefix, found, account_of)
        steps += steps_of(found.lines[before:], found.rows[before:])
        checked += _balance(statement, f"{prefix}LEDGERBAL", steps)
    agree = combined([check(found.lines, steps), *checked, *_repeated(statements)])
    return found.statement(sha256, "ofx", _period(statements, found), agree, encoding)


def _tree(written: str) -> Element:
    """The elements of the file below a root of its own. Raises StatementWrong."""
    root = Element("file")
    stack = [root]
    for match in _TAG.finditer(_CDATA.sub(lambda each: html.escape(each[1]), written)):
        end, name, empty, content = match[1], match[2].upper(), match[3], match[4]
        if end:
            unclosed = _close(stack, name)
        else:
            unclosed = name in UNIQUE and any(each.tag == name for each in stack)
            element = SubElement(stack[-1], name)
            element.text = html.unescape(content)
            if name in AGGREGATES and not empty:
                stack.append(element)
        if unclosed:
            line = written.count("\n", 0, match.start()) + 1
            raise StatementWrong(
                [(f"line {line}", "A transaction or statement has no end.", "交易或对账单没有结束标记。")]
            )
    if any(each.tag in UNIQUE for each in stack):
        raise StatementWrong([("", "The file is incomplete: its end is missing.", "文件不完整，末尾缺失。")])
    return root


def _close(stack: list[Element], name: str) -> bool:
    """Close the element `name` and all in it; whether one of these should have had an end of its own."""
    at = next((at for at in range(len(stack) - 1, 0, -1) if stack[at].tag == name), len(stack))
    inner = [each.tag for each in stack[at + 1 :]]
    del stack[at:]
    return any(each in UNIQUE for each in inner)


def _require_one_account(statements: Sequence[Element]) -> None:
    accounts = [text(each, "BANKACCTFROM/ACCTID") for each in statements]
    other = next((number for number, each in enumerate(accounts, 1) if each != accounts[0]), None)
    if other or not statements:
        raise StatementWrong(
            [
                (
                    f"STMTRS {other}" if other else "",
                    "The file must contain bank statements (STMTRS), all of one account.",
                    "须含同一账户的银行对账单（STMTRS）。",
                )
            ]
        )


def _require_yuan(currency: str | None) -> None:
    if currency != CURRENCY:
        raise Wrong(f"The currency is {cells.masked(currency or '', 20)!r}, not {CURRENCY}.", "币种不是人民币。")


def _read_transactions(statement: Element, prefix: str, found: Collector, account_of: AccountOf) -> None:
    for number, each in enumerate(find_all(statement, "BANKTRANLIST/STMTTRN"), 1):
        place = f"{prefix}STMTTRN {number}"
        with found.at(place):
            line = _line(each, account_of)
            if line.amount:
                found.add(place, line)
            else:
                found.skip(place, text(each, "TRNAMT"), text(each, "NAME"), text(each, "MEMO"))
    for number, each in enumerate(find_all(statement, "BANKTRANLISTP/STMTTRNP"), 1):
        found.skip(f"{prefix}STMTTRNP {number}", text(each, "TRNAMT"), text(each, "NAME"))


def _line(transaction: Element, account_of: AccountOf) -> Line:
    """The line of a transaction; its amount may be 0. Raises Wrong."""
    fen = amounts.decimal(text(transaction, "TRNAMT") or "")
    if fen * SIGNS.get(text(transaction, "TRNTYPE") or "", 0) < 0:
        raise Wrong("The sign of TRNAMT contradicts TRNTYPE.", "TRNAMT 的正负与 TRNTYPE 矛盾。")
    if transaction.find("CURRENCY") is not None:
        _require_yuan(text(transaction, "CURRENCY/CURSYM"))
    return Line(
        _day(text(transaction, "DTPOSTED") or ""),
        Direction.OUT if fen < 0 else Direction.IN,
        Money(abs(fen)),
        cells.name(text(transaction, "NAME", "PAYEE/NAME")),
        cells.account(text(transaction, "BANKACCTTO/ACCTID"), account_of),
        markup.number(text(transaction, "REFNUM"), text(transaction, "SRVRTID")),
        markup.number(text(transaction, "CHECKNUM")),
        summary=cells.name(text(transaction, "MEMO")),
    )


def _day(written: str) -> date:
    """The day of a time such as `20190905103000[+8:CST]`. Raises Wrong."""
    parts = _TIME.fullmatch(written)
    if parts is None:
        raise Wrong(f"{cells.masked(written, 50)!r} is not a date.", f"“{cells.masked(written, 50)}”不是日期。")
    day = cells.day(parts[1])
    if parts[4] is None:
        return day
    try:
        offset = timedelta(hours=int(parts[4]), minutes=int(parts[5] or 0) * (-1 if parts[4].startswith("-") else 1))
        time = datetime(day.year, day.month, day.day, int(parts[2]), int(parts[3]), tzinfo=timezone(offset))
    except ValueError as error:
        raise Wrong("The value is not a date and time.", "不是时间。") from error
    return cells.day(time.astimezone(SHANGHAI))


def _period(statements: Sequence[Element], found: Collector) -> Period:
    days: dict[str, list[date]] = {"DTSTART": [], "DTEND": []}
    for statement in statements:
        for name, known in days.items():
            with found.at(name):
                if written := text(statement, f"BANKTRANLIST/{name}"):
                    known.append(_day(written))
    return min(days["DTSTART"], default=None), max(days["DTEND"], default=None)


def _balance(statement: Element, where: str, steps: list[Step]) -> Iterator[Checked]:
    """Add the balance after the transactions of a statement to `steps`, if it states one."""
    written = text(statement, "LEDGERBAL/BALAMT")
    if written is None:
        return
    try:
        fen = amounts.decimal(written)
        as_of = text(statement, "LEDGERBAL/DTASOF")
        steps.append(Step(where, _day(as_of) if as_of else (steps[-1].on if steps else date.min), 0, fen))
    except Wrong as wrong:
        yield unreadable(where, wrong)


def _repeated(statements: Sequence[Element]) -> Iterator[Checked]:
    """A transaction with the FITID of an earlier one is probably in the file twice."""
    seen: set[str] = set()
    for statement in statements:
        for number, each in enumerate(find_all(statement, "BANKTRANLIST/STMTTRN"), 1):
            known = text(each, "FITID")
            if known in seen:
                yield contradiction(
                    f"STMTTRN {number}", "The transaction has the FITID of an earlier one.", "FITID 与前面的交易重复。"
                )
            elif known:
                seen.add(known)
