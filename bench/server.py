"""A PostgreSQL server for the benchmarks, configured like the embedded one, with its data on this disk and fsync on."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from service.postgres import embedded
from service.postgres.migrate import migrate

SETTINGS = {"shared_buffers": "1GB", "max_wal_size": "4GB", "max_connections": "300"}
"""The PostgreSQL settings that differ from those of the embedded server: the benchmarks need a larger server."""


@contextmanager
def server() -> Iterator[str]:
    """Runs a temporary PostgreSQL server; yields its conninfo."""
    with TemporaryDirectory(prefix="suyuan-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with embedded.serve(folder / "postgres", embedded.programs(), SETTINGS) as url:
            yield url


def new_ledger(server_url: str, name: str) -> str:
    """Creates an empty, migrated ledger in a new database `name` on this server. Returns its conninfo."""
    with psycopg.connect(server_url, autocommit=True) as conn:
        conn.execute(f"create database {name}".encode())
    url = make_conninfo(server_url, dbname=name)
    migrate(url)
    return url


LIBRARIES = (
    "eventsourcing",
    "flask",
    "granian",
    "psycopg",
    "marshmallow",
    "msgspec",
    "beancount",
    "duckdb",
)
PEERS_BY_NPM = Path(__file__).with_name("node") / "package.json"


def versions() -> dict[str, str]:
    """The versions of the installed libraries, and of the programs compared with, by name."""
    found = {each: version(each) for each in LIBRARIES if find_spec(each)}
    if hledger := which("hledger"):
        answer = subprocess.run([hledger, "--version"], check=True, capture_output=True, text=True)
        found["hledger"] = answer.stdout.strip()
    return {**found, **json.loads(PEERS_BY_NPM.read_text())["dependencies"]}


def machine(url: str) -> dict[str, Any]:
    """The machine, the software versions and the server settings of the measurement, by name."""
    with psycopg.connect(url) as conn:
        [(postgresql,)] = conn.execute("show server_version").fetchall()
    return {
        "cores": os.cpu_count(),
        "processor": platform.processor() or platform.machine(),
        "python": platform.python_version(),
        "postgresql": postgresql,
        **SETTINGS,
    }
