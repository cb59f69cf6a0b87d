"""The selection of applications: reviews with their scores, public notices, and objections.

Source: the fund's plan, section 三 (专家评审 → 公示); DOMAIN, "Project".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from typing import assert_never, get_args

from immutables import Map
from msgspec.structs import replace

from domain.decision_context import Context, Decision
from domain.event import Allowed, Fact, Header, Recorded, Restored, Reversible, restores
from domain.event_part import EventPart
from domain.money import Money
from domain.project.call import (
    OF_ROUND,
    Applicant,
    last_round_is_over,
    may_be_awarded_more,
    no_list,
    reindexed,
)
from domain.project.lifecycle import ProjectFact
from domain.rules.award import AwardNotShown, NobodyListed, NoPlacesLeft, NotInNotice
from domain.rules.call import (
    CalendarUnknown,
    CallStillOpen,
    DeadlineNotPassed,
    InvalidCode,
    LineUsedUp,
    NoNotice,
    NoRoundUnderWay,
    NotAllScreened,
    NotAwarded,
    NoticeRunning,
    NoticeTooShort,
    NotStanding,
    ObjectionOpen,
    ObjectionResolvedAlready,
    ObjectionTooLate,
    OutsideNotice,
    ScoresMismatch,
    SelectionMismatch,
)
from domain.rules.every_post import BeforeItsCause, NameTaken, UnknownName, WindowEmpty
from domain.rules.fund import NotInPlan
from domain.state.entities import (
    Application,
    AwardStatus,
    Notice,
    Objection,
    Round,
    RoundStatus,
    Screening,
    Shown,
    no_name_twice,
)
from domain.state.fund import Selection
from domain.state.project import Project

# Events ----------------------------------------------------------------------


def _resolved(project: Project, fact: ObjectionResolved) -> Iterator[Restored]:
    """The entities that a reversal of `fact` returns to their earlier state.

    This is always the objection. If it was upheld, a second entity is returned: the application objected to or, for an
    objection to a whole notice or to a supplementary notice, the round.
    """
    yield Restored("objection", fact.objection)
    objection = project.objections.get(fact.objection)
    if fact.upheld and objection:
        named = objection.application if objection.supplementary is None else None
        yield Restored("application", named) if named else Restored("round", str(objection.round))


class Score(EventPart, frozen=True):
    application: str
    score: Decimal


class ReviewConcluded(ProjectFact, frozen=True):
    """The review was concluded, with one score for each application that passed screening.

    A later review replaces the earlier one and voids the notices that followed the earlier one.
    """

    zh = "评审结论"
    about_zh = "评审结束：为每份通过审查的申报给出得分；再次评审使先前的公示失效。"
    reversible = OF_ROUND
    cites = (("评审意见",),)
    refused_by = (
        NoRoundUnderWay,
        SelectionMismatch,
        CallStillOpen,
        NoticeRunning,
        BeforeItsCause,
        NotAllScreened,
        ScoresMismatch,
    )
    method: str
    scores: tuple[Score, ...]


class Proposal(EventPart, frozen=True):
    application: str
    amount: Money


class Entry(EventPart, frozen=True):
    """An entry of a list: who is to get how much, what it rewards 奖励事项, and on what grounds 奖励依据.

    `application` is a new name. The award list, objections and later notices refer to the entry by this name.
    """

    application: str
    recipient: Applicant
    rewarded_for: str
    amount: Money
    grounds: str


def _noticed(project: Project, fact: NoticeStarted) -> Iterator[Restored]:
    """The entities that a reversal of `fact` restores: the round, and the entries that the notice listed first."""
    yield Restored("round", str(project.round))
    for entry in fact.entries or ():
        yield Restored("application", entry.application)


class NoticeStarted(ProjectFact, frozen=True):
    """A public notice of the proposed awards and amounts started. It runs from `first_day` to `last_day` inclusive.

    A new notice replaces the previous one. It can start even after the award decision, for example for a substitute. If
    the fund's notices follow the decision, a notice lists the awarded applications.

    If the awards of the line are chosen from a list, `entries` has the entries that no earlier notice listed, and
    `applications` has those that an earlier notice listed. Then the ledger sets `round`, the round of the entries, and
    `opens_round`, which is true for the first notice of the round.
    """

    zh = "公示开始"
    about_zh = (
        "开始公示拟立项的申报及金额；再次公示取代先前的公示。"
        "按名单立项（奖励）的，以 entries 载明各项的对象、事项、金额和依据，并由此开始一轮。"
    )
    reversible = Reversible(restores=_noticed)
    cites = (("公示",),)
    refused_by = (
        NoRoundUnderWay,
        NoticeRunning,
        AwardNotShown,
        ObjectionOpen,
        NotInPlan,
        SelectionMismatch,
        NoPlacesLeft,
        LineUsedUp,
        NobodyListed,
        NameTaken,
        InvalidCode,
        UnknownName,
        NotStanding,
        NotAwarded,
        WindowEmpty,
        BeforeItsCause,
        CalendarUnknown,
        NoticeTooShort,
    )
    first_day: date
    last_day: date
    applications: tuple[Proposal, ...] = ()
    entries: tuple[Entry, ...] | None = None
    round: int | None = None
    opens_round: bool | None = None

    @property
    def listed(self) -> tuple[Proposal | Entry, ...]:
        return (*self.applications, *(self.entries or ()))


class NoticeCompleted(ProjectFact, frozen=True):
    """The notice was completed after its last day with no objection open. Its applications now count as published."""

    zh = "公示结束"
    about_zh = "公示期满，且没有未处理的异议。"
    reversible = OF_ROUND
    refused_by = (NoRoundUnderWay, NoNotice, ObjectionOpen, DeadlineNotPassed)


class ObjectionReceived(ProjectFact, frozen=True):
    """An objection to `application`, or to the whole notice if `application` is omitted, was received during a notice.

    The objection concerns the notice that ran on the day the objection was received, even if a newer notice has
    replaced that notice. In a fund whose notices precede the decision, an objection to an application is too late once
    this application is awarded. There, an objection to the whole notice is too late once any application on the notice
    is awarded. Neither limit applies to a supplementary notice, which lists applications that were already awarded and
    shown by an earlier notice.
    """

    zh = "异议受理"
    about_zh = (
        "公示期内收到异议，针对一份申报，或针对整个公示（以收到当日的公示为准，已被新公示取代的也算）；"
        "先公示后立项的，所指申报（针对整个公示的，其中任一申报）已立项的不再受理；"
        "对补充公示（再次公示已立项且已公示的申报）的异议照常受理。"
    )
    reversible = restores("objection")
    cites = (("异议书",),)
    refused_by = (NoRoundUnderWay, NameTaken, NoNotice, OutsideNotice, UnknownName, NotInNotice, ObjectionTooLate)
    objection: str
    reason: str
    application: str | None = None


class ObjectionResolved(ProjectFact, frozen=True):
    """An objection was resolved. `upheld` is true if the objection was upheld.

    If an objection to one application is upheld, the application is excluded. If an objection to a whole notice is
    upheld, the review and the notice are void; if the awards are chosen from a list, all notices of the round are void.
    If an objection to a supplementary notice is upheld, only the amounts that this notice showed are void, and the
    award stands as it was shown before.

    The ledger sets `application`, the application objected to. It sets `voids` to the version of the review that is now
    void, or of the first notice of a list's round. It sets `voids_notice` to the version of the supplementary notice
    that is now void.
    """

    zh = "异议处理"
    about_zh = (
        "处理异议：成立的，该申报予以排除；针对整个公示的，评审和公示失效（按名单立项的，本轮公示均失效）；"
        "针对补充公示的，仅补充公示的金额失效。"
    )
    allowed = Allowed.WHILE_PROJECT_OPEN
    reversible = Reversible(restores=_resolved)
    refused_by = (UnknownName, ObjectionResolvedAlready, BeforeItsCause)
    objection: str
    upheld: bool
    reason: str
    application: str | None = None
    voids: int | None = None
    voids_notice: int | None = None


Event = ReviewConcluded | NoticeStarted | NoticeCompleted | ObjectionReceived | ObjectionResolved
FACTS: tuple[type[Fact], ...] = get_args(Event)

# Evolve ----------------------------------------------------------------------


def evolve(project: Project, fact: Event, event: Recorded) -> Project:
    if isinstance(fact, NoticeStarted) and fact.entries:
        project = _with_entries(project, fact, fact.entries, event)
        if fact.opens_round:
            return project
    current = project.rounds[str(project.round)]
    if isinstance(fact, ObjectionReceived):
        notice = _objected_to(current, event.header.occurred_on, fact.application)
        assert notice is not None, "an objection is received during a notice"
        concerns = _concerned(notice, fact)
        received = Objection(
            event.version,
            current.number,
            fact.application,
            concerns,
            event.cause,
            supplementary=notice.version if _is_supplementary(project, notice, concerns, event.header) else None,
        )
        opened = project.open_objections | {fact.objection}
        return replace(project.with_entity("objection", fact.objection, received), open_objections=opened)
    if isinstance(fact, ObjectionResolved):
        return _resolve(project, fact, event.version)
    return project.step("round", str(current.number), event.version, **_round_changes(project, current, fact, event))


def _with_entries(project: Project, fact: NoticeStarted, entries: tuple[Entry, ...], event: Recorded) -> Project:
    """The project with the new entries of a list and, if the notice opens one, with its round."""
    if fact.opens_round and fact.round is not None:
        day, notice = event.header.occurred_on, _notice_of(fact, event)
        opened = Round(event.version, fact.round, event.cause, day, day, day, notice=notice, by=event.by, is_list=True)
        project = replace(project.with_entity("round", str(fact.round), opened), round=fact.round)
    for each in entries:
        identity = each.recipient.identity or ""
        listed = Application(event.version, event.cause, each.application, project.round, identity, Screening.PASSED)
        project = reindexed(project.with_entity("application", each.application, listed), each.application)
    return project


def _notice_of(fact: NoticeStarted, event: Recorded) -> Notice:
    amounts = Map({each.application: each.amount for each in fact.listed})
    return Notice(event.version, amounts, fact.first_day, fact.last_day, by=event.by)


def _awarded(project: Project, application: str) -> int:
    return project.awarded.get(project.applications[application].award or "", 0)


def _round_changes(
    project: Project, current: Round, fact: ReviewConcluded | NoticeStarted | NoticeCompleted, event: Recorded
) -> dict[str, object]:
    match fact:
        case ReviewConcluded():
            scores = Map({each.application: each.score for each in fact.scores})
            void: dict[str, object] = {"notice": None, "earlier": (), "noticed": Map()}
            return {"review": event.cause, "reviewed_by": event.by, "scores": scores, **void}
        case NoticeStarted():
            earlier = (*current.earlier, *((current.notice,) if current.notice else ()))
            return {"notice": _notice_of(fact, event), "earlier": earlier}
        case NoticeCompleted():
            assert current.notice is not None, "the notice completed was started"
            notice = current.notice
            shown = {
                name: Shown(notice.version, event.cause, amount, current.noticed.get(name), _awarded(project, name))
                for name, amount in notice.amounts.items()
            }
            return {"notice": replace(notice, completed=event.cause), "noticed": current.noticed.update(shown)}
        case _:
            assert_never(fact)


def _resolve(project: Project, fact: ObjectionResolved, version: int) -> Project:
    objection = project.objections[fact.objection]
    project = project.step("objection", fact.objection, version, resolved=True)
    project = replace(project, open_objections=project.open_objections - {fact.objection})
    if not fact.upheld:
        return project
    if objection.supplementary is not None:
        void = _without(project.rounds[str(objection.round)], objection.supplementary, objection.concerns)
        return project.step("round", str(objection.round), version, **void)
    if objection.application is not None:
        return project.step("application", objection.application, version, excluded=True)
    current = project.rounds[str(objection.round)]
    noticed = Map({name: shown for name, shown in current.noticed.items() if name not in objection.concerns})
    void = {"review": None, "reviewed_by": None, "scores": Map(), "notice": None, "earlier": (), "noticed": noticed}
    return project.step("round", str(objection.round), version, **void)


def _without(current: Round, supplementary: int, concerns: frozenset[str]) -> dict[str, object]:
    """The changed fields of the round `current` if its supplementary notice is void for the applications `concerns`.

    For these applications, the amounts that an earlier notice showed apply again. `supplementary` is the version of the
    notice.
    """

    def listed(notice: Notice) -> Notice:
        kept = {name: amount for name, amount in notice.amounts.items() if name not in concerns}
        return replace(notice, amounts=Map(kept)) if notice.version == supplementary else notice

    noticed = current.noticed
    for name in concerns:
        shown = noticed.get(name)
        if shown and shown.started == supplementary:
            noticed = noticed.set(name, shown.before) if shown.before else noticed.delete(name)
    notice = listed(current.notice) if current.notice else None
    return {"notice": notice, "earlier": tuple(map(listed, current.earlier)), "noticed": noticed}


# Decide ----------------------------------------------------------------------


def decide(context: Context, project: Project, fact: Event) -> Decision:
    match fact:
        case ReviewConcluded():
            return _review(context, project, fact)
        case NoticeStarted():
            return _start_notice(context, project, fact)
        case NoticeCompleted():
            return _complete_notice(context, project)
        case ObjectionReceived():
            return _receive_objection(context, project, fact)
        case ObjectionResolved():
            return _resolve_objection(context, project, fact)
        case _:
            assert_never(fact)


def _review(context: Context, project: Project, fact: ReviewConcluded) -> Decision:
    current = project.undecided_round()
    no_list(project, current)
    if current.closed_on is None:
        raise CallStillOpen(round=current.number)
    if current.notice and current.notice.completed is None:
        raise NoticeRunning(last_day=current.notice.last_day)
    context.not_before("CallClosed", current.closed_on)
    applied = project.live_applications(current.number)
    if pending := [name for name, each in applied.items() if each.screening is Screening.PENDING]:
        raise NotAllScreened(applications=_listed(pending))
    passed = {n for n, each in applied.items() if each.screening is Screening.PASSED and not each.excluded}
    scored = Counter(each.application for each in fact.scores)
    twice = {name for name, count in scored.items() if count > 1}
    if not passed or twice or scored.keys() != passed:
        raise ScoresMismatch(applications=_listed(passed ^ scored.keys() | twice))
    return context.allow()


def _listed(names: Iterable[str], limit: int = 10) -> str:
    ordered = sorted(names)
    return ", ".join(ordered[:limit]) + (f", … ({len(ordered)})" if len(ordered) > limit else "")


def _start_notice(context: Context, project: Project, fact: NoticeStarted) -> Decision:
    settings = context.ledger.fund(project.fund).settings
    opens = _opens_round(context, project, fact)
    current = None if opens else project.current_round()
    project.no_objection_open()
    _check_rows(context, project, current, fact)
    if fact.last_day < fact.first_day:
        raise WindowEmpty(first_day=fact.first_day, last_day=fact.last_day)
    if current and current.review:
        context.not_before("ReviewConcluded", current.review.on)
    if fact.first_day < context.occurred_on:
        raise BeforeItsCause(occurred_on=fact.first_day, cause="NoticeStarted", cause_on=context.occurred_on)
    days = context.ledger.working_days(fact.first_day, fact.last_day)
    if days is None:
        year = context.ledger.missing_year(fact.first_day.year)
        raise CalendarUnknown(first_day=fact.first_day, last_day=fact.last_day, year=year)
    if days < settings.notice_working_days:
        context.improper(NoticeTooShort(days=days, required=settings.notice_working_days))
    if fact.entries is None:
        return context.allow()
    return context.allow(fact=replace(fact, round=project.round + opens, opens_round=opens or None))


def _check_rows(context: Context, project: Project, current: Round | None, fact: NoticeStarted) -> None:
    """Checks the applications and entries of a notice in the round `current`; None if the notice opens a round."""
    if not fact.listed:
        raise NobodyListed
    no_name_twice("application", (each.application for each in fact.listed))
    for entry in fact.entries or ():
        project.unused("application", entry.application)
        context.must_be_valid(entry.recipient)
    for proposal in fact.applications:
        project.application(proposal.application)
        if current is None:
            raise NotStanding(application=proposal.application, lacks="past")
        _check_listed(context, project, current, proposal.application)


def _opens_round(context: Context, project: Project, fact: NoticeStarted) -> bool:
    """Whether the notice opens a round: it has entries of a list, and no round is under way.

    Raises SelectionMismatch if the notice has entries although the awards are not chosen from a list. If the notice
    opens a round, also raises the rules that forbid a further round: see `last_round_is_over` and
    `may_be_awarded_more`.
    """
    if fact.entries is None:
        return False
    last = project.rounds.get(str(project.round))
    if last and last.status is RoundStatus.UNDER_WAY:
        if not last.is_list:
            raise SelectionMismatch(project=project.code, selection=Selection.OPEN_CALL)
        return False
    last_round_is_over(project)
    may_be_awarded_more(context, project, Selection.LIST)
    return True


def _check_listed(context: Context, project: Project, current: Round, name: str) -> None:
    """Raises NotStanding or NotAwarded if a new notice in the round `current` must not list the application `name`.

    If the fund's notices follow the decision, a notice lists only applications of this round with a live award. If the
    notices precede the decision, a notice lists eligible applications. It may also list an application of this round
    with a live award, to show another amount for it. Raises UnknownName if the application does not exist, and
    BeforeItsCause if the award was decided after the day of the posted event.

    By the first edition of the rules, if notices preceded the decision, an award that a completed notice had listed
    could not be listed again.
    """
    application = project.application(name)
    first = current.notice_comes_first(context.ledger.fund(project.fund).settings)
    award = project.awards.get(application.award or "")
    again = award is not None and project.shown(str(application.award)) is not None
    if first and (award is None or (again and context.header.edition == 1)):
        project.must_be_eligible(name)
        return
    if award is None or award.status is not AwardStatus.LIVE or application.round != current.number:
        raise NotAwarded(application=name)
    context.not_before("AwardListDecided", award.decided.on)


def _complete_notice(context: Context, project: Project) -> Decision:
    notice = project.current_round().notice
    if notice is None or notice.completed is not None:
        raise NoNotice(wanted="running")
    project.no_objection_open()
    if context.occurred_on <= notice.last_day:
        raise DeadlineNotPassed(what="NoticeStarted", last_day=notice.last_day, occurred_on=context.occurred_on)
    return context.allow()


def _receive_objection(context: Context, project: Project, fact: ObjectionReceived) -> Decision:
    current = project.current_round()
    project.unused("objection", fact.objection)
    if current.notice is None:
        raise NoNotice(wanted="running / completed")
    notice = _objected_to(current, context.occurred_on, fact.application)
    if notice is None:
        first_day, last_day = current.notice.first_day, current.notice.last_day
        raise OutsideNotice(occurred_on=context.occurred_on, first_day=first_day, last_day=last_day)
    if fact.application is not None:
        project.application(fact.application)
        if fact.application not in notice.amounts:
            raise NotInNotice(application=fact.application)
    first = current.notice_comes_first(context.ledger.fund(project.fund).settings)
    concerns = _concerned(notice, fact)
    too_late = first and any(_is_decided(project, name) for name in concerns)
    if too_late and not _is_supplementary(project, notice, concerns, context.header):
        raise ObjectionTooLate(target=fact.application or "notice")
    return context.allow()


def _is_supplementary(project: Project, notice: Notice, concerns: frozenset[str], header: Header) -> bool:
    """Whether all applications in `concerns` were awarded, and shown by an earlier notice, before `notice` started.

    The first edition of the rules had no supplementary notices.
    """
    awards = [project.applications[name].award for name in concerns]
    return header.edition > 1 and all(
        award is not None
        and project.awards[award].decided.version < notice.version
        and (shown := project.shown(award)) is not None
        and (shown.started < notice.version or shown.before is not None)
        for award in awards
    )


def _concerned(notice: Notice, fact: ObjectionReceived) -> frozenset[str]:
    """The names of the applications that an objection to `notice` concerns.

    This is the application that `fact` names; if `fact` names none, it is every application on the notice.
    """
    return frozenset({fact.application}) if fact.application else notice.applications


def _is_decided(project: Project, name: str) -> bool:
    """Whether the application `name` is awarded and was listed in a completed notice that is not void."""
    award = project.applications[name].award
    return award is not None and project.shown(award) is not None


def _objected_to(current: Round, on: date, application: str | None) -> Notice | None:
    """The notice of the round `current` that an objection received on the day `on` concerns; None if none ran then.

    Several notices may have run on that day. The result is the last of them that lists `application`. If none of them
    lists it, or if `application` is None, the result is the last of them.
    """
    notices = (*current.earlier, *((current.notice,) if current.notice else ()))
    open_then = [each for each in reversed(notices) if each.first_day <= on <= each.last_day]
    listing = (each for each in open_then if application is None or application in each.applications)
    return next(listing, open_then[0] if open_then else None)


def _resolve_objection(context: Context, project: Project, fact: ObjectionResolved) -> Decision:
    objection = project.objection(fact.objection)
    if objection.resolved:
        raise ObjectionResolvedAlready(objection=fact.objection)
    context.not_before("ObjectionReceived", objection.received.on)
    current = project.rounds[str(objection.round)]
    basis = current.published if current.is_list else current.review
    whole = objection.application is None and objection.supplementary is None
    voids = basis.version if basis and fact.upheld and whole else None
    voids_notice = objection.supplementary if fact.upheld else None
    return context.allow(fact=replace(fact, application=objection.application, voids=voids, voids_notice=voids_notice))
