"""`suyuan archive`: writes the log to Parquet files."""

from __future__ import annotations

from pathlib import Path

import click

from service.archive.manifest import empty
from service.auth import api_keys
from service.cli.archive_options import bar, errors_as_messages, print_chain
from service.cli.terminal import PATH, TICK, administered, out, say, variables
from service.config import OF_EVENTS, OF_LEDGER
from service.postgres import roles


@click.command("archive", epilog=variables(*OF_LEDGER, *OF_EVENTS))
@click.option(
    "--to",
    "folder",
    required=True,
    type=PATH,
    help="the archive's folder 归档目录",
)
@click.option("--segment", "size", type=click.IntRange(1), default=100_000, help="events per file 每个文件的事件数")
def command(folder: Path, size: int) -> None:
    """把日志归档为 Parquet 文件。Append the new events to an archive of Parquet files, with hashes."""
    with errors_as_messages(), administered(roles.CHECKER, read_only=True, variables=OF_EVENTS) as (chosen, conn):
        from service.archive.write import archive  # noqa: PLC0415 - an extra

        with bar("归档 archiving", out) as on_progress:
            start = empty(chosen.source, api_keys.fingerprint(chosen.secret))
            written = archive(conn, folder, start, size, on_progress)
    manifest = written.manifest
    say(TICK, f"{len(manifest.segments)} 个文件 files, 截至第 {manifest.head} 号事件 events")
    print_chain(written)
