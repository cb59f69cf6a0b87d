"""Steps of a round, from the call to the decision: each returns a post that is plausible in this state, or None."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal

from msgspec.structs import replace

from domain.event import Fact, Posted
from domain.fund.funding import FundsAllotted
from domain.money import Money
from domain.posting import POOL
from domain.project import call, selection
from domain.state.entities import AwardStatus, Notice, Round, RoundStatus, Screening
from domain.state.project import Project
from tests.random_life.base import Life
from tests.random_life.decision import DEFECTS, decide
from tests.random_life.recipients import applicant

StepResult = Fact | Posted | None


def next_step(life: Life, project: Project) -> StepResult:
    """The next step of the round, or the call of a new round."""
    current = project.rounds.get(str(project.round))
    if current is None or current.status is RoundStatus.FAILED:
        return open_round(life, project)
    if current.status is RoundStatus.DECIDED:
        return after_decision(life, project, current)
    if current.closed_on is None:
        return while_open(life, project, current)
    applied = project.live_applications(current.number)
    pending = sorted(name for name, each in applied.items() if each.screening is Screening.PENDING)
    if pending:
        return screen(life, project, pending[0])
    if project.open_objections and life.chance(90):
        return resolve(life, project)
    return toward_decision(life, project, current)


def open_round(life: Life, project: Project) -> Fact:
    """A call or, if the awards are chosen from a list, a notice with its entries."""
    line = life.fund.lines.get(project.code)
    return show_entries(life, project) if line is not None and line.is_list else publish(life, project)


def publish(life: Life, project: Project) -> Fact:
    opens_on = life.day + timedelta(days=life.pick((0, 0, 1)))
    return call.CallPublished(project.round + 1, opens_on, opens_on + timedelta(days=2))


def while_open(life: Life, project: Project, current: Round) -> StepResult:
    applied = project.live_applications(current.number)
    if len(applied) < 4 and life.chance(80):
        return apply(life, project, current)
    if life.chance(15):
        return call.CallExtended(current.number, current.closes_on + timedelta(days=life.random.randint(1, 5)))
    life.wait_until(current.closes_on + timedelta(days=1))
    return call.CallClosed(current.number)


def apply(life: Life, project: Project, current: Round) -> Posted:
    """An application on a day of the window, or sometimes one day too late."""
    name = new_name(project.code, project.applications)
    day = max(current.opens_on, min(life.day, current.closes_on))
    if life.chance(8):
        day = current.closes_on + timedelta(days=1)
    life.wait_until(current.opens_on)
    fact = call.ApplicationReceived(f"A-{name}", applicant(name))
    if life.chance(50):
        ends_on = day + timedelta(days=life.random.randint(0, 300))
        fact = replace(fact, amount=life.amount(), title=name, place="示例区", starts_on=day, ends_on=ends_on)
    return life.post(fact, f"project/{project.code}", on=day)


def new_name(prefix: str, taken: Iterable[str]) -> str:
    """An unused name: the prefix and the first free number. The name of a reversed entry is free again."""
    used = {each.partition("-")[2] or each for each in taken}
    return next(name for n in range(len(used) + 1) if (name := f"{prefix}{n}") not in used)


def screen(life: Life, project: Project, name: str) -> Fact:
    return call.ApplicationScreened(name, passed=life.chance(88))


def toward_decision(life: Life, project: Project, current: Round) -> StepResult:
    """The next step toward the decision: a review, a notice or the award list.

    Sometimes it is a second review, a second notice or a failed call.
    """
    if not current.is_list and (current.review is None or life.chance(5)):
        return review(life, project, current)
    notice = current.notice
    before = current.notice_comes_first(life.fund.settings)
    if before and (notice is None or life.chance(8)):
        return start_notice(life, project, current)
    if before and notice and notice.completed is None:
        return complete(life, notice)
    if life.chance(90) and (missing := allot_what_is_missing(life, project)):
        return missing
    decided = decide(life, project)
    if decided and life.chance(25 if any(current.scores.values()) else 80):
        return life.pick(DEFECTS)(decided)
    return decided or fail(life, current)


def allot_what_is_missing(life: Life, project: Project) -> Fact | None:
    """Allot the planned money that the project does not have yet, but no more than the pool has."""
    line, pool = life.fund.lines.get(project.code), life.fund.accounts.balance(POOL)
    for batch in line.batches if line else ():
        left = min(batch.amount - life.fund.allotted.get((project.code, batch.batch), 0), pool)
        if left and not project.awards:
            return FundsAllotted(project.code, batch.batch, Money(left))
    return None


def fail(_: Life, current: Round) -> Fact:
    return call.CallFailed(current.number, "无合格申报")


def after_decision(life: Life, project: Project, current: Round) -> StepResult:
    """A step after the decision: for a notice, for an award to a substitute, or for a new round."""
    notice = current.notice
    if notice and notice.completed is None and life.chance(80):
        return resolve(life, project) if project.open_objections else complete(life, notice)
    if project.open_objections and life.chance(90):
        return resolve(life, project)
    if listable(life, project, current) and life.chance(60):
        return start_notice(life, project, current)
    if life.chance(25):
        return decide(life, project)
    line = life.fund.lines.get(project.code)
    has_places = line is not None and project.places_taken(line) < line.awards
    return open_round(life, project) if life.chance(40 if has_places else 4) else None


def review(life: Life, project: Project, current: Round) -> Fact:
    applied = project.live_applications(current.number)
    passed = [n for n, each in applied.items() if each.screening is Screening.PASSED and not each.excluded]
    if not passed:
        return fail(life, current)
    max_score = 0 if life.chance(8) else 99
    scores = (
        selection.Score(name, Decimal(life.random.randint(min(50, max_score), max_score))) for name in sorted(passed)
    )
    return selection.ReviewConcluded("随机", tuple(scores))


def listable(life: Life, project: Project, current: Round) -> list[str]:
    """The applications that the next notice would list."""
    applied = sorted(project.live_applications(current.number))
    names = applied if current.is_list else [name for name in applied if name in current.scores]
    if current.notice_comes_first(life.fund.settings):
        again = life.chance(30)
        return [name for name in names if project.eligible(name) or (again and has_live_award(project, name))]
    return [name for name in names if name not in current.noticed and has_live_award(project, name)]


def has_live_award(project: Project, application: str) -> bool:
    award = project.awards.get(project.applications[application].award or "")
    return award is not None and award.status is AwardStatus.LIVE


ENOUGH = Money(1_000)
"""An amount that is above all that a project of a life is planned to get."""


def start_notice(life: Life, project: Project, current: Round) -> Fact:
    names = listable(life, project, current)
    if current.is_list and current.status is RoundStatus.UNDER_WAY and (not names or life.chance(25)):
        return show_entries(life, project, names)
    if not names:
        return fail(life, current)
    if life.chance(15):
        names = names[:-1] or names
    proposals = tuple(selection.Proposal(name, ENOUGH if life.chance(92) else life.amount()) for name in names)
    return selection.NoticeStarted(life.day, life.day + timedelta(days=life.random.randint(3, 6)), proposals)


def show_entries(life: Life, project: Project, again: Iterable[str] = ()) -> selection.NoticeStarted:
    """A notice of one to three new entries of a list, sometimes two of one recipient, and of the entries in `again`."""
    taken, entries = set(project.applications), []
    for _ in range(life.pick((1, 2, 3))):
        name = new_name(project.code, taken)
        taken.add(f"A-{name}")
        who = entries[-1].recipient if entries and life.chance(20) else applicant(name)
        entries.append(selection.Entry(f"A-{name}", who, "发明专利授权", ENOUGH, "专利证书"))
    shown = tuple(selection.Proposal(name, ENOUGH) for name in again)
    last_day = life.day + timedelta(days=life.random.randint(3, 6))
    return selection.NoticeStarted(life.day, last_day, shown, tuple(entries))


def complete(life: Life, notice: Notice) -> Fact:
    life.wait_until(notice.last_day + timedelta(days=1))
    return selection.NoticeCompleted()


def rescreen(life: Life, project: Project) -> Fact | None:
    current = project.rounds.get(str(project.round))
    name = current and life.pick_any(project.live_applications(current.number))
    return screen(life, project, name) if name else None


def withdraw_application(life: Life, project: Project) -> Fact | None:
    name = life.pick_any(project.applications)
    return call.ApplicationWithdrawn(name, "自愿") if name else None


def object_(life: Life, project: Project) -> Posted | None:
    """An objection that is dated in the days of a notice. The notice may be over when the objection is posted."""
    current = project.rounds.get(str(project.round))
    if current is None or current.notice is None:
        return None
    notice = life.pick((*current.earlier, current.notice)) if life.chance(20) else current.notice
    name = life.pick_any(notice.applications) if life.chance(75) else None
    fact = selection.ObjectionReceived(new_name("O", project.objections), "不实", name)
    day = max(notice.first_day, min(life.day, notice.last_day))
    return life.post(fact, f"project/{project.code}", on=day)


def resolve(life: Life, project: Project) -> Fact | None:
    name = life.pick_any(project.open_objections)
    return selection.ObjectionResolved(name, upheld=life.chance(40), reason="核实") if name else None


ROUND_STEPS = {
    next_step: 32,
    decide: 1,
    rescreen: 1,
    withdraw_application: 1,
    object_: 2,
    resolve: 2,
}
