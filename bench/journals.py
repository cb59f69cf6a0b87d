"""Writing a fund's journal, and checking it with hledger and beancount."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.request import Request, urlopen

from bench.race import Row, Run
from bench.served import Served
from bench.workload import Fund

CHECKERS = {"hledger": ["hledger", "check", "-f"], "beancount": [str(Path(sys.executable).with_name("bean-check"))]}
"""The command that checks a journal, by the journal's format."""


def rows(served: Served, fund: Fund, moves: int) -> Iterator[Row]:
    """Measures writing and checking the fund's journal. Yields two rows for each format: one for each of the two steps.

    The rate in a row is in movements of money per second. `moves`: the number of movements in the journal. A format
    whose checker is not installed is left out.
    """
    with TemporaryDirectory() as folder:
        for kind, command in CHECKERS.items():
            if not shutil.which(command[0]):
                continue
            file = Path(folder) / f"books.{kind}"
            started = time.perf_counter()
            file.write_bytes(_fetched(served, fund, kind))
            written = time.perf_counter()
            subprocess.run([*command, str(file)], check=True, capture_output=True)
            read = time.perf_counter()
            yield _row(f"journal for {kind}", "Suyuan writes it", moves, written - started)
            yield _row(f"journal for {kind}", f"{Path(command[0]).name} checks it", moves, read - written)


def _row(work: str, name: str, moves: int, seconds: float) -> Row:
    return Row("journals", work, name, [Run(moves / seconds, seconds * 1000, 0.0)])


def _fetched(served: Served, fund: Fund, kind: str) -> bytes:
    address = f"http://127.0.0.1:{served.port}/v1/funds/{fund.code}/journal.{kind}"
    with urlopen(Request(address, headers={"Authorization": f"Bearer {served.key}"})) as answer:
        body: bytes = answer.read()
        return body
