"""`suyuan check`: derives everything from the log again and reports what differs."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from service import supervisor
from service.check import KINDS, Report, Severity, check
from service.check.against import check_against
from service.cli.terminal import (
    AS_JSON,
    CROSS,
    PATH,
    TICK,
    administered,
    err,
    out,
    progress,
    say,
    say_json,
    variables,
)
from service.config import OF_EVENTS, OF_LEDGER, ExitCode
from service.postgres import roles
from service.postgres.connect import url_of


@click.command("check", epilog=variables(*OF_LEDGER, *OF_EVENTS))
@click.option(
    "--against",
    type=PATH,
    help="also name the events in this file of a follower that the log lacks 另列出跟随方文件中有而日志没有的事件",
)
@AS_JSON
def command(as_json: bool, against: Path | None) -> None:
    """全面核查账簿，有错则返回 1。Derive everything from the log again; exit code 1 if anything differs."""
    supervisor.watch_parent(lambda: os.killpg(os.getpgid(0), signal.SIGKILL))
    with administered(roles.CHECKER, read_only=True, variables=OF_EVENTS) as (chosen, conn):
        lost = list(check_against(conn, against, chosen.source)) if against else []
        report = _run_check(url_of(chosen), err if as_json else out)
        report.add(lost)
    if as_json:
        say_json(report.document())
    else:
        _report_findings(report)
    sys.exit(ExitCode.DIFFERS if report.errors else ExitCode.DONE)


def _run_check(url: str, console: Console) -> Report:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TextColumn("{task.completed:,.0f}"),
        TimeElapsedColumn(),
    )
    with progress(*columns, console=console) as display:
        bars: dict[str, TaskID] = {}

        def on_progress(step: str, position: int) -> None:
            if step not in bars:
                bars[step] = display.add_task(STEPS.get(step, step), total=None)
            display.update(bars[step], completed=position)

        return check(url, on_progress)


STEPS = {
    "movement": "各表，资金 tables of money movements",
    "appropriation": "各表，其余 other tables",
    "log": "日志 log",
    "rules": "规则 rules, decided again",
}


NAMED = ("event-lost", "range-lost")
"""The kinds of findings that are shown one by one, because each names events that must be posted again."""


def _report_findings(report: Report) -> None:
    if report.findings:
        table = Table("类别 kind", "级别 severity", "数量 count", "示例 example")
        for name, kind in KINDS.items():
            if count := report.counts[name]:
                one = next((each for each in report.findings if each.kind == name), None)
                colour = "red" if kind.severity is Severity.ERROR else "yellow"
                sentences = f"{one.zh}\n{one.en}" if one else ""
                table.add_row(f"[{colour}]{name}[/{colour}]", kind.severity, f"{count:,}", escape(sentences))
        out.print(table)
    for each in report.findings:
        if each.kind in NAMED:
            say(each.zh, each.en)
    checked = f"{report.events:,} 个事件 events, {report.rows:,} 行 rows"
    at = f"截至第 {report.position} 号事件 as of position {report.position}: {checked}"
    if report.errors:
        say(CROSS, f"{report.errors:,} 处错误 errors. {at}")
    else:
        say(TICK, f"账簿与日志一致 the tables agree with the log. {at}")
