"""Reading a statement of 5 000 lines in each bank's layout, and comparing it with the books: how fast, and how well."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

from bench.race import Pace, Row, Run
from domain.money import Money
from domain.state.entities import BankAccount
from domain.tie_out import Days, tie_out
from service.statements import Choices, Statement, read
from tests.service.bank_layouts import LAYOUTS, written
from tests.service.statement_month import FIRST, LAST, Month, month, score

SECTION = "statements"
OPENING = Money(9_000_000_000_000)
"""The opening balance of the account, in fen."""
NEWEST_FIRST = {"农业银行"}


def rows(out: Console, pace: Pace) -> Iterator[Row]:
    """Measures each layout, and prints how many of the errors were found, and how many exceptions were errors.

    A round is one month, with other payments and errors. The file is read in the sandbox, with its limits of memory and
    processor time. A rate is in lines per second; `p99 ms` is the time of one statement.
    """
    table = Table(title="exceptions of a month with 3 % of each kind of error", title_justify="left")
    for heading in ("layout", "lines", "precision", "recall", "misread"):
        table.add_column(heading, justify="left" if heading == "layout" else "right")
    months = [month(seed) for seed in range(pace.rounds)]
    for layout in LAYOUTS:
        row = Row(SECTION, layout, "Suyuan reads and compares")
        precisions, recalls, misread = [], [], 0
        for each in months:
            content = written(layout, each.lines, OPENING)
            started = time.perf_counter()
            statement = read(content, Choices(), _account)
            pairings = tie_out(statement.lines, each.entries, Days(FIRST, LAST, 3))
            seconds = time.perf_counter() - started
            row.runs.append(Run(len(each.lines) / seconds, seconds * 1000, 0.0))
            numbers = _numbers(layout, statement)
            precision, recall = score(each, pairings, numbers)
            precisions.append(precision)
            recalls.append(recall)
            misread += _misread(each, statement, numbers)
        lines = f"{sum(len(each.lines) for each in months):,}"
        table.add_row(layout, lines, f"{min(precisions):.4f}", f"{min(recalls):.4f}", f"{misread}")
        yield row
    out.print(table)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    out.print(f"  the process that reads a file took up to {peak:.0f} MB", style="dim")


def _account(number: str) -> BankAccount:
    return BankAccount(number[-4:], number)


def _numbers(layout: str, statement: Statement) -> dict[int, int]:
    """The number in the month of each line, by its number as it was read."""
    last = len(statement.lines) + 1
    return {line.number: last - line.number if layout in NEWEST_FIRST else line.number for line in statement.lines}


def _misread(of: Month, statement: Statement, numbers: dict[int, int]) -> int:
    """How many lines were read with another day, direction or amount than they were printed with."""
    stated = {numbers[line.number]: (line.on, line.direction, line.amount) for line in statement.lines}
    return sum(stated.get(line.number) != (line.on, line.direction, line.amount) for line in of.lines)
