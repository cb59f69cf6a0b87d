"""The web server: granian, in front of the WSGI application."""

from __future__ import annotations

import os

from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

from service import keeper
from service.config import Config


def serve(config: Config) -> None:
    """Serve until SIGINT or SIGTERM; requests that were accepted are finished first.

    If a worker dies the server ends too: whoever keeps it starts it whole again.
    """
    # Workers are new processes: they read the same environment, with the database now chosen.
    os.environ |= keeper.for_children(config)
    Granian(
        "service.wsgi:build",
        factory=True,
        address=config.host,
        port=config.port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=16,
        backlog=1024,
        log_level=LogLevels.error,
    ).serve()
