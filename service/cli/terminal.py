"""What every command needs: its output, its help, and the ledger it works on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click
import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, ProgressColumn

from service import config
from service.auth import api_keys
from service.config import ABOUT, Config
from service.postgres import session
from service.postgres.connect import database
from service.postgres.migrate import check_migrated, migrate

PIPE_WIDTH = 1_000
"""The width of a table that is written to a file or a pipe, so that no cell is cut or wrapped."""


def _console(*, stderr: bool = False) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, width=None if stream.isatty() else PIPE_WIDTH)


out, err = _console(), _console(stderr=True)


class Group(click.Group):
    """A group that lists its commands with their whole first line, in both languages."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands in the order in which they were added, without cutting their lines."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [(name, command.get_short_help_str(limit=1_000)) for name, command in commands if command]
        with formatter.section("Commands 命令"):
            formatter.write_dl(rows)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


OF_LEDGER = ("SUYUAN_HOME", "DATABASE_URL", "SUYUAN_SECRET", "SUYUAN_SECRET_FILE")
"""The environment variables from which a command gets the ledger and its secret."""
SERVING = ("HOST", "PORT", "SUYUAN_SOURCE", "SUYUAN_RATE", "SUYUAN_OIDC")
"""The environment variables that the web service reads too."""


def variables(*names: str) -> str:
    """The end of a command's help: the environment variables that it reads."""
    rows = "\n".join(f"  {name:20} {ABOUT[name]}" for name in names)
    return f"\b\nEnvironment 环境变量:\n{rows}"


AS_JSON: Callable[[Any], Any] = click.option(
    "--json", "as_json", is_flag=True, help="print JSON for programs 供程序读取"
)
NEW: Callable[[Any], Any] = click.option("--new", is_flag=True, help="create a ledger if there is none 没有账簿时新建")


@contextmanager
def opened_database(*, new: bool = False) -> Iterator[tuple[Config, psycopg.Connection[dict[str, Any]]]]:
    """A connection to the ledger's database, even while `suyuan run` uses it. Prints the ledger's location to stderr.

    If there is no ledger, it is created if `new`, otherwise ConfigWrong is raised: a command in the wrong folder must
    neither create a second ledger nor report that an empty one is sound. Raises MigrationsPending for the ledger of an
    older version, which only `suyuan migrate` and `suyuan run` change.
    """
    settings = config.from_environment(new=new)
    with database(settings, join=True) as chosen:
        err.print(f"[dim]账簿 ledger: {escape(location(settings))}[/dim]", soft_wrap=True, highlight=False)
        if settings.database_url is None and new and _is_empty(url_of(chosen)):
            migrate(url_of(chosen))
        with connect(url_of(chosen)) as conn:
            check_migrated(conn)
            yield chosen, conn


def _is_empty(url: str) -> bool:
    """Whether the database has no table of a ledger yet."""
    with connect(url) as conn:
        row = conn.execute("select to_regclass('migration') is null as empty").fetchone()
    return bool(row and row["empty"])


def location(settings: Config) -> str:
    """Where the ledger is: its folder, or the server and database without the password."""
    parts = conninfo_to_dict(settings.database_url or "")
    host = str(parts.get("host") or "localhost")
    if settings.database_url is None or host.startswith(str(settings.home)):
        return str(settings.home)
    return f"{host}:{parts.get('port') or 5432}/{parts.get('dbname') or ''}"


@contextmanager
def administered(*, new: bool = False) -> Iterator[tuple[Config, psycopg.Connection[dict[str, Any]]]]:
    """Like opened_database, but also checks that the configured secret is the ledger's."""
    with opened_database(new=new) as (chosen, conn):
        api_keys.check_secret(conn, chosen.secret)
        yield chosen, conn


class NotDone(click.ClickException):
    """The command failed. Its exit code differs from that of a comparison that found differences."""

    exit_code = 2


def connect(url: str) -> psycopg.Connection[dict[str, Any]]:
    return session.connect(url, session.COMMANDS, row_factory=dict_row)


def url_of(chosen: Config) -> str:
    assert chosen.database_url is not None
    return chosen.database_url


def progress(*columns: ProgressColumn, console: Console) -> Progress:
    """A progress display, which prints nothing if the output is not a terminal."""
    return Progress(*columns, console=console, disable=not console.is_terminal)
