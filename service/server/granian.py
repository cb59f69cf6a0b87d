"""The web server process: granian, with the gateway in a single worker process."""

from __future__ import annotations

import os
import signal
import time
from functools import partial
from typing import Any

from granian import Granian
from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.log import LogLevels

from service import supervisor
from service.config import Config

HEADER_SECONDS = 10
MAX_HEADER_BYTES = 32 * 1024
MAX_CONNECTIONS = 1_024
POLL_SECONDS = 0.1


class _Flag:
    """A replacement for the `threading.Event` that granian waits on.

    It uses no lock: with a lock, a signal that arrives during the wait would cause a deadlock.
    """

    def __init__(self) -> None:
        self._is_set = False

    def set(self) -> None:
        self._is_set = True

    def clear(self) -> None:
        self._is_set = False

    def wait(self) -> None:
        while not self._is_set:
            time.sleep(POLL_SECONDS)


def _prepare_forked_worker() -> None:
    """Let SIGTERM end a worker that is still loading, and let Ctrl-C reach only the parent.

    After Ctrl-C, the parent ends the worker. A forked worker inherits the parent's signal handlers, which only set a
    flag. With these handlers, SIGTERM would not end a loading worker, and the parent would wait for ever for its end.
    """

    def in_worker() -> None:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, supervisor.STOP_SIGNALS)

    os.register_at_fork(
        before=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, supervisor.STOP_SIGNALS),
        after_in_parent=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, supervisor.STOP_SIGNALS),
        after_in_child=in_worker,
    )


def serve(config: Config) -> None:
    """Serve until SIGINT or SIGTERM arrives. Requests accepted before the signal are finished.

    If the worker process dies, this process exits too, and its supervisor restarts both.
    """
    os.environ[supervisor.PARENT] = str(os.getpid())  # the worker ends with this process
    _prepare_forked_worker()
    server = Granian(
        "service.server.worker:build",
        factory=True,
        address=config.host,
        port=config.port,
        interface=Interfaces.RSGI,
        loop=Loops.uvloop,
        workers=1,
        backlog=1024,
        backpressure=MAX_CONNECTIONS,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_SECONDS * 1000, max_buffer_size=MAX_HEADER_BYTES),
        websockets=False,
        log_level=LogLevels.error,
    )
    server.main_loop_interrupt = _Flag()  # type: ignore[assignment]
    # The worker gets the settings that were chosen here, not by its environment: /proc would show it.
    server.serve(target_loader=partial(_gateway, config), wrap_loader=False)


def _gateway(config: Config) -> Any:
    """The gateway, in the worker. Only the worker imports it, because that takes time and memory."""
    from service.server.worker import build  # noqa: PLC0415

    return build(config)
