"""Posts that are wrong on purpose, by the rule they aim at: those of a round, from the call to the decision."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from domain.event import Posted
from domain.project import call, selection
from domain.project.award import AwardListDecided
from domain.state.entities import Notice, Round, Screening
from domain.state.project import Project
from tests.random_life.decision import SPOILS_BY_RULE, decide, spoiled
from tests.random_life.mischief_at_fund import ONE_DAY, Made, Mischief
from tests.random_life.round_steps import new_name

if TYPE_CHECKING:
    from tests.random_life.life import RandomLife


def in_round(make: Callable[[RandomLife, Project, Round], Made]) -> Mischief:
    """A step that needs a round, decided or not."""

    def step(life: RandomLife, project: Project) -> Made:
        current = project.rounds.get(str(project.round))
        return make(life, project, current) if current else None

    return step


def in_notice(make: Callable[[RandomLife, Project, Notice], Made]) -> Mischief:
    """A step that needs a notice."""
    return in_round(lambda life, project, current: make(life, project, current.notice) if current.notice else None)


def _call_again(life: RandomLife, project: Project) -> Made:
    return call.CallPublished(project.round + 1, life.day, life.day)


def _close_on_the_last_day(life: RandomLife, project: Project, current: Round) -> Made:
    return life.post(call.CallClosed(current.number), f"project/{project.code}", on=current.closes_on)


def _applies(life: RandomLife, project: Project, current: Round, uscc: str) -> Posted:
    name = new_name(project.code, project.applications)
    fact = call.ApplicationReceived(f"A-{name}", call.Applicant(name, uscc))
    return life.post(fact, f"project/{project.code}", on=min(life.day, current.closes_on))


def _applies_again(life: RandomLife, project: Project, current: Round) -> Made:
    applied = project.applied(current.number)
    return _applies(life, project, current, min(applied.values(), key=lambda a: a.version).uscc) if applied else None


def _too_early_review(_: RandomLife, project: Project, current: Round) -> Made:
    applied = project.applied(current.number)
    scores = (selection.Score(name, Decimal(60)) for name in sorted(applied))
    return selection.ReviewConcluded("随机", tuple(scores)) if applied else None


def _one_not_scored(_: RandomLife, project: Project, current: Round) -> Made:
    applied = project.applied(current.number)
    passed = sorted(name for name, each in applied.items() if each.screening is Screening.PASSED)
    scores = tuple(selection.Score(name, Decimal(60)) for name in passed[1:])
    return selection.ReviewConcluded("随机", scores) if scores else None


def _show(life: RandomLife, names: Iterable[str], last_day: date) -> Made:
    shown = tuple(selection.Proposal(name, life.amount()) for name in sorted(names))
    return selection.NoticeStarted(shown, life.day, last_day) if shown else None


def _objects(life: RandomLife, project: Project, on: date, application: str | None) -> Posted:
    fact = selection.ObjectionReceived(new_name("O", project.objections), "不实", application)
    return life.post(fact, f"project/{project.code}", on=on)


def _objects_to_another(life: RandomLife, project: Project, notice: Notice) -> Made:
    name = life.pick_any(set(project.applications) - notice.applications)
    return _objects(life, project, notice.last_day, name) if name else None


def _objects_after_decision(life: RandomLife, project: Project, notice: Notice) -> Made:
    awarded = [name for name in notice.applications if project.applications[name].award]
    return _objects(life, project, notice.last_day, life.pick_any(awarded)) if awarded else None


def _resolve_again(life: RandomLife, project: Project) -> Made:
    name = life.pick_any(set(project.objections) - project.open_objections)
    return selection.ObjectionResolved(name, upheld=False, reason="再议") if name else None


ROUND: dict[str, Mischief] = {
    "RoundUnderWay": _call_again,
    "NoRoundUnderWay": lambda _, project: call.CallClosed(max(project.round, 1)),
    "RoundOutOfTurn": lambda life, _: call.CallPublished(99, life.day, life.day),
    "CallIsClosed": in_round(lambda life, _, now: call.CallExtended(now.number, life.day + ONE_DAY)),
    "CallStillOpen": in_round(lambda _, __, now: call.CallFailed(now.number, "提前") if not now.closed_on else None),
    "DeadlineNotPassed": in_round(_close_on_the_last_day),
    "DeadlineNotLater": in_round(lambda _, __, now: call.CallExtended(now.number, now.closes_on)),
    "InvalidCode": in_round(lambda life, project, now: _applies(life, project, now, "0无效")),
    "AlreadyApplied": in_round(_applies_again),
    "NotAllScreened": in_round(_too_early_review),
    "ScoresMismatch": in_round(_one_not_scored),
    "NotStanding": in_round(
        lambda life, project, now: _show(life, project.applied(now.number), life.day + 9 * ONE_DAY)
    ),
    "NoticeTooShort": in_round(lambda life, _, now: _show(life, now.scores, life.day)),
    "CalendarUnknown": in_round(lambda life, _, now: _show(life, now.scores, date(2031, 1, 1))),
    "NoNotice": lambda _, __: selection.NoticeCompleted(),
    "OutsideNotice": in_notice(lambda life, project, now: _objects(life, project, now.last_day + ONE_DAY, None)),
    "NoReview": in_round(lambda _, __, now: None if now.review else AwardListDecided(1, "随机", ())),
    "NotInNotice": in_notice(_objects_to_another),
    "ObjectionTooLate": in_notice(_objects_after_decision),
    "ObjectionResolvedAlready": _resolve_again,
}


# The decision ----------------------------------------------------------------


def of_list(spoil: Callable[[AwardListDecided], AwardListDecided]) -> Mischief:
    """A decision that would do, with something changed."""

    def step(life: RandomLife, project: Project) -> Made:
        decided = decide(life, project)
        return decided and spoil(decided)

    return step


def _award_another(life: RandomLife, project: Project) -> Made:
    """A decision for somebody who was scored and not shown."""
    decided = decide(life, project)
    current = project.rounds.get(str(project.round))
    if decided is None or current is None or current.notice is None:
        return None
    others = [n for n in current.scores if project.standing(n) and n not in current.notice.applications]
    name = life.pick_any(others)
    return spoiled(decided, application=name, score=current.scores[name]) if name else None


DECISION: dict[str, Mischief] = {rule: of_list(spoil) for rule, spoil in SPOILS_BY_RULE.items()}
MISCHIEF_IN_ROUND = ROUND | DECISION | {"NotInNotice by the list": _award_another}
