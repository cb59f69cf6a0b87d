from datetime import date

import pytest
from msgspec.structs import replace

from domain.fund.funding import FundsAllotted, SurplusSurrendered
from domain.fund.lifecycle import FundClosed, FundEstablished
from domain.mirrors import FundsReturned
from domain.project.amendment import AwardDeclined, AwardTerminated
from domain.project.call import CallClosed, CallFailed
from domain.project.lifecycle import ProjectClosed, ProjectOpened
from domain.project.recovery import RecoveryOrdered, RecoveryReceived
from domain.project.selection import ObjectionReceived, ObjectionResolved
from domain.rules.call import ObjectionOpen, RoundUnderWay
from domain.rules.every_post import BookedOutOfOrder, UnknownStream
from domain.rules.fund import FundIsClosed, MoneyLeft, NotInPlan
from domain.rules.project import ProjectExists
from domain.rules.recovery import RecoveryOutstanding
from tests.lives import (
    FUND,
    PROJECT,
    SETTINGS,
    allotted,
    awarded,
    balances,
    called,
    founded,
    line,
    notice,
    only_a_awarded,
    paid,
    request,
    wholly_paid,
    yuan,
)
from tests.scenario import Scenario, day, post

nothing = Scenario()
a_founded_fund = nothing.given(*founded(line()))


def surrendering(amount: str):
    return post(FUND, SurplusSurrendered("pool", yuan(amount)), "2-6")


def test_a_project_outside_the_plan_cannot_be_opened():
    a_founded_fund.when(post("project/workstation", ProjectOpened("f"), "1-6")).refused(
        NotInPlan, project="workstation"
    )


def test_a_project_of_another_fund_is_refused_as_one_that_nobody_has_opened():
    """A sender that is limited to its fund learns neither that the project exists nor when it was last booked."""
    settled = a_founded_fund.given(post("fund/g", FundEstablished("另一专项", SETTINGS), "1-1"))
    for project in (PROJECT, "project/nobody"):
        opening = post(project, ProjectOpened("g"), "1-2", booked="1-2")
        settled.when(opening).refused(NotInPlan, project=project.partition("/")[2])


def test_a_project_of_an_unknown_fund_cannot_be_opened():
    a_founded_fund.when(post("project/q", ProjectOpened("g"), "1-6")).refused(UnknownStream, stream="fund/g")


def test_a_project_is_opened_once_and_not_before_its_plan_is_adopted():
    a_founded_fund.when(post(PROJECT, ProjectOpened("f"), "1-6")).refused(ProjectExists)
    two = nothing.given(*founded(line(), line("q", 2), appropriated="200.00")[:-1])
    two.when(post("project/q", ProjectOpened("f"), "1-3", booked="1-3")).refused(
        BookedOutOfOrder, stream=FUND, last_booked_on=date(2019, 1, 4)
    )


def test_a_late_opening_is_booked_on_the_first_day_that_the_rules_allow():
    two = nothing.given(*founded(line(), line("q", 2), appropriated="200.00")[:-1])
    [event] = two.when(post("project/q", ProjectOpened("f"), "1-1")).events()
    assert event.header.occurred_on == date(2019, 1, 1)
    assert event.booked_on == date(2019, 1, 4)


def test_closing_a_project_returns_its_line_to_the_pool_and_is_mirrored_on_the_fund():
    scenario = nothing.given(*allotted(line())).when(post(PROJECT, ProjectClosed(), "1-7"))
    scenario.then(ProjectClosed(), FundsReturned("p", yuan("100.00"), closes=True))
    scenario.moves(("line", "pool", "60.00"), ("line", "pool", "40.00"))
    after = scenario.given(post(PROJECT, ProjectClosed(), "1-7")).ledger.fund("f")
    assert after.accounts.balance("pool") == yuan("100.00")
    assert after.allotted["p", 1] == after.allotted["p", 2] == 0


def test_a_project_cannot_close_while_a_round_is_under_way():
    called_project = a_founded_fund.given(*called())
    called_project.when(post(PROJECT, ProjectClosed(), "2-6")).refused(RoundUnderWay, round=1)
    failed = called_project.given(post(PROJECT, CallClosed(1), "2-11"), post(PROJECT, CallFailed(1, "无人"), "2-12"))
    failed.when(post(PROJECT, ProjectClosed(), "2-13")).accepted()


def test_a_project_cannot_close_during_an_open_objection():
    again = only_a_awarded().given(
        *(post(PROJECT, AwardDeclined("L-a", "无力实施"), "3-2"),),
        post(PROJECT, notice("3-3", "3-7", "b"), "3-3"),
        post(PROJECT, ObjectionReceived("Y1", "不符", "A-b"), "3-4"),
    )
    again.when(post(PROJECT, ProjectClosed(), "3-5")).refused(ObjectionOpen, objections="Y1")
    resolved = again.given(post(PROJECT, ObjectionResolved("Y1", upheld=True, reason="属实"), "3-5"))
    resolved.when(post(PROJECT, ProjectClosed(), "3-6")).accepted()


def test_a_project_cannot_close_with_an_outstanding_recovery():
    ordered = wholly_paid().given(post(PROJECT, RecoveryOrdered("R1", "P1", yuan("10.00"), day("9-1"), "违规"), "8-1"))
    ordered.when(post(PROJECT, ProjectClosed(), "8-2")).refused(
        RecoveryOutstanding, recovery="R1", amount=yuan("10.00")
    )
    received = ordered.given(post(PROJECT, RecoveryReceived("R1", yuan("10.00")), "8-2"))
    received.when(post(PROJECT, ProjectClosed(), "8-3")).accepted()


@pytest.mark.parametrize("unsettled", [(), (request(),), paid()])
def test_a_project_cannot_close_with_unpaid_money(unsettled):
    left = "70.00" if len(unsettled) > 1 else "100.00"
    awarded().given(*unsettled).when(post(PROJECT, ProjectClosed(), "3-10")).refused(MoneyLeft, amount=yuan(left))


def test_a_closed_project_holds_only_paid_money():
    closed = wholly_paid().given(post(PROJECT, ProjectClosed(), "8-1"))
    assert balances(closed) == {"paid": "100.00"}
    assert closed.ledger.fund("f").closed_projects == {"p"}


def test_a_project_without_an_allotment_can_be_wound_up_under_a_closed_fund():
    idle = nothing.given(*founded(line(), line("q", 2), appropriated="200.00"), *called())
    surrendered = idle.given(surrendering("200.00"), post(FUND, FundClosed(), "2-7"))
    surrendered.when(post(FUND, FundsAllotted("p", 1, yuan("1.00")), "2-8")).refused(FundIsClosed)
    surrendered.when(post("project/q", ProjectClosed(), "2-8")).accepted()
    surrendered.given(
        post(PROJECT, CallClosed(1), "2-11"),
        post(PROJECT, CallFailed(1, "资金已结项"), "2-12"),
    ).when(post(PROJECT, ProjectClosed(), "2-13")).accepted()


def test_a_call_under_a_closed_fund_is_refused():
    idle = nothing.given(*founded(line()), surrendering("100.00"), post(FUND, FundClosed(), "2-7"))
    idle.when(called()[0]).refused(FundIsClosed, fund="f")


EXACTLY_TWO = replace(line(), award_rule="exact")


def test_a_closed_project_says_how_many_awards_it_lacks_if_the_plan_requires_a_number():
    def closing(scenario: Scenario, **more):
        ended = scenario.given(post(PROJECT, AwardDeclined("L-a", "放弃"), "3-3"))
        [event, _] = ended.when(post(PROJECT, ProjectClosed(), "3-4", **more)).events()
        return event.fact.awards_missing

    assert closing(only_a_awarded(EXACTLY_TWO)) == 2
    assert closing(only_a_awarded(EXACTLY_TWO), edition=1) is None
    assert closing(only_a_awarded()) is None


def declined_or_paid(name: str):
    """Ends the award with its money paid: both places stay taken."""
    return (
        *paid(f"P-{name}", name),
        post(PROJECT, AwardTerminated(f"L-{name}", "完成"), "7-1"),
    )


def test_a_closed_project_with_all_required_awards_lacks_none():
    whole = awarded(EXACTLY_TWO).given(*(each for name in "ab" for each in declined_or_paid(name)))
    [event, _] = whole.when(post(PROJECT, ProjectClosed(), "8-1")).events()
    assert event.fact.awards_missing is None
