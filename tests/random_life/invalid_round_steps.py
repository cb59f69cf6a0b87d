"""Posts that are invalid on purpose, by the rule that each should break: rules of a round."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal

from msgspec.structs import replace

from domain.event import Posted
from domain.project import call, selection
from domain.project.award import AwardListDecided
from domain.state.entities import Notice, Round, Screening
from domain.state.project import Project
from tests.random_life.base import Life
from tests.random_life.decision import DEFECTS_BY_RULE, decide, with_first_row
from tests.random_life.invalid_fund_steps import ONE_DAY, InvalidStep, StepResult
from tests.random_life.recipients import applicant, name_of
from tests.random_life.round_steps import new_name, show_entries


def in_round(make: Callable[[Life, Project, Round], StepResult]) -> InvalidStep:
    """A step that calls `make` with the last round of the project. The step returns None if there is no round."""

    def step(life: Life, project: Project) -> StepResult:
        current = project.rounds.get(str(project.round))
        return make(life, project, current) if current else None

    return step


def in_notice(make: Callable[[Life, Project, Notice], StepResult]) -> InvalidStep:
    """A step that calls `make` with the notice of the last round. The step returns None if there is no notice."""
    return in_round(lambda life, project, current: make(life, project, current.notice) if current.notice else None)


def _call_again(life: Life, project: Project) -> StepResult:
    return call.CallPublished(project.round + 1, life.day, life.day)


def _close_on_the_last_day(life: Life, project: Project, current: Round) -> StepResult:
    return life.post(call.CallClosed(current.number), f"project/{project.code}", on=current.closes_on)


def _applies(life: Life, project: Project, current: Round, who: call.Applicant) -> Posted:
    name = new_name(project.code, project.applications)
    fact = call.ApplicationReceived(f"A-{name}", who)
    return life.post(fact, f"project/{project.code}", on=min(life.day, current.closes_on))


def _plans_to_end_before_it_starts(life: Life, project: Project, current: Round) -> Posted:
    posted = _applies(life, project, current, applicant(new_name(project.code, project.applications)))
    fact = replace(posted.fact, starts_on=life.day, ends_on=life.day - ONE_DAY)
    return replace(posted, fact=fact)


def _applies_again(life: Life, project: Project, current: Round) -> StepResult:
    applied = project.live_applications(current.number)
    if not applied:
        return None
    first = min(applied.values(), key=lambda each: each.version)
    return _applies(life, project, current, applicant(name_of(life.pick(first.identities))))


def _too_early_review(_: Life, project: Project, current: Round) -> StepResult:
    applied = project.live_applications(current.number)
    scores = (selection.Score(name, Decimal(60)) for name in sorted(applied))
    return selection.ReviewConcluded("随机", tuple(scores)) if applied else None


def _one_not_scored(_: Life, project: Project, current: Round) -> StepResult:
    applied = project.live_applications(current.number)
    passed = sorted(name for name, each in applied.items() if each.screening is Screening.PASSED)
    scores = tuple(selection.Score(name, Decimal(60)) for name in passed[1:])
    return selection.ReviewConcluded("随机", scores) if scores else None


def _show(life: Life, names: Iterable[str], last_day: date) -> StepResult:
    shown = tuple(selection.Proposal(name, life.amount()) for name in sorted(names))
    return selection.NoticeStarted(life.day, last_day, shown) if shown else None


def _objects(life: Life, project: Project, on: date, application: str | None) -> Posted:
    fact = selection.ObjectionReceived(new_name("O", project.objections), "不实", application)
    return life.post(fact, f"project/{project.code}", on=on)


def _objects_to_another(life: Life, project: Project, notice: Notice) -> StepResult:
    name = life.pick_any(set(project.applications) - notice.applications)
    return _objects(life, project, notice.last_day, name) if name else None


def _objects_after_decision(life: Life, project: Project, notice: Notice) -> StepResult:
    """An objection to an awarded application, or to a whole notice that lists an awarded application.

    Sometimes a newer notice has replaced that notice.
    """
    earlier = project.rounds[str(project.round)].earlier
    at = life.pick((*earlier, notice)) if life.chance(50) else notice
    awarded = [name for name in at.applications if project.applications[name].award]
    day = max(at.first_day, min(life.day, at.last_day))
    return _objects(life, project, day, life.pick_any(awarded) if life.chance(50) else None) if awarded else None


def _resolve_again(life: Life, project: Project) -> StepResult:
    name = life.pick_any(set(project.objections) - project.open_objections)
    return selection.ObjectionResolved(name, upheld=False, reason="再议") if name else None


def _chosen_otherwise(life: Life, project: Project) -> StepResult:
    """A step of a call where the awards are chosen from a list, or the other way round."""
    line, current = life.fund.lines.get(project.code), project.rounds.get(str(project.round))
    if line is None or not line.is_list:
        return show_entries(life, project)
    if current and current.is_list:
        name = life.pick_any(project.live_applications(current.number))
        return call.ApplicationScreened(name, passed=True) if name else None
    return _call_again(life, project)


ROUND: dict[str, InvalidStep] = {
    "RoundUnderWay": _call_again,
    "NoRoundUnderWay": lambda _, project: call.CallClosed(max(project.round, 1)),
    "SelectionMismatch": _chosen_otherwise,
    "RoundOutOfTurn": lambda life, _: call.CallPublished(99, life.day, life.day),
    "CallIsClosed": in_round(lambda life, _, now: call.CallExtended(now.number, life.day + ONE_DAY)),
    "CallStillOpen": in_round(lambda _, __, now: call.CallFailed(now.number, "提前") if not now.closed_on else None),
    "DeadlineNotPassed": in_round(_close_on_the_last_day),
    "DeadlineNotLater": in_round(lambda _, __, now: call.CallExtended(now.number, now.closes_on)),
    "InvalidCode": in_round(lambda life, project, now: _applies(life, project, now, call.Applicant("示例", "0无效"))),
    "AlreadyApplied": in_round(_applies_again),
    "WindowEmpty by an application": in_round(_plans_to_end_before_it_starts),
    "NotAllScreened": in_round(_too_early_review),
    "ScoresMismatch": in_round(_one_not_scored),
    "NotStanding": in_round(
        lambda life, project, now: _show(life, project.live_applications(now.number), life.day + 9 * ONE_DAY)
    ),
    "NoticeTooShort": in_round(lambda life, _, now: _show(life, now.scores, life.day)),
    "CalendarUnknown": in_round(lambda life, _, now: _show(life, now.scores, date(2031, 1, 1))),
    "NoNotice": lambda _, __: selection.NoticeCompleted(),
    "OutsideNotice": in_notice(lambda life, project, now: _objects(life, project, now.last_day + ONE_DAY, None)),
    "NoReview": in_round(lambda _, __, now: None if now.review or now.is_list else AwardListDecided("随机", (), 1)),
    "NotInNotice": in_notice(_objects_to_another),
    "ObjectionTooLate": in_notice(_objects_after_decision),
    "ObjectionResolvedAlready": _resolve_again,
}


# The decision ----------------------------------------------------------------


def of_list(add_defect: Callable[[AwardListDecided], AwardListDecided]) -> InvalidStep:
    """A step that makes a valid award list invalid with `add_defect`."""

    def step(life: Life, project: Project) -> StepResult:
        decided = decide(life, project)
        return decided and add_defect(decided)

    return step


def _award_another(life: Life, project: Project) -> StepResult:
    """An award list with an application that was scored but is not on the notice."""
    decided = decide(life, project)
    current = project.rounds.get(str(project.round))
    if decided is None or current is None or current.notice is None:
        return None
    known = project.live_applications(current.number)
    others = [n for n in sorted(known) if project.eligible(n) and n not in current.notice.applications]
    name = life.pick_any(others)
    return with_first_row(decided, application=name, score=current.scores.get(name)) if name else None


DECISION: dict[str, InvalidStep] = {rule: of_list(add_defect) for rule, add_defect in DEFECTS_BY_RULE.items()}
INVALID_ROUND_STEPS = ROUND | DECISION | {"NotInNotice by the list": _award_another}
