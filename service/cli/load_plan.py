"""`suyuan load-plan`: sets up the fund of a plan file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
from marshmallow import ValidationError
from rich.markup import escape

from domain.decision import TITLES, decide
from domain.replay import advance
from domain.rules import Refused
from service.api.http.problems import invalid_problem, outcome_problem
from service.api.posting import cloudevents
from service.app import empty_view, open_ledger
from service.cli.terminal import NEW, OF_LEDGER, administered, out, url_of, variables
from service.ledger.outcomes import Committed, NotRecorded, Post, Refusal
from service.plans import plan_file
from service.yaml_file.document import FileWrong


@click.command("load-plan", epilog=variables(*OF_LEDGER))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--actor", help="who adopts the plan 经办人")
@click.option("--check", "check_only", is_flag=True, help="check the file only, load nothing 只检查文件，不载入")
@NEW
def command(file: Path, actor: str | None, *, check_only: bool, new: bool) -> None:
    """载入资金安排计划，全部成功或全不载入。Set up the fund of a plan file, completely or not at all."""
    events = list(plan_file.posts(plan_file.read(file), "-" if actor is None else actor))
    if check_only:
        decide_all(file, events)
        out.print(f"[green]✓[/green] {escape(str(file))}: 计划有效 the plan is valid; {len(events)} 个事件 events")
        return
    if actor is None:
        raise click.UsageError("缺少 --actor 经办人 missing option --actor")
    with administered(new=new) as (chosen, _):
        posts = [_post(file, event, chosen.secret) for event in events]
        ledger = open_ledger(url_of(chosen))
        try:
            outcomes = ledger.post(posts)
        finally:
            ledger.close()
    for event, outcome in zip(events, outcomes, strict=True):
        if isinstance(outcome, Refusal):
            raise _refused(file, event, outcome.rule)
        if not isinstance(outcome, Committed | NotRecorded):
            problem = outcome_problem(outcome)
            raise click.ClickException(f"{event['id']}: {problem['title_zh']} {problem['title']}")
    recorded = sum(not each.replayed for each in outcomes if isinstance(each, Committed))
    out.print(f"[green]✓[/green] {recorded} 个事件入账 events recorded")


def _post(file: Path, event: plan_file.Event, secret: bytes) -> Post:
    """Raises FileWrong, with the line in the file."""
    try:
        return cloudevents.parse_post(cloudevents.parse_envelope(event), "load-plan", secret)
    except ValidationError as error:
        raise plan_file.invalid(file, event, invalid_problem(error)["errors"]) from error


def decide_all(file: Path, events: Sequence[plan_file.Event]) -> None:
    """Decide the events on an empty ledger. If one is refused, raises FileWrong with its line in the file."""
    view = empty_view()
    for event in events:
        try:
            view = advance(view, decide(view, _post(file, event, b"").posted))
        except Refused as refusal:
            raise _refused(file, event, refusal) from refusal


def _refused(file: Path, event: plan_file.Event, refusal: Refused) -> FileWrong:
    return plan_file.refused(file, event, refusal, refusal.chinese(TITLES))
