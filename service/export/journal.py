"""A fund's books in the words of other accounting programs: every move a transaction, every balance an assertion.

hledger and beancount add the moves up by themselves; what they must come to is said at the end of each month, and at
the end of the journal from the table of balances. So two programs that know nothing of this one find out whether it is
right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import chain, groupby
from operator import itemgetter
from typing import Any

from domain.decision import TITLES
from domain.posting import ACCOUNTS, PAID, TREASURY

Row = Mapping[str, Any]
ROOTS = {TREASURY: "Equity", PAID: "Expenses"}
"""Where other accounts than assets stand: money comes out of the treasury, and is spent when it is paid."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a program writes an account's opening, a move, and a balance at the end of a day."""

    heading: Callable[[str, str], str]
    opened: Callable[[str, date], str]
    moved: Callable[[Row, str, str], str]
    asserted: Callable[[date, str, str], str]


def account(fund: str, row: Row, name: str) -> str:
    """Such as `Assets:F-yx-ip-2018:In-transit:P-yx-ip-2018-08:B1`: a name that both programs take."""
    parts = [ROOTS.get(name, "Assets"), f"F-{fund}", name.replace("_", "-").capitalize()]
    if ACCOUNTS[name].key:
        parts += [f"P-{row['project']}", f"B{row['batch']}"]
    return ":".join(parts)


def journal(
    dialect: Dialect, fund: str, title: str, *, moves: Iterable[Row], months: Iterable[Row], now: Iterable[Row]
) -> Iterator[str]:
    """The journal, piece by piece: `moves` by booking date, `months` and `now` what the accounts are said to hold."""
    yield dialect.heading(fund, title)
    opened: set[str] = set()
    last_day = date.min
    ends = {day: list(rows) for day, rows in groupby(months, key=itemgetter("last_day"))}
    for end, rows in groupby(moves, key=lambda row: _end_of_month(row["booked_on"])):
        for row in rows:
            source, target = account(fund, row, row["source"]), account(fund, row, row["target"])
            for each in (source, target):
                if each not in opened:
                    opened.add(each)
                    yield dialect.opened(each, row["booked_on"])
            yield dialect.moved(row, source, target)
        last_day = end
        yield from (
            dialect.asserted(end, account(fund, row, row["account"]), row["amount"]) for row in ends.get(end, ())
        )
    for row in now:
        if (name := account(fund, row, row["account"])) in opened or row["amount"] != "0.00":
            yield dialect.asserted(last_day, name, row["amount"])


def _end_of_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def _said(row: Row) -> str:
    """What a transaction is called: the event in Chinese, and of a reversal what it undoes."""
    undoes = f" {TITLES[row['entry']]}" if row["entry"] else ""
    return f"{TITLES.get(row['type'], row['type'])}{undoes}"


NOTED = ("position", "award", "payment", "fen")
"""What is noted beside a transaction, where it has it; `position` is the event's in the log."""


def _noted(row: Row) -> Iterator[tuple[str, Any]]:
    return ((name, row[name]) for name in NOTED if row[name] is not None)


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _plain(text: str) -> str:
    """Without what begins a comment or ends a line."""
    return " ".join(text.replace(";", "；").split())


BEANCOUNT = Dialect(
    heading=lambda fund, title: f'option "title" "{_quoted(title)} ({fund})"\noption "operating_currency" "CNY"\n\n',
    opened=lambda name, day: f"{day} open {name} CNY\n",
    moved=lambda row, source, target: "".join(chain(
        (f'{row["booked_on"]} * "{_said(row)}" "{row["type"]}"\n',),
        (f'  {name}: "{value}"\n' for name, value in _noted(row)),
        (f"  {source}  -{row['amount']} CNY\n", f"  {target}  {row['amount']} CNY\n\n"),
    )),
    # It asserts at the beginning of a day, and would let a fen go if it were not told what it may be off by.
    asserted=lambda day, name, amount: f"{day + timedelta(days=1)} balance {name}  {amount} ~ 0.001 CNY\n",
)  # fmt: skip
HLEDGER = Dialect(
    heading=lambda fund, title: f"; {_plain(title)} ({fund})\ncommodity 1.00 CNY\n\n",
    opened=lambda name, _: f"account {name}\n",
    moved=lambda row, source, target: "".join(chain(
        (f"{row['booked_on']} * {_said(row)} | {row['type']}\n",),
        (f"    ; {name}: {value}\n" for name, value in _noted(row) if name != "fen"),
        (f"    {source}  -{row['amount']} CNY\n", f"    {target}  {row['amount']} CNY\n\n"),
    )),
    asserted=lambda day, name, amount: f"{day} * balance\n    {name}  0.00 CNY = {amount} CNY\n\n",
)  # fmt: skip
DIALECTS = {"hledger": HLEDGER, "beancount": BEANCOUNT}
"""By the ending of the journal's name."""
