"""A statement's lines held against the entries of the books: which agree, and how the others differ.

Exact to the fen, and the same for the same input.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator

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


def tie_out(lines: Iterable[Line], entries: Iterable[Entry], pending: Iterable[Entry], days: Days) -> list[Pairing]:
    """Each line in one pairing, and each entry that is in one or of the statement's days; in the statement's order.

    `entries` reach beyond these days, so that a line at the edge finds its own.
    """
    table = Table(days, lines, entries)
    for stage in STAGES:
        stage(table)
    alone = list(_alone(table, pending))
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
"""What finds the payment that is instructed and not confirmed."""


def _alone(table: Table, pending: Iterable[Entry]) -> Iterator[Pairing]:
    """The lines that no entry has, each with the payment that may still be confirmed by it."""
    waiting = Table(table.days, table.open_lines(), pending)
    for stage in SURE:
        stage(waiting)
    found = {each.lines[0]: each.entries[0] for each in waiting.found if len(each.lines) == len(each.entries) == 1}
    for line in table.open_lines():
        yield Pairing((line,), (), differs=(Difference.STATEMENT_ONLY,), pending=found.get(line))
