"""The speed of replaying a long log: live folding, rebuild, check and feed, compared with the eventsourcing library.

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
RUNNER_BATCH = 2_000
BATCHED = f"the library's runner, {RUNNER_BATCH:,} a transaction"
out = Console()


def seconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def run(url: str, events: int) -> dict[str, dict[str, float]]:
    """Measures each work, such as a rebuild, on the log of `events` events at `url`.

    Returns the figures of each work by its name: the seconds, the events per second and the peak memory in MB. The peak
    memory is that of this process or of its largest child, whichever is larger, up to the end of the work. For DuckDB,
    which has a separate process, it is the peak memory of that process.
    """
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
        # In a separate process: the peak memory of this one includes the other works.
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
            took, peak = process.submit(replayed, folder).result()
        found["DuckDB from the archive"] = {"seconds": took, "events_per_second": events / took, "peak_mb": peak}
        out.print(f"DuckDB from the archive: {events / took:,.0f} events/s")
    some = min(events // RUNNER_BATCH, 5) * RUNNER_BATCH
    measured(RUNNER, seconds(lambda: fold_balances(url, some)), some)
    measured(BATCHED, seconds(lambda: fold_balances(url, some, RUNNER_BATCH)), some)
    return found


def replayed(folder: str) -> tuple[float, float]:
    """The seconds and the peak MB that DuckDB takes to fold the balances from the archive in `folder`."""
    archived = opened(Path(folder))
    took = seconds(lambda: balances(DuckDb(), archived))
    # Not by getrusage: a process starts with the peak of its parent.
    status = Path("/proc/self/status").read_text()
    return took, int(status.partition("VmHWM:")[2].split()[0]) / 1024


def fold_live(connect: Callable[[], psycopg.Connection[Any]]) -> float:
    """The seconds of folding the log in spans of 10 000 events, as the projector folds a backlog.

    After 1, 2, 4, 8 … spans the tables are analyzed, which is not counted: in production, autovacuum analyzes them.
    """
    spans, took = 0, 0.0
    with connect() as conn:
        while True:
            started = time.perf_counter()
            if not projections.advance(conn):
                return took
            took += time.perf_counter() - started
            spans += 1
            if spans & (spans - 1) == 0:
                for name in projections.ORDER:
                    conn.execute(f"analyze {name}".encode())


def read_lines(ours: served.Served, events: int) -> None:
    """Read the log of `events` events over HTTP, as lines of JSON in pages of the maximum size."""
    after, read = 0, 0
    while read < events:
        headers = {"Authorization": f"Bearer {ours.key}", "Accept": "application/x-ndjson"}
        request = urllib.request.Request(
            f"http://127.0.0.1:{ours.port}/v1/events?limit=20000&after={after}", headers=headers
        )
        with urllib.request.urlopen(request) as answer:
            read += answer.read().count(b"\n")
            after = int(answer.headers["Link"].partition("after=")[2].split("&")[0].split(">")[0])


def table(found: dict[str, dict[str, float]]) -> Table:
    result = Table("work", "events/s", "× the library's", "× that, 2,000 a transaction", "peak MB")
    library, batched = (found[name]["events_per_second"] for name in (RUNNER, BATCHED))
    for name, each in found.items():
        rate, peak = each["events_per_second"], f"{each['peak_mb']:.0f}"
        result.add_row(name, f"{rate:,.0f}", f"{rate / library:.0f}", f"{rate / batched:.1f}", peak)
    return result


def fill(url: str, events: int) -> int:
    with psycopg.connect(url, autocommit=True) as conn, Progress(console=out) as progress:
        task = progress.add_task("writing the log", total=events)
        return mixed_log.fill(url, conn, events, lambda at: progress.update(task, completed=at))


def main(events: int) -> None:
    # Each in a separate process, so that the peak memory is that of the work.
    with server() as server_url:
        url = new_ledger(server_url, "replay")
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
            size = process.submit(fill, url, events).result()
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
            found = process.submit(run, url, size).result()
        out.print(table(found))
        results = {"events": size, "machine": machine(url), "found": found}
        Path(__file__).with_name("replay.json").write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
