"""The acceptance 验收 of an award: the request, the pass or failure, and rectification after a failure.

A pass opens the acceptance gate.
"""

from __future__ import annotations

from datetime import date
from typing import assert_never, get_args

from domain.decision_context import Context, Decision
from domain.event import Fact, Recorded, restores
from domain.guard import require, rules_of
from domain.period import months_after
from domain.project.award import opened
from domain.project.condition import ACCEPTANCE
from domain.project.lifecycle import ProjectFact
from domain.rules.acceptance import AcceptanceStatusWrong, RectificationTooLong
from domain.rules.award import AwardEnded
from domain.rules.every_post import BeforeItsCause, UnknownName
from domain.rules.fund import NotInPlan
from domain.state.entities import Acceptance, Award
from domain.state.fund import Gate
from domain.state.project import Project

STEP = (UnknownName, AwardEnded, AcceptanceStatusWrong, BeforeItsCause)
"""The rules that may refuse each step after a request for acceptance: a pass, a failure, an order of rectification."""

# Events ----------------------------------------------------------------------


class AcceptanceRequested(ProjectFact, frozen=True):
    """Acceptance of an award was requested.

    All batches of the award must be fully paid, except those with the gate `acceptance`. This rule can be waived.
    """

    zh = "验收申请"
    about_zh = "申请验收：先前批次须已结清。"
    reversible = restores("award")
    apart_from = ("WaiverGranted",)
    refused_by = rules_of(ACCEPTANCE)
    award: str


class AcceptancePassed(ProjectFact, frozen=True):
    """The award passed acceptance: its gate `acceptance` opens, and the money committed behind it becomes payable."""

    zh = "验收通过"
    about_zh = "验收通过：以验收为拨付条件的批次转为应付。"
    reversible = restores("award")
    cites = (("验收意见",),)
    refused_by = (*STEP, NotInPlan)
    award: str


class AcceptanceFailed(ProjectFact, frozen=True):
    """The award failed acceptance for `reason`.

    Rectification must be ordered before acceptance is requested again.
    """

    zh = "验收未通过"
    about_zh = "验收未通过；须先责令整改，方可再次申请验收。"
    reversible = restores("award")
    cites = (("验收意见",),)
    refused_by = STEP
    award: str
    reason: str


class RectificationOrdered(ProjectFact, frozen=True):
    """Rectification was ordered after a failed acceptance, to be completed by `due_on`.

    After this order, acceptance may be requested again.
    """

    zh = "责令整改"
    about_zh = "责令整改并限定期限，其后可再次申请验收。"
    reversible = restores("award")
    cites = (("整改通知",),)
    refused_by = (*STEP, RectificationTooLong)
    award: str
    due_on: date


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
    changes = _changes(project.awards[fact.award], fact, event)
    by = {"since": event.header.occurred_on, "acceptance_by": event.version}
    return project.step("award", fact.award, event.version, **by, **changes)


def _changes(award: Award, fact: Event, event: Recorded) -> dict[str, object]:
    match fact:
        case AcceptanceRequested():
            return {"acceptance": Acceptance.REQUESTED, "rectify_by": None, "due_by": None}
        case AcceptancePassed():
            return {"acceptance": Acceptance.PASSED, "gates": award.gates.set(Gate.ACCEPTANCE, event.cause)}
        case AcceptanceFailed():
            return {"acceptance": Acceptance.FAILED, "failures": award.failures + 1}
        case RectificationOrdered():
            return {"acceptance": Acceptance.RECTIFYING, "rectify_by": fact.due_on, "due_by": event.version}
        case _:
            assert_never(fact)


# Decide ----------------------------------------------------------------------


def decide(context: Context, project: Project, fact: Event) -> Decision:
    if isinstance(fact, AcceptanceRequested):
        require(ACCEPTANCE, context, project, fact)
        return context.allow()
    award, required = project.live_award(fact.award), REQUIRED_STATUS[type(fact)]
    if award.acceptance is not required:
        raise AcceptanceStatusWrong(award=fact.award, status=award.acceptance, wanted=required)
    context.not_before(f"acceptance {award.acceptance}", award.since)
    match fact:
        case AcceptancePassed():
            line = context.ledger.fund(project.fund).line(project.code)
            return context.allow(*opened(project, line, fact.award, Gate.ACCEPTANCE, "AcceptancePassed"))
        case AcceptanceFailed():
            return context.allow()
        case RectificationOrdered():
            return _order(context, project, fact)
        case _:
            assert_never(fact)


def _order(context: Context, project: Project, fact: RectificationOrdered) -> Decision:
    if fact.due_on < context.occurred_on:
        raise BeforeItsCause(occurred_on=fact.due_on, cause="RectificationOrdered", cause_on=context.occurred_on)
    months = context.ledger.fund(project.fund).settings.rectification_months
    if months is not None and fact.due_on > (latest := months_after(context.occurred_on, months)):
        context.improper(RectificationTooLong(due_on=fact.due_on, months=months, latest=latest))
    return context.allow()
