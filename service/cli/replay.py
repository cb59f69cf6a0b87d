"""`suyuan replay`: computes the balances from an archive in another engine."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from service.archive.compare import Compared, compare, in_yuan
from service.archive.engines import ENGINES, engine
from service.archive.manifest import opened
from service.cli.archive_options import CHAIN, FROM, errors_as_messages, must_match, print_chain
from service.cli.terminal import AS_JSON, OF_LEDGER, administered, out, variables


@click.command("replay", epilog=variables(*OF_LEDGER, "SUYUAN_SOURCE"))
@FROM
@CHAIN
@click.option("--engine", "name", type=click.Choice(list(ENGINES)), default="duckdb", show_default=True)
@click.option("--offline", is_flag=True, help="compute only, without a database 只计算，不连接数据库")
@AS_JSON
def command(folder: Path, chain: str | None, name: str, *, offline: bool, as_json: bool) -> None:
    """用归档重算余额并比较。Compute the balances from an archive in another engine; compare them with the ledger."""
    with errors_as_messages():
        from service.archive.replay import balances  # noqa: PLC0415 - an extra

        archive = opened(folder, chain)
        rows = balances(engine(name), archive)
        if offline:
            document = {"position": archive.manifest.head, "rows": list(map(in_yuan, rows))}
            return click.echo(json.dumps(document, ensure_ascii=False, indent=1))
        with administered() as (chosen, conn):
            must_match(archive, chosen)
            compared = compare(conn, rows, archive.manifest.head)
    if as_json:
        click.echo(json.dumps(compared.document(), ensure_ascii=False, indent=1))
    else:
        _report(compared, name)
        print_chain(archive)
    sys.exit(1 if compared.differing else 0)


def _report(compared: Compared, name: str) -> None:
    shown = compared.document()["shown"]
    for each in shown:
        out.print(f"[red]{' / '.join(map(str, each['key']))}[/red]", soft_wrap=True)
        out.print(f" 账簿 live     {each['live']}\n 归档 archive  {each['replayed']}", soft_wrap=True)
    at = f"截至第 {compared.position} 号事件 as of this position, {name}"
    for fund in compared.held:
        out.print(f"[yellow]![/yellow] {fund}: 已暂停推算，未比较 held, not compared")
    if compared.differing:
        out.print(f"以上为前 {len(shown)} 行 these are the first rows that differ")
        out.print(f"[red]✗[/red] {compared.differing} 行不同 of {compared.rows} rows differ, {at}")
    else:
        out.print(f"[green]✓[/green] {compared.rows} 行余额一致 balances agree, {at}")
