"""Reads an untrusted file in a separate process, which is limited in time and memory whatever the file contains.

`python -m service.statements.sandbox` reads a request and a file from its standard input, and writes the statement or
the errors to its standard output. The statement has account numbers in clear, because only the service has the secret
for their digests.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import traceback
from datetime import date
from threading import BoundedSemaphore
from typing import Any

import msgspec
import structlog
from msgspec.structs import replace

from domain.money import Money
from domain.state.entities import BankAccount
from domain.tie_out import Line
from service.overload import Overloaded
from service.statements.cells import AccountOf
from service.statements.reader import Days
from service.statements.reader import read as read_in_process
from service.statements.statement import Choices, Error, Statement, StatementWrong

log = structlog.get_logger()

MEMORY_BYTES = 512 * 1024 * 1024
CPU_SECONDS = 8
TIMEOUT_SECONDS = 30
"""After this time the process that reads the file is killed. It is longer than CPU_SECONDS, because other processes may
use the CPU too."""
_SLOTS, WAIT_SECONDS = BoundedSemaphore(2), 2
"""_SLOTS limits how many files are read at a time. A request waits up to WAIT_SECONDS for a slot, and occupies a thread
while it waits."""
ENVIRONMENT = ("PATH", "PYTHONPATH", "HOME", "LANG", "LC_ALL", "VIRTUAL_ENV")
"""The environment variables that are passed to the process that reads the file. None of them holds a secret."""
WHOLE = "whole"
"""In the sandbox's answer, an account has this instead of its digest. It means that `last4` has the whole number."""
OUT_OF_MEMORY = (b"MemoryError", b"SystemError: error return without exception set")
"""What Python writes if there is no memory left, even for an exception."""
TOO_COMPLEX: Error = ("", "The file is too complex to be read.", "文件过于复杂，无法读取。")


class _Request(msgspec.Struct):
    choices: Choices
    first_day: date | None
    last_day: date | None


class _Response(msgspec.Struct):
    statement: Statement | None = None
    errors: list[Error] = []


def read(content: bytes, choices: Choices, account_of: AccountOf, days: Days = (None, None)) -> Statement:
    """The statement in a file, read in a sandbox. The parameters are those of reader.read.

    Raises StatementWrong, or Overloaded if no slot becomes free within WAIT_SECONDS.
    """
    if not _SLOTS.acquire(timeout=WAIT_SECONDS):
        raise Overloaded
    try:
        response = _run_sandbox(_Request(choices, *days), content)
    finally:
        _SLOTS.release()
    if response.statement is None:
        raise StatementWrong(response.errors)
    lines = tuple(_digested(line, account_of) for line in response.statement.lines)
    return replace(response.statement, lines=lines)


def _run_sandbox(request: _Request, content: bytes) -> _Response:
    environment = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
    command = [sys.executable, "-W", "ignore", "-m", __name__]
    payload = msgspec.json.encode(request) + b"\n" + content
    try:
        done = subprocess.run(
            command,
            input=payload,
            capture_output=True,
            env=environment,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return _Response(errors=[TOO_COMPLEX])
    if done.returncode < 0 or (done.returncode and any(name in done.stderr for name in OUT_OF_MEMORY)):
        return _Response(errors=[TOO_COMPLEX])
    if done.stderr:
        log.warning("statement could not be read", reason=done.stderr.decode(errors="replace")[-2_000:])
    done.check_returncode()
    return msgspec.json.decode(done.stdout, type=_Response, dec_hook=_money)


def _money(kind: type[Any], value: Any) -> Any:
    if kind is Money:
        return Money(value)
    raise TypeError(kind)


def _digested(line: Line, account_of: AccountOf) -> Line:
    if line.account is None or line.account.digest != WHOLE:
        return line
    return replace(line, account=account_of(line.account.last4))


# In the sandboxed process ---------------------------------------------------------


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    request, _, content = sys.stdin.buffer.read().partition(b"\n")
    sys.stdout.buffer.write(msgspec.json.encode(_response(request, content), enc_hook=int))


def _response(payload: bytes, content: bytes) -> _Response:
    request = msgspec.json.decode(payload, type=_Request)
    try:
        days = (request.first_day, request.last_day)
        return _Response(read_in_process(content, request.choices, lambda number: BankAccount(number, WHOLE), days))
    except StatementWrong as wrong:
        return _Response(errors=list(wrong.errors))
    except MemoryError:
        return _Response(errors=[TOO_COMPLEX])
    except Exception:  # noqa: BLE001 - a damaged file can raise any error in a library; the service logs standard error
        traceback.print_exc()
        return _Response(errors=[("", "The file cannot be read.", "文件无法读取。")])


if __name__ == "__main__":
    main()
