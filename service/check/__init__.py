"""The check: derive everything from the log again and compare it with the database. Changes nothing.

The tables are folded from scratch on one snapshot (`tables.py`), the log is checked for consistency (`log.py`), and
every event is decided again by the rules (`rules.py`). Each difference is a finding of a published kind (`finding.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg

from service.check.finding import KINDS, Finding, Report, Severity
from service.check.log import check_log
from service.check.rules import check_rules
from service.check.tables import check_tables
from service.postgres import session

__all__ = ["KINDS", "Finding", "Report", "Severity", "check"]


def check(url: str, on_progress: Callable[[str, int], object] = lambda *_: None) -> Report:
    """Check the whole ledger and return the report.

    `on_progress` is called with the name of a part of the check and the log position that the part has reached.
    """

    def connect() -> psycopg.Connection[Any]:
        return session.connect(url, session.COMMANDS)

    report = Report()
    check_tables(connect, report, on_progress)
    on_progress("log", 0)
    check_log(connect, report)
    on_progress("log", report.head)
    on_progress("rules", 0)
    check_rules(url, report)
    on_progress("rules", report.head)
    return report
