"""`suyuan migrate`: brings the database's tables up to date."""

from __future__ import annotations

import click
from rich.markup import escape

from service import config
from service.auth import api_keys
from service.cli.terminal import OF_LEDGER, connect, err, location, out, url_of, variables
from service.postgres.connect import database
from service.postgres.migrate import migrate


@click.command("migrate", epilog=variables(*OF_LEDGER))
def command() -> None:
    """升级数据库结构；没有账簿时新建。Bring the tables up to date; create a ledger if there is none."""
    settings = config.from_environment(new=True)
    with database(settings, join=True) as chosen:
        err.print(f"[dim]账簿 ledger: {escape(location(settings))}[/dim]", soft_wrap=True, highlight=False)
        applied = migrate(url_of(chosen))
        for name in applied:
            out.print(name)
        if not applied:
            out.print("已是最新 up to date")
        with connect(url_of(chosen)) as conn:
            api_keys.check_secret(conn, chosen.secret)
