"""How a life begins: a fund with its plan, its projects open; some of them brought up to what few would come to."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING

from domain.entry_reversed import EntryReversed
from domain.event import Fact, Posted
from domain.fund.funding import AppropriationReceived
from domain.fund.lifecycle import FundEstablished
from domain.fund.plan import PlanAdopted, PlanRevised
from domain.money import Money
from domain.posting import PAID
from domain.project.amendment import AwardTerminated
from domain.project.call import CallExtended
from domain.project.lifecycle import ProjectOpened
from domain.state.entities import MAX_UNDO_STEPS, AwardStatus
from domain.state.fund import Gate, Line
from domain.state.project import Project
from tests.domain.lives import line, plan
from tests.random_life.fund_steps import new_settings
from tests.random_life.payment_steps import advance, give_back, in_flight, request
from tests.random_life.round_steps import publish, take_its_course

if TYPE_CHECKING:
    from tests.random_life.life import RandomLife

PROJECTS = ("p", "q", "r")
FUNDS = ("f", "g")
"""All that happens belongs to the first; the second has no plan, for mischief."""


def beginning(life: RandomLife) -> Iterator[Posted]:
    lines = [_line(life, number, code) for number, code in enumerate(PROJECTS, 1)]
    asked = sum(each.total for each in lines)
    fund, first = f"fund/{FUNDS[0]}", date(2019, 1, 1)
    yield life.post(FundEstablished("专项资金", new_settings(life)), fund, on=first)
    yield life.post(FundEstablished("另一专项资金", new_settings(life)), f"fund/{FUNDS[1]}", on=first)
    yield life.post(AppropriationReceived(Money(asked + life.pick((0, 0, 150))), 2018), fund, on=first)
    drafted = lines[: life.pick((2, 3))]
    yield life.post(plan(*drafted), fund, on=first)
    yield life.post(PlanAdopted(draft=3), fund, on=first)
    if drafted != lines:
        whole = plan(*lines)
        revised = PlanRevised(whole.title, whole.total, whole.tasks, whole.batches, whole.lines)
        yield life.post(revised, fund, on=first)
    for code in PROJECTS:
        yield life.post(ProjectOpened(FUNDS[0]), f"project/{code}", on=first)


def _line(life: RandomLife, number: int, code: str) -> Line:
    gates = (life.pick((Gate.AWARD, *Gate)), *(life.pick(tuple(Gate)) for _ in range(life.random.randint(0, 2))))
    amounts = [str(Money(10 * life.random.randint(3, 12))) for _ in gates]
    fixed = life.chance(45)
    return line(code, number, life.pick((1, 1, 2, 2, 3)), fixed=fixed, amounts=tuple(amounts), gates=gates)


def bring_up(life: RandomLife, code: str) -> Iterator[bool]:
    """Straight to the first awards and a payment; at times on to somebody else in the place of who was paid."""
    vacates = life.chance(25)
    for _ in range(80 if vacates else 40):
        project = life.ledger.project(code)
        life.let_time_pass()
        if made := _next_in_youth(life, project, vacates=vacates):
            yield life.try_(made if isinstance(made, Posted) else life.addressed(made, project))
        elif project.payments:
            return


def outlast_memory(life: RandomLife, code: str) -> Iterator[bool]:
    """More steps of a round than are remembered, reversed one by one until that is refused."""
    stream = f"project/{code}"
    yield life.try_(life.post(publish(life, life.ledger.project(code)), stream))
    for _ in range(MAX_UNDO_STEPS + 1):
        current = life.ledger.project(code).rounds["1"]
        yield life.try_(life.post(CallExtended(1, current.closes_on + timedelta(days=1)), stream))
    for _ in range(MAX_UNDO_STEPS + 1):
        last = life.ledger.project(code).rounds["1"].version
        yield life.try_(life.post(EntryReversed(last, "录入有误"), stream))


def _next_in_youth(life: RandomLife, project: Project, *, vacates: bool) -> Fact | Posted | None:
    live = sorted(name for name, each in project.awards.items() if each.status is AwardStatus.LIVE)
    paid = sorted(str(at.place.payment) for at in project.accounts.holdings if at.account == PAID)
    if not project.awards or (vacates and not live and not paid):
        return take_its_course(life, project)
    if not project.payments or in_flight(project):
        return advance(life, project) if project.payments else request(life, project)
    if vacates and paid and not project.ended:
        return AwardTerminated(project.payments[paid[0]].award, "另选")
    return give_back(life, project, paid[0]) if vacates and project.ended and paid else None
