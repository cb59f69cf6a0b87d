"""Reads a file of any supported format into a statement."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta

from domain.fund.reconciliation import Direction
from domain.money import MAX_FEN
from domain.period import first_day, last_day, period_of
from service.statements import camt, sheets, tables
from service.statements.cells import AccountOf, Wrong, day
from service.statements.statement import Choices, Statement, StatementWrong

MAX_DAYS = 366
"""A statement covers at most one year."""
Days = tuple[date | None, date | None]


def read(content: bytes, choices: Choices, account_of: AccountOf, days: Days = (None, None)) -> Statement:
    """The statement in a file of any supported format. Raises StatementWrong.

    `choices`: what the client says about the file. `days`: the first and the last day of the statement. A day that is
    None is taken from the file; if the file does not state the day, the statement covers the whole months of its lines.
    """
    sha256 = hashlib.sha256(content).hexdigest()
    if content.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0").startswith(b"<"):
        if choices.columns:
            raise StatementWrong(
                [("", "A camt.053 file has no columns whose headings could be specified.", "camt.053 没有可指定的列。")]
            )
        statement = camt.read(content, account_of, sha256)
    else:
        statement = tables.read(sheets.read(content), choices, account_of, sha256)
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
