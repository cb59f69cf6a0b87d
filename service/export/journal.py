"""Export a fund as a plain-text accounting journal: each move is a transaction, each balance an assertion.

hledger and beancount sum the moves themselves. The journal asserts the balance of each account at the end of each month
and, from the table of balances, at the end of the journal. So two independent programs verify the balances of this
service.
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
"""Maps accounts of the ledger to their root account in a journal, if that is not Assets. Money comes from the treasury
(equity), and is an expense when it is paid."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """The syntax of an accounting program, as functions that write the parts of a journal.

    The parts are its heading, the opening of an account, a transaction, and the assertion of a balance at a day's end.
    """

    heading: Callable[[str, str], str]
    opening: Callable[[str, date], str]
    transaction: Callable[[Row, str, str], str]
    assertion: Callable[[date, str, str], str]


def account(fund: str, row: Row, name: str) -> str:
    """The journal's name for the account `name` of `fund`, such as `Assets:F-yx-ip-2018:In-transit:P-yx-ip-2018-08:B1`.

    `row`: a row with the columns `project` and `batch`. The returned name contains the project and the batch only if
    the account has a key. The account `in_transit`, for example, has a key; the account `pool` has none.
    """
    parts = [ROOTS.get(name, "Assets"), f"F-{fund}", name.replace("_", "-").capitalize()]
    if ACCOUNTS[name].key:
        parts += [f"P-{row['project']}", f"B{row['batch']}"]
    return ":".join(parts)


def journal(
    dialect: Dialect, fund: str, title: str, *, moves: Iterable[Row], months: Iterable[Row], now: Iterable[Row]
) -> Iterator[str]:
    """The journal of `fund`, as pieces of text in order. `moves`: the moves of money, ordered by booking date.

    The journal asserts the balances in `months` and `now`. `months`: the balances at the end of each month, summed from
    the moves. `now`: the balances at the end of the journal, from the table of balances.
    """
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
                    yield dialect.opening(each, row["booked_on"])
            yield dialect.transaction(row, source, target)
        last_day = end
        yield from (
            dialect.assertion(end, account(fund, row, row["account"]), row["amount"]) for row in ends.get(end, ())
        )
    for row in now:
        if (name := account(fund, row, row["account"])) in opened or row["amount"] != "0.00":
            yield dialect.assertion(last_day, name, row["amount"])


def _end_of_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def _description(row: Row) -> str:
    """The description of the transaction for the move `row`: the Chinese title of the event that made the move.

    If the event is a reversal, the title of the reversed entry follows. In place of the title of a type that only a
    newer version knows stands the name of the type.
    """
    reversed_title = f" {TITLES.get(row['entry'], row['entry'])}" if row["entry"] else ""
    return f"{TITLES.get(row['type'], row['type'])}{reversed_title}"


METADATA = ("position", "award", "payment", "fen")
"""The columns of a move that are written as metadata of its transaction, if not null. `position` is the event's
position in the log; `fen` is left out for hledger."""


def _metadata(row: Row) -> Iterator[tuple[str, Any]]:
    return ((name, row[name]) for name in METADATA if row[name] is not None)


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _one_line(text: str) -> str:
    """The text on one line. Semicolons become full-width, because a plain one would begin a comment."""
    return " ".join(text.replace(";", "；").split())


BEANCOUNT = Dialect(
    heading=lambda fund, title: f'option "title" "{_quoted(title)} ({fund})"\noption "operating_currency" "CNY"\n\n',
    opening=lambda name, day: f"{day} open {name} CNY\n",
    transaction=lambda row, source, target: "".join(chain(
        (f'{row["booked_on"]} * "{_description(row)}" "{row["type"]}"\n',),
        (f'  {name}: "{value}"\n' for name, value in _metadata(row)),
        (f"  {source}  -{row['amount']} CNY\n", f"  {target}  {row['amount']} CNY\n\n"),
    )),
    # beancount asserts at the beginning of a day, and its default tolerance would accept a difference of one fen.
    assertion=lambda day, name, amount: f"{day + timedelta(days=1)} balance {name}  {amount} ~ 0.001 CNY\n",
)  # fmt: skip
HLEDGER = Dialect(
    heading=lambda fund, title: f"; {_one_line(title)} ({fund})\ncommodity 1.00 CNY\n\n",
    opening=lambda name, _: f"account {name}\n",
    transaction=lambda row, source, target: "".join(chain(
        (f"{row['booked_on']} * {_description(row)} | {row['type']}\n",),
        (f"    ; {name}: {value}\n" for name, value in _metadata(row) if name != "fen"),
        (f"    {source}  -{row['amount']} CNY\n", f"    {target}  {row['amount']} CNY\n\n"),
    )),
    assertion=lambda day, name, amount: f"{day} * balance\n    {name}  0.00 CNY = {amount} CNY\n\n",
)  # fmt: skip
DIALECTS = {"hledger": HLEDGER, "beancount": BEANCOUNT}
"""Maps the file extension of a journal to the dialect in which the journal is written."""
