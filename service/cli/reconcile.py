"""`suyuan reconcile`: compares a statement of the bank or the treasury with a fund's ledger. 对账。"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from pathlib import Path

import click
from rich.markup import escape
from rich.table import Table

from domain.fund.reconciliation import Direction
from domain.rules.refused import WORDS
from domain.tie_out import Entry, Line, Pairing
from service.api.posting.fields import bank_account
from service.cli.terminal import (
    AS_JSON,
    CROSS,
    PATH,
    TICK,
    administered,
    out,
    say,
    say_json,
    variables,
)
from service.config import OF_LEDGER, ExitCode
from service.postgres import roles
from service.postgres.connect import url_of
from service.postgres.snapshots import Reader, Snapshot, open_pool
from service.statements import Choices, StatementWrong, read
from service.statements.comparison import Reconciliation, document, ledger_entries, place, reconcile, related_to
from service.statements.headings import HEADINGS
from service.yaml_file.document import bytes_of

DAY = click.DateTime(["%Y-%m-%d"])


@click.command("reconcile", epilog=variables(*OF_LEDGER))
@click.argument("file", type=PATH)
@click.option(
    "--fund", "funds", required=True, multiple=True, help="the fund's code; several of one account 专项资金代码，可多项"
)
@click.option("--related-only", is_flag=True, help="leave out lines that are not of these funds 略去与所列资金无关的行")
@click.option("--first-day", type=DAY, help="first day of the statement 对账单首日")
@click.option("--last-day", type=DAY, help="last day of the statement 对账单末日")
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="PART=HEADING",
    help=f"the heading of a column, if it is not a usual one 指定列标题: {', '.join(HEADINGS)}",
)
@click.option(
    "--negative", type=click.Choice(["paid", "received"]), help="what negative amounts are 负数金额是支出还是收入"
)
@click.option("--paid-word", metavar="WORD", help="word for money paid out, in the direction column 表示支出的用词")
@click.option("--received-word", metavar="WORD", help="word for money received 表示收入的用词")
@click.option(
    "--ignore",
    "ignored",
    multiple=True,
    metavar="HEADING",
    help="a heading that need not be read though it seems to be the payee's 无须读取的疑似户名列",
)
@click.option("--tolerance", type=click.IntRange(0, 31), help="days by which dates may differ 容许相差天数")
@click.option("--position", type=click.IntRange(0), help="compare with the ledger as of this log position 账簿截至位置")
@AS_JSON
def command(
    *,
    file: Path,
    funds: tuple[str, ...],
    related_only: bool,
    first_day: datetime | None,
    last_day: datetime | None,
    columns: Sequence[str],
    negative: str | None,
    paid_word: str | None,
    received_word: str | None,
    ignored: tuple[str, ...],
    tolerance: int | None,
    position: int | None,
    as_json: bool,
) -> None:
    """与对账单核对，有差异则返回 1。Compare a statement (CSV, XLSX, camt, …); exit code 1 if anything differs."""
    days = (first_day.date() if first_day else None, last_day.date() if last_day else None)
    with administered(roles.CHECKER, read_only=True) as (chosen, _):
        found = compare_file(
            url_of(chosen),
            chosen.secret,
            file,
            funds,
            related_only=related_only,
            days=days,
            choices=Choices(_named(columns), negative, paid_word, received_word, ignored),
            tolerance=tolerance,
            position=position,
        )
    if as_json:
        documents = [document(each) for each in found]
        say_json(documents[0] if len(documents) == 1 else {"funds": documents})
    else:
        for each in found:
            report(each)
    sys.exit(ExitCode.DIFFERS if any(each.exceptions for each in found) else ExitCode.DONE)


def _named(columns: Sequence[str]) -> dict[str, str]:
    named = dict(each.split("=", 1) for each in columns if "=" in each)
    if len(named) < len(columns) or not named.keys() <= HEADINGS.keys():
        raise click.ClickException(
            f"--column 须为 PART=HEADING it takes PART=HEADING; PART 可用 is one of {', '.join(HEADINGS)}"
        )
    return named


def compare_file(
    url: str,
    secret: bytes,
    file: Path,
    funds: Sequence[str],
    *,
    related_only: bool = False,
    days: tuple[date | None, date | None] = (None, None),
    choices: Choices | None = None,
    tolerance: int | None = None,
    position: int | None = None,
) -> list[Reconciliation]:
    """The comparison of the statement in `file` with the ledger of each of `funds` as of `position`; None is now.

    `days` and `choices` are those of reader.read, `tolerance` is that of comparison.reconcile. Raises ClickException if
    the two cannot be compared.
    """
    try:
        statement = read(bytes_of(file), choices or Choices(), lambda number: bank_account(secret, number), days)
    except StatementWrong as wrong:
        errors = (f"{where} {english} {chinese}".strip() for where, english, chinese in wrong.errors)
        raise click.ClickException("\n".join(errors)) from wrong
    pool = open_pool(url, size=1)
    try:
        with Reader(pool).at() as snapshot:
            for fund in dict.fromkeys(funds):
                _must_be_readable(snapshot, fund)
            if position is not None and position > snapshot.position:
                raise click.ClickException(
                    f"the ledger is only at position {snapshot.position} 账簿只到第 {snapshot.position} 号"
                )
            ledgers = [ledger_entries(snapshot, fund, statement, position) for fund in dict.fromkeys(funds)]
            related = {fund: related_to(snapshot, fund) for fund in funds} if related_only else None
    finally:
        pool.close()
    return reconcile(ledgers, statement, tolerance, related)


def _must_be_readable(snapshot: Snapshot, fund: str) -> None:
    if snapshot.one("funds", fund=fund) is None:
        raise click.ClickException(f"no such fund 没有此专项资金: {fund}")
    if fund in snapshot.held:
        at = snapshot.held[fund]["position"]
        raise click.ClickException(f"the fund is held at position {at} 该专项资金已暂停推算，止于日志第 {at} 号之前")


def report(found: Reconciliation) -> None:
    """Print the differences between statement and ledger as a table, and the number of lines that match."""
    statement = found.statement
    if found.exceptions:
        out.print(_table(found))
    matched = sum(len(each.lines) for each in found.matches)
    counts = f"{matched}/{len(statement.lines)} 行相符 lines match, {len(found.exceptions)} 项差异 exceptions"
    say(
        CROSS if found.exceptions else TICK,
        f"{statement.first_day} – {statement.last_day}: {counts}; 截至第 {found.ledger.position} 号事件",
    )
    if found.others:
        say(TICK, f"另有 {len(found.others)} 行不属于 {found.ledger.fund}，未列 lines of others left out")
    if found.foreign_numbers:
        say(TICK, f"对账单的编号为银行自编，未核对 numbers of the bank's own: {_parts(sorted(found.foreign_numbers))}")
    if statement.unchecked:
        say(CROSS, f"对账单没有以下各项，未核对 the statement lacks these, not compared: {_parts(statement.unchecked)}")


def _parts(names: Sequence[str]) -> str:
    """Parts of a line by their usual heading and their name."""
    return ", ".join(f"{HEADINGS[name][0]} {name}" for name in names)


def _table(found: Reconciliation) -> Table:
    table = Table(show_lines=True)
    for heading in ("差异 exception", "对账单 statement", "账簿 ledger"):
        table.add_column(heading, overflow="fold")
    rows = dict(enumerate(found.statement.rows, 1))
    for each in found.exceptions:
        kinds = "\n".join(f"[red]{WORDS[kind]}[/red] {kind}" for kind in each.differs)
        lines = "\n".join(escape(f"{place(line, rows, 1)}\n{_moved(line)}") for line in each.lines)
        table.add_row(kinds, lines, "\n".join(map(escape, _booked(each))))
    return table


def _booked(each: Pairing) -> Iterator[str]:
    if each.says:
        yield "\n".join(each.says[::-1])
    for entry in each.entries:
        yield f"{entry.payment or f'{entry.stream}@{entry.version}'}\n{_moved(entry)}"
    if each.twin:
        yield f"与第 {each.twin} 笔重复 repeats line {each.twin}"
    if each.settled:
        yield f"{each.settled.payment}\n其他期间已确认 settled by an accepted statement of another period"
    if each.pending:
        yield f"{each.pending.payment}\n已发出指令，待确认 instructed, not confirmed"


def _moved(each: Line | Entry) -> str:
    sign = "+" if each.direction is Direction.IN else "-"
    return f"{each.on} {sign}{each.amount}\n{each.payee or ''}".rstrip()
