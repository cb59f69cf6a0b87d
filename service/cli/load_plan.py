"""`suyuan load-plan`: sets up the fund of a plan file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from psycopg import Connection

from service.api.http.problems import outcome_problem
from service.app import open_ledger
from service.cli import plan_changes, plan_check
from service.cli.terminal import NEW, NOTE, PATH, TICK, administered, say, variables
from service.config import OF_LEDGER, Config, OperatorError
from service.ledger.application import Unavailable
from service.ledger.outcomes import Committed, IdentityConflict, NotRecorded, Outcome, Refusal
from service.plans import plan_file
from service.plans.plan_file import PlanEvent, PlanFile
from service.postgres import roles
from service.postgres.connect import url_of
from service.text import escaped
from service.yaml_file.document import MAX_LISTED, FileWrong


@click.command("load-plan", epilog=variables(*OF_LEDGER))
@click.argument("file", type=PATH)
@click.option("--actor", help="who adopts the plan 经办人")
@click.option("--check", "check_only", is_flag=True, help="check the file only, load nothing 只检查文件，不载入")
@NEW
def command(file: Path, actor: str | None, *, check_only: bool, new: bool) -> None:
    """载入资金安排计划，全部成功或全不载入。Set up the fund of a plan file, completely or not at all."""
    if actor is None and not check_only:
        raise click.UsageError("缺少 --actor 经办人 missing option --actor")
    plan = plan_file.parse(file)
    events = plan_check.checked(plan, "-" if actor is None else actor)
    if check_only:
        say(TICK, f"{escaped(str(file))}: 计划有效 the plan is valid; {len(events)} 项提交 posts")
        _tell_left_out(plan)
        return
    with administered(roles.WEB, new=new) as (chosen, conn):
        outcomes = _post(events, chosen)
        _check_recorded(plan, events, outcomes, conn)
    recorded = sum(not each.replayed for each in outcomes if isinstance(each, Committed))
    say(TICK, f"{recorded} 项提交入账 posts recorded")
    _tell_left_out(plan)


def _tell_left_out(plan: PlanFile) -> None:
    """Say what is not loaded because its money has not arrived yet; MAX_LISTED lines of it."""
    lines = list(plan_file.left_out(plan))
    for line in lines[:MAX_LISTED]:
        say(NOTE, escaped(line))
    if len(lines) > MAX_LISTED:
        say(NOTE, f"共 {len(lines)} 项 in total")


def _post(events: Sequence[PlanEvent], chosen: Config) -> list[Outcome]:
    ledger = open_ledger(url_of(chosen))
    try:
        return ledger.post([plan_check.post_of(event, chosen.secret) for event in events])
    except Unavailable as error:
        raise OperatorError(
            "账簿连接中断，计划或已载入：请再载入一次，不会重复入账\n"
            "the ledger cannot be reached, and the plan may be recorded: load it again, which records nothing twice"
        ) from error
    finally:
        ledger.close()


def _check_recorded(
    plan: PlanFile, events: Sequence[PlanEvent], outcomes: Sequence[Outcome], conn: Connection[Any]
) -> None:
    """Raises an error unless all events are recorded.

    Raises FileWrong if an event is refused, or if the ledger already has it with other content. If an event is not
    recorded for another reason, raises ClickException. If the ledger has some of the events with other content, only
    these are reported: they may be the reason why others are refused.
    """
    pairs = list(zip(events, outcomes, strict=True))
    if conflicts := [event for event, outcome in pairs if isinstance(outcome, IdentityConflict)]:
        raise plan_changes.changed(plan, conflicts, conn)
    for event, outcome in pairs:
        if isinstance(outcome, Refusal):
            raise FileWrong(plan.path, [plan_check.refused(plan, event, outcome.rule)])
        if not isinstance(outcome, Committed | NotRecorded):
            problem = outcome_problem(outcome)
            raise click.ClickException(f"{event.event['id']}: {problem['title_zh']} {problem['title']}")
