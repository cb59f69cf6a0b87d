"""`suyuan load-plan`: sets up the fund of a plan file."""

from __future__ import annotations

from pathlib import Path

import click

from service.api.http.problems import of_outcome
from service.api.posting import cloudevents
from service.app import open_ledger
from service.cli.terminal import NEW, OF_LEDGER, administered, out, url_of, variables
from service.ledger.outcomes import Counted, NotRecorded
from service.plans import plan_file


@click.command("load-plan", epilog=variables(*OF_LEDGER))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--actor", help="who adopts the plan 经办人")
@click.option("--check", "check_only", is_flag=True, help="read the file only, load nothing 只检查文件，不载入")
@NEW
def command(file: Path, actor: str | None, *, check_only: bool, new: bool) -> None:
    """载入资金安排计划，全部成功或全不载入。Set up the fund of a plan file, all of it or nothing."""
    events = list(plan_file.posts(plan_file.read(file), actor or "-"))
    posts = [cloudevents.read(cloudevents.opened(event), "load-plan", b"") for event in events]
    if check_only:
        out.print(f"[green]✓[/green] {file}: 计划有效 the plan is valid; {len(posts)} 个事件 events")
        return
    if actor is None:
        raise click.UsageError("缺少 --actor 经办人 missing option --actor")
    with administered(new=new) as (chosen, _):
        posts = [cloudevents.read(cloudevents.opened(event), "load-plan", chosen.secret) for event in events]
        ledger = open_ledger(url_of(chosen))
        try:
            outcomes = ledger.post(posts)
        finally:
            ledger.close()
    for event, outcome in zip(events, outcomes, strict=True):
        if not isinstance(outcome, Counted | NotRecorded):
            problem = of_outcome(outcome)
            raise click.ClickException(f"{event['id']}: {problem['title_zh']} {problem['title']}")
    recorded = sum(not each.replayed for each in outcomes if isinstance(each, Counted))
    out.print(f"[green]✓[/green] {recorded} 个事件入账 events recorded")
