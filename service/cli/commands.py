"""`suyuan`: the group of all commands, and the one place that turns errors into messages."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

import click
import psycopg

from projections import Changed
from service import __version__
from service.cli.terminal import Group
from service.config import OperatorError
from service.observability import logs

COMMANDS = (
    "run", "serve", "projector", "migrate", "keys", "calendar", "load-plan", "reconcile", "check", "rebuild", "archive",
    "replay", "restore", "contract", "schema",
)  # fmt: skip
"""In the order of the help. Each is `command` of the module of its name."""


class Commands(Group):
    """Imports the module of a command when it is asked for: no command waits for the imports of another."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"service.cli.{cmd_name.replace('-', '_')}").command
        return command


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
    epilog='命令补全 Shell completion (bash, zsh, fish): eval "$(_SUYUAN_COMPLETE=bash_source suyuan)"',
)
@click.version_option(__version__, "-V", "--version", message="suyuan %(version)s")
def cli() -> None:
    """溯元：专项资金账簿，每一分钱都能追溯到来源。

    Suyuan: a ledger of special funds that traces every fen to its source.
    """
    logs.configure()
    signal.signal(signal.SIGTERM, _interrupt)  # so that started processes are stopped in order


MESSAGES: dict[type[Exception], Callable[[Any], str]] = {
    OperatorError: str,
    Changed: str,
    psycopg.errors.InsufficientPrivilege: lambda e: f"数据库角色权限不足 the database role lacks a privilege: {e}",
    psycopg.OperationalError: lambda e: f"数据库无法连接 cannot connect to the database: {e}",
    NotADirectoryError: lambda e: f"{e.filename}: 不是文件夹 it is not a folder (SUYUAN_HOME?)",
    FileExistsError: lambda e: f"{e.filename}: 已有同名文件，不是文件夹 it exists and is not a folder (SUYUAN_HOME?)",
    FileNotFoundError: lambda e: f"{e.filename}: 没有此文件或文件夹 there is no such file or folder",
    IsADirectoryError: lambda e: f"{e.filename}: 是文件夹，不是文件 it is a folder, not a file",
    PermissionError: lambda e: f"{e.filename}: 无权访问 permission denied (SUYUAN_HOME?)",
}
"""Errors that the operator can fix, and what is printed in place of a traceback."""


def run_command() -> None:
    """Run the command named by the arguments. Errors that the operator can fix are reported without a traceback."""
    for stream in (sys.stdout, sys.stderr):  # a terminal in GBK or ASCII shows `?` for other characters
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        cli(prog_name="suyuan", standalone_mode=False)
    except (click.exceptions.Abort, KeyboardInterrupt):
        sys.exit(130)
    except BrokenPipeError:  # the reading end of a pipe was closed
        sys.stderr.close()
        sys.exit(141)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except tuple(MESSAGES) as error:
        sys.exit(next(message for kind, message in MESSAGES.items() if isinstance(error, kind))(error))


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
