"""Tests of sources of money and appropriations: of which fen an event takes, and of the plan's sources."""

import pytest
from msgspec.structs import replace

from domain.alerts import alerts
from domain.fund.funding import (
    AllotmentWithdrawn,
    AppropriationReceived,
    FundsAllotted,
    FundsReallocated,
    FundsReinstated,
    SurplusSurrendered,
)
from domain.fund.lifecycle import FundEstablished
from domain.fund.plan import PlanAdopted
from domain.money import Money
from domain.origin import of_source
from domain.project.amendment import AwardAmended
from domain.project.lifecycle import ProjectOpened
from domain.project.payment import PaymentRequested
from domain.project.recovery import RecoveryOrdered, RecoveryReceived
from domain.rules.every_post import BalanceTooSmall
from domain.rules.fund import (
    OriginTooSmall,
    PlanExceedsPool,
    PlanExceedsSources,
    PlanLacksSource,
    PlanNamesTwice,
    UnknownAppropriation,
    UnknownSource,
)
from domain.state.fund import Level, Source
from tests.lives import (
    FUND,
    PROJECT,
    SETTINGS,
    award_list,
    decided,
    line,
    noticed,
    paid,
    payee,
    plan,
    revised,
    row,
    yuan,
)
from tests.scenario import Scenario, day, post

CENTRAL = Source("中央", "中央专项", Level.CENTRAL, yuan("60.00"))
PROVINCIAL = Source("省", "省级配套", Level.PROVINCIAL, yuan("40.00"))
SOURCES = (CENTRAL, PROVINCIAL)
LINES = (line("p", 1, amounts=("60.00", "20.00")), line("q", 2, amounts=("10.00", "10.00")))
"""Two lines of a hundred yuan together."""

established = Scenario().given(post(FUND, FundEstablished("专项资金", SETTINGS), "1-1"))


def of_sources(*sources: Source, lines=LINES):
    return replace(plan(*lines), sources=sources or None)


def received(amount: str, source: str | None = None, on: str = "1-2"):
    return post(FUND, AppropriationReceived(yuan(amount), 2020, source), on)


def adopted(*appropriations, sources=SOURCES):
    """A fund whose plan of these sources is adopted after these appropriations; its projects are open."""
    return established.given(
        *appropriations,
        post(FUND, of_sources(*sources), "1-3"),
        post(FUND, PlanAdopted(2 + len(appropriations)), "1-4"),
        *(post(f"project/{code}", ProjectOpened("f"), "1-5") for code in "pq"),
    )


def fen_of(scenario: Scenario, source: str):
    return of_source(scenario.ledger.fund("f"), source)


def moved(scenario: Scenario):
    [move, *_] = scenario.events()[0].moves
    return move.fen


both = adopted(received("60.00", "中央"), received("40.00", "省"))
"""A fund that has received all its money from two sources: first the central, then the provincial one."""


def test_a_plan_may_be_adopted_before_its_money_has_arrived_and_only_what_has_arrived_is_allotted():
    some = adopted(received("60.00", "中央"))
    some.when(post(FUND, FundsAllotted("p", 1, yuan("60.00")), "1-6")).accepted()
    some.when(post(FUND, FundsAllotted("p", 2, yuan("20.00")), "1-6")).accepted()
    spent = some.given(post(FUND, FundsAllotted("p", 1, yuan("60.00")), "1-6"))
    spent.when(post(FUND, FundsAllotted("p", 2, yuan("20.00")), "1-6")).refused(BalanceTooSmall)
    more = spent.given(received("40.00", "省", on="2-1"))
    more.when(post(FUND, FundsAllotted("p", 2, yuan("20.00")), "2-1")).accepted()


def test_a_plan_above_its_sources_is_refused_when_it_is_drafted_and_when_it_is_revised():
    less = replace(PROVINCIAL, amount=yuan("39.99"))
    facts = {"planned": yuan("100.00"), "sources": yuan("99.99")}
    established.when(post(FUND, of_sources(CENTRAL, less), "1-3")).refused(PlanExceedsSources, **facts)
    established.when(post(FUND, of_sources(*SOURCES), "1-3")).accepted()
    whole = replace(revised(*LINES), sources=(CENTRAL, less))
    both.when(post(FUND, whole, "1-7")).refused(PlanExceedsSources, **facts)


def test_a_source_is_listed_once():
    twice = (CENTRAL, replace(CENTRAL, amount=yuan("40.00")))
    established.when(post(FUND, of_sources(*twice), "1-3")).refused(PlanNamesTwice, what="source 中央")


def test_a_plan_lists_each_source_that_has_given_money():
    drafted = established.given(received("10.00", "市"), post(FUND, of_sources(*SOURCES), "1-3"))
    drafted.when(post(FUND, PlanAdopted(3), "1-4")).refused(PlanLacksSource, named="市")
    both.when(post(FUND, revised(*LINES), "1-7")).refused(PlanLacksSource, named="中央")
    both.when(post(FUND, replace(revised(*LINES), sources=SOURCES), "1-7")).accepted()


def test_an_appropriation_names_a_source_of_the_plan_in_force():
    both.when(received("1.00", "市", on="1-6")).refused(UnknownSource, named="市")
    both.when(received("1.00", "省", on="1-6")).accepted()
    adopted(received("100.00"), sources=()).when(received("1.00", "省", on="1-6")).refused(UnknownSource)


def test_an_appropriation_without_a_source_is_of_the_first_one():
    fund = adopted(received("60.00"), received("40.00", "省"))
    fund.when(post(FUND, FundsAllotted("p", 1, yuan("60.00"), funding_source="中央"), "1-6")).accepted()
    too_much = FundsAllotted("p", 1, yuan("50.00"), funding_source="省")
    fund.when(post(FUND, too_much, "1-6")).refused(OriginTooSmall, origin="source 省", available=yuan("40.00"))


@pytest.mark.parametrize("origin", [{"funding_source": "省"}, {"appropriation": 3}])
def test_an_allotment_takes_only_fen_of_what_it_names_the_lowest_first(origin):
    allotment = both.when(post(FUND, FundsAllotted("p", 1, yuan("25.00"), **origin), "1-6"))
    assert moved(allotment) == fen_of(both, "省").take(yuan("25.00"))
    assert moved(both.when(post(FUND, FundsAllotted("p", 1, yuan("25.00")), "1-6"))) <= fen_of(both, "中央")


def test_a_source_and_an_appropriation_together_take_what_is_of_both():
    fact = FundsAllotted("p", 1, yuan("25.00"), funding_source="省", appropriation=2)
    refused = both.when(post(FUND, fact, "1-6"))
    refused.refused(OriginTooSmall, origin="source 省, appropriation 2", available=Money(0), amount=yuan("25.00"))
    both.when(post(FUND, replace(fact, appropriation=3), "1-6")).accepted()


def test_an_unknown_source_or_appropriation_is_refused():
    fact = FundsAllotted("p", 1, yuan("1.00"))
    both.when(post(FUND, replace(fact, funding_source="市"), "1-6")).refused(UnknownSource, named="市")
    both.when(post(FUND, replace(fact, appropriation=4), "1-6")).refused(UnknownAppropriation, appropriation=4)


allotted_from_both = both.given(
    post(FUND, FundsAllotted("p", 1, yuan("30.00"), funding_source="中央"), "1-6"),
    post(FUND, FundsAllotted("p", 1, yuan("30.00"), funding_source="省"), "1-6"),
)


def test_withdrawals_reallocations_and_surrenders_take_what_they_name():
    of_province = fen_of(both, "省")
    for fact in (
        AllotmentWithdrawn("p", 1, yuan("5.00"), funding_source="省"),
        FundsReallocated("p", 1, "q", 1, yuan("5.00"), funding_source="省"),
        SurplusSurrendered("pool", yuan("5.00"), funding_source="省"),
    ):
        scenario = allotted_from_both.when(post(FUND, fact, "1-7", cites=("批复", "调剂批复", "收回指标文")))
        scenario.accepted()
        assert moved(scenario) <= of_province
        assert moved(
            allotted_from_both.when(replace(scenario.posted, fact=replace(fact, funding_source=None)))
        ) <= fen_of(both, "中央")


def test_what_a_province_takes_back_leaves_the_money_of_the_district():
    cut = both.given(
        post(FUND, SurplusSurrendered("pool", yuan("10.00"), funding_source="省"), "1-7", cites=("收回指标文",))
    )
    reported = {alert.name: alert.facts for alert in alerts(cut.ledger, "f", ())}
    assert reported["plan-exceeds-sources"] == {
        "planned": yuan("100.00"), "pool": yuan("90.00"), "to_come": Money(0),
    }  # fmt: skip
    assert "source-behind" not in reported


def test_a_source_that_has_given_less_than_planned_is_reported():
    some = adopted(received("60.00", "中央"), received("15.00", "省"))
    [behind] = [alert for alert in alerts(some.ledger, "f", ()) if alert.name == "source-behind"]
    assert behind.facts == {"name": "省级配套", "planned": yuan("40.00"), "received": yuan("15.00")}
    assert all(alert.name != "plan-exceeds-sources" for alert in alerts(some.ledger, "f", ()))
    reversed_ = some.given(some.reversing(AppropriationReceived, "1-7", yuan("5.00")))
    [behind] = [alert for alert in alerts(reversed_.ledger, "f", ()) if alert.name == "source-behind"]
    assert behind.facts["received"] == yuan("10.00")


def test_without_sources_a_plan_above_the_pool_is_reported():
    none = adopted(received("60.00"), sources=())
    [alert] = [alert for alert in alerts(none.ledger, "f", ()) if alert.name == "plan-exceeds-pool"]
    assert alert.facts == {"planned": yuan("100.00"), "pool": yuan("60.00")}


listed = allotted_from_both.given(*noticed())
"""Applications a and b may be awarded; the line has thirty yuan of each source in batch 1."""
ROWS = row("a", "30.00"), replace(row("b", "30.00", rank=2, score=89), funding_source="中央")


def test_the_rows_of_an_award_list_that_name_a_source_choose_before_the_others():
    decision = listed.when(post(PROJECT, award_list(listed, *ROWS), "3-1"))
    taken = {move.place.award: move.fen for move in decision.events()[0].moves}
    assert taken["L-b"] <= fen_of(both, "中央")
    assert taken["L-a"] <= fen_of(both, "省")
    too_much = replace(ROWS[1], funding_source="省", appropriation=2)
    listed.when(post(PROJECT, award_list(listed, ROWS[0], too_much), "3-1")).refused(OriginTooSmall)


of_both = decided(allotted_from_both.given(*noticed()), row("a", "40.00"))
"""An award of forty yuan: thirty of the first source, ten of the second."""


def test_an_amendment_takes_what_it_names():
    down = AwardAmended("L-a", 1, increase=False, amount=yuan("10.00"), reason="核减", funding_source="省")
    assert moved(of_both.when(post(PROJECT, down, "3-2"))) <= fen_of(both, "省")
    of_both.when(post(PROJECT, replace(down, amount=yuan("10.01")), "3-2")).refused(
        OriginTooSmall, available=yuan("10.00")
    )


def test_a_payment_request_takes_what_it_names():
    fact = PaymentRequested("P1", "L-a", 1, yuan("10.00"), payee(), funding_source="省")
    assert moved(of_both.when(post(PROJECT, fact, "3-2"))) <= fen_of(both, "省")
    of_both.when(post(PROJECT, replace(fact, amount=yuan("10.01")), "3-2")).refused(OriginTooSmall, account="payable")


def test_a_recovery_and_its_reinstatement_take_what_they_name():
    ordered = RecoveryOrdered("R1", "P1", yuan("40.00"), day("6-1"), "多付")
    recovering = of_both.given(*paid(amount="40.00"), post(PROJECT, ordered, "3-6"))
    back = RecoveryReceived("R1", yuan("10.00"), funding_source="省")
    assert moved(recovering.when(post(PROJECT, back, "3-7"))) <= fen_of(both, "省")
    recovering.when(post(PROJECT, replace(back, amount=yuan("11.00")), "3-7")).refused(OriginTooSmall, account="paid")
    recovered = recovering.given(post(PROJECT, replace(back, amount=yuan("5.00")), "3-7"))
    reinstated = FundsReinstated("p", "L-a", 1, yuan("5.00"), funding_source="中央")
    recovered.when(post(FUND, reinstated, "3-8")).refused(OriginTooSmall, account="recovered", available=Money(0))
    recovered.when(post(FUND, replace(reinstated, funding_source="省"), "3-8")).accepted()


def test_by_the_first_edition_of_the_rules_the_pool_had_to_hold_the_plan():
    drafted = established.given(received("60.00"), post(FUND, plan(*LINES), "1-3"))
    drafted.when(post(FUND, PlanAdopted(3), "1-4", edition=1)).refused(PlanExceedsPool)
    drafted.when(post(FUND, PlanAdopted(3), "1-4")).accepted()


def test_a_revision_does_not_give_the_money_of_one_source_to_another():
    unnamed = adopted(received("60.00"), received("40.00", "省"))
    other_first = replace(revised(*LINES), sources=SOURCES[::-1])
    unnamed.when(post(FUND, other_first, "1-7")).refused(PlanLacksSource, named="中央")
    both.when(post(FUND, other_first, "1-7")).accepted()


def test_a_source_whose_only_appropriation_was_reversed_need_not_be_listed():
    mistyped = established.given(received("10.00", "升"))
    corrected = mistyped.given(
        mistyped.reversing(AppropriationReceived, "1-2"), post(FUND, of_sources(*SOURCES), "1-3")
    )
    corrected.when(post(FUND, PlanAdopted(4), "1-4")).accepted()


def test_rows_that_name_an_appropriation_are_served_before_those_that_name_its_source():
    fund = adopted(received("30.00", "中央"), received("30.00", "中央"), received("40.00", "省")).given(
        post(FUND, FundsAllotted("p", 1, yuan("60.00")), "1-6")
    )
    fund = fund.given(*noticed())
    rows = (
        replace(row("a", "30.00"), funding_source="中央"),
        replace(row("b", "30.00", rank=2, score=89), appropriation=2),
    )
    fund.when(post(PROJECT, award_list(fund, *rows), "3-1")).accepted()
