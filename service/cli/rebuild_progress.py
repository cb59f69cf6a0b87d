"""`suyuan rebuild`: the projections folded anew beside the live ones, with a bar, and a table of what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from typing import Any

import psycopg
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from projections import ORDER, with_what_they_read
from projections.rebuild import Rebuilt, rebuild
from projections.shadow_tables import lanes


class _PerSecond(TextColumn):
    """Events a second."""

    def __init__(self) -> None:
        super().__init__("")

    def render(self, task: Any) -> Any:
        self.text_format = f"{task.speed:,.0f}/s" if task.speed else ""
        return super().render(task)


def run(url: str, names: Sequence[str], accepted: Sequence[str], out: Console) -> Rebuilt:
    """Rebuild these projections, all if none is named, showing how far it is. Raises what `rebuild` does."""

    def connect() -> psycopg.Connection[Any]:
        return psycopg.connect(url, autocommit=True)

    wanted = with_what_they_read(names or ORDER)
    with connect() as conn:
        [(head,)] = conn.execute("select coalesce(max(position), 0) from event").fetchall()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _PerSecond(), TimeRemainingColumn())
    with Progress(*columns, console=out) as progress:
        bars = {lane[0]: progress.add_task(_title(lane), total=head or None) for lane in lanes(wanted)}
        lock = Lock()

        def told(lane: str, position: int) -> None:
            with lock:
                progress.update(bars[lane], completed=position, total=max(head, position))

        return rebuild(connect, wanted, accepted, told)


def _title(lane: Sequence[str]) -> str:
    return lane[0] if len(lane) == 1 else f"{lane[0]} … {lane[-1]} ({len(lane)})"


def table(rebuilt: Rebuilt) -> Table:
    """Old beside new: rows, and how many differ."""
    shown = Table("投影 projection", "原有行 rows before", "新行 rows after", "不同 differing", "摘要 digest")
    for each in rebuilt.comparisons:
        digest = f"{each.new_digest & 0xFFFFFFFFFFFF:012x}"
        differing = f"[red]{each.differing:,}[/red]" if each.differing else "0"
        shown.add_row(each.name, f"{each.live_rows:,}", f"{each.new_rows:,}", differing, digest)
    return shown


def document(rebuilt: Rebuilt) -> dict[str, Any]:
    """The same for programs."""
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
                "rows": [{"before": row.live, "after": row.anew} for row in each.shown],
            }
            for each in rebuilt.comparisons
        ],
    }
