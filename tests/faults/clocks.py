"""Faults of the clock: it jumps a day, forward and backward, under running processes."""

from __future__ import annotations

import os
import time
from pathlib import Path
from random import Random

import psutil

from tests.faults.fault import fault
from tests.faults.site import Site

LIBRARY = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))), None)
NO_FAKETIME = "" if LIBRARY else "libfaketime is not installed"

DAY_SECONDS = 86_400


@fault("the clock jumps a day forward and back", missing=NO_FAKETIME)
def clock(site: Site, _: Random, seconds: float) -> None:
    offset = site.folder / "clock"
    offset.write_text("+0")
    settings = {
        "LD_PRELOAD": str(LIBRARY),
        "FAKETIME_TIMESTAMP_FILE": str(offset),
        "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    os.environ.update(settings)
    site.restart()
    for days in (1, -1, 0):
        site.await_acknowledged(5)
        offset.write_text(f"{days:+}d")
        time.sleep(max(2.0, seconds / 3))
        moved = site.server.ask("select extract(epoch from clock_timestamp())::float8") - time.time()
        assert abs(moved - days * DAY_SECONDS) < 60, f"the server's clock has moved by {moved:.0f} s"
    site.await_acknowledged(5)
    for name in settings:
        del os.environ[name]
    site.restart()
    offset.unlink()
    remove_leftovers()


def remove_leftovers() -> None:
    """Remove the shared memory of libfaketime in processes that were killed; its name ends with the process id."""
    for file in Path("/dev/shm").glob("*faketime_*"):
        if not psutil.pid_exists(int(file.name.rpartition("_")[2])):
            file.unlink(missing_ok=True)
