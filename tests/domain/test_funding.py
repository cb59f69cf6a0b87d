from datetime import date

import pytest
from msgspec.structs import replace

from domain.documents import Document
from domain.fen import MAX_BOUND, FenSet
from domain.fund.funding import (
    AllotmentWithdrawn,
    AppropriationReceived,
    FundsAllotted,
    FundsReallocated,
    FundsReinstated,
    SurplusSurrendered,
)
from domain.fund.lifecycle import FundClosed, FundEstablished, SettingsChanged
from domain.mirrors import AllotmentReceived, AllotmentReduced
from domain.money import Money
from domain.posting import LINE, POOL, RECOVERED, Accounts, Place, move
from domain.project.lifecycle import ProjectClosed
from domain.project.payment import PaymentReturned
from domain.project.recovery import RecoveryOrdered, RecoveryReceived
from domain.rules.every_post import (
    BalanceTooSmall,
    BookedOutOfOrder,
    DocumentAlreadyUsed,
    MissingCitation,
    UnknownStream,
)
from domain.rules.fund import (
    AllotmentExceedsPlan,
    AppropriationsTooLarge,
    AppropriationTooLarge,
    BatchNotInPlan,
    FundIsClosed,
    NotInPlan,
    SameProject,
    SerialsExhausted,
    SourceMismatch,
)
from domain.rules.project import ProjectIsClosed, ProjectOfOtherFund
from tests.lives import (
    FUND,
    OTHER_PROJECT,
    PROJECT,
    SETTINGS,
    allotted,
    awarded,
    balances,
    called,
    founded,
    line,
    paid,
    revised,
    two_projects,
    wholly_paid,
    yuan,
)
from tests.scenario import Scenario, day, post

a_fund = Scenario().given(post(FUND, FundEstablished("专项资金", SETTINGS), "1-1"))
a_funded_fund = a_fund.given(post(FUND, AppropriationReceived(yuan("100.00"), 2018), "1-2"))
a_founded_fund = Scenario().given(*founded(line()))
an_allotted_fund = Scenario().given(*allotted(line()))
both = two_projects()
returned = PaymentReturned("P1", yuan("30.00"), passive=True, reason="退票")
with_recovered_money = awarded().given(*paid(), post(PROJECT, returned, "2020-1-10"))
after_closing = wholly_paid().given(
    post(PROJECT, ProjectClosed(), "8-1"),
    post(FUND, FundClosed(), "8-2"),
    post(PROJECT, returned, "8-3"),
)


def withdrawn(amount: str = "10.00", batch: int = 1):
    return AllotmentWithdrawn("p", batch, yuan(amount))


def reallocated(amount: str = "10.00", to: str = "q", to_batch: int = 2):
    return FundsReallocated("p", 1, to, to_batch, yuan(amount))


def reinstated(amount: str = "30.00", batch: int = 1):
    return FundsReinstated("p", "L-a", batch, yuan(amount))


from_pool = SurplusSurrendered(POOL, yuan("5.00"))
from_recovered = SurplusSurrendered(RECOVERED, yuan("5.00"), "p", "L-a", 1)


def test_an_appropriation_takes_the_next_serials_of_the_whole_ledger():
    scenario = a_funded_fund.given(
        post("fund/g", FundEstablished("另一专项", SETTINGS), "1-1"),
    ).when(post("fund/g", AppropriationReceived(yuan("5.00"), 2019), "1-2"))

    scenario.moves(("treasury", "pool", "5.00"))
    assert scenario.events()[0].moves[0].fen == FenSet.span(10_000, 10_500)


def test_an_appropriation_beyond_the_last_serial_is_refused():
    nearly = replace(a_fund.ledger, next_serial=MAX_BOUND - 99)
    Scenario(nearly).when(post(FUND, AppropriationReceived(yuan("1.00"), 2018), "1-2")).refused(
        SerialsExhausted, left=yuan("0.99")
    )


def test_an_appropriation_above_the_ceiling_of_one_or_of_all_is_refused_with_the_numbers():
    settings = replace(SETTINGS, max_appropriation=yuan("80.00"), max_total=yuan("150.00"))
    scenario = a_funded_fund.given(post(FUND, SettingsChanged(settings), "1-2"))  # it has 100.00
    scenario.when(post(FUND, AppropriationReceived(yuan("80.01"), 2018), "1-3")).refused(
        AppropriationTooLarge, ceiling=yuan("80.00"), amount=yuan("80.01")
    )
    scenario.when(post(FUND, AppropriationReceived(yuan("50.01"), 2018), "1-3")).refused(
        AppropriationsTooLarge, ceiling=yuan("150.00"), total=yuan("150.01")
    )
    scenario.when(post(FUND, AppropriationReceived(yuan("50.00"), 2018), "1-3")).moves(("treasury", "pool", "50.00"))


def test_one_fund_with_the_usual_ceilings_takes_a_millionth_of_the_serials():
    _, of_all = SETTINGS.ceilings
    assert of_all * 900_000 < MAX_BOUND


def test_an_allotment_moves_the_lowest_fen_and_is_mirrored_on_the_project():
    scenario = a_founded_fund.when(post(FUND, FundsAllotted("p", 1, yuan("60.00")), "1-6"))
    scenario.then(FundsAllotted("p", 1, yuan("60.00")), AllotmentReceived(1, yuan("60.00")))
    leader, mirror = scenario.events()
    assert leader.moves == mirror.moves
    assert leader.moves[0].fen == FenSet.span(0, 6_000)
    assert mirror.mirrors is not None
    assert (mirror.mirrors.stream, mirror.mirrors.version) == (FUND, leader.version)


def test_an_allotment_above_the_plan_of_its_batch_is_refused():
    half = a_founded_fund.given(post(FUND, FundsAllotted("p", 1, yuan("40.00")), "1-6"))
    half.when(post(FUND, FundsAllotted("p", 1, yuan("20.01")), "1-6")).refused(
        AllotmentExceedsPlan, allotted=yuan("40.00"), amount=yuan("20.01"), planned=yuan("60.00")
    )


def test_an_allotment_needs_a_planned_batch_of_an_open_project():
    a_founded_fund.when(post(FUND, FundsAllotted("p", 3, yuan("1.00")), "1-6")).refused(BatchNotInPlan, batch=3)
    a_founded_fund.when(post(FUND, FundsAllotted("q", 1, yuan("1.00")), "1-6")).refused(UnknownStream)
    closed = a_founded_fund.given(post(PROJECT, ProjectClosed(), "1-6"))
    closed.when(post(FUND, FundsAllotted("p", 1, yuan("1.00")), "1-7")).refused(ProjectIsClosed)


def test_a_fund_allots_withdraws_and_reallocates_only_for_its_own_projects():
    other = both.given(
        post("fund/g", FundEstablished("另一专项", SETTINGS), "1-1"),
        post("fund/g", AppropriationReceived(yuan("100.00"), 2018), "1-2"),
    )
    for fact in FundsAllotted("p", 1, yuan("1.00")), withdrawn(), reallocated():
        other.when(post("fund/g", fact, "1-6")).refused(ProjectOfOtherFund, project="p", fund="f")


def test_a_move_above_the_balance_of_its_account_is_refused():
    empty = an_allotted_fund.ledger.fund("f").accounts
    with pytest.raises(BalanceTooSmall) as refusal:
        move(empty, "FundsAllotted", Place("p", 1), 1)
    assert refusal.value.facts == {"account": "pool", "place": "fund", "available": Money(0), "amount": Money(1)}


def test_an_allotment_is_booked_no_earlier_than_the_last_event_of_the_project():
    called_project = a_founded_fund.given(*called())
    fact = FundsAllotted("p", 1, yuan("1.00"))
    early = post(FUND, fact, "1-20", booked="2-1")
    called_project.when(early).refused(BookedOutOfOrder, stream=PROJECT, last_booked_on=date(2019, 2, 5))
    assert [event.booked_on for event in called_project.when(post(FUND, fact, "1-20")).events()] == [
        date(2019, 2, 5)
    ] * 2


def test_an_allotment_above_the_pool_is_refused_even_if_the_plan_allows_it():
    ledger = a_founded_fund.ledger
    stream = ledger.stream(FUND)
    empty = replace(stream, state=replace(ledger.fund("f"), accounts=Accounts("fund")))
    poor = Scenario(replace(ledger, streams=ledger.streams.set(FUND, empty)))
    poor.when(post(FUND, FundsAllotted("p", 1, yuan("1.00")), "1-6")).refused(
        BalanceTooSmall, account=POOL, place="fund"
    )


# Withdrawals and reallocations -----------------------------------------------


def test_a_withdrawn_allotment_goes_back_to_the_pool_and_is_mirrored_on_the_project():
    scenario = an_allotted_fund.when(post(FUND, withdrawn(), "1-7"))
    scenario.then(withdrawn(), AllotmentReduced(1, yuan("10.00")))
    scenario.moves(("line", "pool", "10.00"))
    after = an_allotted_fund.given(post(FUND, withdrawn(), "1-7"))
    assert balances(after) == {"line": "90.00"}
    assert after.ledger.fund("f").allotted["p", 1] == yuan("50.00")
    after.when(post(FUND, FundsAllotted("p", 1, yuan("10.00")), "1-8")).accepted()


def test_a_withdrawal_above_the_balance_of_the_line_is_refused():
    an_allotted_fund.when(post(FUND, withdrawn("60.01"), "1-7")).refused(
        BalanceTooSmall, account=LINE, available=yuan("60.00"), amount=yuan("60.01")
    )
    awarded().when(post(FUND, withdrawn("0.01"), "3-2")).refused(BalanceTooSmall, available=yuan("0.00"))


def test_a_reallocation_changes_both_lines_and_both_plans_in_one_event():
    scenario = both.when(post(FUND, reallocated(), "1-7"))
    scenario.then(reallocated(), AllotmentReduced(1, yuan("10.00")), AllotmentReceived(2, yuan("10.00")))
    scenario.moves(("line", "pool", "10.00"), ("pool", "line", "10.00"))
    assert [event.stream for event in scenario.events()] == [FUND, PROJECT, OTHER_PROJECT]
    fund = both.given(post(FUND, reallocated(), "1-7")).ledger.fund("f")
    assert [b.amount for b in fund.line("p").batches] == [yuan("50.00"), yuan("40.00")]
    assert [b.amount for b in fund.line("q").batches] == [yuan("60.00"), yuan("50.00")]
    assert (fund.line("p").total, fund.line("q").total) == (yuan("90.00"), yuan("110.00"))
    assert (fund.allotted["p", 1], fund.allotted["q", 2]) == (yuan("50.00"), yuan("50.00"))


def test_a_reallocation_above_the_balance_of_the_line_is_refused():
    both.when(post(FUND, reallocated("60.01"), "1-7")).refused(BalanceTooSmall, account=LINE, available=yuan("60.00"))


def test_a_reallocation_needs_another_project_and_planned_batches():
    both.when(post(FUND, reallocated(to="p"), "1-7")).refused(SameProject, project="p")
    both.when(post(FUND, reallocated(to_batch=3), "1-7")).refused(BatchNotInPlan, project="q", batch=3)
    from_no_batch = replace(reallocated(), from_batch=3)
    both.when(post(FUND, from_no_batch, "1-7")).refused(BatchNotInPlan, project="p", batch=3)
    both.when(post(FUND, reallocated(to="z"), "1-7")).refused(UnknownStream, stream="project/z")
    bare = Scenario().given(*founded(line(), line("q", 2), appropriated="200.00"))
    dropped = bare.given(
        post(FUND, FundsAllotted("q", 1, yuan("60.00")), "1-6"),
        post(FUND, revised(line("q", 2)), "1-7"),
    )
    back = FundsReallocated("q", 1, "p", 1, yuan("1.00"))
    dropped.when(post(FUND, back, "1-8")).refused(NotInPlan, project="p")


def test_withdrawals_and_reallocations_of_a_closed_project_are_refused():
    closed = both.given(post(PROJECT, ProjectClosed(), "1-7"))
    for fact in withdrawn(), reallocated(), FundsReallocated("q", 1, "p", 1, yuan("1.00")):
        closed.when(post(FUND, fact, "1-8")).refused(ProjectIsClosed, project="p")


# Reinstatements and surrenders -----------------------------------------------


def test_recovered_money_can_be_reinstated_to_the_pool():
    with_recovered_money.when(post(FUND, reinstated(), "2020-2-1")).moves(("recovered", "pool", "30.00"))
    after = with_recovered_money.given(post(FUND, reinstated("20.00"), "2020-2-1"))
    assert balances(after, FUND) == {"pool": "20.00", "recovered": "10.00"}


def test_a_reinstatement_above_the_recovered_money_of_its_award_and_batch_is_refused():
    with_recovered_money.when(post(FUND, reinstated("30.01"), "2020-2-1")).refused(
        BalanceTooSmall, account=RECOVERED, available=yuan("30.00"), amount=yuan("30.01")
    )
    with_recovered_money.when(post(FUND, reinstated(batch=2), "2020-2-1")).refused(
        BalanceTooSmall, available=yuan("0.00")
    )


def test_a_reinstatement_to_a_closed_fund_is_refused():
    after_closing.when(post(FUND, reinstated(), "8-4")).refused(FundIsClosed, fund="f")


def test_a_surplus_is_surrendered_from_the_pool_or_from_recovered_money():
    a_funded_fund.when(post(FUND, from_pool, "1-9")).moves(("pool", "surrendered", "5.00"))
    slip = ("缴款书",)
    with_recovered_money.when(post(FUND, from_recovered, "2020-2-1", cites=slip)).moves(
        ("recovered", "surrendered", "5.00")
    )


def test_a_surrender_above_the_balance_of_its_source_is_refused():
    too_much = replace(from_pool, amount=yuan("100.01"))
    a_funded_fund.when(post(FUND, too_much, "1-9")).refused(BalanceTooSmall, account=POOL, available=yuan("100.00"))
    other = replace(from_recovered, award="L-b")
    with_recovered_money.when(post(FUND, other, "2020-2-1", cites=("缴款书",))).refused(
        BalanceTooSmall, account=RECOVERED, available=yuan("0.00")
    )


@pytest.mark.parametrize(
    "fact",
    [
        replace(from_pool, project="p", award="L-a", batch=1),
        replace(from_pool, project="p"),
        replace(from_pool, batch=1),
        replace(from_pool, award="L-a", batch=1),
        replace(from_recovered, batch=None),
        replace(from_recovered, project=None, award=None, batch=None),
        replace(from_pool, account="line"),
    ],
)
def test_a_surrender_needs_exactly_the_fields_of_its_source(fact):
    with_recovered_money.when(post(FUND, fact, "2020-2-1")).refused(SourceMismatch, account=fact.account)


def test_a_surrender_must_cite_the_document_kind_of_its_source():
    a_funded_fund.when(post(FUND, from_pool, "1-9", cites=("缴款书",))).refused(MissingCitation, kinds="收回指标文")
    with_recovered_money.when(post(FUND, from_recovered, "2020-2-1", cites=("收回指标文",))).refused(
        MissingCitation, kinds="缴款书"
    )


def test_a_paying_in_slip_can_be_used_for_one_surrender():
    slip = (Document("缴款书", "1"),)
    once = with_recovered_money.given(post(FUND, from_recovered, "2020-2-1", cites=slip))
    once.when(post(FUND, from_recovered, "2020-2-2", cites=slip)).refused(DocumentAlreadyUsed)


def test_a_recovery_and_a_surrender_can_cite_the_same_paying_in_slip():
    slip = (Document("缴款书", "1"),)
    received = awarded().given(
        *paid(),
        post(PROJECT, RecoveryOrdered("R1", "P1", yuan("5.00"), day("9-1"), "违规"), "4-1"),
        post(PROJECT, RecoveryReceived("R1", yuan("5.00")), "4-2", cites=slip),
    )
    received.when(post(FUND, from_recovered, "4-2", cites=slip)).accepted()


def test_a_closed_fund_can_surrender_only_recovered_money():
    after_closing.when(post(FUND, from_pool, "8-4")).refused(FundIsClosed, fund="f")
    after_closing.when(post(FUND, from_recovered, "8-4", cites=("缴款书",))).accepted()
