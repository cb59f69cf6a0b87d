"""Runs a rebuild of projections with progress bars, and shows its result as a table or as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Any

import click
import psycopg
from psycopg.errors import DependentObjectsStillExist, LockNotAvailable
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from projections import ORDER, FoldStopped, outdated, with_dependencies
from projections.held_fund import Hold
from projections.rebuild import HeldMeanwhile, NotHeld, Rebuilt, rebuild
from projections.shadow_tables import lanes
from service.cli.terminal import CROSS, progress, say
from service.postgres import session


class _PerSecond(TextColumn):
    """A column of the progress display: the events folded per second."""

    def __init__(self) -> None:
        super().__init__("")

    def render(self, task: Any) -> Any:
        self.text_format = f"{task.speed:,.0f}/s" if task.speed else ""
        return super().render(task)


def run(url: str, names: Sequence[str], accepted: Sequence[str], out: Console, release: str | None = None) -> Rebuilt:
    """Rebuild the projections `names`, or all if `names` is empty, and show progress bars on `out`.

    A projection that one of these reads is rebuilt too. `accepted`: the projections whose new rows may differ from the
    live ones. `release`: the held fund to release, or None. Raises AlreadyRunning; ClickException for all other errors
    of the function `rebuild` of projections/rebuild.py.
    """

    def connect() -> psycopg.Connection[Any]:
        return session.connect(url, session.COMMANDS)

    wanted = with_dependencies(names or ORDER)
    with connect() as conn:
        [(head,)] = conn.execute("select coalesce(max(position), 0) from event").fetchall()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _PerSecond(), TimeRemainingColumn())
    with progress(*columns, console=out) as display:
        bars = {lane[0]: display.add_task(_title(lane), total=head or None) for lane in lanes(wanted)}
        lock = Lock()

        def on_progress(lane: str, position: int) -> None:
            with lock:
                if lane not in bars:  # all projections are rebuilt, although not all were wanted
                    bars[lane] = display.add_task(f"{lane} …", total=head or None)
                display.update(bars[lane], completed=position, total=max(head, position))

        with _explained_errors():
            return rebuild(connect, wanted, accepted, on_progress, release)


@contextmanager
def _explained_errors() -> Iterator[None]:
    """Turn the errors of a rebuild into messages for the operator."""
    try:
        yield
    except (HeldMeanwhile, NotHeld) as error:
        raise click.ClickException(str(error)) from error
    except DependentObjectsStillExist as error:
        raise click.ClickException(f"another database object depends on a table 有其他对象依赖该表: {error}") from error
    except LockNotAvailable as error:
        raise click.ClickException(
            "the tables were in use, so the switch got no lock; try again 各表一直有查询，未能切换，请重试"
        ) from error
    except FoldStopped as error:
        raise click.ClickException(f"the log cannot be folded 日志无法推算: {error}") from error


def run_outdated(url: str, out: Console) -> tuple[tuple[str, ...], tuple[Hold, ...]]:
    """Rebuild the projections that are new, or whose SQL this version of the program has changed.

    Returns their names, and the funds that are held because one of their events cannot be folded. The new rows may
    differ from the live rows. The projections that they read are rebuilt too. Raises ClickException if a projection's
    rows differ although its SQL has not changed, and for the errors of `run`; raises AlreadyRunning.
    """
    with session.connect(url, session.COMMANDS) as conn:
        names = outdated(conn)
    if not names:
        return (), ()
    rebuilt = run(url, names, names, out)
    if not rebuilt.switched:
        others, command = ", ".join(rebuilt.unexpected), _accepting(names, rebuilt)
        raise click.ClickException(
            f"nothing was switched: {others} differs from the log, although its SQL has not changed."
            f" Find out why (suyuan check), then use {command}\n"
            f"未切换：{others} 的 SQL 未变，内容却与日志不符。请先用 suyuan check 查明原因，再用 {command}"
        )
    return names, rebuilt.held


def _accepting(names: Sequence[str], rebuilt: Rebuilt) -> str:
    """The command that repeats this rebuild of `names`, and accepts all differences that it has found."""
    return f"suyuan rebuild {' '.join(names)} --accept-differences {','.join(rebuilt.differing)}"


def say_held(held: Sequence[Hold], out: Console, *, switched: bool = True) -> None:
    """Print which funds the rebuild holds, why, and what to do. `switched`: whether they are held already."""
    for each in held:
        chinese, english = ("已暂停推算", "is held") if switched else ("切换时将暂停推算", "would be held")
        say(
            CROSS,
            f"专项资金 {each.fund} {chinese}：日志第 {each.position} 号事件无法推算到表 {each.projection}。\n"
            f"  the fund {each.fund} {english}: the event at position {each.position} cannot be folded into"
            f" {each.projection}: {each.finding}",
            console=out,
        )
    if held:
        say(
            "  其表停在该事件之前，查询答 503 fund-held；其他资金照常。请运行 suyuan check，并按 docs/operations.md"
            " 的 SuyuanFundHeld 处理。\n"
            "  Its tables stay as they were before this event, and reads of them are answered 503 fund-held. Other"
            " funds go on. Run suyuan check, and follow SuyuanFundHeld in docs/operations.md.",
            console=out,
        )


def _title(lane: Sequence[str]) -> str:
    return lane[0] if len(lane) == 1 else f"{lane[0]} … {lane[-1]} ({len(lane)})"


def table(rebuilt: Rebuilt) -> Table:
    """For each projection, the row counts of the live and the new table, and the number of rows that differ."""
    shown = Table("投影 projection", "原有行 rows before", "新行 rows after", "不同 differing", "摘要 digest")
    for each in rebuilt.comparisons:
        digest = f"{each.new_digest & 0xFFFFFFFFFFFF:012x}"
        differing = f"[red]{each.differing:,}[/red]" if each.differing else "0"
        shown.add_row(each.name, f"{each.live_rows:,}", f"{each.new_rows:,}", differing, digest)
    return shown


def document(rebuilt: Rebuilt) -> dict[str, Any]:
    """The result of the rebuild as JSON-compatible values."""
    return {
        "position": rebuilt.position,
        "switched": rebuilt.switched,
        "held": [each._asdict() for each in rebuilt.held],
        "projections": [
            {
                "projection": each.name,
                "rows_before": each.live_rows,
                "rows_after": each.new_rows,
                "digest_before": str(each.live_digest),
                "digest_after": str(each.new_digest),
                "differing": each.differing,
                "rows": [{"before": row.live, "after": row.rebuilt} for row in each.shown],
            }
            for each in rebuilt.comparisons
        ],
    }
