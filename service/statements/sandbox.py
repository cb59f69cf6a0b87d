"""A file of strangers read in a process of its own: whatever it is made of, it takes only so much time and memory.

`python -m service.statements.sandbox` reads a request and a file from its standard input, and writes the statement, or
what is wrong with it. Account numbers come back as they stand, for the service alone knows the secret of their digests.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import traceback
from collections.abc import Mapping
from datetime import date
from threading import BoundedSemaphore
from typing import Any

import msgspec
import structlog
from msgspec.structs import replace

from domain.money import Money
from domain.state.entities import BankAccount
from domain.tie_out import Line
from service.statements.cells import AccountOf
from service.statements.reader import Days
from service.statements.reader import read as read_here
from service.statements.statement import Error, Statement, StatementWrong

log = structlog.get_logger()

MEMORY_BYTES = 512 * 1024 * 1024
PROCESSOR_SECONDS = 8
PATIENCE_SECONDS = 30
"""After which a process is given up that others keep from the processor."""
_PLACES, WAIT_SECONDS = BoundedSemaphore(2), 2
"""How many files are read at a time, and how long the next one waits: it holds a thread."""
PASSED_ON = ("PATH", "PYTHONPATH", "HOME", "LANG", "LC_ALL", "VIRTUAL_ENV")
"""The variables that the process gets: none that holds a secret."""
WHOLE = "whole"
"""In place of a digest: `last4` is all of the account number."""
TOO_MUCH: Error = ("", "It takes too much to be read.", "文件过于复杂，无法读取。")


class Busy(Exception):
    """As many files are being read as may be."""


class _Asked(msgspec.Struct):
    columns: dict[str, str]
    first_day: date | None
    last_day: date | None


class _Told(msgspec.Struct):
    statement: Statement | None = None
    errors: list[Error] = []


def read(content: bytes, columns: Mapping[str, str], account_of: AccountOf, days: Days = (None, None)) -> Statement:
    """The statement in a file, read apart. Raises StatementWrong, Busy."""
    if not _PLACES.acquire(timeout=WAIT_SECONDS):
        raise Busy
    try:
        told = _asked_apart(_Asked(dict(columns), *days), content)
    finally:
        _PLACES.release()
    if told.statement is None:
        raise StatementWrong(told.errors)
    lines = tuple(_digested(line, account_of) for line in told.statement.lines)
    return replace(told.statement, lines=lines)


def _asked_apart(asked: _Asked, content: bytes) -> _Told:
    kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    command = [sys.executable, "-W", "ignore", "-m", __name__]
    request = msgspec.json.encode(asked) + b"\n" + content
    try:
        done = subprocess.run(
            command,
            input=request,
            capture_output=True,
            env=kept,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return _Told(errors=[TOO_MUCH])
    if done.returncode < 0 or (done.returncode and b"MemoryError" in done.stderr):  # its limits ended it
        return _Told(errors=[TOO_MUCH])
    if done.stderr:
        log.warning("a statement could not be read", reason=done.stderr.decode(errors="replace")[-2_000:])
    done.check_returncode()
    return msgspec.json.decode(done.stdout, type=_Told, dec_hook=_money)


def _money(kind: type[Any], value: Any) -> Any:
    if kind is Money:
        return Money(value)
    raise TypeError(kind)


def _digested(line: Line, account_of: AccountOf) -> Line:
    if line.account is None or line.account.digest != WHOLE:
        return line
    return replace(line, account=account_of(line.account.last4))


# In the process of its own --------------------------------------------------------


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_SECONDS, PROCESSOR_SECONDS))
    request, _, content = sys.stdin.buffer.read().partition(b"\n")
    sys.stdout.buffer.write(msgspec.json.encode(_read(request, content), enc_hook=int))


def _read(request: bytes, content: bytes) -> _Told:
    asked = msgspec.json.decode(request, type=_Asked)
    try:
        days = (asked.first_day, asked.last_day)
        return _Told(read_here(content, asked.columns, lambda number: BankAccount(number, WHOLE), days))
    except StatementWrong as wrong:
        return _Told(errors=list(wrong.errors))
    except MemoryError:
        return _Told(errors=[TOO_MUCH])
    except Exception:  # noqa: BLE001 - whatever a damaged file leads a library to; told in the service's log
        traceback.print_exc()
        return _Told(errors=[("", "It cannot be read.", "文件无法读取。")])


if __name__ == "__main__":
    main()
