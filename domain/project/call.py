"""From the call to the notice: who applied, who passed, how they scored, and what the public was shown.

Source: seed, section 三 (申报指南 → 专家评审 → 公示); DOMAIN, "Project".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import assert_never, get_args

from immutables import Map

from domain.case import Case, Decision
from domain.money import Money
from domain.posting import LINE
from domain.project.opening import ProjectFact
from domain.project.state import Application, Notice, Project, Round, Screening, no_name_twice
from domain.record import Fact, Recorded
from domain.rules.award import NoPlacesLeft
from domain.rules.call import (
    AlreadyApplied,
    AlreadyReviewed,
    ApplicationNotLive,
    CalendarUnknown,
    CallIsClosed,
    CallStillOpen,
    DeadlineNotPassed,
    InvalidCode,
    LineUsedUp,
    NoNotice,
    NoRoundUnderWay,
    NotAllScreened,
    NoticeRunning,
    NoticeTooShort,
    NotStanding,
    OutsideWindow,
    RoundOutOfTurn,
    RoundUnderWay,
    ScoresMismatch,
)
from domain.rules.every_post import BeforeItsCause, NameTaken, UnknownName, WindowEmpty

# Events ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CallPublished(ProjectFact):
    """Opens a round; applications are received from `opens_on` to `closes_on`, both included."""

    zh = "征集发布"
    cites = (("申报指南",),)
    refused_by = (RoundUnderWay, RoundOutOfTurn, WindowEmpty, BeforeItsCause, NoPlacesLeft, LineUsedUp)
    round: int
    opens_on: date
    closes_on: date


@dataclass(frozen=True, slots=True)
class CallClosed(ProjectFact):
    """The window is over and no more applications are taken. It occurs after the window's last day."""

    zh = "征集截止"
    refused_by = (NoRoundUnderWay, RoundOutOfTurn, CallIsClosed, DeadlineNotPassed)
    round: int


@dataclass(frozen=True, slots=True)
class Applicant:
    name: str
    uscc: str


@dataclass(frozen=True, slots=True)
class ApplicationReceived(ProjectFact):
    """An application came in on a day of the window. The ledger sets `round`, the one under way."""

    zh = "申报受理"
    cites = (("受理号",),)
    refused_by = (NoRoundUnderWay, CallIsClosed, OutsideWindow, NameTaken, InvalidCode, AlreadyApplied)
    application: str
    applicant: Applicant
    round: int = 0


@dataclass(frozen=True, slots=True)
class ApplicationScreened(ProjectFact):
    """An application passed the check of its papers, or failed it. Until the review a later one corrects an earlier."""

    zh = "申报审查"
    cites = (("审查表",),)
    refused_by = (NoRoundUnderWay, UnknownName, ApplicationNotLive, AlreadyReviewed, BeforeItsCause)
    application: str
    passed: bool
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Score:
    application: str
    score: Decimal


@dataclass(frozen=True, slots=True)
class ReviewConcluded(ProjectFact):
    """Scores of all that passed screening. Held again, it replaces the earlier review and voids its notice."""

    zh = "评审结论"
    cites = (("评审意见",),)
    refused_by = (NoRoundUnderWay, CallStillOpen, NoticeRunning, BeforeItsCause, NotAllScreened, ScoresMismatch)
    method: str
    scores: tuple[Score, ...]


@dataclass(frozen=True, slots=True)
class Proposal:
    application: str
    amount: Money


@dataclass(frozen=True, slots=True)
class NoticeStarted(ProjectFact):
    """The public is shown whom it is proposed to award, and how much, from `first_day` to `last_day`.

    A new notice replaces the one before it.
    """

    zh = "公示开始"
    cites = (("公示",),)
    refused_by = (
        NoRoundUnderWay,
        NameTaken,
        UnknownName,
        NotStanding,
        WindowEmpty,
        BeforeItsCause,
        CalendarUnknown,
        NoticeTooShort,
    )
    applications: tuple[Proposal, ...]
    first_day: date
    last_day: date


@dataclass(frozen=True, slots=True)
class NoticeCompleted(ProjectFact):
    """The notice's last day is over: the award list may be decided on it."""

    zh = "公示结束"
    refused_by = (NoRoundUnderWay, NoNotice, DeadlineNotPassed)


Event = (
    CallPublished
    | CallClosed
    | ApplicationReceived
    | ApplicationScreened
    | ReviewConcluded
    | NoticeStarted
    | NoticeCompleted
)
FACTS: tuple[type[Fact], ...] = get_args(Event)

# Evolve ----------------------------------------------------------------------


def evolve(project: Project, fact: Event, event: Recorded) -> Project:
    on = event.header.occurred_on
    if isinstance(fact, CallPublished):
        return replace(project, round=Round(fact.round, fact.opens_on, fact.closes_on))
    current = project.current_round()
    match fact:
        case CallClosed():
            return replace(project, round=replace(current, closed_on=on))
        case ApplicationReceived():
            return _receive(project, current, fact, on)
        case ApplicationScreened():
            screening = Screening.PASSED if fact.passed else Screening.FAILED
            application = replace(project.applications[fact.application], screening=screening)
            return replace(project, applications=project.applications.set(fact.application, application))
        case ReviewConcluded():
            reviewed = replace(current, review=event.version, reviewed_on=on, notice=None)
            return replace(project, round=reviewed, applications=_scored(project, fact.scores))
        case NoticeStarted():
            listed = frozenset(proposal.application for proposal in fact.applications)
            notice = Notice(event.version, listed, fact.last_day)
            return replace(project, round=replace(current, notice=notice))
        case NoticeCompleted():
            assert current.notice is not None, "the notice completed was started"
            return replace(project, round=replace(current, notice=replace(current.notice, completed_on=on)))
        case _:
            assert_never(fact)


def _receive(project: Project, current: Round, fact: ApplicationReceived, on: date) -> Project:
    application = Application(current.number, fact.applicant.uscc, on)
    return replace(
        project,
        applications=project.applications.set(fact.application, application),
        applicants=project.applicants.set((current.number, fact.applicant.uscc), fact.application),
    )


def _scored(project: Project, scores: tuple[Score, ...]) -> Map[str, Application]:
    with project.applications.mutate() as changed:
        for each in scores:
            changed[each.application] = replace(changed[each.application], score=each.score)
        applications = changed.finish()
    return applications


# Decide ----------------------------------------------------------------------


def decide(case: Case, project: Project, fact: Event) -> Decision:
    match fact:
        case CallPublished():
            return _publish(case, project, fact)
        case CallClosed():
            return _close_call(case, project, fact)
        case ApplicationReceived():
            return _admit(case, project, fact)
        case ApplicationScreened():
            return _screen(case, project, fact)
        case ReviewConcluded():
            return _review(case, project, fact)
        case NoticeStarted():
            return _start_notice(case, project, fact)
        case NoticeCompleted():
            return _complete_notice(case, project)
        case _:
            assert_never(fact)


def _publish(case: Case, project: Project, fact: CallPublished) -> Decision:
    last = project.round
    if last and not last.decided:
        raise RoundUnderWay(round=last.number)
    expected = last.number + 1 if last else 1
    if fact.round != expected:
        raise RoundOutOfTurn(round=fact.round, expected=expected)
    if fact.closes_on < fact.opens_on:
        raise WindowEmpty(first_day=fact.opens_on, last_day=fact.closes_on)
    if fact.opens_on < case.occurred_on:
        raise BeforeItsCause(occurred_on=fact.opens_on, cause="CallPublished", cause_on=case.occurred_on)
    fund = case.books.fund(project.fund)
    limit = fund.line(project.code).awards
    if len(project.awards) >= limit:
        raise NoPlacesLeft(limit=limit, taken=len(project.awards), asked=1)
    if project.awards and fund.wholly_allotted(project.code) and not project.accounts.total((LINE,)):
        raise LineUsedUp(project=project.code)
    return case.allow()


def _close_call(case: Case, project: Project, fact: CallClosed) -> Decision:
    current = project.undecided_round()
    if fact.round != current.number:
        raise RoundOutOfTurn(round=fact.round, expected=current.number)
    if current.closed_on is not None:
        raise CallIsClosed(round=current.number)
    if case.occurred_on <= current.closes_on:
        raise DeadlineNotPassed(what="CallPublished", last_day=current.closes_on, occurred_on=case.occurred_on)
    return case.allow()


def _admit(case: Case, project: Project, fact: ApplicationReceived) -> Decision:
    current = project.undecided_round()
    if current.closed_on is not None:
        raise CallIsClosed(round=current.number)
    if not current.opens_on <= case.occurred_on <= current.closes_on:
        raise OutsideWindow(occurred_on=case.occurred_on, opens_on=current.opens_on, closes_on=current.closes_on)
    project.unused("application", fact.application)
    uscc = fact.applicant.uscc
    if not case.books.valid_uscc(uscc):
        raise InvalidCode(uscc=uscc)
    if earlier := project.applicants.get((current.number, uscc)):
        raise AlreadyApplied(uscc=uscc, application=earlier, round=current.number)
    return case.allow(fact=replace(fact, round=current.number))


def _screen(case: Case, project: Project, fact: ApplicationScreened) -> Decision:
    current = project.undecided_round()
    application = project.application(fact.application)
    if application.round != current.number:
        raise ApplicationNotLive(application=fact.application)
    if current.review is not None:
        raise AlreadyReviewed(round=current.number)
    case.not_before("ApplicationReceived", application.received_on)
    return case.allow()


def _review(case: Case, project: Project, fact: ReviewConcluded) -> Decision:
    current = project.undecided_round()
    if current.closed_on is None:
        raise CallStillOpen(round=current.number)
    if current.notice and current.notice.completed_on is None:
        raise NoticeRunning(last_day=current.notice.last_day)
    case.not_before("CallClosed", current.closed_on)
    applied = project.applied(current.number)
    if pending := [name for name, each in applied.items() if each.screening is Screening.PENDING]:
        raise NotAllScreened(applications=_listed(pending))
    passed = {name for name, each in applied.items() if each.screening is Screening.PASSED}
    scored = Counter(each.application for each in fact.scores)
    twice = {name for name, count in scored.items() if count > 1}
    if not passed or twice or scored.keys() != passed:
        raise ScoresMismatch(applications=_listed(passed ^ scored.keys() | twice))
    return case.allow()


def _listed(names: Iterable[str], most: int = 10) -> str:
    ordered = sorted(names)
    return ", ".join(ordered[:most]) + (f", … ({len(ordered)})" if len(ordered) > most else "")


def _start_notice(case: Case, project: Project, fact: NoticeStarted) -> Decision:
    current = project.current_round()
    no_name_twice("application", (proposal.application for proposal in fact.applications))
    for proposal in fact.applications:
        application = project.application(proposal.application)
        if application.round != current.number or not application.standing:
            raise NotStanding(application=proposal.application)
    if fact.last_day < fact.first_day:
        raise WindowEmpty(first_day=fact.first_day, last_day=fact.last_day)
    assert current.reviewed_on is not None, "what stands was reviewed"
    case.not_before("ReviewConcluded", current.reviewed_on)
    if fact.first_day < case.occurred_on:
        raise BeforeItsCause(occurred_on=fact.first_day, cause="NoticeStarted", cause_on=case.occurred_on)
    days = case.books.working_days(fact.first_day, fact.last_day)
    required = case.books.fund(project.fund).settings.notice_working_days
    if days is None:
        raise CalendarUnknown(first_day=fact.first_day, last_day=fact.last_day)
    if days < required:
        raise NoticeTooShort(days=days, required=required)
    return case.allow()


def _complete_notice(case: Case, project: Project) -> Decision:
    notice = project.current_round().notice
    if notice is None or notice.completed_on is not None:
        raise NoNotice(wanted="running")
    if case.occurred_on <= notice.last_day:
        raise DeadlineNotPassed(what="NoticeStarted", last_day=notice.last_day, occurred_on=case.occurred_on)
    return case.allow()
