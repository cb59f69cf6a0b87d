"""One process of the site, which is started again whenever it ends, as a container is."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil

from service import supervisor
from service.supervisor import PARENT


class Part:
    """A supervised process, with these environment variables besides those that this process has at each start."""

    def __init__(
        self,
        stack: ExitStack,
        name: str,
        command: list[str],
        log: Path,
        environment: Mapping[str, str],
        **options: object,
    ) -> None:
        self.name, self._command, self._log = name, command, log
        self._environment, self._options = environment, options
        stack.enter_context(supervisor.supervised(name, self._start, supervisor.stop_process, lambda _: False))

    def _start(self) -> subprocess.Popen[bytes]:
        environment = {**os.environ, **self._environment, PARENT: str(os.getpid())}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, env=environment, stdout=log, stderr=log, cwd="/", **self._options
            )  # type: ignore[call-overload]
        return self._process

    def processes(self) -> list[psutil.Process]:
        """The process and everything below it; empty while it is down."""
        with suppress(psutil.NoSuchProcess):
            main = psutil.Process(self._process.pid)
            return [main, *main.children(recursive=True)]
        return []

    def kill(self) -> None:
        kill(self.processes())


def kill(processes: Sequence[psutil.Process]) -> None:
    for each in processes:
        with suppress(psutil.NoSuchProcess):
            each.kill()


@contextmanager
def suspended(processes: Sequence[psutil.Process]) -> Iterator[None]:
    """Stop these processes with SIGSTOP, and let them go on afterwards."""
    try:
        for each in processes:
            with suppress(psutil.NoSuchProcess):
                each.suspend()
        yield
    finally:
        for each in processes:
            with suppress(psutil.NoSuchProcess):
                each.resume()


def words(process: psutil.Process) -> list[str]:
    """The words of the process's command line; none if it has ended."""
    with suppress(psutil.NoSuchProcess):
        return " ".join(process.cmdline()).split()
    return []
