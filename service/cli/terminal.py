"""What every command needs: where it prints, and the database it works on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

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
def opened_database() -> Iterator[tuple[Config, psycopg.Connection[dict[str, Any]]]]:
    """A connection to the database; also while `suyuan run` has it. An embedded one is brought up to date first."""
    settings = config.from_environment()
    with database(settings, join=True) as chosen:
        if settings.database_url is None:
            migrate(url_of(chosen))
        with connect(url_of(chosen)) as conn:
            check_migrated(conn)
            yield chosen, conn


@contextmanager
def administered() -> Iterator[tuple[Config, psycopg.Connection[dict[str, Any]]]]:
    """The same, by who has the database's secret."""
    with opened_database() as (chosen, conn):
        keys.check_secret(conn, chosen.secret)
        yield chosen, conn


def connect(url: str) -> psycopg.Connection[dict[str, Any]]:
    return psycopg.connect(url, autocommit=True, row_factory=dict_row)


def url_of(chosen: Config) -> str:
    assert chosen.database_url is not None
    return chosen.database_url
