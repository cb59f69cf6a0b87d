"""`suyuan migrate`: brings the database's tables up to date."""

from __future__ import annotations

import click

from service import config
from service.cli.rebuild_progress import say_held
from service.cli.terminal import connect, err, out, say, say_ledger, variables
from service.cli.upgrade import upgrade
from service.config import OF_LEDGER
from service.postgres.connect import database, url_of


@click.command("migrate", epilog=variables(*OF_LEDGER))
def command() -> None:
    """升级数据库结构，重建新增或 SQL 已更改的投影；没有账簿时新建。

    Bring the tables up to date, and rebuild the projections that are new or whose SQL has changed. Create a ledger if
    there is none.
    """
    settings = config.from_environment(new=True, variables=())
    with database(settings, join=True) as chosen, connect(url_of(chosen)) as conn:
        say_ledger(settings, conn)
        upgraded = upgrade(chosen, conn, err)
        for migration in upgraded.migrations:
            say(migration)
        for projection in upgraded.projections:
            say(f"已重建 rebuilt {projection}")
        say_held(upgraded.held, out)
        if not (upgraded.migrations or upgraded.projections):
            say("已是最新 up to date")
