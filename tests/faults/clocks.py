"""Faults of the clock: it jumps a day, forward and backward, under running processes."""

from __future__ import annotations

import os
import time
from pathlib import Path
from random import Random

from tests.faults.fault import fault
from tests.faults.site import Site

LIBRARY = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))), None)
NO_FAKETIME = "" if LIBRARY else "libfaketime is not installed"


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
    for jump in ("+1d", "-1d", "+0"):
        site.await_acknowledged(5)
        offset.write_text(jump)
        time.sleep(max(2.0, seconds / 3))
    site.await_acknowledged(5)
    for name in settings:
        del os.environ[name]
    site.restart()
    offset.unlink()
