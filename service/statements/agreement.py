"""Combines the comparisons of what the parts of a file say of themselves: see balances.py for the comparisons."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from domain.money import Money
from domain.tie_out import Line
from service.statements.balances import Checked
from service.statements.cells import Wrong
from service.statements.statement import Error

NOTHING, AGREES = Checked(None, ()), Checked(adds_up=True, contradictions=())


def combined(parts: Iterable[Checked]) -> Checked:
    """One result for several: False if any part disagrees with itself, None if nothing could be compared."""
    found = tuple(parts)
    results = {each.adds_up for each in found} - {None}
    contradictions = tuple(error for each in found for error in each.contradictions)
    return Checked(False not in results if results else None, contradictions)


def placed(checked: Checked, where: str) -> Checked:
    """`checked` with `where` as the place of each contradiction that concerns the whole part of the file."""
    errors = tuple((place or where, english, chinese) for place, english, chinese in checked.contradictions)
    return Checked(checked.adds_up, errors)


def contradiction(where: str, english: str, chinese: str) -> Checked:
    return Checked(adds_up=False, contradictions=((where, english, chinese),))


def unreadable(where: str, wrong: Wrong) -> Checked:
    """A balance or a total that cannot be read, and so cannot be compared."""
    return contradiction(where, wrong.english, wrong.chinese)


def compared(where: str, named: tuple[str, str], stated: int, actual: int) -> Checked:
    """Compare an amount in fen that the file states with the amount that follows from its lines.

    `named`: what the amount is, in English and in Chinese.
    """
    if stated == actual:
        return AGREES
    return contradiction(
        where,
        f"The file says that the {named[0]} is {Money(stated)}; its lines have {Money(actual)}.",
        f"文件载明{named[1]}为 {Money(stated)}，各行实为 {Money(actual)}。",
    )


def follows(where: str, closing: int, opening: int) -> Checked:
    """Whether the `opening` balance of the statement at `where` is the `closing` balance of the one before, in fen."""
    if opening == closing:
        return AGREES
    return contradiction(
        where,
        f"The opening balance is {Money(opening)}, but the statement before it closes with {Money(closing)}.",
        f"期初余额为 {Money(opening)} 元，但上一份对账单的期末余额为 {Money(closing)} 元，可能缺少对账单。",
    )


Period = tuple[date | None, date | None]


def widened(period: Period, lines: Sequence[Line], rows: Sequence[str]) -> tuple[Period, tuple[Error, ...]]:
    """The `period` that a file states, widened to the days of all its `lines`, and each end that had to be widened.

    A day that the file does not state stays None. `rows`: the place of each line.
    """
    first, last = period
    errors: list[Error] = []
    days = [(line.on, where) for line, where in zip(lines, rows, strict=True)]
    if days and first and (earliest := min(days))[0] < first:
        errors.append(
            (
                earliest[1],
                f"The file says that it begins on {first}, but this line is dated {earliest[0]}.",
                f"文件载明首日为 {first}，但此行日期为 {earliest[0]}。",
            )
        )
        first = earliest[0]
    if days and last and (latest := max(days))[0] > last:
        errors.append(
            (
                latest[1],
                f"The file says that it ends on {last}, but this line is dated {latest[0]}.",
                f"文件载明末日为 {last}，但此行日期为 {latest[0]}。",
            )
        )
        last = latest[0]
    return (first, last), tuple(errors)
