"""How fast posts are appended in process, beside the library's recorder and a raw INSERT, in one run.

`python -m bench.append [SECONDS]` prints a table and writes bench/append.json: medians of three alternating rounds.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import uuid4

import psycopg
from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from rich.console import Console
from rich.table import Table

from bench.server import machine, new_ledger, server
from service.api import cloudevents
from service.app import open_ledger
from service.ledger import Counted, Ledger

SECRET = b"a secret of the benches, 32 bytes"
SETTINGS = {"notice_working_days": 5, "approvals": ["审核"], "acceptance_tries": 2}
FUNDS, WRITERS, ROUNDS = 200, (1, 8, 16, 32), 3
MOST = 12_000
"""Posts that are made ready for a second."""
Append = Callable[[int], object]
"""Append one event, as the writer of this number."""
out = Console()
_ids = count(1)


def post(fund: int, type_: str, **data: Any) -> Any:
    number = next(_ids)
    paper = {"kind": "立项依据", "number": f"n{number}"}
    return cloudevents.read(
        cloudevents.opened(
            {
                "specversion": "1.0",
                "id": f"e{number}",
                "source": "/bench",
                "type": type_,
                "subject": f"fund/f{fund}",
                "data": {"occurred_on": "2020-01-02", "actor": "甲", "documents": [paper], **data},
            }
        ),
        "bench",
        SECRET,
    )


def rate(append: Append, writers: int, seconds: float) -> tuple[float, float]:
    """Appends a second by so many writers, and the 99th percentile of one in milliseconds."""
    took: list[float] = []
    until = time.perf_counter() + seconds

    def write(number: int) -> None:
        while (begun := time.perf_counter()) < until:
            append(number)
            took.append(time.perf_counter() - begun)

    threads = [Thread(target=write, args=(number,)) for number in range(writers)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(took) / (time.perf_counter() - begun), sorted(took)[int(len(took) * 0.99)] * 1000


def ours(ledger: Ledger, seconds: float, *, hot: bool = False) -> Append:
    """Posts that were read before: deciding and recording are measured, every rule on, each with its identity."""
    posts = [post(0 if hot else n % FUNDS, "SettingsChanged", settings=SETTINGS) for n in range(int(seconds * MOST))]
    waiting = iter(posts)

    def append(_: int) -> None:
        [outcome] = ledger.post([next(waiting)])
        assert isinstance(outcome, Counted), outcome

    return append


def library(recorder: PostgresApplicationRecorder) -> Append:
    """The library's recorder: one event a transaction, no rules, no identity."""
    return lambda _: recorder.insert_events([StoredEvent(uuid4(), 1, "bench:Changed", b"x" * 400)])


def raw(url: str, writers: int) -> Append:
    """INSERT of an event's row, a connection for each writer, one row a commit; positions from a sequence."""
    connections = [psycopg.connect(url, autocommit=True) for _ in range(writers)]
    row = {"fact": json.dumps({"settings": SETTINGS, "actor": "甲", "pad": "x" * 300}, ensure_ascii=False)}
    insert = "insert into raw_event (stream, version, type, fact) values ('s', 1, 'Changed', %(fact)s)"
    return lambda number: connections[number].execute(insert, row)


def rows(server_url: str, seconds: float) -> dict[str, dict[str, float]]:
    ledger_url, library_url = new_ledger(server_url, "ours"), new_ledger(server_url, "library")
    with psycopg.connect(library_url, autocommit=True) as conn:
        conn.execute(
            "create table raw_event (position bigserial primary key, stream text, version bigint, type text,"
            " recorded_at timestamptz default now(), fact jsonb)"
        )
    ledger = open_ledger(ledger_url)
    for fund in range(FUNDS):
        ledger.post([post(fund, "FundEstablished", name="x", settings=SETTINGS)])
    told = psycopg.conninfo.conninfo_to_dict(library_url)
    datastore = PostgresDatastore(
        told["dbname"], told.get("host", ""), told.get("port", ""), told.get("user", ""), "", pool_size=32
    )
    recorder = PostgresApplicationRecorder(datastore, events_table_name="library_events")
    recorder.create_table()
    found: dict[str, list[tuple[float, float]]] = {}
    for _ in range(ROUNDS):
        for writers in WRITERS:
            for name, append in (
                ("ours", ours(ledger, seconds)),
                ("ours, one stream", ours(ledger, seconds, hot=True)),
                ("the library's recorder", library(recorder)),
                ("raw INSERT", raw(library_url, writers)),
            ):
                found.setdefault(f"{name}, {writers} writers", []).append(rate(append, writers, seconds))
    ledger.close()
    datastore.close()
    return {
        name: {"per_second": statistics.median(r for r, _ in each), "p99_ms": statistics.median(p for _, p in each)}
        for name, each in found.items()
    }


def table(found: dict[str, dict[str, float]]) -> Table:
    shown = Table("appends", "writers", "a second", "p99 ms", "× the library's", "of raw INSERT")
    for writers in WRITERS:
        peer, bare = (
            found[f"{name}, {writers} writers"]["per_second"] for name in ("the library's recorder", "raw INSERT")
        )
        for name, each in found.items():
            what, of = name.rsplit(", ", 1)
            if of == f"{writers} writers":
                per = each["per_second"]
                shown.add_row(
                    what, str(writers), f"{per:,.0f}", f"{each['p99_ms']:.1f}", f"{per / peer:.2f}", f"{per / bare:.2f}"
                )
    return shown


def main(seconds: float) -> None:
    with server() as server_url:
        found = rows(server_url, seconds)
        out.print(table(found))
        told = {"machine": machine(server_url), "found": found}
        Path(__file__).with_name("append.json").write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 3)
