"""Runs the checks that were asked for, and one a day, beside the projector: one at a time, in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from typing import Any

import psycopg
import structlog
from psycopg.rows import dict_row

from service.config import Config
from service.postgres.queries import QUERIES
from service.supervisor import for_children

log = structlog.get_logger()

ONE_AT_A_TIME = 7004
"""The advisory lock of whoever checks."""
LOOK_SECONDS = 1.0
CLEAN, FOUND = 0, 1
"""Exit codes of `suyuan check` that come with a report."""


def follow(config: Config, stop: threading.Event) -> None:
    """Look for checks to run until `stop` is set. Survives the database's restarts."""
    while not stop.wait(LOOK_SECONDS):
        try:  # whatever happens, the next check is to be run
            with psycopg.connect(config.database_url or "", autocommit=True, row_factory=dict_row) as conn:
                [row] = conn.execute(f"select pg_try_advisory_lock({ONE_AT_A_TIME}) as mine").fetchall()
                if row["mine"]:
                    _follow(conn, config, stop)
        except psycopg.OperationalError as error:
            log.warning("checker lost the database", reason=str(error).strip())
        except Exception:
            log.exception("checker")


def _follow(conn: psycopg.Connection[dict[str, Any]], config: Config, stop: threading.Event) -> None:
    while not stop.wait(LOOK_SECONDS):
        if config.check_hours:
            conn.execute(QUERIES["schedule_check"], {"hours": config.check_hours})
        for row in conn.execute(QUERIES["begin_check"]).fetchall():
            report = _run(config, stop)
            if stop.is_set():
                return
            told = report and json.dumps(report, ensure_ascii=False)
            errors = report and report["errors"]
            conn.execute(QUERIES["end_check"], {"id": row["id"], "errors": errors, "report": told})
            log.log(40 if errors or report is None else 20, "checked", id=row["id"], errors=errors)


def _run(config: Config, stop: threading.Event) -> Mapping[str, Any] | None:
    """The report of a check in a process of its own, None if it has none; ended with its own when told to stop."""
    process = subprocess.Popen(
        [sys.executable, "-m", "service", "check", "--json"],
        env={**os.environ, **for_children(config)},
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.2):
            if stop.is_set():
                os.killpg(process.pid, signal.SIGTERM)
                return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    said, _ = process.communicate()
    ended.set()
    watcher.join()
    if process.returncode not in (CLEAN, FOUND):
        return None
    try:
        found: Mapping[str, Any] = json.loads(said)
    except ValueError:  # it ended before it had a report
        return None
    return found
