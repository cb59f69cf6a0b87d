"""The call 征集 of a round and its applications: their receipt, withdrawal and screening.

Source: the fund's plan, section 三 (申报指南 → 专家评审 → 公示); DOMAIN, "Project".
"""

from __future__ import annotations

from datetime import date
from typing import assert_never, get_args

from msgspec.structs import replace

from domain.decision_context import Context, Decision
from domain.event import Allowed, Fact, Recorded, Restored, Reversible, restores
from domain.money import Money
from domain.posting import LINE
from domain.project.lifecycle import ProjectFact
from domain.project.waiver import waived
from domain.recipient import Recipient, readable
from domain.rules.award import AwardNotShown, NoPlacesLeft
from domain.rules.call import (
    AlreadyApplied,
    AlreadyReviewed,
    ApplicationNotLive,
    CallIsClosed,
    CallStillOpen,
    DeadlineNotLater,
    DeadlineNotPassed,
    InvalidCode,
    LineUsedUp,
    NoRoundUnderWay,
    NoticeRunning,
    ObjectionOpen,
    OutsideWindow,
    RoundOutOfTurn,
    RoundUnderWay,
    SelectionMismatch,
)
from domain.rules.every_post import BeforeItsCause, NameTaken, UnknownName, WindowEmpty
from domain.rules.fund import NotInPlan
from domain.rules.waiver import SamePerson
from domain.state.entities import Application, Round, RoundStatus, Screening
from domain.state.fund import Selection
from domain.state.project import Project

OF_ROUND = Reversible(restores=lambda project, _: (Restored("round", str(project.round)),))
"""How an event on the last round is reversed: as a whole; the round returns to its state before the event."""

# Events ----------------------------------------------------------------------


class CallPublished(ProjectFact, frozen=True):
    """A call was published and opened `round`: applications are received from `opens_on` to `closes_on` inclusive."""

    zh = "征集发布"
    about_zh = "发布申报指南，开始一轮征集。"
    reversible = OF_ROUND
    cites = (("申报指南",),)
    refused_by = (
        RoundUnderWay,
        RoundOutOfTurn,
        NoticeRunning,
        ObjectionOpen,
        AwardNotShown,
        WindowEmpty,
        BeforeItsCause,
        NotInPlan,
        SelectionMismatch,
        NoPlacesLeft,
        LineUsedUp,
    )
    round: int
    opens_on: date
    closes_on: date


class CallExtended(ProjectFact, frozen=True):
    """The last day for applications was moved to a later day, `closes_on`. A closed call cannot be extended."""

    zh = "征集延期"
    about_zh = "征集截止前延长申报期，截止日须晚于原定日期。"
    reversible = OF_ROUND
    refused_by = (NoRoundUnderWay, RoundOutOfTurn, CallIsClosed, BeforeItsCause, DeadlineNotLater)
    round: int
    closes_on: date


class CallClosed(ProjectFact, frozen=True):
    """The call was closed after the last day of its window: no more applications are received in this round."""

    zh = "征集截止"
    about_zh = "截止日之后结束征集。"
    allowed = Allowed.WHILE_PROJECT_OPEN
    reversible = OF_ROUND
    refused_by = (NoRoundUnderWay, RoundOutOfTurn, CallIsClosed, DeadlineNotPassed)
    round: int


class CallFailed(ProjectFact, frozen=True):
    """The round ended without an award: no application came in, passed or was selected. Another call may follow."""

    zh = "征集流标"
    about_zh = "本轮征集无可立项的申报，流标；可以另行征集。"
    allowed = Allowed.WHILE_PROJECT_OPEN
    reversible = OF_ROUND
    refused_by = (NoRoundUnderWay, RoundOutOfTurn, CallStillOpen, ObjectionOpen, BeforeItsCause)
    round: int
    reason: str


class Applicant(Recipient, frozen=True):
    """A recipient who applied."""


class ApplicationReceived(ProjectFact, frozen=True):
    """An application was received on a day within the call's window. The ledger sets `round` to the round under way.

    The other fields are optional and describe what was applied for: the `amount`, and the planned project with its
    `title`, its `place`, its first day `starts_on` and its last day `ends_on`.
    """

    zh = "申报受理"
    about_zh = (
        "在申报期内收到一份申报，可载明申报金额、项目名称、地点和计划起止日；"
        "每个申报人每轮的有效申报不得多于规则参数所定（默认一份）。"
    )
    reversible = restores("application")
    cites = (("受理号",),)
    apart_from = ("WaiverGranted",)
    refused_by = (
        NoRoundUnderWay,
        CallIsClosed,
        OutsideWindow,
        NameTaken,
        InvalidCode,
        AlreadyApplied,
        SamePerson,
        WindowEmpty,
    )
    application: str
    applicant: Applicant
    round: int = 0
    amount: Money | None = None
    title: str | None = None
    place: str | None = None
    starts_on: date | None = None
    ends_on: date | None = None


class ApplicationWithdrawn(ProjectFact, frozen=True):
    """The applicant withdrew its application. This is possible at any stage before the award."""

    zh = "申报撤回"
    about_zh = "申报单位在立项之前撤回申报，任何阶段均可。"
    reversible = restores("application")
    refused_by = (UnknownName, ApplicationNotLive, BeforeItsCause)
    application: str
    reason: str


class ApplicationScreened(ProjectFact, frozen=True):
    """The documents of an application were checked. `passed`: whether the application passed this check.

    An application can be checked again until the review; the last check counts.
    """

    zh = "申报审查"
    about_zh = "对一份申报作形式审查，通过或不通过。"
    reversible = restores("application")
    cites = (("审查表",),)
    refused_by = (
        NoRoundUnderWay,
        UnknownName,
        ApplicationNotLive,
        SelectionMismatch,
        AlreadyReviewed,
        BeforeItsCause,
    )
    application: str
    passed: bool
    reason: str | None = None


Event = (
    CallPublished
    | CallExtended
    | CallClosed
    | CallFailed
    | ApplicationReceived
    | ApplicationWithdrawn
    | ApplicationScreened
)
FACTS: tuple[type[Fact], ...] = get_args(Event)

# Evolve ----------------------------------------------------------------------


def evolve(project: Project, fact: Event, event: Recorded) -> Project:
    match fact:
        case CallPublished():
            opened = Round(event.version, fact.round, event.cause, fact.opens_on, fact.closes_on, by=event.by)
            return replace(project.with_entity("round", str(fact.round), opened), round=fact.round)
        case CallExtended():
            return project.step("round", str(fact.round), event.version, closes_on=fact.closes_on)
        case CallClosed():
            return project.step("round", str(fact.round), event.version, closed_on=event.header.occurred_on)
        case CallFailed():
            return project.step("round", str(fact.round), event.version, status=RoundStatus.FAILED)
        case ApplicationReceived():
            number = next((each.number for each in event.header.documents if each.kind == "受理号"), fact.application)
            identity = fact.applicant.identity or ""
            received = Application(event.version, event.cause, number, project.round, identity)
            return reindexed(project.with_entity("application", fact.application, received), fact.application)
        case ApplicationWithdrawn():
            withdrawn = project.step("application", fact.application, event.version, withdrawn=True)
            return reindexed(withdrawn, fact.application)
        case ApplicationScreened():
            screening = Screening.PASSED if fact.passed else Screening.FAILED
            return project.step("application", fact.application, event.version, screening=screening)
        case _:
            assert_never(fact)


def reindexed(project: Project, name: str) -> Project:
    """`project` after its index `applicants` is updated for the application `name`.

    An application that is not withdrawn is added to the index. A withdrawn application is removed from the index.
    """
    each = project.applications[name]
    at = (each.round, each.identity)
    if not each.withdrawn:
        names = tuple(sorted({*project.applicants.get(at, ()), name}))
        return replace(project, applicants=project.applicants.set(at, names))
    return unindexed(project, at, name)


def unindexed(project: Project, at: tuple[int, str], name: str) -> Project:
    """`project` without the application `name` in its index `applicants`.

    `at`: the key of the application in the index, which is its round and its applicant's identity.
    """
    there = project.applicants.get(at, ())
    if name not in there:
        return project
    left = tuple(each for each in there if each != name)
    applicants = project.applicants.set(at, left) if left else project.applicants.delete(at)
    return replace(project, applicants=applicants)


def may_apply_again(context: Context, project: Project, number: int, identity: str) -> None:
    """Raises AlreadyApplied if the recipient already has the maximum of live applications in round `number`.

    The maximum is the fund's setting `applications_per_recipient`, by default 1. `identity` is that of the recipient.
    The round of a list has no maximum.
    """
    if project.rounds[str(number)].is_list:
        return
    names, settings = project.applied(number, identity), context.ledger.fund(project.fund).settings
    if len(names) >= (settings.applications_per_recipient or 1):
        raise AlreadyApplied(uscc=readable(identity), application=", ".join(names), round=number)


# Decide ----------------------------------------------------------------------


def decide(context: Context, project: Project, fact: Event) -> Decision:
    match fact:
        case CallPublished():
            return _publish(context, project, fact)
        case CallExtended():
            return _extend(context, project, fact)
        case CallClosed():
            return _close_call(context, project, fact)
        case CallFailed():
            return _fail(context, project, fact)
        case ApplicationReceived():
            return _receive(context, project, fact)
        case ApplicationWithdrawn():
            return _withdraw(context, project, fact)
        case ApplicationScreened():
            return _screen(context, project, fact)
        case _:
            assert_never(fact)


def _publish(context: Context, project: Project, fact: CallPublished) -> Decision:
    last = project.rounds.get(str(project.round))
    if last and last.status is RoundStatus.UNDER_WAY:
        raise RoundUnderWay(round=last.number)
    if fact.round != project.round + 1:
        raise RoundOutOfTurn(round=fact.round, expected=project.round + 1)
    last_round_is_over(project)
    if fact.closes_on < fact.opens_on:
        raise WindowEmpty(first_day=fact.opens_on, last_day=fact.closes_on)
    if fact.opens_on < context.occurred_on:
        raise BeforeItsCause(occurred_on=fact.opens_on, cause="CallPublished", cause_on=context.occurred_on)
    may_be_awarded_more(context, project, Selection.OPEN_CALL)
    return context.allow()


def last_round_is_over(project: Project) -> None:
    """Raises NoticeRunning, ObjectionOpen or AwardNotShown if something of the last round is still to be done."""
    last = project.rounds.get(str(project.round))
    if last and last.status is RoundStatus.DECIDED and last.notice and last.notice.completed is None:
        raise NoticeRunning(last_day=last.notice.last_day)
    project.no_objection_open()
    for award in project.not_shown():
        raise AwardNotShown(award=award)


def may_be_awarded_more(context: Context, project: Project, selection: Selection) -> None:
    """Checks that a new round whose awards are chosen by `selection` could still award something.

    Raises NotInPlan if the plan in force has no line for the project, and SelectionMismatch if the line's awards are
    chosen in the other way. Raises NoPlacesLeft if the line's award limit is reached, and LineUsedUp if no money is
    left to award.
    """
    fund = context.ledger.fund(project.fund)
    line = fund.line(project.code)
    if line.is_list != (selection is Selection.LIST):
        raise SelectionMismatch(project=project.code, selection=line.selection or Selection.OPEN_CALL)
    taken = project.places_taken(line)
    if taken >= line.awards:
        raise NoPlacesLeft(limit=line.awards, taken=taken, asked=1)
    if project.awards and fund.wholly_allotted(project.code) and not project.accounts.total((LINE,)):
        raise LineUsedUp(project=project.code)


def no_list(project: Project, current: Round) -> None:
    """Raises SelectionMismatch if the round `current` is that of a list: nobody checks or scores its entries."""
    if current.is_list:
        raise SelectionMismatch(project=project.code, selection=Selection.LIST)


def _under_way(project: Project, number: int) -> Round:
    """The project's round under way, which must have the number `number`.

    Raises NoRoundUnderWay if no round is under way, and RoundOutOfTurn if the one under way has another number.
    """
    current = project.undecided_round()
    if number != current.number:
        raise RoundOutOfTurn(round=number, expected=current.number)
    return current


def _extend(context: Context, project: Project, fact: CallExtended) -> Decision:
    current = _under_way(project, fact.round)
    if current.closed_on is not None:
        raise CallIsClosed(round=current.number)
    context.not_before("CallPublished", current.published.on)
    if fact.closes_on <= current.closes_on:
        raise DeadlineNotLater(what="CallPublished", last_day=current.closes_on, asked=fact.closes_on)
    return context.allow()


def _close_call(context: Context, project: Project, fact: CallClosed) -> Decision:
    current = _under_way(project, fact.round)
    if current.closed_on is not None:
        raise CallIsClosed(round=current.number)
    if context.occurred_on <= current.closes_on:
        raise DeadlineNotPassed(what="CallPublished", last_day=current.closes_on, occurred_on=context.occurred_on)
    return context.allow()


def _fail(context: Context, project: Project, fact: CallFailed) -> Decision:
    current = _under_way(project, fact.round)
    if current.closed_on is None:
        raise CallStillOpen(round=current.number)
    project.no_objection_open()
    context.not_before("CallClosed", current.closed_on)
    return context.allow()


def _receive(context: Context, project: Project, fact: ApplicationReceived) -> Decision:
    current = project.undecided_round()
    if current.closed_on is not None:
        raise CallIsClosed(round=current.number)
    if not current.opens_on <= context.occurred_on <= current.closes_on and not waived(
        context, project, OutsideWindow, "application", fact.application
    ):
        window = {"opens_on": current.opens_on, "closes_on": current.closes_on}
        context.improper(OutsideWindow(occurred_on=context.occurred_on, **window))
    project.unused("application", fact.application)
    context.must_be_valid(fact.applicant)
    may_apply_again(context, project, current.number, fact.applicant.identity or "")
    if fact.starts_on and fact.ends_on and fact.ends_on < fact.starts_on:
        raise WindowEmpty(first_day=fact.starts_on, last_day=fact.ends_on)
    return context.allow(fact=replace(fact, round=current.number))


def _withdraw(context: Context, project: Project, fact: ApplicationWithdrawn) -> Decision:
    application = project.application(fact.application)
    if application.withdrawn or application.award is not None:
        raise ApplicationNotLive(application=fact.application)
    not_before_receipt(context, project, application)
    return context.allow()


def not_before_receipt(context: Context, project: Project, application: Application) -> None:
    """Raises BeforeItsCause if the event happened before the application was received, or first listed by a notice."""
    is_list = project.rounds[str(application.round)].is_list
    context.not_before("NoticeStarted" if is_list else "ApplicationReceived", application.received.on)


def _screen(context: Context, project: Project, fact: ApplicationScreened) -> Decision:
    current = project.undecided_round()
    application = project.application(fact.application)
    if application.round != current.number or application.withdrawn:
        raise ApplicationNotLive(application=fact.application)
    no_list(project, current)
    if current.review is not None:
        raise AlreadyReviewed(round=current.number)
    context.not_before("ApplicationReceived", application.received.on)
    return context.allow()
