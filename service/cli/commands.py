"""`suyuan`: the group of all commands, and the one place that turns errors into messages."""

from __future__ import annotations

import errno
import os
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from importlib import import_module
from typing import Any

import click
import psycopg

from projections import Changed
from projections.rebuild import AlreadyRunning
from service import __version__, config, supervisor
from service.cli import click_errors
from service.cli.terminal import HELP, Group
from service.config import ABOUT, ExitCode, OperatorError
from service.observability import logs
from service.text import escaped

COMMANDS = (
    "run", "serve", "projector", "checker", "migrate", "keys", "calendar", "load-plan", "reconcile", "check", "rebuild",
    "archive", "replay", "restore", "contract", "schema",
)  # fmt: skip
"""The names of the commands, in the order of the help. Each command is the attribute `command` of the module with its
name."""


class Commands(Group):
    """The group of all commands. The module of a command is imported only when that command is needed.

    No command has to wait for the imports of another.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def find_command(self, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = import_module(f"service.cli.{name.replace('-', '_')}").command
        return command


@click.group(
    cls=Commands,
    context_settings={"max_content_width": 120},
    epilog='\b\n命令补全 Shell completion (bash, zsh, fish):\n  eval "$(_SUYUAN_COMPLETE=bash_source suyuan)"',
)
@click.version_option(__version__, "-V", "--version", message="suyuan %(version)s", help="显示版本 show the version")
@HELP
def cli() -> None:
    """溯元：专项资金账簿，每一分钱都能追溯到来源。

    Suyuan: a ledger of special funds that traces every fen to its source.
    """
    config.accept_handed_over()
    logs.configure()
    supervisor.on_stop_signal(_interrupt)  # so that started processes are stopped in order


REASONS = {
    errno.ENOENT: "没有此文件或文件夹",
    errno.ENOTDIR: "不是文件夹",
    errno.EEXIST: "已有同名文件，不是文件夹",
    errno.EISDIR: "是文件夹，不是文件",
    errno.EACCES: "无权访问",
    errno.EPERM: "不允许",
    errno.EROFS: "文件系统只读",
    errno.ENOSPC: "磁盘已满",
    errno.EDQUOT: "磁盘配额已满",
    errno.EIO: "读写出错",
    errno.ENAMETOOLONG: "名称过长",
    errno.ELOOP: "符号链接循环",
    errno.EMFILE: "打开的文件过多",
}
"""The meaning, in Chinese, of the system's most frequent errors, by number. The system has English messages only."""


def _of_system(error: OSError) -> str:
    file = f"{escaped(str(error.filename))}: " if error.filename else ""
    return f"{file}{REASONS.get(error.errno or 0, '系统错误')} {error.strerror or error}"


def _not_utf8(error: UnicodeError) -> str:
    given = {**{name: os.environ.get(name, "") for name in ABOUT}, **{text: text for text in sys.argv[1:]}}
    names = ", ".join(name for name, text in given.items() if text != text.encode(errors="replace").decode())
    return f"不是 UTF-8 文本 is not UTF-8 text: {names or error}"


DATABASE_REASONS = {
    "53100": "数据库服务器磁盘已满，请腾出空间后重试 the disk of the database server is full: make room, try again",
    "53300": "数据库的连接已用完，稍后再试 the database has no connections left: try again later",
    "53": "数据库服务器资源不足 the database server lacks a resource",
    "55P03": "有会话占用所需的表，未能取得锁，请重试 a session uses a table, so no lock was granted: try again",
    "57014": "数据库中止了语句 the database canceled a statement",
    "08": "数据库连接中断 the connection to the database was lost",
    "57P": "数据库中止了会话 the database has ended the session",
}
"""What an operator reads about an error of PostgreSQL, by the beginning of its SQLSTATE; the first that matches."""


def _of_database(error: psycopg.OperationalError) -> str:
    """The message about an error that the database has reported, or about a database that cannot be reached."""
    state = error.sqlstate
    if state is None:
        reason = "数据库无法连接 cannot connect to the database"
    else:
        failed = "数据库报告错误 the database reports an error"
        reason = next((text for start, text in DATABASE_REASONS.items() if state.startswith(start)), failed)
    return "\n".join([f"{reason}: {error}".rstrip(), *getattr(error, "__notes__", ())])


MESSAGES: dict[type[Exception], Callable[[Any], str]] = {
    OperatorError: str,
    Changed: str,
    AlreadyRunning: str,
    psycopg.errors.InsufficientPrivilege: lambda e: f"数据库角色权限不足 the database role lacks a privilege: {e}",
    psycopg.errors.ReadOnlySqlTransaction: lambda e: f"数据库只读 the database is read-only: {e}",
    psycopg.OperationalError: _of_database,
    OSError: _of_system,
    UnicodeError: _not_utf8,
}
"""For each type of error that the operator can fix: a function from the error to the message that is printed instead of
a traceback."""


def run_command() -> None:
    """Run the command that the program's arguments name, and end the process with the command's exit code.

    Errors that the operator can fix are reported without a traceback.
    """
    for stream in (sys.stdout, sys.stderr):  # a terminal in GBK or ASCII shows `?` for other characters
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    sys.exit(_flushed(_exit_code()))


def _exit_code() -> int:
    stdout = sys.stdout
    try:
        try:
            cli(prog_name="suyuan", standalone_mode=False)
        finally:
            supervisor.on_stop_signal(signal.SIG_DFL)  # nothing is left to stop: no traceback while Python ends
    except (click.exceptions.Abort, KeyboardInterrupt):
        return ExitCode.INTERRUPTED
    except SystemExit as end:
        # On a closed pipe both end the process with 1: click, which replaces the stream, and rich.
        closed = sys.stdout is not stdout or isinstance(end.__context__, BrokenPipeError)
        return ExitCode.PIPE_CLOSED if closed else int(end.code or ExitCode.DONE)
    except BrokenPipeError:
        return ExitCode.PIPE_CLOSED
    except click.ClickException as error:
        _print_error(partial(click_errors.show, error))
    except Exception as error:  # noqa: BLE001 - an unexpected one too must not look like a finding
        kinds = (message for kind, message in MESSAGES.items() if isinstance(error, kind))
        message = next(kinds, lambda _: traceback.format_exc())(error)
        _print_error(lambda: click.echo(message, err=True))
        return getattr(error, "exit_code", ExitCode.NOT_DONE)
    else:
        return ExitCode.DONE
    return ExitCode.NOT_DONE


def _print_error(show: Callable[[], object]) -> None:
    with suppress(OSError):  # standard error may be full or closed too
        show()


def _flushed(code: int) -> int:
    """Flush standard output and standard error, and return the exit code with which the process must end.

    This is `code`, unless `code` is 0 and a stream cannot be written: then it is PIPE_CLOSED or NOT_DONE. A stream that
    cannot be written is redirected to /dev/null; otherwise Python would print an error when it exits.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError as error:
            code = code or (ExitCode.PIPE_CLOSED if isinstance(error, BrokenPipeError) else ExitCode.NOT_DONE)
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    return code


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
