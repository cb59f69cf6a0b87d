"""Starts, measures and stops the HTTP servers and the projector for the benchmarks."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil
import psycopg
from psycopg.rows import dict_row

from bench.processor import postmaster
from bench.workload import SECRET
from service.auth import api_keys
from service.auth.grants import SCOPES, grant

START_SECONDS = 60.0


@dataclass(frozen=True)
class Served:
    """A program that serves HTTP on a local port: our web service, or the bare Flask route it is compared with.

    `key` is the API key for our web service; it is empty for the bare route. `database`: its PostgreSQL server.
    """

    port: int
    key: str
    process: psutil.Process
    database: psutil.Process

    def resident_mb(self) -> float:
        """The resident memory of the program's largest process, in MB."""
        processes = [self.process, *self.process.children(recursive=True)]
        return max(each.memory_info().rss for each in processes) / 1e6


def environment(url: str, port: int) -> dict[str, str]:
    """The environment variables with which our programs run: on the ledger at `url`, serving HTTP on `port`."""
    settings = {"DATABASE_URL": url, "SUYUAN_SECRET": SECRET.decode(), "SUYUAN_RATE": "1000000"}
    return {**settings, "PORT": str(port or 1), "HEALTH_PORT": "0"}


@contextmanager
def suyuan(url: str, port: int) -> Iterator[Served]:
    """Runs our web service on the ledger at `url`. Its key has every scope and practically no rate limit."""
    with psycopg.connect(url, autocommit=True, row_factory=dict_row) as conn:
        key = api_keys.create(conn, SECRET, f"bench-{port}", grant(sorted(SCOPES), sources=["/bench"]))
    with running(_module("service", "serve"), environment(url, port), port, key) as served:
        yield served


@contextmanager
def bare(url: str, port: int) -> Iterator[Served]:
    with running(_module("bench.bare"), {"DATABASE_URL": url, "PORT": str(port or 1)}, port, "") as served:
        yield served


@contextmanager
def projector(url: str) -> Iterator[psutil.Process]:
    """Runs the projector of the ledger at `url`; yields the process."""
    with _process(_module("service", "projector"), environment(url, 0)) as process:
        yield process


@contextmanager
def running(command: list[str], variables: dict[str, str], port: int, key: str) -> Iterator[Served]:
    """Runs a command that serves HTTP on `port`, with these environment variables; waits until it answers."""
    with _process(command, variables) as process:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(port):
            assert process.is_running(), f"{command} ended"
            assert time.monotonic() < deadline, f"{command} does not answer"
            time.sleep(0.05)
        yield Served(port, key, process, postmaster(variables["DATABASE_URL"]))


@contextmanager
def _process(command: list[str], variables: dict[str, str]) -> Iterator[psutil.Process]:
    process = subprocess.Popen(command, env={**os.environ, **variables}, stderr=subprocess.DEVNULL)
    try:
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()


def _module(name: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", name, *arguments]


def _answers(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz").close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True
