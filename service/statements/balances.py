"""Compares what a statement says of itself: each balance with the lines before it, and its totals with all lines.

A contradiction may mean that a line is missing, or that an amount was printed wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import groupby
from operator import attrgetter

from msgspec import Struct

from domain.fund.reconciliation import Direction
from domain.money import Money
from domain.tie_out import Line
from service.statements.statement import Error


class Step(Struct, frozen=True):
    """A step from one balance to the next: a line, or a row that only carries a balance.

    `where`: the place in the file. `on`: the day; a carried balance has that of the line next to it. `fen`: what the
    account gained, negative if money went out. `balance`: what the file says the account holds after it, in fen; None
    if it does not say.
    """

    where: str
    on: date
    fen: int
    balance: int | None = None


class Totals(Struct, frozen=True):
    """What a file says of all its lines together. None: it does not say. Amounts are in fen.

    `opening`, `closing`: the balances before and after all lines. `lines`: how many lines there are; `lines_out` and
    `lines_in`: how many pay out, and receive. `out`, `received`: the sums of these lines.
    """

    opening: int | None = None
    closing: int | None = None
    lines: int | None = None
    lines_out: int | None = None
    lines_in: int | None = None
    out: int | None = None
    received: int | None = None


class Checked(Struct, frozen=True):
    """`adds_up`: whether a statement agrees with itself; None if it says nothing that could be compared."""

    adds_up: bool | None
    contradictions: tuple[Error, ...]


def signed(line: Line) -> int:
    """What the account of the statement gained by `line`, in fen."""
    return line.amount if line.direction is Direction.IN else -line.amount


def steps_of(lines: Sequence[Line], rows: Sequence[str], balances: Sequence[int | None] = ()) -> list[Step]:
    """The steps of `lines`, each with its place in `rows`, and with the balance after it if the file has balances."""
    stated = balances or [None] * len(lines)
    return [Step(where, line.on, signed(line), at) for line, where, at in zip(lines, rows, stated, strict=True)]


def check(lines: Sequence[Line], steps: Sequence[Step], totals: Totals = Totals()) -> Checked:
    """Compare the balances of `steps` and the `totals` with the lines. `steps` are in the order of the file."""
    compared = [*_compared_totals(lines, totals)]
    found = [error for error in compared if error is not None]
    points = [step.balance for step in steps if step.balance is not None]
    if len(points) + (totals.opening is not None) + (totals.closing is not None) > 1:
        broken = first_break(steps, totals)
        compared.append(broken)
        found += [broken] if broken else []
    return Checked(not found if compared else None, tuple(found))


def _compared_totals(lines: Sequence[Line], totals: Totals) -> Iterator[Error | None]:
    of = {each: [line.amount for line in lines if line.direction is each] for each in Direction}
    counts = (
        ("number of lines", "总笔数", totals.lines, len(lines)),
        ("number of payments", "支出笔数", totals.lines_out, len(of[Direction.OUT])),
        ("number of receipts", "收入笔数", totals.lines_in, len(of[Direction.IN])),
    )
    for english, chinese, stated, actual in counts:
        if stated is not None:
            yield _disagree(english, chinese, str(stated), str(actual))
    sums = (
        ("sum of payments", "支出合计", totals.out, sum(of[Direction.OUT])),
        ("sum of receipts", "收入合计", totals.received, sum(of[Direction.IN])),
    )
    for english, chinese, stated, actual in sums:
        if stated is not None:
            yield _disagree(english, chinese, str(Money(stated)), str(Money(actual)))


def _disagree(english: str, chinese: str, stated: str, actual: str) -> Error | None:
    if stated == actual:
        return None
    return (
        "",
        f"The file says that the {english} is {stated}; its lines have {actual}.",
        f"文件载明{chinese}为 {stated}，各行实为 {actual}。",
    )


def follow_by_day(steps: Sequence[Step], totals: Totals = Totals()) -> bool:
    """Whether each balance follows from the one before it, in the order of the days.

    Within a day, the rows may be in either order, or in none if its last balance is among them.
    """
    return any(not list(_breaks(order, totals)) for order in _by_day(steps)) or _days_follow(steps, totals)


def first_break(steps: Sequence[Step], totals: Totals = Totals()) -> Error | None:
    """The first balance that does not follow from the one before it; None if all do in one of the usual orders.

    The lines of a statement may be in order of day or as they were booked, or the newest first.
    """
    if follow_by_day(steps, totals):
        return None
    fewest = min((list(_breaks(order, totals)) for order in _orders(steps)), key=len)
    if not fewest:
        return None
    where, follows, stated = fewest[0]
    return (
        where,
        f"The balance is {Money(stated)}, but {Money(follows)} follows from the balance before it.",
        f"余额为 {Money(stated)} 元，但按前一余额推算应为 {Money(follows)} 元，可能缺行。",
    )


def _by_day(steps: Sequence[Step]) -> Iterator[Sequence[Step]]:
    newest_first = list(reversed(steps))
    yield sorted(steps, key=attrgetter("on"))
    yield sorted(newest_first, key=attrgetter("on"))


def _orders(steps: Sequence[Step]) -> Iterator[Sequence[Step]]:
    yield steps
    yield list(reversed(steps))
    yield from _by_day(steps)


def _breaks(steps: Iterable[Step], totals: Totals) -> Iterator[tuple[str, int, int]]:
    """Each balance that does not follow: its place, what would follow, and what is stated."""
    known = totals.opening
    where = ""
    for step in steps:
        where = step.where
        known = None if known is None else known + step.fen
        if step.balance is not None:
            if known is not None and known != step.balance:
                yield where, known, step.balance
            known = step.balance
    if None not in (known, totals.closing) and known != totals.closing:
        yield where, known or 0, totals.closing or 0


def _days_follow(steps: Sequence[Step], totals: Totals) -> bool:
    """Whether each day ends with a balance that one of its rows has, though its rows are in no order."""
    days = [list(each) for _, each in groupby(sorted(steps, key=attrgetter("on")), key=attrgetter("on"))]
    gains = [(sum(step.fen for step in day), {step.balance for step in day} - {None}) for day in days]
    return not days or any(_follow_from(opening, gains, totals.closing) for opening in _openings(days[0], totals))


def _openings(first: Sequence[Step], totals: Totals) -> set[int]:
    """The balances from which the first day may have started."""
    if totals.opening is not None:
        return {totals.opening}
    return {step.balance - step.fen for step in first if step.balance is not None}


def _follow_from(opening: int, days: Sequence[tuple[int, set[int | None]]], closing: int | None) -> bool:
    """Whether the days follow from `opening`. `days`: what each gained, and the balances that it states."""
    known = opening
    for gained, stated in days:
        known += gained
        if stated and known not in stated:
            return False
    return closing is None or known == closing
