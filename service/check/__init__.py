"""The check: everything is derived from the log again and held against what the database says. Changes nothing.

The tables are folded anew on one snapshot (`tables.py`), the log is looked at by itself (`log.py`), and every fact is
decided again by the rules (`rules.py`); what differs is a typed finding (`finding.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg

from service.check.finding import KINDS, Finding, Report, Severity
from service.check.log import check_log
from service.check.rules import check_rules
from service.check.tables import check_tables

__all__ = ["KINDS", "Finding", "Report", "Severity", "check"]


def check(url: str, told: Callable[[str, int], object] = lambda *_: None) -> Report:
    """What a check of the whole ledger finds now. `told` is called with a part's name and its position."""

    def connect() -> psycopg.Connection[Any]:
        conn = psycopg.connect(url, autocommit=True)
        conn.execute("set lock_timeout = '60s'")
        return conn

    report = Report()
    check_tables(connect, report, told)
    told("log", 0)
    check_log(connect, report)
    told("log", report.head)
    told("rules", 0)
    check_rules(url, report)
    told("rules", report.head)
    return report
