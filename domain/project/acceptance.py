"""The acceptance 验收 of an award: the request, the pass or failure, and rectification after a failure.

A pass opens the acceptance gate. A line of the plan may have several checkpoints, such as a midterm and a final one;
each is an acceptance of its own, with its own gate.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, assert_never, get_args

from msgspec.structs import replace

from domain.decision_context import Context, Decision
from domain.event import Fact, Recorded, restores
from domain.event_part import EventPart
from domain.guard import require, rules_of
from domain.money import Money
from domain.period import months_after
from domain.project.award import opened
from domain.project.checkpoint import checkpoint_of, named
from domain.project.condition import ACCEPTANCE
from domain.project.lifecycle import ProjectFact
from domain.rules.acceptance import AcceptanceStatusWrong, CheckpointNotInPlan, GoalNotInPlan, RectificationTooLong
from domain.rules.award import AwardEnded
from domain.rules.every_post import BeforeItsCause, NameTaken, UnknownName
from domain.rules.fund import NotInPlan
from domain.state.entities import Acceptance, Check, no_name_twice
from domain.state.fund import Gate, Line
from domain.state.project import Project

STEP = (UnknownName, AwardEnded, CheckpointNotInPlan, AcceptanceStatusWrong, BeforeItsCause)
"""The rules that may refuse each step after a request for acceptance: a pass, a failure, an order of rectification."""

# Events ----------------------------------------------------------------------


class Conclusion(StrEnum):
    """The grade that a passed acceptance was given 验收结论."""

    EXCELLENT = "excellent"
    GOOD = "good"
    QUALIFIED = "qualified"
    BASICALLY_QUALIFIED = "basically_qualified"
    OTHER = "other"


class Actual(EventPart, frozen=True):
    """The result that was achieved for one performance goal of the line. `goal`: the name of the goal."""

    goal: str
    actual: str


class AcceptanceRequested(ProjectFact, frozen=True):
    """Acceptance of an award was requested, at one checkpoint of the line.

    All batches of the award must be fully paid, except the batches whose gate is this checkpoint or a later one. All
    earlier checkpoints must be passed. A waiver can lift either requirement.

    `checkpoint` is the name of a checkpoint of the line; if it is omitted, the last checkpoint is meant. The ledger
    sets `last` to true if `checkpoint` names the last checkpoint.
    """

    zh = "验收申请"
    about_zh = "申请验收：先前批次须已结清，先前的检查点须已通过；不填检查点（checkpoint）的为最后一个，即终期验收。"
    reversible = restores("award")
    apart_from = ("WaiverGranted",)
    refused_by = (*rules_of(ACCEPTANCE), CheckpointNotInPlan)
    award: str
    checkpoint: str | None = None
    last: bool | None = None


class AcceptancePassed(ProjectFact, frozen=True):
    """The award passed acceptance: its gate opens, and the money committed behind it becomes payable.

    `checkpoint` names the gate; if it is omitted, the gate is the last checkpoint, which is also called `acceptance`.
    The other fields are only kept on record and move no money. `conclusion` is the grade, and `score` is out of 100.
    `settled` is the amount that the acceptance recognised; only AwardAmended changes the amount of the award. `actuals`
    states the result for each goal of the line. The ledger sets `last` to true if `checkpoint` names the last
    checkpoint.
    """

    zh = "验收通过"
    about_zh = (
        "验收通过：以该次验收（检查点）为拨付条件的批次转为应付；不填检查点的为终期验收。"
        "结论、评分、核定金额和绩效目标的实际完成数只作记录，金额的核减另行登记立项金额调整。"
    )
    reversible = restores("award")
    cites = (("验收意见",),)
    refused_by = (*STEP, NotInPlan, GoalNotInPlan, NameTaken)
    award: str
    checkpoint: str | None = None
    conclusion: Conclusion | None = None
    score: Decimal | None = None
    settled: Money | None = None
    actuals: tuple[Actual, ...] | None = None
    last: bool | None = None


class AcceptanceFailed(ProjectFact, frozen=True):
    """The award failed acceptance for `reason`.

    Rectification must be ordered before acceptance is requested again.
    """

    zh = "验收未通过"
    about_zh = "验收未通过；须先责令整改，方可再次申请验收。"
    reversible = restores("award")
    cites = (("验收意见",),)
    refused_by = (*STEP, NotInPlan)
    award: str
    reason: str
    checkpoint: str | None = None
    last: bool | None = None


class RectificationOrdered(ProjectFact, frozen=True):
    """Rectification was ordered after a failed acceptance, to be completed by `due_on`.

    After this order, acceptance may be requested again.
    """

    zh = "责令整改"
    about_zh = "责令整改并限定期限，其后可再次申请验收。"
    reversible = restores("award")
    cites = (("整改通知",),)
    refused_by = (*STEP, RectificationTooLong, NotInPlan)
    award: str
    due_on: date
    checkpoint: str | None = None
    last: bool | None = None


Event = AcceptanceRequested | AcceptancePassed | AcceptanceFailed | RectificationOrdered
FACTS: tuple[type[Fact], ...] = get_args(Event)

REQUIRED_STATUS: dict[type[Fact], Acceptance] = {
    AcceptancePassed: Acceptance.REQUESTED,
    AcceptanceFailed: Acceptance.REQUESTED,
    RectificationOrdered: Acceptance.FAILED,
}
"""The acceptance status that the award must have before each of these events."""

# Evolve ----------------------------------------------------------------------


def evolve(project: Project, fact: Event, event: Recorded) -> Project:
    award, checkpoint = project.awards[fact.award], checkpoint_of(fact)
    check = replace(
        award.check(checkpoint),
        since=event.header.occurred_on,
        version=event.version,
        **_changes(award.check(checkpoint), fact, event),
    )
    changes: dict[str, object] = {"checks": award.checks.set(checkpoint, check)}
    if isinstance(fact, AcceptancePassed):
        changes["gates"] = award.gates.set(checkpoint, event.cause)
    return project.step("award", fact.award, event.version, **changes)


def _changes(check: Check, fact: Event, event: Recorded) -> dict[str, Any]:
    match fact:
        case AcceptanceRequested():
            return {"status": Acceptance.REQUESTED, "rectify_by": None, "due_by": None}
        case AcceptancePassed():
            return {"status": Acceptance.PASSED}
        case AcceptanceFailed():
            return {"status": Acceptance.FAILED, "failures": check.failures + 1}
        case RectificationOrdered():
            return {"status": Acceptance.RECTIFYING, "rectify_by": fact.due_on, "due_by": event.version}
        case _:
            assert_never(fact)


# Decide ----------------------------------------------------------------------


def decide(context: Context, project: Project, fact: Event) -> Decision:
    if isinstance(fact, AcceptanceRequested):
        project.live_award(fact.award)
        fact = named(context, project, fact)
        require(ACCEPTANCE, context, project, fact)
        return context.allow(fact=fact)
    award, required = project.live_award(fact.award), REQUIRED_STATUS[type(fact)]
    fact = named(context, project, fact)
    check = award.check(checkpoint_of(fact))
    if check.status is not required:
        at = fact.checkpoint or Gate.ACCEPTANCE
        raise AcceptanceStatusWrong(award=fact.award, checkpoint=at, status=check.status, wanted=required)
    context.not_before(f"acceptance {check.status}", check.since or award.decided.on)
    match fact:
        case AcceptancePassed():
            line = context.ledger.fund(project.fund).line(project.code)
            _check_actuals(line, fact)
            moves = opened(project, line, fact.award, checkpoint_of(fact), "AcceptancePassed")
            return context.allow(*moves, fact=fact)
        case AcceptanceFailed():
            return context.allow(fact=fact)
        case RectificationOrdered():
            return _order(context, project, fact)
        case _:
            assert_never(fact)


def _check_actuals(line: Line, fact: AcceptancePassed) -> None:
    """Raises NameTaken if an actual is given twice for a goal, GoalNotInPlan if the line has no such goal."""
    named = [each.goal for each in fact.actuals or ()]
    no_name_twice("goal", named)
    goals = {goal.name for goal in line.goals or ()}
    for name in named:
        if name not in goals:
            raise GoalNotInPlan(project=line.project, goal=name)


def _order(context: Context, project: Project, fact: RectificationOrdered) -> Decision:
    if fact.due_on < context.occurred_on:
        raise BeforeItsCause(occurred_on=fact.due_on, cause="RectificationOrdered", cause_on=context.occurred_on)
    months = context.ledger.fund(project.fund).settings.rectification_months
    if months is not None and fact.due_on > (latest := months_after(context.occurred_on, months)):
        context.improper(RectificationTooLong(due_on=fact.due_on, months=months, latest=latest))
    return context.allow(fact=fact)
