"""`suyuan replay`: computes the balances from an archive in another engine."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.text import Text

from service.archive.compare import Compared, compare, in_yuan
from service.archive.engines import ENGINES, engine
from service.archive.manifest import opened
from service.cli.archive_options import CHAIN, FROM, errors_as_messages, must_match, print_chain
from service.cli.terminal import AS_JSON, CROSS, TICK, administered, say, say_json, variables
from service.config import OF_EVENTS, OF_LEDGER, ExitCode
from service.postgres import roles


@click.command("replay", epilog=variables(*OF_LEDGER, *OF_EVENTS))
@FROM
@CHAIN
@click.option(
    "--engine",
    "name",
    type=click.Choice(list(ENGINES)),
    default="duckdb",
    show_default=True,
    help="what computes the balances 计算引擎",
)
@click.option("--offline", is_flag=True, help="compute only, without a database 只计算，不连接数据库")
@AS_JSON
def command(folder: Path, chain: str | None, name: str, *, offline: bool, as_json: bool) -> None:
    """用归档重算余额并比较。Compute the balances from an archive in another engine; compare them with the ledger."""
    with errors_as_messages():
        from service.archive.replay import balances  # noqa: PLC0415 - an extra

        archive = opened(folder, chain)
        rows = balances(engine(name), archive)
        if offline:
            return say_json({"position": archive.manifest.head, "rows": list(map(in_yuan, rows))})
        with administered(roles.CHECKER, read_only=True, variables=OF_EVENTS) as (chosen, conn):
            must_match(archive, chosen)
            compared = compare(conn, rows, archive.manifest.head)
    if as_json:
        say_json(compared.document())
    else:
        _report(compared, name)
        print_chain(archive)
    sys.exit(ExitCode.DIFFERS if compared.differing else ExitCode.DONE)


def _report(compared: Compared, name: str) -> None:
    shown = compared.document()["shown"]
    for each in shown:
        say(Text(" / ".join(map(str, each["key"])), "red"))
        say(f" 账簿 live     {each['live']}\n 归档 archive  {each['replayed']}")
    at = f"截至第 {compared.position} 号事件 as of this position, {name}"
    for fund in compared.held:
        say(Text("!", "yellow"), f"{fund}: 已暂停推算，未比较 held, not compared")
    if compared.differing:
        say(f"以上为前 {len(shown)} 行 these are the first rows that differ")
        say(CROSS, f"{compared.differing} 行不同 of {compared.rows} rows differ, {at}")
    else:
        say(TICK, f"{compared.rows} 行余额一致 balances agree, {at}")
