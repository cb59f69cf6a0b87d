"""`suyuan restore`: fills an empty database from an archive."""

from __future__ import annotations

from pathlib import Path

import click

from service.archive.manifest import opened
from service.auth import api_keys
from service.cli.archive_options import (
    CHAIN,
    FROM,
    bar,
    errors_as_messages,
    must_have_secret_of,
    must_match,
    print_chain,
)
from service.cli.terminal import TICK, opened_database, out, say, variables
from service.config import OF_EVENTS, OF_LEDGER, configured_secret
from service.postgres.connect import url_of
from service.workers import projector


@click.command("restore", epilog=variables(*OF_LEDGER, *OF_EVENTS))
@FROM
@CHAIN
def command(folder: Path, chain: str | None) -> None:
    """从归档恢复。Fill an empty database from an archive, with the same positions and hashes."""
    with errors_as_messages():
        from service.archive.restore import restore  # noqa: PLC0415 - an extra

        archive = opened(folder, chain)
        must_have_secret_of(archive, configured_secret())  # before anything is created
        with opened_database(new=True, variables=OF_EVENTS) as (chosen, conn):
            must_match(archive, chosen)
            with bar("恢复 restoring", out) as on_progress, conn.transaction():
                api_keys.claim_secret(conn, chosen.secret)
                restore(conn, archive, on_progress)
            with out.status("推算各表 folding the tables"):
                projector.catch_up(url_of(chosen))
    print_chain(archive)
    say(TICK, f"已恢复 restored: {archive.manifest.head} 个事件 events; 密钥须重新发放 issue new keys")
