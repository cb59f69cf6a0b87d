"""Runs requested checks and periodic ones, next to the projector: one at a time, each in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Mapping
from typing import Any

import psycopg
import structlog
from psycopg.rows import dict_row

from service import supervisor
from service.config import Config, ExitCode, OperatorError
from service.postgres import session
from service.postgres.queries import QUERIES

log = structlog.get_logger()

CHECK_LOCK = 8_319_689_431_689_592_835  # `suyuan` in ASCII, and 3
"""The key of the advisory lock that is held by the process that runs checks."""
POLL_SECONDS = 1.0
REPORTED = (ExitCode.DONE, ExitCode.DIFFERS)
"""The exit codes of `suyuan check` if it has printed a report: the report has no errors, or it has errors."""


class MayNotCheck(OperatorError):
    """The database role of the process may not run the checks that were requested."""

    def __init__(self) -> None:
        super().__init__(
            "the database role may not run checks: connect as a member of suyuan_checker;"
            " start the projector with --no-checks, and suyuan checker beside it.\n"
            "数据库角色无权执行核查：请以 suyuan_checker 的成员连接；"
            "projector 请加 --no-checks，并另行启动 suyuan checker。"
        )


def must_run_checks(conn: psycopg.Connection[Any]) -> None:
    """Raises MayNotCheck if the database role of `conn` may not run checks."""
    if not conn.execute(MAY_CHECK).fetchone():
        raise MayNotCheck


MAY_CHECK = "select true as permitted where has_column_privilege('check_run', 'report', 'update')"


def follow(config: Config, stop: threading.Event) -> None:
    """Run requested and periodic checks until `stop` is set.

    Any error is logged, and the function then connects to the database again.
    """
    while not stop.wait(POLL_SECONDS):
        try:  # after any error, the next check must still run
            with session.connect(config.database_url or "", session.WORKERS, row_factory=dict_row) as conn:
                [row] = conn.execute(f"select pg_try_advisory_lock({CHECK_LOCK}) as locked").fetchall()
                if row["locked"]:
                    _follow(conn, config, stop)
        except psycopg.OperationalError as error:
            log.warning("checker lost the database", reason=str(error).strip())
        except Exception:
            log.exception("checker")


def _follow(conn: psycopg.Connection[dict[str, Any]], config: Config, stop: threading.Event) -> None:
    while not stop.wait(POLL_SECONDS):
        if config.check_hours:
            conn.execute(QUERIES["schedule_check"], {"hours": config.check_hours})
        for row in conn.execute(QUERIES["begin_check"]).fetchall():
            report = _run(config, stop)
            if stop.is_set():
                return
            encoded = report and json.dumps(report, ensure_ascii=False)
            errors = report and report["errors"]
            conn.execute(QUERIES["end_check"], {"id": row["id"], "errors": errors, "report": encoded})
            log.log(40 if errors or report is None else 20, "checked", id=row["id"], errors=errors)


def _run(config: Config, stop: threading.Event) -> Mapping[str, Any] | None:
    """Run a check in a process of its own and return its report; None if the process ends without a report.

    When `stop` is set, the process and its children are terminated.
    """
    process = supervisor.start(config, "check", "--json", stdout=subprocess.PIPE)
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.2):
            if stop.is_set():
                os.killpg(process.pid, signal.SIGTERM)
                return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    output, _ = process.communicate()
    ended.set()
    watcher.join()
    if process.returncode not in REPORTED:
        return None
    try:
        report: Mapping[str, Any] = json.loads(output)
    except ValueError:  # the process ended before it printed a complete report
        return None
    return report
