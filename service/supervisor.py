"""Supervises child processes: restarts those that die, and stops them when this process ends, even by kill -9."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import structlog

from service.config import (
    HANDED_OVER,
    Config,
    ExitCode,
    OperatorError,
    TemporaryError,
    hand_over,
    without_secrets,
)

log = structlog.get_logger()

PARENT = "SUYUAN_PARENT"
PAUSE_SECONDS = 0.5
STOP_SECONDS = 30.0
FINAL = (ExitCode.DONE, ExitCode.PERMANENT)
"""Exit codes after which a process is not restarted: it was stopped, or the same error would stop it again."""
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""The signals that stop a process and its child processes: from Ctrl-C, from `kill`, and from a terminal that was
closed."""


@contextmanager
def supervised(
    name: str, start: Callable[[], Any], stop: Callable[[Any], None], final: Callable[[int | None], bool]
) -> Iterator[threading.Event]:
    """Context manager: supervises the process that `start` returns, and calls `stop` with it when the context ends.

    If the process ends, it is restarted, unless `final` returns true for its exit code. Yields an event that is set
    once the process has ended and will not be restarted.
    """
    stopping, ended, lock = threading.Event(), threading.Event(), threading.Lock()
    running = [start()]

    def supervise() -> None:
        while True:
            code = running[0].wait()
            with lock:
                if stopping.is_set() or final(code):
                    ended.set()
                    return
                log.warning("restarted", process=name, code=code)
                while not stopping.wait(PAUSE_SECONDS):
                    try:
                        running[0] = start()
                        break
                    except Exception:  # for example, it was killed while starting
                        log.exception("cannot be restarted yet", process=name)

    threading.Thread(target=supervise, name=f"{name} supervisor", daemon=True).start()
    try:
        yield ended
    finally:
        stopping.set()
        with lock:
            stop(running[0])  # the thread is not joined: a server that others use goes on


@contextmanager
def command(config: Config, *arguments: str) -> Iterator[threading.Event]:
    """Context manager: a supervised child process that runs the `suyuan` command with these arguments.

    Yields an event that is set once the process has ended and will not be restarted.
    """
    with supervised(
        arguments[0], lambda: start(config, *arguments), stop_process, final=lambda code: code in FINAL
    ) as ended:
        yield ended


def start(config: Config, *arguments: str, stdout: int | None = None) -> subprocess.Popen[bytes]:
    """Start a child process that runs the `suyuan` command with these arguments on the ledger of `config`.

    Its secrets are handed over by a pipe, so that they are not in its environment.
    """
    secrets = hand_over(config)
    try:
        return subprocess.Popen(
            [sys.executable, "-m", "service", *arguments],
            env={**without_secrets(), **for_children(config), HANDED_OVER: str(secrets)},
            pass_fds=[secrets],
            stdout=stdout,
            start_new_session=True,  # Ctrl-C must reach only this process, which then stops its children in order
        )
    finally:
        os.close(secrets)


def no_core_dumps() -> None:
    """Let neither this process nor its children write their memory, which has secrets, to a file when they crash."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def stop_process(process: subprocess.Popen[bytes]) -> None:
    """Terminate a process; kill it if it has not ended after STOP_SECONDS."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


def for_children(config: Config) -> dict[str, str]:
    """The environment variables that child processes need in addition to those of this process. None is secret."""
    return {
        "SUYUAN_HOME": str(config.home),
        "SUYUAN_EXAMPLE": "1" if config.example else "",
        "HOST": config.host,
        PARENT: str(os.getpid()),
    }


@contextmanager
def permanent_errors() -> Iterator[None]:
    """Context manager: sets the exit code of an OperatorError to PERMANENT, because a restart would not help.

    The exit code of a TemporaryError does not change.
    """
    try:
        yield
    except TemporaryError:
        raise
    except OperatorError as error:
        error.exit_code = ExitCode.PERMANENT
        raise


def stop_signal() -> threading.Event:
    """An event that is set when a stop signal arrives.

    Poll the event, never wait for it: a signal during a wait would deadlock.
    """
    stop = threading.Event()
    on_stop_signal(lambda *_: stop.set())
    return stop


def on_stop_signal(handler: Callable[[int, Any], object] | signal.Handlers) -> None:
    """Make `handler` the handler of every stop signal.

    SIGHUP stays ignored if this process ignores it already, as under `nohup`.
    """
    for number in STOP_SIGNALS:
        if (number, signal.getsignal(number)) != (signal.SIGHUP, signal.SIG_IGN):
            signal.signal(number, handler)


@contextmanager
def stop_signals_held() -> Iterator[None]:
    """Context manager: delays stop signals until the context ends.

    Code in the context starts a process and stores it in a variable: no stop signal arrives between these two steps.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


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
