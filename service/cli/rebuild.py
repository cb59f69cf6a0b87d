"""`suyuan rebuild`: folds projections again in shadow tables, and switches to them if they equal the live tables."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click
from psycopg.errors import DependentObjectsStillExist, LockNotAvailable
from rich.text import Text

from projections import ORDER, FoldStopped
from projections.rebuild import AlreadyRunning, HeldMeanwhile, NotHeld, PositionsDiffer, Rebuilt
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
    url_of,
    variables,
)
from service.config import OF_LEDGER, ExitCode


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
    """在影子表中重建投影，一致后切换。Fold projections again in shadow tables; switch to them if they are equal."""
    if release and projections:
        raise click.UsageError("--release rebuilds all projections: name none 须重建全部投影，请勿指定投影")
    expected = [name for each in accepted for name in each.split(",")]
    if unknown := set(expected) - set(ORDER):
        raise click.ClickException(f"no such projection 没有此投影: {', '.join(sorted(unknown))}")
    progress = err if as_json else out
    with administered() as (chosen, _):
        try:
            rebuilt = rebuild_progress.run(url_of(chosen), projections, expected, progress, release)
        except (AlreadyRunning, HeldMeanwhile, NotHeld, PositionsDiffer) as error:
            raise click.ClickException(str(error)) from error
        except DependentObjectsStillExist as error:
            raise click.ClickException(
                f"another database object depends on a table 有其他对象依赖该表: {error}"
            ) from error
        except LockNotAvailable as error:
            raise click.ClickException(
                "the tables were in use, so the switch got no lock; try again 各表一直有查询，未能切换，请重试"
            ) from error
        except FoldStopped as error:
            raise click.ClickException(f"the log cannot be folded 日志无法推算: {error}") from error
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
    if rebuilt.switched:
        say(TICK, f"已切换，截至第 {rebuilt.position} 号事件 switched as of this position")
    else:
        names = ",".join(rebuilt.unexpected)
        say(
            CROSS,
            f"未切换：新旧不一致 not switched: the tables differ. "
            f"确认后可用 if this is expected: --accept-differences {names}",
        )
