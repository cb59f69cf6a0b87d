"""Reversals that are refused because they would break an invariant of the plan, the places, the gates or the awards."""

import pytest
from msgspec.structs import replace

from domain.fund.funding import AllotmentWithdrawn, FundsAllotted, FundsReallocated
from domain.posting import COMMITTED, IN_TRANSIT, PAYABLE, RECOVERED
from domain.project.acceptance import AcceptancePassed
from domain.project.amendment import (
    AgreementSigned,
    AwardAmended,
    AwardDeclined,
    AwardRevoked,
    AwardTerminated,
)
from domain.project.payment import (
    PaymentConfirmed,
    PaymentReturned,
)
from domain.project.recovery import RecoveryOrdered, RecoveryReceived, RecoveryWaived
from domain.rules.award import NoPlacesLeft
from domain.rules.fund import AllotmentExceedsPlan, BatchNotInPlan, NotInPlan
from domain.rules.reversal import MovedOn, WouldUnsettle
from domain.state.fund import Gate
from tests.lives import (
    ANOTHER,
    FUND,
    PROJECT,
    accepted,
    allotted,
    approvals,
    awarded,
    decided,
    line,
    noticed,
    only_a_awarded,
    paid,
    request,
    revised,
    row,
    shown,
    two_projects,
    yuan,
)
from tests.scenario import Scenario, day, post

two_awards = awarded()
confirmed = two_awards.given(*paid())
signed = AgreementSigned("L-a", day("3-5"), day("2020-3-5"))
terminated = AwardTerminated("L-a", "违约")
ordered = confirmed.given(post(PROJECT, RecoveryOrdered("R1", "P1", yuan("20.00"), day("9-1"), "违规"), "4-1"))


def amended(amount: str, batch: int = 2, *, increase: bool = True):
    return post(PROJECT, AwardAmended("L-a", batch, increase, yuan(amount), "调整"), "6-20")


def returned(amount: str = "30.00", on: str = "3-10"):
    return post(PROJECT, PaymentReturned("P1", yuan(amount), passive=False, reason="退款"), on)


# Plan and places -------------------------------------------------------------


def test_a_withdrawal_can_be_reversed_only_up_to_the_planned_amount():
    less = two_projects().given(
        post(FUND, AllotmentWithdrawn("p", 1, yuan("10.00")), "1-7"),
        post(FUND, revised(line(amounts=("55.00", "40.00")), line("q", 2)), "1-8"),
    )
    reversal = less.reversing(AllotmentWithdrawn, "1-9")
    less.when(reversal).refused(AllotmentExceedsPlan, project="p", batch=1, planned=yuan("55.00"))
    less.when(less.reversing(AllotmentWithdrawn, "1-9", yuan("5.00"))).accepted()


def test_a_reallocation_can_be_reversed_only_if_the_plan_still_has_its_line_and_batch():
    moved = two_projects().given(post(FUND, FundsReallocated("p", 1, "q", 1, yuan("60.00")), "1-7"))
    only_second = replace(line(), batches=line().batches[1:], total=yuan("40.00"))
    richer = line("q", 2, amounts=("120.00", "40.00"))
    no_batch = moved.given(post(FUND, revised(only_second, richer), "1-8"))
    no_batch.when(no_batch.reversing(FundsReallocated, "1-9")).refused(BatchNotInPlan, project="p", batch=1)
    no_line = moved.given(
        post(FUND, AllotmentWithdrawn("p", 2, yuan("40.00")), "1-8"),
        post(FUND, revised(richer), "1-8"),
    )
    no_line.when(no_line.reversing(FundsReallocated, "1-9")).refused(NotInPlan, project="p")


one_place = decided(Scenario().given(*allotted(line(awards=1)), *noticed()), row("a", "30.00"))
SUBSTITUTE = row("b", "30.00", score=89)


@pytest.mark.parametrize("ending", [AwardDeclined, AwardRevoked, AwardTerminated])
def test_the_end_of_an_award_cannot_be_reversed_while_a_substitute_has_its_place(ending):
    ended = one_place.given(post(PROJECT, ending("L-a", "终结"), "3-2"))
    withdrawn = ended.given(post(FUND, AllotmentWithdrawn("p", 1, yuan("30.00")), "3-3"), *shown("b", month="4"))
    taken = decided(withdrawn, SUBSTITUTE, on="4-22").given(post(FUND, FundsAllotted("p", 1, yuan("30.00")), "4-23"))
    reversal = taken.reversing(ending, "5-1")
    taken.when(reversal).refused(NoPlacesLeft, limit=1, taken=1, asked=1)
    taken.given(post(PROJECT, AwardDeclined("L-b", "放弃"), "4-24")).when(reversal).accepted()


def test_an_end_that_moved_no_money_cannot_be_reversed_while_a_substitute_has_its_place():
    emptied = one_place.given(*paid(), post(PROJECT, terminated, "3-10"), returned(on="3-11"), *shown("b", month="4"))
    taken = decided(emptied, SUBSTITUTE, on="4-22")
    taken.when(taken.reversing(AwardTerminated, "5-1")).refused(NoPlacesLeft, limit=1, taken=1, asked=1)


def test_a_return_cannot_be_reversed_while_a_substitute_has_the_place_of_its_award():
    emptied = one_place.given(*paid(), post(PROJECT, terminated, "3-10"), returned(on="3-11"), *shown("b", month="4"))
    taken = decided(emptied, SUBSTITUTE, on="4-22")
    taken.when(taken.reversing(PaymentReturned, "5-1")).refused(NoPlacesLeft, limit=1, taken=1, asked=1)


def test_a_plan_with_fewer_places_does_not_prevent_a_reversal_that_takes_no_place():
    fewer = two_awards.given(post(FUND, revised(line(awards=1)), "3-4"), post(PROJECT, signed, "3-5"))
    fewer.when(fewer.reversing(AgreementSigned, "3-6")).accepted()


# Gates -----------------------------------------------------------------------


def test_the_opening_of_a_gate_cannot_be_reversed_while_other_money_behind_it_is_payable():
    raised = only_a_awarded().given(*paid(), *accepted(), amended("20.00"))
    reversal = raised.reversing(AcceptancePassed, "6-21")
    raised.when(reversal).refused(WouldUnsettle, account=PAYABLE, amount=yuan("20.00"))
    lowered = raised.given(raised.reversing(AwardAmended, "6-21"))
    lowered.when(reversal).moves(("payable", "committed", "20.00"))


def test_an_agreement_cannot_be_reversed_after_money_behind_its_gate_was_requested_or_paid():
    agreed = awarded(line(gates=(Gate.AGREEMENT, Gate.ACCEPTANCE))).given(post(PROJECT, signed, "3-1"), *paid())
    agreed.when(agreed.reversing(AgreementSigned, "3-6")).refused(MovedOn, account=PAYABLE, amount=yuan("30.00"))
    unpaid = only_a_awarded(line(gates=(Gate.AGREEMENT, Gate.ACCEPTANCE))).given(post(PROJECT, signed, "3-1"))
    raised = unpaid.given(amended("30.00", 1), request(on="6-21"), *approvals(on="6-21"))
    raised.when(raised.reversing(AgreementSigned, "6-22")).refused(MovedOn)


def test_an_amendment_can_be_reversed_only_while_its_gate_is_unchanged():
    lowered = confirmed.given(amended("5.00", increase=False))
    lowered.when(lowered.reversing(AwardAmended, "6-21")).moves(("line", "committed", "5.00"))
    opened = lowered.given(*accepted(month="7"))
    opened.when(opened.reversing(AwardAmended, "7-11")).refused(WouldUnsettle, account=COMMITTED, amount=yuan("5.00"))
    raised = only_a_awarded().given(*paid(), amended("5.00"), *accepted(month="7"))
    raised.when(raised.reversing(AwardAmended, "7-11")).refused(MovedOn, account=COMMITTED, here=yuan("0.00"))


# Ended awards ----------------------------------------------------------------


def test_a_reversal_that_moves_unpaid_money_to_an_ended_award_is_refused():
    ended = confirmed.given(amended("5.00", increase=False), post(PROJECT, terminated, "6-21"))
    ended.when(ended.reversing(AwardAmended, "6-22")).refused(WouldUnsettle, account=COMMITTED, amount=yuan("5.00"))
    ended.when(ended.reversing(PaymentConfirmed, "6-22")).refused(
        WouldUnsettle, account=IN_TRANSIT, amount=yuan("30.00")
    )


def test_a_return_for_an_ended_award_can_be_reversed():
    ended = confirmed.given(post(PROJECT, terminated, "3-9"), returned("10.00"))
    ended.when(ended.reversing(PaymentReturned, "3-11")).moves(("recovered", "paid", "10.00"))


# Recoveries and waivers ------------------------------------------------------


def test_a_recovery_order_cannot_be_reversed_after_money_was_received():
    received = ordered.given(post(PROJECT, RecoveryReceived("R1", yuan("5.00")), "4-2"))
    reversal = received.reversing(RecoveryOrdered, "4-3")
    received.when(reversal).refused(WouldUnsettle, account=RECOVERED, amount=yuan("5.00"))
    received.given(received.reversing(RecoveryReceived, "4-3")).when(reversal).accepted()


def test_the_waiver_of_a_recovery_can_be_reversed_after_money_was_received():
    partly = ordered.given(
        post(PROJECT, RecoveryReceived("R1", yuan("5.00")), "4-2"),
        post(PROJECT, RecoveryWaived("R1", yuan("15.00"), "破产"), "4-3", **ANOTHER),
    )
    again = partly.given(partly.reversing(RecoveryWaived, "4-4"))
    assert again.ledger.project("p").outstanding("R1") == yuan("15.00")
