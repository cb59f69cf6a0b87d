"""Runs `suyuan` commands in processes of their own, as a shell would, but without importing everything each time.

A fork server that has imported the commands' modules forks a process per command: 0.02 s instead of 0.7 s. What depends
on how Python itself starts (encodings, closed streams, signals) is tested with real `python -m service` processes.
"""

from __future__ import annotations

import io
import multiprocessing
import os
import sys
import tempfile
from pathlib import Path
from subprocess import CompletedProcess

from service.cli import main
from service.cli.commands import COMMANDS

_FORK = multiprocessing.get_context("forkserver")
_FORK.set_forkserver_preload([__name__, *(f"service.cli.{name.replace('-', '_')}" for name in COMMANDS)])


LIMIT_SECONDS = 120
"""A command that takes longer is killed, and its exit code is -9."""


def run_command(*arguments, env, piped=None, cwd=None) -> CompletedProcess[str]:
    """Run `suyuan` with these arguments. `env` is its whole environment, and `piped` is its standard input."""
    given = [str(each) for each in arguments]
    with tempfile.TemporaryDirectory() as folder:
        streams = [Path(folder) / name for name in ("stdin", "stdout", "stderr")]
        streams[0].write_text(piped or "", encoding="utf-8")
        process = _FORK.Process(target=_command, args=(given, dict(env), [str(each) for each in streams], cwd))
        process.start()
        process.join(LIMIT_SECONDS)
        if process.exitcode is None:
            process.kill()
            process.join()
        _, out, err = (each.read_text(encoding="utf-8") if each.exists() else "" for each in streams)
    return CompletedProcess(given, process.exitcode, out, err)


def _command(arguments, env, streams, cwd):
    os.environ.clear()
    os.environ.update(env)
    if cwd:
        os.chdir(cwd)
    for number, path in enumerate(streams):
        flags = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_APPEND
        os.dup2(os.open(path, flags, 0o600), number)
    sys.stdin, sys.stdout, sys.stderr = (
        io.TextIOWrapper(os.fdopen(number, mode), encoding="utf-8", line_buffering=number > 0)
        for number, mode in ((0, "rb"), (1, "wb"), (2, "wb"))
    )
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr
    sys.argv = ["suyuan", *arguments]
    main()
