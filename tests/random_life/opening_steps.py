"""The opening posts of a life: a fund with a plan and open projects, some of them advanced to states that are rare."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from msgspec.structs import replace

from domain.entry_reversed import EntryReversed
from domain.event import Fact, Posted
from domain.fund.funding import AppropriationReceived
from domain.fund.lifecycle import FundEstablished
from domain.fund.plan import PlanAdopted
from domain.money import Money
from domain.posting import PAID
from domain.project.amendment import AwardTerminated
from domain.project.call import CallExtended
from domain.project.lifecycle import ProjectOpened
from domain.state.entities import MAX_UNDO_STEPS, AwardStatus
from domain.state.fund import Gate, Goal, Level, Line, Selection, Share, Source, Support
from domain.state.project import Project
from tests.lives import line, plan
from tests.random_life.base import FUNDS, PROJECTS, Life
from tests.random_life.fund_steps import new_settings, revised
from tests.random_life.payment_steps import advance, in_flight, request, return_payment
from tests.random_life.round_steps import next_step, publish


def opening_posts(life: Life) -> Iterator[Posted]:
    lines = [_line(life, number, code) for number, code in enumerate(PROJECTS, 1)]
    planned = sum(each.total for each in lines)
    fund, first = f"fund/{FUNDS[0]}", date(2019, 1, 1)
    yield life.post(FundEstablished("专项资金", new_settings(life)), fund, on=first)
    yield life.post(FundEstablished("另一专项资金", new_settings(life)), f"fund/{FUNDS[1]}", on=first)
    money = planned + life.pick((0, 0, 150))
    sources = _sources(life, planned)
    parts = (money // 2, money - money // 2) if len(sources) == 2 and life.chance(60) else (money,)
    for number, part in enumerate(parts):
        source = life.pick((None, sources[number].source)) if sources else None
        yield life.post(AppropriationReceived(Money(part), 2018, source), fund, on=first)
    drafted = lines[: life.pick((2, 3))]
    yield life.post(replace(plan(*drafted), sources=sources or None), fund, on=first)
    yield life.post(PlanAdopted(draft=2 + len(parts)), fund, on=first)
    if drafted != lines:
        yield life.post(revised(sources, *lines), fund, on=first)
    for code in PROJECTS:
        yield life.post(ProjectOpened(FUNDS[0]), f"project/{code}", on=first)


def _sources(life: Life, planned: int) -> tuple[Source, ...]:
    """Two sources of a plan of `planned` fen, one, or none. They may give more than it needs."""
    amounts = life.pick(((), (planned,), (planned // 2, planned - planned // 2), (planned, planned)))
    return tuple(
        Source(f"s{number}", f"来源{number}", life.pick(tuple(Level)), Money(amount))
        for number, amount in enumerate(amounts, 1)
    )


def _line(life: Life, number: int, code: str) -> Line:
    checkpoints = life.pick((None, None, None, ("final",), ("midterm", "final"), ("midterm", "终期", "acceptance")))
    possible = tuple(dict.fromkeys((*Gate, *(checkpoints or ()))))
    gates = (life.pick((Gate.AWARD, *possible)), *(life.pick(possible) for _ in range(life.random.randint(0, 2))))
    amounts = [str(Money(10 * life.random.randint(3, 12))) for _ in gates]
    fixed = life.chance(45)
    places = life.pick((1, 1, 2, 2, 3))
    planned = line(code, number, places, fixed=fixed, amounts=tuple(amounts), gates=gates, checkpoints=checkpoints)
    goals = life.pick((None, (Goal("专利", "不少于 20", "件"),)))
    share, support = life.pick((None, None, None, *Share)), life.pick((None, *Support))
    is_list = support is Support.REWARD and share is not Share.BY_SCORE
    return replace(planned, share=share, goals=goals, support=support, selection=Selection.LIST if is_list else None)


def advance_to_payment(life: Life, code: str) -> Iterator[bool]:
    """Advance a project directly to its first awards and a payment.

    Sometimes go on until the paid award is ended and another award has taken its place. Yields after each post whether
    it was accepted.
    """
    replaces = life.chance(25)
    for _ in range(80 if replaces else 40):
        project = life.ledger.project(code)
        life.let_time_pass()
        if result := _next_opening_step(life, project, replaces=replaces):
            yield life.try_(result if isinstance(result, Posted) else life.addressed(result, project))
        elif project.payments:
            return


def exceed_undo_limit(life: Life, code: str) -> Iterator[bool]:
    """Take more steps of a round than can be reversed, then reverse one after another until a reversal is refused.

    The project of a list has no call, so nothing is done for it. Yields after each post whether it was accepted.
    """
    stream = f"project/{code}"
    called = life.try_(life.post(publish(life, life.ledger.project(code)), stream))
    yield called
    if not called:
        return
    for _ in range(MAX_UNDO_STEPS + 1):
        current = life.ledger.project(code).rounds["1"]
        yield life.try_(life.post(CallExtended(1, current.closes_on + timedelta(days=1)), stream))
    for _ in range(MAX_UNDO_STEPS + 1):
        last = life.ledger.project(code).rounds["1"].version
        yield life.try_(life.post(EntryReversed(last, "录入有误"), stream))


def _next_opening_step(life: Life, project: Project, *, replaces: bool) -> Fact | Posted | None:
    live = sorted(name for name, each in project.awards.items() if each.status is AwardStatus.LIVE)
    paid = sorted(str(at.place.payment) for at in project.accounts.holdings if at.account == PAID)
    if not project.awards or (replaces and not live and not paid):
        return next_step(life, project)
    if not project.payments or in_flight(project):
        return advance(life, project) if project.payments else request(life, project)
    if replaces and paid and not project.ended:
        return AwardTerminated(project.payments[paid[0]].award, "另选")
    return return_payment(life, project, paid[0]) if replaces and project.ended and paid else None
