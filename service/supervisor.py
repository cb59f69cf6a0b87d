"""Supervises child processes: restarts those that die, and stops them when this process ends, even by kill -9."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import structlog

from service.config import Config

log = structlog.get_logger()

PARENT = "SUYUAN_PARENT"
PAUSE_SECONDS = 0.5
STOP_SECONDS = 30.0
DONE, FAULT = 0, 3
"""Exit codes after which a process is not restarted: it was stopped, or the same fault would stop it again."""


@contextmanager
def supervised(
    name: str, start: Callable[[], Any], stop: Callable[[Any], None], final: Callable[[int], bool]
) -> Iterator[None]:
    """Supervise the process that `start` returns: restart it if it ends with an exit code that is not `final`."""
    stopping, lock = threading.Event(), threading.Lock()
    running = [start()]

    def supervise() -> None:
        while True:
            code = running[0].wait()
            with lock:
                if stopping.is_set() or final(code):
                    return
                log.warning("restarted", process=name, code=code)
                while not stopping.wait(PAUSE_SECONDS):
                    try:
                        running[0] = start()
                        break
                    except Exception:  # for example, it was killed while starting
                        log.exception("cannot be restarted yet", process=name)

    supervisor = threading.Thread(target=supervise, name=f"{name} supervisor", daemon=True)
    supervisor.start()
    try:
        yield
    finally:
        stopping.set()
        with lock:
            stop(running[0])
        supervisor.join()


@contextmanager
def command(config: Config, *arguments: str) -> Iterator[None]:
    """Context manager: a supervised child process that runs a `suyuan` command."""
    environment = {**os.environ, **for_children(config)}

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-m", "service", *arguments], env=environment)

    with supervised(arguments[0], start, _stop, final=lambda code: code in (DONE, FAULT)):
        yield


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


def for_children(config: Config) -> dict[str, str]:
    """The environment variables that child processes need in addition to those of this process."""
    return {
        "DATABASE_URL": config.database_url or "",
        "SUYUAN_HOME": str(config.home),
        "SUYUAN_EXAMPLE": "1" if config.example else "",
        PARENT: str(os.getpid()),
    }


def stop_signal() -> threading.Event:
    """An event that SIGINT and SIGTERM set. Poll it, never wait for it: a signal during a wait would deadlock."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop


def watch_parent(on_exit: Callable[[], object]) -> None:
    """Call `on_exit` when the supervising parent process ends, even by kill -9. Does nothing without such a parent."""
    parent = os.environ.get(PARENT)
    if parent is None:
        return

    def watch() -> None:
        while os.getppid() == int(parent):
            time.sleep(PAUSE_SECONDS)
        on_exit()

    threading.Thread(target=watch, name="parent watch", daemon=True).start()
