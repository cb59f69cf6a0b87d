"""The web server process: granian, with the gateway in a single worker process."""

from __future__ import annotations

import os
import resource
import signal
import time
from functools import partial
from typing import Any

from granian import Granian
from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.log import LogLevels

from service import supervisor
from service.api.http.limits import MAX_HEAD_BYTES
from service.config import Config

HEADER_SECONDS = 10
"""A connection is closed if the head of a request, the first or a later one, has not arrived after this time."""
MAX_CONNECTIONS = 1_024
BACKLOG = 1_024
"""Maximum number of connections, and of further ones that wait to be accepted."""
OTHER_FILES = 256
"""How many files the worker may open besides its connections: those to PostgreSQL and the read process, the port for
health and metrics."""
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


def _connections() -> int:
    """How many connections the worker may have: MAX_CONNECTIONS, or fewer if it may not open so many files.

    The limit of open files is raised as far as this needs and the system allows.
    """
    limit, highest = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_CONNECTIONS + OTHER_FILES
    if 0 <= limit < wanted:
        limit = wanted if highest == resource.RLIM_INFINITY else min(wanted, highest)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, highest))
    return MAX_CONNECTIONS if limit == resource.RLIM_INFINITY else max(min(MAX_CONNECTIONS, limit - OTHER_FILES), 1)


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
        backlog=BACKLOG,
        backpressure=_connections(),
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_SECONDS * 1000, max_buffer_size=MAX_HEAD_BYTES),
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
