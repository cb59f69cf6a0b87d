"""`suyuan migrate`: brings the database's tables up to date."""

from __future__ import annotations

import click

from service import config
from service.auth import api_keys
from service.cli import rebuild_progress
from service.cli.terminal import connect, err, say, say_ledger, url_of, variables
from service.config import OF_LEDGER
from service.postgres.connect import database
from service.postgres.migrate import migrate


@click.command("migrate", epilog=variables(*OF_LEDGER))
def command() -> None:
    """升级数据库结构，重建 SQL 已更改的投影；没有账簿时新建。

    Bring the tables up to date, and rebuild the projections whose SQL has changed. Create a ledger if there is none.
    """
    settings = config.from_environment(new=True, variables=())
    with database(settings, join=True) as chosen, connect(url_of(chosen)) as conn:
        say_ledger(settings, conn)
        for migration in (migrated := migrate(url_of(chosen))):
            say(migration)
        api_keys.claim_secret(conn, chosen.secret)
        for projection in (rebuilt := rebuild_progress.run_changed(url_of(chosen), err)):
            say(f"已重建 rebuilt {projection}")
        if not (migrated or rebuilt):
            say("已是最新 up to date")
