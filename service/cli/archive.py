"""The commands of the archive: write it, compute the balances from it, and bring a database back. 归档与恢复。"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from service import projector
from service.access import keys
from service.archive.compare import Compared, compare, in_yuan
from service.archive.engines import ENGINES, EngineMissing, engine
from service.archive.manifest import Archive, ArchiveWrong, empty, opened
from service.cli.terminal import administered, opened_database, out, url_of
from service.config import Config

FROM = click.option(
    "--from", "folder", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path), help="归档目录"
)


class _Undone(click.ClickException):
    """It could not be done: another exit code than that of balances that differ."""

    exit_code = 2


@contextmanager
def _said_plainly() -> Iterator[None]:
    """What a person can mend, in a sentence."""
    try:
        yield
    except (ArchiveWrong, EngineMissing, OSError) as error:
        raise _Undone(str(error)) from error
    except ImportError as error:
        raise _Undone(str(EngineMissing("archive"))) from error


CHAIN = click.option("--chain", metavar="SHA256", help="what its chain must be, if you kept it 归档的链值")


@contextmanager
def _progress(name: str, console: Console) -> Iterator[Callable[[int, int], None]]:
    columns = (
        TextColumn(name), BarColumn(), TextColumn("{task.completed:,.0f}/{task.total:,.0f}"), TimeElapsedColumn(),
        TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(name, total=1)
        yield lambda done, total: progress.update(task, completed=done, total=total)


@click.command("archive")
@click.option("--to", "folder", required=True, type=click.Path(file_okay=False, path_type=Path), help="归档目录")
@click.option("--segment", "size", type=click.IntRange(1), default=100_000, help="events in a file 每个文件的事件数")
def archive_(folder: Path, size: int) -> None:
    """Add what is new in the log to an archive of Parquet files, with hashes. 把日志归档为 Parquet 文件。"""
    with _said_plainly(), administered() as (chosen, conn):
        from service.archive.write import archive  # noqa: PLC0415 - an extra

        with _progress("归档 archiving", out) as told:
            written = archive(conn, folder, empty(chosen.source, keys.fingerprint(chosen.secret)), size, told)
    manifest = written.manifest
    out.print(f"[green]✓[/green] {len(manifest.segments)} 个文件 files, 截至第 {manifest.head} 号事件 events")
    _tell_chain(written)


@click.command("replay")
@FROM
@CHAIN
@click.option("--engine", "name", type=click.Choice(list(ENGINES)), default="duckdb", show_default=True)
@click.option("--offline", is_flag=True, help="compute only, without a database 只计算，不连接数据库")
@click.option("--json", "as_json", is_flag=True, help="for programs 供程序读取")
def replay_(folder: Path, chain: str | None, name: str, *, offline: bool, as_json: bool) -> None:
    """Compute the balances from an archive in another engine, and compare them with the live. 用归档重算余额。"""
    with _said_plainly():
        from service.archive.replay import balances  # noqa: PLC0415 - an extra

        archive = opened(folder, chain)
        rows = balances(engine(name), archive)
        if offline:
            told = {"position": archive.manifest.head, "rows": list(map(in_yuan, rows))}
            return click.echo(json.dumps(told, ensure_ascii=False, indent=1))
        with administered() as (chosen, conn):
            _must_be_of(archive, chosen)
            compared = compare(conn, rows, archive.manifest.head)
    if as_json:
        click.echo(json.dumps(compared.document(), ensure_ascii=False, indent=1))
    else:
        _tell(compared, name)
        _tell_chain(archive)
    sys.exit(1 if compared.differing else 0)


def _tell(compared: Compared, name: str) -> None:
    shown = compared.document()["shown"]
    for each in shown:
        out.print(f"[red]{' / '.join(map(str, each['key']))}[/red]", soft_wrap=True)
        out.print(f" 账簿 live     {each['live']}\n 归档 archive  {each['replayed']}", soft_wrap=True)
    at = f"截至第 {compared.position} 号事件 as of that position, {name}"
    if compared.differing:
        out.print(f"以上为前 {len(shown)} 行 the first rows that differ")
        out.print(f"[red]✗[/red] {compared.differing} 行不同 of {compared.rows} rows differ, {at}")
    else:
        out.print(f"[green]✓[/green] {compared.rows} 行余额一致 balances agree, {at}")


def _must_be_of(archive: Archive, chosen: Config) -> None:
    if archive.manifest.secret != keys.fingerprint(chosen.secret):
        raise ArchiveWrong("It was written under another secret: set SUYUAN_SECRET. 归档使用的是另一密钥。")
    if archive.manifest.source != chosen.source:
        raise ArchiveWrong(f"It is of {archive.manifest.source}: set SUYUAN_SOURCE. 请设置 SUYUAN_SOURCE。")


def _tell_chain(archive: Archive) -> None:
    out.print(f"chain {archive.manifest.chain}", soft_wrap=True)


@click.command("restore")
@FROM
@CHAIN
def restore_(folder: Path, chain: str | None) -> None:
    """Fill an empty database from an archive: the same positions and hashes, and the tables folded. 从归档恢复。"""
    with _said_plainly():
        from service.archive.restore import restore  # noqa: PLC0415 - an extra

        archive = opened(folder, chain)
        with opened_database(new=True) as (chosen, conn):
            _must_be_of(archive, chosen)
            with _progress("恢复 restoring", out) as told, conn.transaction():
                keys.check_secret(conn, chosen.secret)
                restore(conn, archive, told)
            with out.status("推算各表 folding the tables"):
                projector.catch_up(url_of(chosen))
    _tell_chain(archive)
    out.print(f"[green]✓[/green] 已恢复 restored: {archive.manifest.head} 个事件 events; 密钥须重新发放 make keys anew")
