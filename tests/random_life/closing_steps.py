"""Posts that bring the projects and the fund nearer to being closed, from any state; each must be accepted.

The posts are written from DOMAIN's conditions for closing. So a state in which no such post is accepted is a dead end
of the domain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial

from domain.event import Posted
from domain.fund.funding import FundsReinstated
from domain.fund.interest import InterestSurrendered
from domain.fund.lifecycle import FundClosed
from domain.posting import COMMITTED, IN_APPROVAL, IN_TRANSIT, INTEREST, PAYABLE, POOL, RECOVERED, AccountAt
from domain.project import amendment, call, payment, selection
from domain.project.hold import HoldReleased
from domain.project.lifecycle import ProjectClosed
from domain.state.entities import PaymentStatus, Round, RoundStatus
from domain.state.project import Project
from tests.random_life.base import Life
from tests.random_life.fund_steps import surrender_pool, surrender_recovered
from tests.random_life.payment_steps import in_flight, next_of_payment, receive_or_waive
from tests.random_life.wrong_steps import receive_or_waive_interest

MakePost = Callable[[], Posted]


def closing_posts(life: Life) -> list[MakePost]:
    """Functions that each make one of the posts that are possible next on the way to a closed fund.

    The list is empty if the fund is closed and has no money left to surrender.
    """
    still_open = [project for project in life.projects() if not project.closed]
    posts = [make for project in still_open for make in _of_project(life, project)]
    if {project.code for project in still_open}.isdisjoint(code for code, _ in life.fund.allotted):
        posts += _of_fund(life)
    return posts


def _of_project(life: Life, project: Project) -> list[MakePost]:
    stream = f"project/{project.code}"
    posts = [*_round(life, project, stream), *_payments(life, project, stream), *_awards(life, project, stream)]
    posts += [partial(receive_or_waive, life, project, name, whole=True) for name, _ in project.all_outstanding()]
    with_interest = [name for name in sorted(project.recoveries) if project.interest_outstanding(name)]
    posts += [partial(receive_or_waive_interest, life, project, name) for name in with_interest]
    posts += [partial(life.post, HoldReleased(name, "收尾"), stream) for name in sorted(project.standing_holds)]
    return posts or [partial(life.post, ProjectClosed(), stream)]


def _round(life: Life, project: Project, stream: str) -> Iterator[MakePost]:
    """Makers of the posts that end the round: they resolve the objections, close the call, and fail the round."""
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


def _close_call(life: Life, current: Round, stream: str) -> Posted:
    life.wait_until(current.closes_on + timedelta(days=1))
    return life.post(call.CallClosed(current.number), stream)


def _payments(life: Life, project: Project, stream: str) -> Iterator[MakePost]:
    """Makers of the posts that advance each payment in flight, or end the payment without success."""
    for name in sorted(in_flight(project)):
        each, instructed = project.payments[name], project.payments[name].status is PaymentStatus.INSTRUCTED
        upheld = project.applications[project.awards[each.award].application].excluded
        if instructed or not (upheld or project.open_objections or project.standing_holds):
            yield partial(next_of_payment, life, project, name)
        unsuccessful = payment.PaymentFailed if instructed else payment.PaymentCancelled
        yield partial(life.post, unsuccessful(name, "不再支付"), stream)


def _awards(life: Life, project: Project, stream: str) -> Iterator[MakePost]:
    """Makers of the posts that end the awards with unpaid money, except awards with money in flight."""
    holding = {at.place.award for at in project.accounts.holdings if at.account in (COMMITTED, PAYABLE)}
    in_flight_of = {at.place.award for at in project.accounts.holdings if at.account in (IN_APPROVAL, IN_TRANSIT)}
    for name in sorted(str(each) for each in holding - in_flight_of):
        yield partial(life.post, amendment.AwardTerminated(name, "收尾"), stream)


def _of_fund(life: Life) -> Iterator[MakePost]:
    """Makers of the posts that surrender or reinstate the money that is left, and close the fund."""
    for at in sorted(at for at in life.fund.accounts.holdings if at.account == RECOVERED):
        yield from _recovered(life, at)
    pool = life.fund.accounts.balance(POOL)
    if pool:
        yield partial(surrender_pool, life, pool)
    if interest := life.fund.accounts.balance(INTEREST):
        yield partial(life.post, InterestSurrendered(interest))
    if not life.fund.closed and not life.fund.accounts.total((POOL, RECOVERED, INTEREST)):
        yield partial(life.post, FundClosed())


def _recovered(life: Life, at: AccountAt) -> Iterator[MakePost]:
    amount = life.fund.accounts.balance(RECOVERED, at.place)
    yield partial(surrender_recovered, life, at, amount)
    if not life.fund.closed:
        yield partial(life.post, FundsReinstated(at.place.project, at.place.award, at.place.batch, amount))
