"""How fast a long log is replayed: folded live, rebuilt, checked, followed; beside the library's own projection runner.

`python -m bench.replay [EVENTS]` prints a table and writes bench/replay.json; a million events take about five minutes.
"""

from __future__ import annotations

import json
import resource
import sys
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

import projections
from bench import mixed_log, served
from bench.library_runner import fold_balances
from bench.server import machine, new_ledger, server
from projections.rebuild import rebuild
from service.archive.engines import DuckDb
from service.archive.manifest import empty, opened
from service.archive.replay import balances
from service.archive.write import archive
from service.check import Report
from service.check.log import check_log
from service.check.rules import check_rules
from service.check.tables import check_tables

PORT = 8193
SPANS, RUNNER = "live spans, all", "the library's runner, balances"
TARGETS = {
    "rebuild movement and balance": 200_000,
    "rebuild all": 50_000,
    SPANS: 40_000,
    "check all tables": 60_000,
    "check the rules": 15_000,
    "feed as lines": 50_000,
    "DuckDB from the archive": 1_000_000,
}
"""Events a second that were asked for."""
out = Console()


def seconds(work: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def run(url: str, events: int) -> dict[str, dict[str, float]]:
    """Each work by its name: seconds, events a second, and the peak memory of this process after it, in MB."""
    found: dict[str, dict[str, float]] = {}

    def connect() -> psycopg.Connection[Any]:
        return psycopg.connect(url, autocommit=True)

    def measured(name: str, took: float, over: int = events) -> None:
        peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        found[name] = {"seconds": took, "events_per_second": over / took, "peak_mb": peak / 1024}
        out.print(f"{name}: {over / took:,.0f} events/s")

    measured(SPANS, fold_live(connect))
    measured("rebuild all", seconds(lambda: rebuild(connect)))
    measured("rebuild movement and balance", seconds(lambda: rebuild(connect, ["balance"])))
    report = Report()
    measured("check all tables", seconds(lambda: check_tables(connect, report, lambda *_: None)))
    measured("check the log itself", seconds(lambda: check_log(connect, report)))
    measured("check the rules", seconds(lambda: check_rules(url, report)))
    with served.suyuan(url, PORT) as ours:
        measured("feed as lines", seconds(lambda: read_lines(ours, events)))
    with TemporaryDirectory() as folder, psycopg.connect(url, autocommit=True) as conn:
        ledger = empty("/suyuan", "")
        measured("archive", seconds(lambda: archive(conn, Path(folder), ledger)))
        # In a process of its own: the peak memory of this one has other works in it.
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
            took, peak = process.submit(replayed, folder).result()
        found["DuckDB from the archive"] = {"seconds": took, "events_per_second": events / took, "peak_mb": peak}
        out.print(f"DuckDB from the archive: {events / took:,.0f} events/s")
    some = min(events, 5_000)
    measured(RUNNER, seconds(lambda: fold_balances(url, some)), some)
    return found


def replayed(folder: str) -> tuple[float, float]:
    """Seconds and MB that DuckDB takes for the balances."""
    archived = opened(Path(folder))
    took = seconds(lambda: balances(DuckDb(), archived))
    # Not by getrusage: a process begins with the peak of the one that began it.
    status = Path("/proc/self/status").read_text()
    return took, int(status.partition("VmHWM:")[2].split()[0]) / 1024


def fold_live(connect: Callable[[], psycopg.Connection[Any]]) -> float:
    """Seconds of folding in spans of 10 000, as the projector folds a backlog.

    Between spans, off the clock, the planner is told what has grown: beside a projector autovacuum does it.
    """
    spans, took = 0, 0.0
    with connect() as conn:
        while True:
            begun = time.perf_counter()
            if not projections.advance(conn):
                return took
            took += time.perf_counter() - begun
            spans += 1
            if spans & (spans - 1) == 0:
                for name in projections.ORDER:
                    conn.execute(f"analyze {name}".encode())


def read_lines(ours: served.Served, events: int) -> None:
    """The whole log, page by page, each as large as it may be."""
    after, got = 0, 0
    while got < events:
        headers = {"Authorization": f"Bearer {ours.key}", "Accept": "application/x-ndjson"}
        request = urllib.request.Request(
            f"http://127.0.0.1:{ours.port}/v1/events?limit=20000&after={after}", headers=headers
        )
        with urllib.request.urlopen(request) as answer:
            got += answer.read().count(b"\n")
            after = int(answer.headers["Link"].partition("after=")[2].split("&")[0].split(">")[0])


def table(found: dict[str, dict[str, float]]) -> Table:
    shown = Table("work", "events/s", "asked", "of that", "× the library's", "peak MB")
    library = found[RUNNER]["events_per_second"]
    for name, each in found.items():
        rate, asked = each["events_per_second"], TARGETS.get(name)
        of_that = f"{rate / asked:.2f}" if asked else ""
        shown.add_row(
            name,
            f"{rate:,.0f}",
            f"{asked:,}" if asked else "",
            of_that,
            f"{rate / library:.0f}",
            f"{each['peak_mb']:.0f}",
        )
    return shown


def fill(url: str, events: int) -> int:
    with psycopg.connect(url, autocommit=True) as conn, Progress(console=out) as progress:
        task = progress.add_task("writing the log", total=events)
        return mixed_log.fill(url, conn, events, lambda at: progress.update(task, completed=at))


def main(events: int) -> None:
    # Each in a process of its own, so that the peak memory is that of the work.
    with server() as server_url:
        url = new_ledger(server_url, "replay")
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
            size = process.submit(fill, url, events).result()
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
            found = process.submit(run, url, size).result()
        out.print(table(found))
        told = {"events": size, "machine": machine(url), "found": found}
        Path(__file__).with_name("replay.json").write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
