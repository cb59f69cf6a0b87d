"""The cost of deciding and folding a post does not grow with the number of posts recorded before.

The cost is counted in calls of Python functions and of generators, which other work on the machine does not change.
"""

import sys

import pytest

from domain.decision import decide
from domain.fund.funding import AllotmentWithdrawn, AppropriationReceived, FundsAllotted
from domain.project.call import Applicant, ApplicationReceived, CallPublished
from domain.project.payment import PaymentCancelled
from domain.replay import advance
from tests.lives import FUND, PROJECT, allotted, decided, founded, line, noticed, paid, request, row, yuan
from tests.scenario import Scenario, day, post, view_for

FEW, MANY = 20, 200


def fund():
    return Scenario().given(*founded(line(), appropriated="1000.00"))


def call():
    published = post(PROJECT, CallPublished(1, day("2-1"), day("2-10")), "1-31")
    return Scenario().given(*allotted(line(awards=1), appropriated="1000.00"), published)


def award():
    return decided(Scenario().given(*allotted(line(), appropriated="1000.00"), *noticed()), row("a", "30.00", "20.00"))


def appropriation(_):
    yield post(FUND, AppropriationReceived(yuan("1.00"), 2019), "1-6")


def allotment(_):
    yield post(FUND, FundsAllotted("p", 1, yuan("1.00")), "1-6")
    yield post(FUND, AllotmentWithdrawn("p", 1, yuan("1.00")), "1-6")


def application(number):
    yield post(PROJECT, ApplicationReceived(f"A-{number}", Applicant(f"示例{number}", f"9{number}")), "2-5")


def payment(number):
    yield from paid(f"P{number}", amount="0.01")


def cancelled_request(number):
    yield request(f"P{number}", amount="0.01")
    yield post(PROJECT, PaymentCancelled(f"P{number}", "有误"), "3-3")


REPEATED = [(fund, appropriation), (fund, allotment), (call, application), (award, payment), (award, cancelled_request)]


@pytest.mark.parametrize(("begin", "repeated"), REPEATED, ids=[each.__name__ for _, each in REPEATED])
def test_a_post_costs_the_same_after_many_posts_of_its_kind(begin, repeated):
    scenario, costs = begin(), {}
    for number in range(MANY + 1):
        for each in repeated(number):
            if number in (FEW, MANY):
                costs[number] = costs.get(number, 0) + calls(scenario, each)
            scenario = scenario.given(each)
    assert costs[MANY] < 1.5 * costs[FEW], costs


def calls(scenario, posted):
    """How many calls it takes to decide the post and to fold its events."""
    view, count = view_for(scenario.ledger, posted), 0

    def counting(_frame, event, _argument):
        nonlocal count
        count += event == "call"

    sys.setprofile(counting)
    try:
        advance(scenario.ledger, decide(view, posted))
    finally:
        sys.setprofile(None)
    return count
