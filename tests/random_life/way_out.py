"""The ways out of any state: posts that bring projects and fund nearer to being closed, each of which must count.

Written from DOMAIN's conditions for closing, so that a state from which none leads on is a dead end of the domain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from domain.event import Posted
from domain.fund.funding import FundsReinstated
from domain.fund.lifecycle import FundClosed
from domain.posting import COMMITTED, IN_APPROVAL, IN_TRANSIT, PAYABLE, POOL, RECOVERED, AccountAt
from domain.project import amendment, call, payment, selection
from domain.project.lifecycle import ProjectClosed
from domain.state.entities import PaymentStatus, Round, RoundStatus
from domain.state.project import Project
from tests.random_life.fund_steps import surrender_pool, surrender_recovered
from tests.random_life.payment_steps import in_flight, next_of_payment, settle

if TYPE_CHECKING:
    from tests.random_life.life import RandomLife

Way = Callable[[], Posted]


def ways_out(life: RandomLife) -> list[Way]:
    """Everything that may be posted next on the way to the end; nothing once all is closed and given back."""
    still_open = [project for project in life.projects() if not project.closed]
    ways = [way for project in still_open for way in _of_project(life, project)]
    if {project.code for project in still_open}.isdisjoint(code for code, _ in life.fund.allotted):
        ways += _of_fund(life)
    return ways


def _of_project(life: RandomLife, project: Project) -> list[Way]:
    stream = f"project/{project.code}"
    ways = [*_round(life, project, stream), *_payments(life, project, stream), *_awards(life, project, stream)]
    ways += [partial(settle, life, project, name, whole=True) for name, _ in project.all_outstanding()]
    return ways or [partial(life.post, ProjectClosed(), stream)]


def _round(life: RandomLife, project: Project, stream: str) -> Iterator[Way]:
    """Objections answered, the call closed, the round given up."""
    for name in sorted(project.open_objections):
        answer = selection.ObjectionResolved(name, upheld=life.chance(30), reason="核实")
        yield partial(life.post, answer, stream)
    current = project.rounds.get(str(project.round))
    if current is None or current.status is not RoundStatus.UNDER_WAY:
        return
    if current.closed_on is None:
        yield partial(_close_call, life, current, stream)
    elif not project.open_objections:
        yield partial(life.post, call.CallFailed(current.number, "不再进行"), stream)


def _close_call(life: RandomLife, current: Round, stream: str) -> Posted:
    life.wait_until(current.closes_on + timedelta(days=1))
    return life.post(call.CallClosed(current.number), stream)


def _payments(life: RandomLife, project: Project, stream: str) -> Iterator[Way]:
    """What is in flight goes on, or is turned back."""
    for name in sorted(in_flight(project)):
        each, instructed = project.payments[name], project.payments[name].status is PaymentStatus.INSTRUCTED
        upheld = project.applications[project.awards[each.award].application].excluded
        if instructed or not (upheld or project.open_objections):
            yield partial(next_of_payment, life, project, name)
        turned_back = payment.PaymentFailed if instructed else payment.PaymentCancelled
        yield partial(life.post, turned_back(name, "不再支付"), stream)


def _awards(life: RandomLife, project: Project, stream: str) -> Iterator[Way]:
    """Awards that still hold what is not paid are ended, once none of it is in flight."""
    holding = {at.place.award for at in project.accounts.holdings if at.account in (COMMITTED, PAYABLE)}
    flying = {at.place.award for at in project.accounts.holdings if at.account in (IN_APPROVAL, IN_TRANSIT)}
    for name in sorted(str(each) for each in holding - flying):
        yield partial(life.post, amendment.AwardTerminated(name, "收尾"), stream)


def _of_fund(life: RandomLife) -> Iterator[Way]:
    """What is left is given back, and the fund closed."""
    for at in sorted(at for at in life.fund.accounts.holdings if at.account == RECOVERED):
        yield from _recovered(life, at)
    pool = life.fund.accounts.balance(POOL)
    if pool:
        yield partial(surrender_pool, life, pool)
    if not life.fund.closed and not life.fund.accounts.total((POOL, RECOVERED)):
        yield partial(life.post, FundClosed())


def _recovered(life: RandomLife, at: AccountAt) -> Iterator[Way]:
    amount = life.fund.accounts.balance(RECOVERED, at.place)
    yield partial(surrender_recovered, life, at, amount)
    if not life.fund.closed:
        yield partial(life.post, FundsReinstated(at.place.project, at.place.award, at.place.batch, amount))
