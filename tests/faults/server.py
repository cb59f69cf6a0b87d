"""A PostgreSQL server of the site, with an archive of its write-ahead log, and copies of it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil
import psycopg
from psycopg.conninfo import make_conninfo

from service.postgres import embedded
from tests.conftest import PROGRAMS
from tests.faults.part import words

DATABASE = "suyuan"
ARCHIVE_SCRIPT = """#!/bin/sh
cmp --silent "$1" "$2" || { test ! -f "$2" && cp "$1" "$2.part" && sync "$2.part" && mv "$2.part" "$2"; }
"""
"""Copies a segment of the write-ahead log to the archive, as docs/operations.md recommends."""
NO_RECOVERY = {"restore_command": "false", "recovery_target_time": "", "primary_conninfo": ""}
"""Settings of a copy that recovers what it contains, and nothing more."""

SESSIONS = """
    select array_agg(pid) from pg_stat_activity
    where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()
"""


class Server:
    """A server on `folder`/postgres, which is started again when it ends. Segments of its log are copied to `archive`.

    `url`: the conninfo of the ledger's database over the Unix socket.
    """

    def __init__(self, folder: Path, archive: Path) -> None:
        self.data, self.archive = folder / "postgres", archive
        self._running = ExitStack()
        folder.mkdir(mode=0o711, exist_ok=True)
        self.url = embedded._conninfo(self.data, DATABASE)

    @property
    def account(self) -> dict[str, Any]:
        """The account that runs PostgreSQL, as keyword arguments of `subprocess`; empty unless this is root."""
        return embedded._account(self.data)

    def start(self) -> None:
        script = self.archive / "archive"
        script.write_text(ARCHIVE_SCRIPT)
        script.chmod(0o755)
        settings = {
            "max_wal_size": "128MB",
            "archive_mode": "on",
            "archive_command": f'"{script}" %p "{self.archive}/%f"',
        }
        give(self.archive, self.account)
        self._running.enter_context(embedded.serve(self.data, PROGRAMS, settings))

    def stop(self) -> None:
        """Stop the server, without starting it again."""
        self._running.close()

    def processes(self) -> list[psutil.Process]:
        return embedded._processes(self.data)

    def postmaster(self) -> psutil.Process:
        return psutil.Process(int((self.data / "postmaster.pid").read_text().split()[0]))

    def part(self, title: str) -> list[psutil.Process]:
        """The processes of this server whose title has this word, such as `walwriter`."""
        return [each for each in self.processes() if title in words(each)]

    def sessions(self) -> list[psutil.Process]:
        """The processes of the sessions that the service has open."""
        return [psutil.Process(pid) for pid in self.ask(SESSIONS)]

    def ask(self, *statements: str, database: str = DATABASE) -> Any:
        """Run these statements; the first column of the last one's first row."""
        with psycopg.connect(make_conninfo(self.url, dbname=database), autocommit=True) as conn:
            for each in statements:
                result = conn.execute(each)
            row = result.fetchone() if result.description else None
            return row and row[0]

    def run(self, program: str, *arguments: str | Path) -> None:
        """Run one of PostgreSQL's programs, with this server's account."""
        command = [PROGRAMS / program, *arguments]
        done = subprocess.run(command, cwd="/", check=False, capture_output=True, text=True, **self.account)
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stderr}")

    def copy(self, folder: Path, signal: str, **settings: str) -> None:
        """Make a base backup of this server at `folder`/postgres.

        Started there, the copy recovers as a standby (`signal`: standby.signal) or to the end of what it gets
        (recovery.signal), with these settings.
        """
        folder.mkdir(mode=0o711)
        copy = folder / "postgres"
        copy.mkdir(mode=0o700)
        give(copy, self.account)
        server = make_conninfo(self.url, dbname="")
        self.run("pg_basebackup", "-D", copy, "-X", "stream", "-c", "fast", "-d", server)
        configure(copy, {**NO_RECOVERY, **settings})
        (copy / signal).touch()
        give(copy / signal, self.account)


def configure(data: Path, settings: Mapping[str, str]) -> None:
    """Add these settings to those of a server that does not run."""
    with (data / "postgresql.auto.conf").open("a") as file:
        file.writelines(f"{name} = '{value.replace(chr(39), chr(39) * 2)}'\n" for name, value in settings.items())


def give(path: Path, account: Mapping[str, Any]) -> None:
    """Make this account the owner of the path."""
    if account:
        os.chown(path, account["user"], account["group"])
