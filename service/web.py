"""The web server: granian, with the front of the application in its one worker."""

from __future__ import annotations

import os

from granian import Granian
from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.log import LogLevels

from service import keeper
from service.config import Config

HEADER_SECONDS = 10
MOST_HEADER_BYTES = 32 * 1024
MOST_CONNECTIONS = 1_024


def serve(config: Config) -> None:
    """Serve until SIGINT or SIGTERM; requests that were accepted are finished first.

    If a worker dies the server ends too: whoever keeps it starts it whole again.
    """
    # Workers are new processes: they read the same environment, with the database now chosen.
    os.environ |= keeper.for_children(config)
    Granian(
        "service.front:build",
        factory=True,
        address=config.host,
        port=config.port,
        interface=Interfaces.RSGI,
        loop=Loops.uvloop,
        workers=1,
        backlog=1024,
        backpressure=MOST_CONNECTIONS,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_SECONDS * 1000, max_buffer_size=MOST_HEADER_BYTES),
        websockets=False,
        log_level=LogLevels.error,
    ).serve()
