"""Reads a file of any supported format into a statement."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import date, timedelta

from domain.fund.reconciliation import Direction
from domain.money import MAX_FEN
from domain.period import first_day, last_day, period_of
from service.statements import camt, markup, mt940, ofx, sheets, tables, vouchers
from service.statements.cells import AccountOf, Wrong, day, masked
from service.statements.statement import Choices, Statement, StatementWrong

MAX_DAYS = 366
"""A statement covers at most one year."""
Days = tuple[date | None, date | None]
SHEET_ROOTS = ("html", "table", "workbook")
"""The first elements of files in HTML and SpreadsheetML 2003, in lower case: they are sheets."""


def _has_root(*names: str) -> Callable[[bytes], bool]:
    return lambda content: markup.root_name(content) in names


def _is_other_markup(content: bytes) -> bool:
    return markup.head(content).lstrip().startswith("<") and markup.root_name(content).lower() not in SHEET_ROOTS


def _refuse_markup(content: bytes, *_: object) -> Statement:
    """Raises StatementWrong: the file is not XML, or its root element is not one of a statement."""
    root = masked(markup.parse(content).tag.rpartition("}")[2], 50)
    raise StatementWrong(
        [
            (
                "",
                f"The root element is {root}. Supported are Document (camt.052, 053, 054), Voucher, MOF and OFX.",
                f"根元素为“{root}”；可读取 Document（camt.052、053、054）、Voucher、MOF、OFX。",
            )
        ]
    )


FORMATS: tuple[tuple[Callable[[bytes], bool], Callable[[bytes, AccountOf, str], Statement]], ...] = (
    (_has_root("Document", "BizMsgEnvlp", "RequestPayload", "DataPDU"), camt.read),
    (_has_root("Voucher", "MOF"), vouchers.read),
    (ofx.is_ofx, ofx.read),
    (_is_other_markup, _refuse_markup),
    (mt940.is_mt940, mt940.read),
)
"""The formats without columns: what recognises a file by its start, and what reads it. All other files are sheets."""


def read(content: bytes, choices: Choices, account_of: AccountOf, days: Days = (None, None)) -> Statement:
    """The statement in a file of any supported format. Raises StatementWrong.

    `choices`: what the client says about the file. `days`: the first and the last day of the statement. A day that is
    None is taken from the file; if the file does not state the day, the statement covers the whole months of its lines.
    """
    sha256 = hashlib.sha256(content).hexdigest()
    reader = next((reader for probe, reader in FORMATS if probe(content)), None)
    if reader is None:
        statement = tables.read(sheets.read(content), choices, account_of, sha256)
    elif choices.columns:
        raise StatementWrong(
            [("", "A file of this format has no columns whose headings could be specified.", "此格式没有可指定的列。")]
        )
    else:
        statement = reader(content, account_of, sha256)
    if max(statement.total(direction) for direction in Direction) > MAX_FEN:
        raise StatementWrong([("", "The sum of the amounts is too large.", "合计金额过大。")])
    return statement.of(*_days(statement, *days))


def _days(statement: Statement, first: date | None, last: date | None) -> tuple[date, date]:
    dates = sorted(line.on for line in statement.lines)
    first = first or statement.first_day or (first_day(period_of(dates[0])) if dates else None)
    last = last or statement.last_day or (last_day(period_of(dates[-1])) if dates else None)
    if first is None or last is None:
        raise StatementWrong(
            [("", "The statement has no lines: specify its first and last day.", "没有明细行，请给出首日和末日。")]
        )
    try:
        first, last = day(first), day(last)
    except Wrong as wrong:
        raise StatementWrong([("", wrong.english, wrong.chinese)]) from wrong
    if not timedelta(0) <= last - first < timedelta(days=MAX_DAYS):
        raise StatementWrong(
            [("", f"{first} to {last} is not a period of at most one year.", f"{first} 至 {last} 不是一年以内的期间。")]
        )
    outside = next((on for on in dates if not first <= on <= last), None)
    if outside:
        raise StatementWrong(
            [
                (
                    "",
                    f"A line is dated {outside}, outside the days of the statement.",
                    f"有明细行日期为 {outside}，不在期间内。",
                )
            ]
        )
    return first, last
