"""Pairs the lines of a bank statement with the entries of the ledger, and says how they differ.

Amounts are compared exact to the fen. The result is deterministic: the same input gives the same pairings.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence

from domain.fund.reconciliation import Difference
from domain.tie_out.assignment import assign
from domain.tie_out.criteria import no_payee_conflict, plausible
from domain.tie_out.numbers import by_number, by_number_with_differences
from domain.tie_out.open_items import OpenItems
from domain.tie_out.parts import Days, Entry, Line, Pairing
from domain.tie_out.resolve import foreign_numbers, resolve, restored
from domain.tie_out.stages import (
    Stage,
    Window,
    by_account,
    by_missing_payee,
    by_payee,
    by_reference,
    by_voucher,
    pair_batches,
    pair_singly,
    pair_sums,
    with_amount,
)

__all__ = ["Days", "Entry", "Line", "Pairing", "foreign_numbers", "tie_out"]


def tie_out(
    lines: Iterable[Line],
    entries: Iterable[Entry],
    days: Days,
    pending: Iterable[Entry] = (),
    settled: Iterable[Entry] = (),
) -> list[Pairing]:
    """The pairings of all lines, in the order of the statement; then a pairing for each unpaired entry in `days`.

    Each line is in exactly one pairing. `entries` should reach beyond `days`, so that a line on the first or last day
    can match an entry of a neighbouring day.

    Before the comparison, `resolve` removes numbers of the bank's own numbering and replaces names that the bank cut
    off or that have changed. Lines that match none of `entries` are then compared with `settled`, the entries that
    another statement has already matched, and with `pending`, the instructed payments that are not confirmed yet.
    """
    lines, entries, pending, settled = list(lines), list(entries), list(pending), list(settled)
    resolved = resolve(lines, [*entries, *pending, *settled])
    items = OpenItems(days, resolved.lines, entries)
    for stage in STAGES:
        stage(items)
    explained = list(_explained_lines(items, pending, settled))
    for each in explained:
        items.set_aside(each)
    assign(items)
    alone = [Pairing((line,), (), differs=(Difference.STATEMENT_ONLY,)) for line in items.open_lines()]
    missing = [
        Pairing((), (entry,), differs=(Difference.LEDGER_ONLY,))
        for entry in items.open_entries()
        if days.first <= entry.on <= days.last
    ]
    as_stated = {line.number: line for line in lines}
    pairings = [restored(each, as_stated, resolved.names) for each in (*items.pairings, *alone)]
    return [*sorted(pairings, key=lambda each: each.lines[0].number), *missing]


def duplicates(items: OpenItems) -> None:
    """Record each unpaired line as a duplicate if it shows the same payment as a line that is paired with an entry.

    It shows the same payment if direction, amount, day, payee, account and numbers of the two lines are equal.
    """
    matched = {_content(line): line.number for pairing in items.pairings for line in pairing.lines if pairing.entries}
    for line in items.open_lines():
        if twin := matched.get(_content(line)):
            items.add_duplicate(line, twin)


def _content(line: Line) -> Hashable:
    return line.direction, line.amount, line.on, line.name, line.account, *line.numbers.values()


def _always(_: Line, __: Entry) -> bool:
    return True


STAGES: tuple[Stage, ...] = (
    by_number,
    pair_singly(with_amount(by_reference), Window.ANY, no_payee_conflict),
    pair_singly(with_amount(by_reference), Window.ANY, _always),
    pair_singly(with_amount(by_voucher), Window.ANY, plausible),
    pair_singly(with_amount(by_voucher), Window.ANY, no_payee_conflict),
    *(
        pair_singly(with_amount(who), window)
        for window in (Window.SAME_DAY, Window.SAME_MONTH)
        for who in (by_account, by_payee)
    ),
    pair_singly(with_amount(by_voucher), Window.ANY, _always),
    duplicates,
    by_number_with_differences,
    *(pair_singly(with_amount(who), Window.TOLERATED) for who in (by_account, by_payee)),
    *(pair_singly(with_amount(by_missing_payee), window) for window in (Window.SAME_DAY, Window.SAME_MONTH)),
    pair_sums(by_account, Window.TOLERATED),
    pair_sums(by_payee, Window.TOLERATED),
    pair_sums(by_missing_payee, Window.SAME_DAY),
    pair_batches,
    duplicates,
)
"""The matching stages, in the order in which they are run: from the strongest evidence to the weakest.

`assign` then pairs lines and entries that these stages leave unpaired, although something differs between them.
"""
SURE_STAGES = (by_number, *(pair_singly(with_amount(who), Window.ANY) for who in (by_account, by_payee)))
"""The stages that match the lines left unpaired by STAGES with pending payments and with settled entries.

A settled entry is an entry that another statement has already matched.
"""


def _explained_lines(items: OpenItems, pending: Sequence[Entry], settled: Sequence[Entry]) -> Iterator[Pairing]:
    """A pairing without entries for each unpaired line that is a duplicate or belongs to a pending payment.

    `settled`: the entries that another statement has already matched. A line that fits one of them is a duplicate.
    `pending`: the instructed payments that are not confirmed yet. A line that fits one of them, and is not a duplicate,
    is in the statement only; its pairing names that payment. A line that fits neither is a duplicate if it repeats a
    line that is paired with an entry.
    """
    lines = items.open_lines()
    repeated = _paired_surely(lines, settled, items.days)
    waiting = _paired_surely([line for line in lines if line not in repeated], pending, items.days)
    paid = [line for pairing in items.pairings for line in pairing.lines if pairing.entries]
    for line in lines:
        twin = None if line in repeated or line in waiting else _repeated(line, paid, items.days)
        if line in repeated or line in waiting or twin:
            kind = Difference.STATEMENT_ONLY if line in waiting else Difference.DUPLICATE
            yield Pairing(
                (line,), (), differs=(kind,), twin=twin, pending=waiting.get(line), settled=repeated.get(line)
            )


def _repeated(line: Line, paid: Iterable[Line], days: Days) -> int | None:
    """The number of the line that `line` seems to repeat, under whatever number: of the same payee, amount and days."""
    same = (
        each
        for each in paid
        if (each.direction, each.amount, each.name) == (line.direction, line.amount, line.name)
        and line.name
        and abs((each.on - line.on).days) <= days.tolerance
    )
    return min((each.number for each in same), default=None)


def _paired_surely(lines: Iterable[Line], entries: Iterable[Entry], days: Days) -> dict[Line, Entry]:
    """The entry that SURE_STAGES pair with each line, by line.

    Only pairings of one line with one entry are returned.
    """
    items = OpenItems(days, lines, entries)
    for stage in SURE_STAGES:
        stage(items)
    return {each.lines[0]: each.entries[0] for each in items.pairings if len(each.lines) == len(each.entries) == 1}
