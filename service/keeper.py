"""Processes that belong to this one: started again when they die, stopped with it, ended when it is killed."""

from __future__ import annotations

import os
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
"""Exit codes after which a process is not started again: it was told to end, or what it met would meet it again."""


@contextmanager
def kept(
    name: str, start: Callable[[], Any], stop: Callable[[Any], None], final: Callable[[int], bool]
) -> Iterator[None]:
    """Run the process that `start` starts, again whenever it dies by itself with an exit code that is not `final`."""
    ending, turn = threading.Event(), threading.Lock()
    running = [start()]

    def keep() -> None:
        while True:
            code = running[0].wait()
            with turn:
                if ending.is_set() or final(code):
                    return
                log.warning("started again", process=name, code=code)
                while not ending.wait(PAUSE_SECONDS):
                    try:
                        running[0] = start()
                        break
                    except Exception:  # it may have been killed while it was starting
                        log.exception("cannot be started yet", process=name)

    keeper = threading.Thread(target=keep, name=f"{name} keeper", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        ending.set()
        with turn:
            stop(running[0])
        keeper.join()


@contextmanager
def command(config: Config, *arguments: str) -> Iterator[None]:
    """A `suyuan` command as a process beside this one, for as long as this lasts."""
    environment = {**os.environ, **for_children(config)}

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-m", "service", *arguments], env=environment)

    with kept(arguments[0], start, _stop, final=lambda code: code in (DONE, FAULT)):
        yield


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


def for_children(config: Config) -> dict[str, str]:
    """What the environment must tell processes that this one starts."""
    return {
        "DATABASE_URL": config.database_url or "",
        "SUYUAN_HOME": str(config.home),
        "SUYUAN_EXAMPLE": "1" if config.example else "",
        PARENT: str(os.getpid()),
    }


def watch_parent(gone: Callable[[], object]) -> None:
    """Call `gone` when the process that started this one is gone, even by kill -9. If none did: never."""
    parent = os.environ.get(PARENT)
    if parent is None:
        return

    def watch() -> None:
        while os.getppid() == int(parent):
            time.sleep(PAUSE_SECONDS)
        gone()

    threading.Thread(target=watch, name="parent watch", daemon=True).start()
