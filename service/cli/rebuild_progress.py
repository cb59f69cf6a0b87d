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

from projections import ORDER, FoldStopped, changed, with_dependencies
from projections.rebuild import AlreadyRunning, HeldMeanwhile, NotHeld, PositionsDiffer, Rebuilt, rebuild
from projections.shadow_tables import lanes
from service.cli.terminal import progress
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
    live ones. `release`: the held fund to release, or None. Raises ClickException for the errors of the function
    `rebuild` of projections/rebuild.py.
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
                display.update(bars[lane], completed=position, total=max(head, position))

        with _explained_errors():
            return rebuild(connect, wanted, accepted, on_progress, release)


@contextmanager
def _explained_errors() -> Iterator[None]:
    """Turn the errors of a rebuild into messages for the operator."""
    try:
        yield
    except (AlreadyRunning, HeldMeanwhile, NotHeld, PositionsDiffer) as error:
        raise click.ClickException(str(error)) from error
    except DependentObjectsStillExist as error:
        raise click.ClickException(f"another database object depends on a table 有其他对象依赖该表: {error}") from error
    except LockNotAvailable as error:
        raise click.ClickException(
            "the tables were in use, so the switch got no lock; try again 各表一直有查询，未能切换，请重试"
        ) from error
    except FoldStopped as error:
        raise click.ClickException(f"the log cannot be folded 日志无法推算: {error}") from error


def run_changed(url: str, out: Console) -> tuple[str, ...]:
    """Rebuild the projections whose SQL this version of the program changed; return their names.

    Their new rows may differ from the live rows. The projections that they read are rebuilt too. Raises ClickException
    if a projection's rows differ although its SQL has not changed, and for the errors of `run`.
    """
    with session.connect(url, session.COMMANDS) as conn:
        names = changed(conn)
    if names and not (rebuilt := run(url, names, names, out)).switched:
        others = ", ".join(name for name in rebuilt.unexpected if name not in names)
        raise click.ClickException(
            f"nothing was switched: {others} differs from the log, although its SQL has not changed."
            " Find out why (suyuan check), then use suyuan rebuild --accept-differences\n"
            f"未切换：{others} 的 SQL 未变，内容却与日志不符。"
            "请先用 suyuan check 查明原因，再用 suyuan rebuild --accept-differences"
        )
    return names


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
