"""What every command needs: its output, its help, and the ledger it works on."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import click
import psycopg
from psycopg.rows import dict_row
from rich.console import Console
from rich.progress import Progress, ProgressColumn
from rich.text import Text

from service import config
from service.auth import api_keys
from service.config import ABOUT, Config
from service.postgres import roles, session
from service.postgres.connect import database, for_role, url_of
from service.postgres.embedded import socket_folder
from service.postgres.migrate import check_migrated, migrate

PIPE_WIDTH = 1_000_000
"""The width of a table that is written to a file or a pipe, so that no cell is cut or wrapped."""


def _console(*, stderr: bool = False) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, width=None if stream.isatty() else PIPE_WIDTH, emoji=False)


out, err = _console(), _console(stderr=True)

TICK, CROSS, NOTE = Text("✓", "green"), Text("✗", "red"), Text("·", "yellow")
"""TICK begins a line that says what a command has done; CROSS one that says that something differs; NOTE one that says
what is still to be done."""


def say(*parts: str | Text, console: Console = out) -> None:
    """Print a line without interpreting rich's markup: a folder's name, for example, may contain brackets."""
    console.print(*parts, soft_wrap=True, highlight=False, markup=False)


def say_json(document: Any) -> None:
    """Print `document` as JSON, for programs. Dates and times are written as in ISO 8601."""
    click.echo(json.dumps(document, ensure_ascii=False, indent=1, default=_as_json))


def _as_json(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)  # a datetime is a date too


def say_key(key: str) -> None:
    """Print a new key. Raises ClickException if standard output is closed.

    Call this before the transaction that creates the key is committed: a key that cannot be shown must not be created.
    """
    if sys.__stdout__ is None:
        raise click.ClickException(
            "标准输出已关闭，密钥无法显示，未作改动 standard output is closed: nothing was changed"
        )
    say(key)


HELP = click.help_option("-h", "--help", help="显示帮助 show this help")


class Group(click.Group):
    """A group of commands. Its help lists each command with the whole first line of the command's help.

    The option --help is described in both languages.
    """

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        command = self.find_command(cmd_name)
        if command and not any("--help" in parameter.opts for parameter in command.params):
            HELP(command)
        return command

    def find_command(self, name: str) -> click.Command | None:
        return self.commands.get(name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands in the order in which they were added, without cutting their lines."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [(name, command.get_short_help_str(limit=1_000)) for name, command in commands if command]
        with formatter.section("Commands 命令"):
            formatter.write_dl(rows)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


def variables(*names: str) -> str:
    """The last section of a command's help: the environment variables `names`, which the command reads."""
    rows = "\n".join(f"  {name:20} {ABOUT[name]}" for name in names)
    return f"\b\nEnvironment 环境变量:\n{rows}"


AS_JSON: Callable[[Any], Any] = click.option(
    "--json", "as_json", is_flag=True, help="print JSON for programs 供程序读取"
)
PATH = click.Path(path_type=Path)
"""The type of an argument that is a file or folder. Whether the path can be used is checked only when it is opened;
errors are then reported in both languages."""
NEW: Callable[[Any], Any] = click.option("--new", is_flag=True, help="create a ledger if there is none 没有账簿时新建")


@contextmanager
def opened_database(
    role: str = roles.OWNER, *, new: bool = False, variables: Collection[str] = ()
) -> Iterator[tuple[Config, psycopg.Connection[dict[str, Any]]]]:
    """Context manager: the configuration, and a connection to the ledger's database, even while `suyuan run` uses it.

    Prints the ledger's location to stderr. `role`: the database role that may do what the command does. `variables`:
    the environment variables that the command uses, besides those of the ledger.

    `new`: create a ledger in SUYUAN_HOME if DATABASE_URL is not set and SUYUAN_HOME has no ledger. Without `new`,
    raises ConfigWrong in this case: a command in the wrong folder must neither create a second ledger nor report that
    an empty ledger is sound. Raises MigrationsPending if the database lacks migrations of this program, because only
    `suyuan migrate` and `suyuan run` apply migrations to an existing ledger.
    """
    settings = config.from_environment(new=new, variables=variables)
    with database(settings, role, join=True) as chosen, connect(url_of(chosen)) as conn:
        say_ledger(settings, conn)
        if settings.database_url is None and new and not is_set_up(conn, "migration"):
            migrate(url_of(for_role(chosen, roles.OWNER)))
        check_migrated(conn)
        yield chosen, conn


def is_set_up(conn: psycopg.Connection[dict[str, Any]], table: str) -> bool:
    """Whether the database has this table of a ledger yet."""
    row = conn.execute("select to_regclass(%s) is not null as exists", [table]).fetchone()
    return bool(row and row["exists"])


def say_ledger(settings: Config, conn: psycopg.Connection[Any]) -> None:
    say(Text(f"账簿 ledger: {location(settings, conn)}", "dim"), console=err)


def location(settings: Config, conn: psycopg.Connection[Any]) -> str:
    """Where the ledger is: its folder, or the server and database that libpq connected to."""
    if conn.info.host == str(socket_folder(settings.home / "postgres")):
        return str(settings.home)
    return f"{conn.info.host}:{conn.info.port}/{conn.info.dbname}"


@contextmanager
def administered(
    role: str = roles.OWNER, *, new: bool = False, read_only: bool = False, variables: Collection[str] = ()
) -> Iterator[tuple[Config, psycopg.Connection[dict[str, Any]]]]:
    """Like opened_database, but raises OtherSecret if the ledger's secret is not the configured secret.

    A ledger without a secret gets the configured secret, unless `read_only`. With `read_only`, nothing can be written
    on the connection, so the database may be a standby.
    """
    with opened_database(role, new=new, variables=variables) as (chosen, conn):
        if read_only:
            conn.execute("set default_transaction_read_only = on")
            api_keys.check_secret(conn, chosen.secret)
        else:
            claim_secret(chosen, conn)
        yield chosen, conn


def claim_secret(chosen: Config, conn: psycopg.Connection[Any]) -> None:
    """Give the ledger the configured secret, as its owner, if it has none. Raises OtherSecret and NoSecret."""
    if not api_keys.check_secret(conn, chosen.secret):
        with connect(url_of(for_role(chosen, roles.OWNER))) as owner:
            api_keys.claim_secret(owner, chosen.secret)


def connect(url: str) -> psycopg.Connection[dict[str, Any]]:
    return session.connect(url, session.COMMANDS, row_factory=dict_row)


def progress(*columns: ProgressColumn, console: Console) -> Progress:
    """A progress display, which prints nothing if the output is not a terminal."""
    return Progress(*columns, console=console, disable=not console.is_terminal)
