"""`suyuan rebuild`: folds projections again in shadow tables, and switches to them if they equal the live tables."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click
from rich.text import Text

from projections import ORDER
from projections.rebuild import Rebuilt
from service.cli import rebuild_progress
from service.cli.terminal import (
    AS_JSON,
    CROSS,
    TICK,
    administered,
    err,
    out,
    say,
    say_json,
    variables,
)
from service.config import OF_LEDGER, ExitCode
from service.postgres.connect import url_of


@click.command("rebuild", epilog=variables(*OF_LEDGER))
@click.argument("projections", nargs=-1, type=click.Choice(ORDER), metavar="[PROJECTION]…")
@click.option(
    "--accept-differences",
    "accepted",
    multiple=True,
    metavar="PROJECTION[,…]",
    help="projections that may differ from the live tables 允许与现有表不同的投影",
)
@click.option(
    "--release",
    metavar="FUND",
    help="fold the events of this held fund again, in all projections 重新推算已暂停的该专项资金（须重建全部投影）",
)
@AS_JSON
def command(projections: Sequence[str], accepted: Sequence[str], release: str | None, as_json: bool) -> None:
    """在影子表中重建投影，与现用表一致后切换。Fold projections again; replace the live tables if they are equal."""
    if release and projections:
        raise click.UsageError("--release rebuilds all projections: name none 须重建全部投影，请勿指定投影")
    expected = [name for each in accepted for name in each.split(",")]
    if unknown := set(expected) - set(ORDER):
        raise click.ClickException(f"no such projection 没有此投影: {', '.join(sorted(unknown))}")
    progress = err if as_json else out
    with administered() as (chosen, _):
        rebuilt = rebuild_progress.run(url_of(chosen), projections, expected, progress, release)
    if as_json:
        say_json(rebuild_progress.document(rebuilt))
    else:
        _report(rebuilt)
    sys.exit(ExitCode.DONE if rebuilt.switched else ExitCode.DIFFERS)


def _report(rebuilt: Rebuilt) -> None:
    out.print(rebuild_progress.table(rebuilt))
    for each in rebuilt.comparisons:
        for row in each.shown[:5]:
            say(Text(each.name, "red"), f"原 before {row.live}")
            say(" " * len(each.name), f"新 after  {row.rebuilt}")
    rebuild_progress.say_held(rebuilt.held, out, switched=rebuilt.switched)
    if rebuilt.switched:
        say(TICK, f"已切换，截至第 {rebuilt.position} 号事件 switched as of this position")
    else:
        names = ",".join(rebuilt.differing)
        say(
            CROSS,
            f"未切换：新旧不一致 not switched: the tables differ. "
            f"确认后可用 if this is expected: --accept-differences {names}",
        )
