"""`python -m tests.faults` runs the fault campaign. The same seed gives the same faults in the same order.

It tries one fault after another, and all of them again, until the time is over. Exit code 1 if an event was lost or
counted twice, if the books are wrong, or if the site has not recovered after three minutes.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import cycle
from pathlib import Path
from random import Random

import structlog
from rich.console import Console
from rich.table import Table

from tests.conftest import open_folder
from tests.faults import clocks, database, network, processes, restores
from tests.faults.database import NO_SMALL_DISK
from tests.faults.fault import FAULTS, Fault
from tests.faults.proof import differences, wrong_books
from tests.faults.site import Site

MODULES = (processes, network, database, restores, clocks)
"""The modules that register the faults."""
DISK_MIB, HOME_MIB = 1_500, 64
out = Console(width=None if sys.stdout.isatty() else 140)
COLUMNS = (
    "fault", "seconds", "acknowledged", "lost", "503", "no answer", "500", "slowest answer", "posts after", "all after",
)  # fmt: skip
"""Of the time from the beginning of the fault to its recovery; times in seconds.

`acknowledged`: events, during the fault. `lost`: acknowledged events that a restore or a failover has lost. 503, `no
answer`, 500: answers to posts. `posts after`: from the end of the fault until every sender's posts are acknowledged
again. `all after`: until both web processes are ready and the projections have reached the log.
"""


@contextmanager
def small_disk(folder: Path, mebibytes: int) -> Iterator[Path]:
    """A folder with a disk of its own, if this process may mount one."""
    folder.mkdir(mode=0o711)
    if NO_SMALL_DISK:
        yield folder
        return
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m,mode=711", "suyuan", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@contextmanager
def running_site(seed: int) -> Iterator[Site]:
    with (
        open_folder() as folder,
        small_disk(folder / "disk", DISK_MIB) as disk,
        small_disk(folder / "home", HOME_MIB) as home,
        ExitStack() as stack,
    ):
        yield Site(stack, folder, disk, home, seed)


def suffer(site: Site, fault: Fault, random: Random, seconds: float) -> list[str]:
    """Inflict the fault, wait until the site has recovered, prove the log; a row of the table."""
    for each in site.senders:
        each.reset()
    before = acknowledged(site)
    began = time.monotonic()
    fault.inflict(site, random, seconds)
    over = time.monotonic()
    lost = sum(each.lost for each in site.senders)
    during = acknowledged(site) - before + lost
    site.await_acknowledged(2)
    posts_after = time.monotonic() - over
    site.await_ready()
    all_after = time.monotonic() - over
    answers = sum((each.answers for each in site.senders), Counter[int]())
    slowest = max(each.slowest for each in site.senders)
    for proxy in site.proxies:
        proxy.close_silent()
    prove(site)
    assert fault.loses == (lost > 0), f"{lost} acknowledged events are lost"
    figures = (over - began, during, lost, answers[503], answers[0], answers[500], slowest, posts_after, all_after)
    return [fault.name, *(f"{figure:.1f}" if isinstance(figure, float) else str(figure) for figure in figures)]


def acknowledged(site: Site) -> int:
    return sum(len(each.acknowledged) for each in site.senders)


def prove(site: Site) -> None:
    """Raise AssertionError unless the log is what the senders know."""
    for each in site.senders:
        each.pause()
    found = differences(site.server.url, site.senders)
    for each in site.senders:
        each.go_on()
    if found:
        raise AssertionError("\n".join(found[:20]))


def campaign(site: Site, faults: list[Fault], seconds: float, each_seconds: float, seed: int) -> Table:
    """Try the faults, and again, until the time is over; the table of all tries.

    The choices in a fault depend on the seed, the fault, and how often all faults were tried before.
    """
    table, until = Table(*COLUMNS), time.monotonic() + seconds
    for column in table.columns[1:]:
        column.justify = "right"
    out.print("     " + "  ".join(COLUMNS))
    for number, fault in enumerate(cycle(faults)):
        if time.monotonic() > until:
            break
        random = Random(f"{seed} {number // len(faults)} {fault.name}")
        try:
            row = suffer(site, fault, random, each_seconds)
        except Exception:
            out.print(f"failed: {fault.name}", site.log_ends(), sep="\n", markup=False, highlight=False)
            raise
        table.add_row(*row)
        out.print(f"{number + 1:3}  " + "  ".join(row), highlight=False)
    return table


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=float, default=600, help="begin no fault after this time")
    arguments.add_argument("--each", type=float, default=8, help="how long a fault lasts that does not end by itself")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--only", nargs="+", help="faults whose name contains one of these")
    arguments.add_argument("--list", action="store_true", help="print the names of the faults")
    options = arguments.parse_args()
    if options.list:
        out.print(*FAULTS, sep="\n")
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    order = list(FAULTS.values())
    Random(options.seed).shuffle(order)
    chosen = [fault for fault in order if not options.only or any(text in fault.name for text in options.only)]
    for fault in chosen:
        if fault.missing:
            out.print(f"not tried: {fault.name}: {fault.missing}")
    out.print(f"seed {options.seed}, {options.each:.0f} s each")
    try:
        with running_site(options.seed) as site:
            faults = [fault for fault in chosen if not fault.missing]
            table = campaign(site, faults, options.seconds, options.each, options.seed)
            for each in site.senders:
                each.pause()
            site.await_ready()
            found = wrong_books(site.server.url)
            out.print(table)
            out.print(f"{acknowledged(site)} events acknowledged, each once; {len(found)} differences in the books")
    except (AssertionError, TimeoutError) as error:
        out.print(f"[red]failed[/red] with --seed {options.seed}", error, markup=True, highlight=False)
        sys.exit(1)
    if found:
        out.print(*found[:20], sep="\n", markup=False)
        sys.exit(1)


if __name__ == "__main__":
    main()
