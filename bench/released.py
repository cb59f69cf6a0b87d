"""Posting over HTTP to this version and to another one, in turns: `python -m bench.released FOLDER`.

FOLDER is the clone of another version, with its packages installed into its `.venv` (`git worktree add FOLDER COMMIT`,
then `make .venv/.test` there). Only its commands and its HTTP interface are used. No projector runs.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from statistics import median

import psycopg
from psycopg.conninfo import make_conninfo
from rich.console import Console

from bench import client, served
from bench.posts import over_http, requests
from bench.race import Pace, race
from bench.served import Served
from bench.server import server
from bench.workload import Fund, Payments
from service.auth.grants import SCOPES

FUND = Fund("fund", 200)
WORKS = ((16, 1), (2, 1_000))
"""Each a number of connections, and of events in a request."""
PACE = Pace(5, 2)
PORTS = {"this version": 8291, "the other": 8292}


def main(folder: Path) -> None:
    out = Console()
    with server() as server_url, ExitStack() as stack:
        folders = dict(zip(PORTS, (Path(), folder), strict=True))
        versions = {name: stack.enter_context(_version(each, name, server_url)) for name, each in folders.items()}
        for connections, each in WORKS:
            contenders = [over_http(name, one, Payments(FUND), connections, each) for name, one in versions.items()]
            ours, theirs = race("released", f"{connections} connections", contenders, PACE)
            out.print(f"{connections} connections, {each} events in a request, events a second:")
            for row in (ours, theirs):
                rates = sorted(run.a_second for run in row.runs)
                out.print(f"  {row.name}: {median(rates):,.0f} ({rates[0]:,.0f} to {rates[-1]:,.0f})")
            out.print(f"  this version × the other: {ours.ratios[theirs.name]:.2f}")


@contextmanager
def _version(folder: Path, name: str, server_url: str) -> Iterator[Served]:
    """Runs the web service of the version in `folder`, on a new ledger with the fund FUND."""
    port = PORTS[name]
    url = make_conninfo(server_url, dbname=f"version_{port}")
    with psycopg.connect(server_url, autocommit=True) as conn:
        conn.execute(f"create database version_{port}".encode())
    folder = folder.resolve()
    program = ["env", "-C", str(folder), str(folder / ".venv/bin/python"), "-m", "service"]
    environment = served.environment(url, port)
    _run([*program, "migrate"], environment)
    scopes = [argument for scope in sorted(SCOPES) for argument in ("--scope", scope)]
    key = _run([*program, "keys", "create", "bench", "--source", "/bench", *scopes], environment).split()[-1]
    with served.running([*program, "serve"], environment, port, key) as running:
        _found(running)
        yield running


def _run(command: list[str], environment: dict[str, str]) -> str:
    """What the command prints. Raises CalledProcessError."""
    variables = {**os.environ, **environment}
    return subprocess.run(command, env=variables, check=True, capture_output=True, text=True).stdout


def _found(running: Served) -> None:
    events = FUND.founding()
    while bundle := list(islice(events, 1_000)):
        result = client.load(running.port, [requests(running.key, bundle, len(bundle))], seconds=60)
        assert set(result.statuses) == {201}, result.statuses


if __name__ == "__main__":
    main(Path(sys.argv[1]))
