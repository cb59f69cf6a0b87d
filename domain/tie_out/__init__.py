"""A statement's lines held against the entries of the books: which agree, and how the others differ.

Exact to the fen, and the same for the same input.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence

from domain.fund.reconciliation import Difference
from domain.tie_out.evidence import likely, may_be, right_payee
from domain.tie_out.likeness import (
    Apart,
    Stage,
    by_account,
    by_direction,
    by_namelessness,
    by_payee,
    by_reference,
    by_voucher,
    one_by_one,
    summed,
    with_amount,
)
from domain.tie_out.numbers import by_number, what_is_left_of_a_number
from domain.tie_out.parts import Days, Entry, Line, Pairing
from domain.tie_out.table import Table

__all__ = ["Days", "Entry", "Line", "Pairing", "tie_out"]


def tie_out(
    lines: Iterable[Line],
    entries: Iterable[Entry],
    days: Days,
    pending: Iterable[Entry] = (),
    settled: Iterable[Entry] = (),
) -> list[Pairing]:
    """Each line in one pairing, and each entry that is in one or of the statement's days; in the statement's order.

    `entries` reach beyond these days, so that a line at the edge finds its own. `pending` are payments that are not
    confirmed yet, `settled` those that another statement has.
    """
    table = Table(days, lines, entries)
    for stage in STAGES:
        stage(table)
    alone = list(_alone(table, list(pending), list(settled)))
    missing = [
        Pairing((), (entry,), differs=(Difference.LEDGER_ONLY,))
        for entry in table.open_entries()
        if days.first <= entry.on <= days.last
    ]
    return [*sorted([*table.found, *alone], key=lambda each: each.lines[0].number), *missing]


def duplicates(table: Table) -> None:
    """Lines that say again what a paired line said."""
    told = {_said(line): line.number for pairing in table.found for line in pairing.lines if pairing.entries}
    for line in table.open_lines():
        if twin := told.get(_said(line)):
            table.repeated(line, twin)


def _said(line: Line) -> Hashable:
    return line.direction, line.amount, line.on, line.name, line.account, *line.numbers.values()


def _anyone(_: Line, __: Entry) -> bool:
    return True


STAGES: tuple[Stage, ...] = (
    by_number,
    one_by_one(with_amount(by_reference), Apart.ANY, right_payee),
    one_by_one(with_amount(by_reference), Apart.ANY, _anyone),
    one_by_one(with_amount(by_voucher), Apart.ANY, likely),
    one_by_one(with_amount(by_voucher), Apart.ANY, right_payee),
    *(one_by_one(with_amount(who), apart) for apart in (Apart.NONE, Apart.NEAR) for who in (by_account, by_payee)),
    one_by_one(with_amount(by_voucher), Apart.ANY, _anyone),
    duplicates,
    what_is_left_of_a_number,
    *(one_by_one(with_amount(who), Apart.TOLERATED) for who in (by_account, by_payee)),
    *(one_by_one(with_amount(by_namelessness), apart) for apart in (Apart.NONE, Apart.NEAR)),
    summed(by_account, Apart.TOLERATED),
    summed(by_payee, Apart.TOLERATED),
    summed(by_namelessness, Apart.NONE),
    duplicates,
    *(one_by_one(with_amount(who), Apart.ANY) for who in (by_account, by_payee)),
    *(one_by_one(with_amount(by_direction), apart, may_be) for apart in (Apart.NONE, Apart.NEAR, Apart.TOLERATED)),
    *(one_by_one(by_payee, apart, may_be) for apart in (Apart.NONE, Apart.NEAR, Apart.TOLERATED)),
)
"""From the surest to the weakest evidence."""
SURE = (by_number, *(one_by_one(with_amount(who), Apart.ANY) for who in (by_account, by_payee)))
"""What finds the payment that is not confirmed yet, or that was settled before."""


def _alone(table: Table, pending: Sequence[Entry], settled: Sequence[Entry]) -> Iterator[Pairing]:
    """The lines that no entry has: paid a second time, or each with the payment that may still be confirmed by it."""
    lines = table.open_lines()
    again = _found(lines, settled, table.days)
    waiting = _found([line for line in lines if line not in again], pending, table.days)
    for line in lines:
        kind = Difference.DUPLICATE if line in again else Difference.STATEMENT_ONLY
        yield Pairing((line,), (), differs=(kind,), pending=waiting.get(line), settled=again.get(line))


def _found(lines: Iterable[Line], entries: Iterable[Entry], days: Days) -> dict[Line, Entry]:
    """The lines that surely are of one of these."""
    table = Table(days, lines, entries)
    for stage in SURE:
        stage(table)
    return {each.lines[0]: each.entries[0] for each in table.found if len(each.lines) == len(each.entries) == 1}
