"""The web server process: granian, with the gateway in a single worker process."""

from __future__ import annotations

import os

from granian import Granian
from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.log import LogLevels

from service import supervisor
from service.config import Config

HEADER_SECONDS = 10
MAX_HEADER_BYTES = 32 * 1024
MAX_CONNECTIONS = 1_024


def serve(config: Config) -> None:
    """Serve until SIGINT or SIGTERM; accepted requests are finished first.

    If the worker dies, the server exits too; its supervisor restarts both.
    """
    # The worker is a new process that reads the environment: pass it the settings chosen here, such as the database.
    os.environ |= supervisor.for_children(config)
    Granian(
        "service.server.gateway:build",
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
    ).serve()
