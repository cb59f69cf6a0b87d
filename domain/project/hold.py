"""Holds 冻结: a court, an inspection or the bureau stops the payment of an award, or of a whole project."""

from __future__ import annotations

from datetime import date
from typing import assert_never, get_args

from msgspec.structs import replace

from domain.decision_context import Context, Decision
from domain.event import Allowed, Fact, Recorded, restores
from domain.money import Money
from domain.project.lifecycle import ProjectFact
from domain.rules.every_post import BeforeItsCause, NameTaken, UnknownName
from domain.rules.hold import HoldReleasedAlready
from domain.state.entities import Hold
from domain.state.project import Project

# Events ----------------------------------------------------------------------


class FundsHeld(ProjectFact, frozen=True):
    """Money of one award was held, or money of the whole project if `award` is omitted. `hold` is a new name.

    `amount` is the amount that must stay unpaid; if it is omitted, all money must. A payment that would take held money
    cannot be requested, approved or instructed. A payment that the bank has already made can still be confirmed.
    `until` is the day by which the hold is to be renewed or released; the hold does not end by itself on that day.
    """

    zh = "资金冻结"
    about_zh = "法院、检查或主管部门冻结某一立项或整个项目的资金；冻结期间不得申请、审批、支付。不因期满自动解除。"
    allowed = Allowed.ALWAYS
    reversible = restores("hold")
    cites = (("冻结文书", "检查通知", "批复"),)
    refused_by = (NameTaken, UnknownName, BeforeItsCause)
    hold: str
    authority: str
    reason: str
    award: str | None = None
    amount: Money | None = None
    until: date | None = None


class HoldReleased(ProjectFact, frozen=True):
    """A hold was released."""

    zh = "解除冻结"
    about_zh = "解除一项冻结，任何时候均可登记。"
    allowed = Allowed.ALWAYS
    reversible = restores("hold")
    cites = (("解除文书", "检查通知", "批复"),)
    refused_by = (UnknownName, HoldReleasedAlready, BeforeItsCause)
    hold: str
    reason: str


Event = FundsHeld | HoldReleased
FACTS: tuple[type[Fact], ...] = get_args(Event)

# Evolve ----------------------------------------------------------------------


def evolve(project: Project, fact: Event, event: Recorded) -> Project:
    match fact:
        case FundsHeld():
            held = Hold(event.version, event.cause, fact.award, fact.amount, fact.until)
            return reindexed(project.with_entity("hold", fact.hold, held), fact.hold)
        case HoldReleased():
            return reindexed(project.step("hold", fact.hold, event.version, released=True), fact.hold)
        case _:
            assert_never(fact)


def reindexed(project: Project, name: str) -> Project:
    """`project` after its index `standing_holds` is updated for the hold `name`."""
    stands = name in project.holds and not project.holds[name].released
    others = project.standing_holds - {name}
    return replace(project, standing_holds=others | {name} if stands else others)


# Decide ----------------------------------------------------------------------


def decide(context: Context, project: Project, fact: Event) -> Decision:
    match fact:
        case FundsHeld():
            project.unused("hold", fact.hold)
            if fact.award is not None:
                context.not_before("AwardListDecided", project.award(fact.award).decided.on)
            if fact.until and fact.until < context.occurred_on:
                raise BeforeItsCause(occurred_on=fact.until, cause="FundsHeld", cause_on=context.occurred_on)
        case HoldReleased():
            hold = project.hold(fact.hold)
            if hold.released:
                raise HoldReleasedAlready(hold=fact.hold)
            context.not_before("FundsHeld", hold.stands_since.on)
        case _:
            assert_never(fact)
    return context.allow()
