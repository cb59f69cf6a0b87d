"""Faults of processes: killed, killed again and again, stopped for a while, without memory or file descriptors."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from random import Random

import psutil

from tests.faults.fault import fault
from tests.faults.part import kill, suspended
from tests.faults.site import Site
from tests.faults.waiting import wait_until
from tests.service.test_pooler import PROGRAM as PGBOUNCER

Choose = Callable[[Site, Random], Sequence[psutil.Process]]


def a_check(site: Site, _: Random) -> Sequence[psutil.Process]:
    """The processes of a check, which is requested; waits until it runs."""
    status, answer = site.webs[0].ask("POST", "/v1/checks", key=site.key)
    assert status == 202, answer
    wait_until(site.checker, "a check that runs", pause=0.01)
    return site.checker()


def a_session(site: Site, random: Random) -> Sequence[psutil.Process]:
    """A session of the web or the projector on the server."""
    return random.sample(site.server.sessions(), 1)


def everything(site: Site, _: Random) -> Sequence[psutil.Process]:
    return [*(each for part in site.parts() for each in part.processes()), *site.server.processes()]


VICTIMS: dict[str, Choose] = {
    "a web process": lambda site, random: random.choice(site.webs).processes(),
    "a web worker": lambda site, random: random.sample(site.workers(), 1),
    "a read process": lambda site, random: random.sample(site.read_processes(), 1),
    "the projector": lambda site, _: site.projector.processes(),
    "the checker": a_check,
    "the pooler": lambda site, _: site.pooler.processes() if site.pooler else [],
    "a database session": a_session,
    "the WAL writer": lambda site, _: site.server.part("walwriter"),
    "the postmaster": lambda site, _: [site.server.postmaster()],
    "all PostgreSQL processes": lambda site, _: site.server.processes(),
    "all processes": everything,
}
"""What is killed or stopped, by name. To kill a session is what the kernel does when memory runs out."""


NO_POOLER = {} if PGBOUNCER else {"the pooler": "pgbouncer is not installed"}


def register(victim: str, choose: Choose) -> None:
    missing = NO_POOLER.get(victim, "")

    def chosen(site: Site, random: Random) -> Sequence[psutil.Process]:
        processes = choose(site, random)
        assert processes, f"{victim} does not run"
        return processes

    @fault(f"kill -9 of {victim}", missing=missing)
    def killed(site: Site, random: Random, _: float) -> None:
        kill(chosen(site, random))

    @fault(f"SIGSTOP of {victim}", missing=missing)
    def stopped(site: Site, random: Random, seconds: float) -> None:
        with suspended(chosen(site, random)):
            time.sleep(seconds)


for victim, choose in VICTIMS.items():
    register(victim, choose)


@fault("kill -9 of a web process again and again")
def killed_again_and_again(site: Site, random: Random, seconds: float) -> None:
    """The other web process goes on: posts are acknowledged all the time."""
    victim, until = random.choice(site.webs), time.monotonic() + seconds
    while time.monotonic() < until:
        victim.kill()
        time.sleep(1)


NO_OTHER = 3
"""A limit of file descriptors below which a process has no free one. Those that are open stay open."""
ENDED = (psutil.NoSuchProcess, subprocess.CalledProcessError)
"""What psutil and prlimit raise for a process that has ended."""


@contextmanager
def limited(processes: Sequence[psutil.Process], limit: str, used: Callable[[psutil.Process], int]) -> Iterator[None]:
    """Limit a resource of each process to what `used` returns. `limit`: the name of a limit of the program prlimit."""
    before: dict[psutil.Process, str] = {}
    try:
        for each in processes:
            with suppress(*ENDED):
                before[each] = prlimit(each, f"--{limit}", "--output=SOFT", "--noheadings")
                prlimit(each, f"--{limit}={used(each)}:")
        yield
    finally:
        for each, soft in before.items():
            with suppress(*ENDED):
                prlimit(each, f"--{limit}={soft}:")


def prlimit(process: psutil.Process, *options: str) -> str:
    """What prlimit prints. It runs as the user of the process: root may lack the right to limit another user's."""
    uids, gids = process.uids(), process.gids()
    user = {} if uids.real == os.geteuid() else {"user": uids.real, "group": gids.real, "extra_groups": []}
    command = ["prlimit", f"--pid={process.pid}", *options]
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd="/", **user).stdout.strip()  # type: ignore[call-overload, no-any-return]


@fault("no more memory for the web")
def no_memory(site: Site, _: Random, seconds: float) -> None:
    with limited(site.workers(), "as", lambda each: int(each.memory_info().vms)):
        time.sleep(seconds)


@fault("no more file descriptors for the web")
def no_descriptors_for_the_web(site: Site, _: Random, seconds: float) -> None:
    with limited(site.workers(), "nofile", lambda _: NO_OTHER):
        time.sleep(seconds)


@fault("no more file descriptors for PostgreSQL")
def no_descriptors_for_postgresql(site: Site, _: Random, seconds: float) -> None:
    with limited(site.server.processes(), "nofile", lambda _: NO_OTHER):
        time.sleep(seconds)
