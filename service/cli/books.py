"""The commands that go over the whole of the books: rebuild and check. 重建与核查。"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Sequence

import click
from psycopg.errors import DependentObjectsStillExist, LockNotAvailable
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from projections import ORDER, FoldStopped
from projections.rebuild import NotLevel, Rebuilt, Running
from service import keeper, rebuild
from service.check import KINDS, Report, Severity, check
from service.cli.terminal import administered, out, url_of

AS_JSON = click.option("--json", "as_json", is_flag=True, help="for programs 供程序读取")


@click.command("rebuild")
@click.argument("projections", nargs=-1, type=click.Choice(ORDER), metavar="[PROJECTION]…")
@click.option(
    "--accept-differences",
    "accepted",
    multiple=True,
    metavar="PROJECTION[,…]",
    help="these may differ from the live tables 允许与现有表不同的投影",
)
@AS_JSON
def rebuild_(projections: Sequence[str], accepted: Sequence[str], as_json: bool) -> None:
    """Fold projections anew beside the live ones; they change places if all is the same. 在旁重建投影，一致后切换。"""
    expected = [name for each in accepted for name in each.split(",")]
    if unknown := set(expected) - set(ORDER):
        raise click.ClickException(f"no such projection 没有此投影: {', '.join(sorted(unknown))}")
    progress = Console(stderr=True) if as_json else out
    with administered() as (chosen, _):
        try:
            rebuilt = rebuild.run(url_of(chosen), projections, expected, progress)
        except (Running, NotLevel) as error:
            raise click.ClickException(str(error)) from error
        except DependentObjectsStillExist as error:
            raise click.ClickException(f"something of yours rests on a table 有其他对象依赖该表: {error}") from error
        except LockNotAvailable as error:
            raise click.ClickException("readers left no gap for the switch; try again 读者未留空隙，请重试") from error
        except FoldStopped as error:
            raise click.ClickException(f"the log cannot be folded 日志无法推算: {error}") from error
    if as_json:
        click.echo(json.dumps(rebuild.document(rebuilt), ensure_ascii=False, indent=1, default=str))
    else:
        _tell(rebuilt)
    sys.exit(0 if rebuilt.switched else 1)


def _tell(rebuilt: Rebuilt) -> None:
    out.print(rebuild.table(rebuilt))
    for each in rebuilt.comparisons:
        for row in each.shown[:5]:
            out.print(f"[red]{each.name}[/red] 原 before {row.live}", soft_wrap=True)
            out.print(f"{' ' * len(each.name)} 新 after  {row.anew}", soft_wrap=True)
    if rebuilt.switched:
        out.print(f"[green]✓[/green] 已切换，截至第 {rebuilt.position} 号事件 switched, as of that position")
    else:
        names = ",".join(rebuilt.unexpected)
        out.print(
            f"[red]✗[/red] 未切换：新旧不一致 not switched: they differ. "
            f"确认后可用 if that is expected: --accept-differences {names}"
        )


@click.command("check")
@AS_JSON
def check_(as_json: bool) -> None:
    """Derive everything from the log again and tell what differs; exit code 1 if something is wrong. 全面核查账簿。"""
    keeper.watch_parent(lambda: os.killpg(os.getpgid(0), signal.SIGKILL))
    with administered() as (chosen, _):
        report = _checked(url_of(chosen), Console(stderr=True) if as_json else out)
    if as_json:
        click.echo(json.dumps(report.document(), ensure_ascii=False, indent=1, default=str))
    else:
        _tell_findings(report)
    sys.exit(1 if report.errors else 0)


def _checked(url: str, console: Console) -> Report:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TextColumn("{task.completed:,.0f}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        bars: dict[str, TaskID] = {}

        def told(what: str, position: int) -> None:
            if what not in bars:
                bars[what] = progress.add_task(STEPS.get(what, what), total=None)
            progress.update(bars[what], completed=position)

        return check(url, told)


STEPS = {
    "movement": "各表，资金 tables, of money",
    "appropriation": "各表，其余 tables, the others",
    "log": "日志 the log itself",
    "rules": "规则 the rules, decided again",
}


def _tell_findings(report: Report) -> None:
    if report.findings:
        table = Table("类别 kind", "级别 severity", "数量 count", "示例 one of them")
        for name, kind in KINDS.items():
            if count := report.counts[name]:
                one = next((each for each in report.findings if each.kind == name), None)
                colour = "red" if kind.severity is Severity.ERROR else "yellow"
                sentences = f"{one.zh}\n{one.en}" if one else ""
                table.add_row(f"[{colour}]{name}[/{colour}]", kind.severity, f"{count:,}", escape(sentences))
        out.print(table)
    went_over = f"{report.events:,} 个事件 events, {report.rows:,} 行 rows"
    at = f"截至第 {report.position} 号事件 as of position {report.position}: {went_over}"
    if report.errors:
        out.print(f"[red]✗[/red] {report.errors:,} 处错误 errors. {at}")
    else:
        out.print(f"[green]✓[/green] 账簿与日志一致 the tables are what the log says. {at}")
