"""The acceptance 验收 of what was awarded: requested, passed, or failed and rectified. Passing opens its gate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import assert_never, get_args

from domain.case import Case, Decision
from domain.fund import Gate
from domain.money import Money
from domain.posting import COMMITTED, IN_FLIGHT, PAYABLE, Place
from domain.project.award import opened
from domain.project.opening import ProjectFact
from domain.project.state import Acceptance, Award, Project
from domain.record import Fact, Recorded
from domain.rules.acceptance import AcceptanceStatusWrong, EarlierBatchesUnsettled, NoTriesLeft, RectificationOverdue
from domain.rules.every_post import BeforeItsCause, UnknownName

STEP = (UnknownName, AcceptanceStatusWrong, BeforeItsCause)
"""What may refuse any step of an acceptance."""

# Events ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AcceptanceRequested(ProjectFact):
    """Acceptance of an award is asked for, once all its batches that do not wait for acceptance are paid."""

    zh = "验收申请"
    refused_by = (*STEP, NoTriesLeft, RectificationOverdue, EarlierBatchesUnsettled)
    award: str


@dataclass(frozen=True, slots=True)
class AcceptancePassed(ProjectFact):
    """The award is accepted: what is committed behind the gate `acceptance` becomes payable."""

    zh = "验收通过"
    cites = (("验收意见",),)
    refused_by = STEP
    award: str


@dataclass(frozen=True, slots=True)
class AcceptanceFailed(ProjectFact):
    """The award is not accepted. Rectification is ordered before acceptance is requested again."""

    zh = "验收未通过"
    cites = (("验收意见",),)
    refused_by = STEP
    award: str
    reason: str


@dataclass(frozen=True, slots=True)
class RectificationOrdered(ProjectFact):
    """What failed is to be put right by `due_on`, that day included; then acceptance may be requested again."""

    zh = "责令整改"
    cites = (("整改通知",),)
    refused_by = STEP
    award: str
    due_on: date


Event = AcceptanceRequested | AcceptancePassed | AcceptanceFailed | RectificationOrdered
FACTS: tuple[type[Fact], ...] = get_args(Event)

STEPS: dict[type[Fact], tuple[Acceptance, ...]] = {
    AcceptanceRequested: (Acceptance.NONE, Acceptance.RECTIFYING),
    AcceptancePassed: (Acceptance.REQUESTED,),
    AcceptanceFailed: (Acceptance.REQUESTED,),
    RectificationOrdered: (Acceptance.FAILED,),
}
"""From which status of the acceptance each step may be taken."""

# Evolve ----------------------------------------------------------------------


def evolve(project: Project, fact: Event, event: Recorded) -> Project:
    award = replace(project.awards[fact.award], since=event.header.occurred_on)
    return replace(project, awards=project.awards.set(fact.award, _stepped(award, fact)))


def _stepped(award: Award, fact: Event) -> Award:
    match fact:
        case AcceptanceRequested():
            return replace(award, acceptance=Acceptance.REQUESTED, rectify_by=None)
        case AcceptancePassed():
            return replace(award, acceptance=Acceptance.PASSED, gates=award.gates.set(Gate.ACCEPTANCE, award.since))
        case AcceptanceFailed():
            return replace(award, acceptance=Acceptance.FAILED, failures=award.failures + 1)
        case RectificationOrdered():
            return replace(award, acceptance=Acceptance.RECTIFYING, rectify_by=fact.due_on)
        case _:
            assert_never(fact)


# Decide ----------------------------------------------------------------------


def decide(case: Case, project: Project, fact: Event) -> Decision:
    award = project.award(fact.award)
    wanted = STEPS[type(fact)]
    if award.acceptance not in wanted:
        raise AcceptanceStatusWrong(award=fact.award, status=award.acceptance, wanted=" / ".join(wanted))
    case.not_before(f"acceptance {award.acceptance}", award.since)
    match fact:
        case AcceptanceRequested():
            return _request(case, project, award, fact)
        case AcceptancePassed():
            line = case.books.fund(project.fund).line(project.code)
            return case.allow(*opened(project, line, fact.award, Gate.ACCEPTANCE, "AcceptancePassed"))
        case AcceptanceFailed():
            return case.allow()
        case RectificationOrdered():
            if fact.due_on < case.occurred_on:
                raise BeforeItsCause(occurred_on=fact.due_on, cause="RectificationOrdered", cause_on=case.occurred_on)
            return case.allow()
        case _:
            assert_never(fact)


def _request(case: Case, project: Project, award: Award, fact: AcceptanceRequested) -> Decision:
    fund = case.books.fund(project.fund)
    allowed = fund.settings.acceptance_tries
    if award.failures >= allowed:
        raise NoTriesLeft(award=fact.award, failed=award.failures, allowed=allowed)
    if award.rectify_by and case.occurred_on > award.rectify_by:
        raise RectificationOverdue(award=fact.award, due_on=award.rectify_by, occurred_on=case.occurred_on)
    if award.paid_on:
        case.not_before("PaymentConfirmed", award.paid_on)
    for batch in fund.line(project.code).batches:
        if batch.gate is not Gate.ACCEPTANCE:
            _check_settled(project, fact.award, batch.batch)
    return case.allow()


def _check_settled(project: Project, award: str, batch: int) -> None:
    place = Place(project.code, batch, award)
    unpaid = sum(project.accounts.balance(account, place) for account in (COMMITTED, PAYABLE, *IN_FLIGHT))
    if unpaid:
        raise EarlierBatchesUnsettled(award=award, batch=batch, amount=Money(unpaid))
