"""Faults of the database: full disks, slow and failed syncs, locks, no connections left, read-only."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from random import Random

import psycopg

from tests.conftest import end_sessions
from tests.faults.fault import fault
from tests.faults.part import kill, suspended
from tests.faults.site import Site


def succeeds(*command: str) -> bool:
    """Whether this command is installed and ends with 0."""
    return (
        shutil.which(command[0]) is not None
        and subprocess.run(command, check=False, capture_output=True).returncode == 0
    )


NO_STRACE = "" if succeeds("strace", "-o", "/dev/null", "true") else "strace is not installed, or may trace nothing"
NO_SMALL_DISK = "" if succeeds("unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt") else "no right to mount a disk"
CHUNK = 1 << 20


def fill(folder: Path) -> Path:
    """Write a file until the disk of this folder is full."""
    file = folder / "filler"
    with suppress(OSError), file.open("wb", buffering=0) as filler:
        while True:
            filler.write(bytes(CHUNK))
    with suppress(OSError), file.open("ab", buffering=0) as filler:
        while True:
            filler.write(bytes(1))
    return file


@fault("PostgreSQL's disk is full", missing=NO_SMALL_DISK)
def full_disk(site: Site, _: Random, seconds: float) -> None:
    file = fill(site.disk)
    time.sleep(seconds)
    file.unlink()


@fault("PostgreSQL's disk is full and it is killed", missing=NO_SMALL_DISK)
def full_disk_and_killed(site: Site, _: Random, seconds: float) -> None:
    """It may not start again before there is room."""
    file = fill(site.disk)
    kill(site.server.processes())
    time.sleep(seconds)
    file.unlink()


@fault("the disk of the home is full", missing=NO_SMALL_DISK)
def full_home(site: Site, _: Random, seconds: float) -> None:
    file = fill(site.home)
    for part in site.parts():
        part.kill()
    time.sleep(seconds)
    file.unlink()


@contextmanager
def traced(site: Site, effect: str) -> Iterator[None]:
    """Every fsync of the server's processes has this effect, in the words of `strace --inject`.

    Processes that start later are not affected, so that a server that restarts can recover.
    """
    calls, postmaster = "fsync,fdatasync", site.server.postmaster()
    attached = [word for each in postmaster.children() for word in ("-p", str(each.pid))]
    log = site.folder / "strace"
    command = ["strace", "-qq", "-o", str(log), "-e", f"trace={calls}", "-e", f"inject={calls}:{effect}"]
    strace = subprocess.Popen([*command, *attached], stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        strace.send_signal(signal.SIGINT)
        strace.wait(60)
    assert re.search("INJECTED|DELAYED", log.read_text()), "strace has changed no call"


@fault("every fsync takes a second", missing=NO_STRACE)
def slow_fsync(site: Site, _: Random, seconds: float) -> None:
    with traced(site, "delay_enter=1000000"):
        time.sleep(seconds)


@fault("every fsync fails", missing=NO_STRACE)
def failed_fsync(site: Site, _: Random, seconds: float) -> None:
    with traced(site, "error=EIO"):
        time.sleep(seconds)


@fault("no database connections are left")
def no_connections(site: Site, _: Random, seconds: float) -> None:
    """The service stands still while its sessions are ended and other sessions take every connection."""
    with ExitStack() as stack:
        with suspended([each for part in site.parts() for each in part.processes()]):
            end_sessions(site.server.url)
            with suppress(psycopg.OperationalError):  # all are taken
                while True:
                    stack.enter_context(psycopg.connect(site.server.url, dbname="postgres"))
        time.sleep(seconds)


@fault("a lock on the log")
def long_lock(site: Site, _: Random, seconds: float) -> None:
    with psycopg.connect(site.server.url) as conn:
        conn.execute("lock table event in access exclusive mode")
        time.sleep(seconds)


@fault("VACUUM FULL of the log")
def vacuum_full(site: Site, _: Random, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        site.server.ask("vacuum full event")


@fault("the database is read-only")
def read_only(site: Site, _: Random, seconds: float) -> None:
    """As on a standby: sessions of before end, new ones may not write."""
    site.server.ask("alter database suyuan set default_transaction_read_only = on")
    end_sessions(site.server.url)
    time.sleep(seconds)
    site.server.ask(
        "set default_transaction_read_only = off", "alter database suyuan reset default_transaction_read_only"
    )
    end_sessions(site.server.url)
