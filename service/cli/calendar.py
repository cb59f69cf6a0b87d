"""`suyuan calendar`: imports the holiday calendar of a year, lists and exports what was imported. 放假安排。"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click
from rich.markup import escape
from rich.table import Table

from service.auth import api_keys
from service.calendar import SHANGHAI, calendar_file, imports
from service.calendar.working_days import Calendar
from service.cli.terminal import (
    AS_JSON,
    NEW,
    PATH,
    TICK,
    Group,
    administered,
    out,
    say,
    say_json,
    variables,
)
from service.config import OF_LEDGER
from service.postgres import roles
from service.text import escaped, is_visible

HELP = variables(*OF_LEDGER)
MAX_ACTOR = 100


@click.group("calendar", cls=Group)
def command() -> None:
    """放假安排：导入、列出、导出。Holiday calendars of single years: import, list, export."""


@command.command("import", epilog=variables(*OF_LEDGER, "LOGNAME"))
@click.argument("file", type=PATH)
@click.option("--actor", help="who imports it [the operating system user] 经办人，不填则为操作系统用户")
@click.option("--replace", is_flag=True, help="replace another calendar of the year 更换该年已导入的放假安排")
@click.option("--check", "check_only", is_flag=True, help="check the file only, import nothing 只检查文件，不导入")
@NEW
def import_calendar(file: Path, actor: str | None, *, replace: bool, check_only: bool, new: bool) -> None:
    """导入一年的放假安排。Import the calendar of a year; every process uses it from the next post on."""
    if actor is not None and not (actor.strip() and is_visible(actor) and len(actor) <= MAX_ACTOR):
        raise click.UsageError(
            f"--actor 须为 1 至 {MAX_ACTOR} 个可见字符 must have 1 to {MAX_ACTOR} visible characters"
        )
    read = calendar_file.read(file)
    if check_only:
        say(TICK, f"{escaped(str(file))}: 放假安排有效 the calendar is valid; {_summary(read)}")
        return
    with administered(new=new) as (_, conn):
        added = imports.add(conn, read, actor or api_keys.operator(), replace=replace)
    if added is None:
        say(TICK, f"内容相同，未作改动 the same calendar is in force, nothing changed; {_summary(read)}")
        return
    done = "已更换 replaced" if added.replaces else "已导入 imported"
    first = added.position + 1
    say(TICK, f"{done}; {_summary(read)}; 自第 {first} 号事件起适用 in force from event {first} on")


def _summary(read: calendar_file.CalendarFile) -> str:
    """A line that says how many days off, worked weekend days and working days the year has.

    The operator compares it with the State Council's notice.
    """
    year = read.calendar.year
    days = Calendar().with_year(read.calendar).working_days(date(year, 1, 1), date(year, 12, 31))
    off, worked = len(read.calendar.days_off), len(read.calendar.working_weekends)
    return f"{year}: 放假 days off {off}, 调休上班 working weekends {worked}, 工作日 working days {days}"


@command.command("list", epilog=HELP)
@AS_JSON
def list_calendars(*, as_json: bool) -> None:
    """列出已导入的放假安排。List all imported calendars, also those that were replaced."""
    with administered(roles.CHECKER, read_only=True) as (_, conn):
        imported = imports.history(conn)
    if as_json:
        say_json(imports.as_json(imported))
        return
    table = Table(
        "年度 year", "状态 state", "文件 document", "放假 off", "调休上班 worked", "导入 imported", "经办 by",
        "起于 from event", "SHA-256",
    )  # fmt: skip
    for each in imports.as_json(imported):
        cited = ", ".join(document["number"] for document in each["documents"])
        days = [str(len(each[name])) for name in ("days_off", "working_weekends")]
        moment = f"{each['imported_at'].astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
        by = escape(each["actor"])
        table.add_row(
            str(each["year"]), each["state"], escape(cited), *days, moment, by, str(each["from_position"]),
            each["sha256"][:12],
        )  # fmt: skip
    out.print(table)


@command.command("export", epilog=HELP)
@click.argument("year", type=int)
@click.option(
    "--at",
    "position",
    type=click.IntRange(1),
    help="the calendar by which the event at this position was decided 该号事件入账时所依据的",
)
def export_calendar(year: int, position: int | None) -> None:
    """导出一年的放假安排。Print the imported file: the one in force, or the one by which an event was decided."""
    with administered(roles.CHECKER, read_only=True) as (_, conn):
        found = imports.in_force(imports.history(conn), position).get(year)
    if found is None:
        raise click.ClickException(
            f"当时没有导入 {year} 年的放假安排；如程序自带该年安排，以其为准\n"
            f"no calendar of {year} was imported then: that of the package chinesecalendar was used, if it has one"
        )
    click.echo(found.content, nl=False)
