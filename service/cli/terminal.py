"""What every command needs: where it prints, and the database it works on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
import psycopg
from psycopg.rows import dict_row
from rich.console import Console

from service import config
from service.access import keys
from service.config import Config
from service.database import database
from service.migrate import check_migrated, migrate

out = Console()


@contextmanager
def opened_database(*, new: bool = False) -> Iterator[tuple[Config, psycopg.Connection[dict[str, Any]]]]:
    """A connection to the database; also while `suyuan run` has it. An embedded one is brought up to date first.

    `new`: it is made where there is none. Else that is an error: nobody is told that all is well in a mistyped folder.
    """
    settings = config.from_environment()
    if settings.database_url is None and not new and not (settings.home / "postgres").exists():
        home = settings.home.resolve()
        raise click.ClickException(
            f"there is no ledger in {home}: set SUYUAN_HOME or DATABASE_URL\n"
            f"{home} 中没有账簿，请设置 SUYUAN_HOME 或 DATABASE_URL"
        )
    with database(settings, join=True) as chosen:
        if settings.database_url is None:
            migrate(url_of(chosen))
        with connect(url_of(chosen)) as conn:
            check_migrated(conn)
            yield chosen, conn


@contextmanager
def administered(*, new: bool = False) -> Iterator[tuple[Config, psycopg.Connection[dict[str, Any]]]]:
    """The same, by who has the database's secret."""
    with opened_database(new=new) as (chosen, conn):
        keys.check_secret(conn, chosen.secret)
        yield chosen, conn


def connect(url: str) -> psycopg.Connection[dict[str, Any]]:
    return psycopg.connect(url, autocommit=True, row_factory=dict_row)


def url_of(chosen: Config) -> str:
    assert chosen.database_url is not None
    return chosen.database_url
