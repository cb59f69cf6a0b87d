"""The processor time that the other parties of a measurement take: the service and the database."""

from __future__ import annotations

from contextlib import suppress

import psutil
import psycopg

from bench.race import Contender, Run


def postmaster(url: str) -> psutil.Process:
    """The PostgreSQL server of the database at `url`, which is on this machine."""
    with psycopg.connect(url) as conn:
        server = psutil.Process(conn.info.backend_pid).parent()
    assert server is not None
    return server


def metered(contender: Contender, database: psutil.Process, service: psutil.Process | None = None) -> Contender:
    """The contender, whose figures also have the processor time of the database and of the service for each item."""

    def run(seconds: float) -> Run:
        before = [_seconds(each) for each in (database, service)]
        figures = contender.run(seconds)
        used = [_seconds(each) - was for each, was in zip((database, service), before, strict=True)]
        done = figures.items or figures.a_second * seconds
        of_database, of_service = (each / done * 1e6 for each in used)
        return figures._replace(database_us=of_database, service_us=of_service)

    return Contender(contender.name, run)


def _seconds(root: psutil.Process | None) -> float:
    """The processor time of a process and of its descendants, also of those that have ended; 0 without a process."""
    if root is None:
        return 0.0
    own = root.cpu_times()
    seconds = own.user + own.system + own.children_user + own.children_system
    for each in root.children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # it has ended meanwhile
            times = each.cpu_times()
            seconds += times.user + times.system
    return seconds
