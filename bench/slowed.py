"""A slow, busy machine, made of a fast one: a program is held to a third of a core, beside a busy loop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import psutil

RUNS_SECONDS, STOPS_SECONDS = 0.01, 0.02
"""A third: a program runs for the first time, and is stopped for the second, in turns."""
BUSY = "while True: pass"
HOLD = """
import os, signal, sys, time
runs, stops, *pids = sys.argv[1:]
while True:
    for to_send, seconds in ((signal.SIGSTOP, stops), (signal.SIGCONT, runs)):
        for pid in pids:
            os.kill(int(pid), to_send)
        time.sleep(float(seconds))
"""
"""A process of its own holds the programs, so that a busy test does not hold them for longer."""


@contextmanager
def held_to_a_third(programs: Sequence[psutil.Process]) -> Iterator[None]:
    """Context manager: the programs and all their processes get a third of a core, and a busy loop takes another core.

    They are stopped and continued by signals, which needs no privileges. The database is not held.
    """
    processes = [each for program in programs for each in (program, *program.children(recursive=True))]
    times = [str(RUNS_SECONDS), str(STOPS_SECONDS)]
    busy = subprocess.Popen([sys.executable, "-c", BUSY])
    hold = subprocess.Popen([sys.executable, "-c", HOLD, *times, *(str(each.pid) for each in processes)])
    try:
        yield
    finally:
        for each in (hold, busy):
            each.kill()
            each.wait()
        for each in processes:
            with suppress(ProcessLookupError):
                os.kill(each.pid, signal.SIGCONT)
