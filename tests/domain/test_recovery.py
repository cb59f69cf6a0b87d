import pytest
from msgspec.structs import replace

from domain.documents import Document
from domain.fund.lifecycle import FundClosed
from domain.mirrors import FundsReturned
from domain.posting import RECOVERED, Place
from domain.project.amendment import AwardTerminated
from domain.project.lifecycle import ProjectClosed
from domain.project.payment import PaymentReturned
from domain.project.recovery import RecoveryExtended, RecoveryOrdered, RecoveryReceived, RecoveryWaived
from domain.rules.call import DeadlineNotLater
from domain.rules.every_post import BeforeItsCause, DocumentAlreadyUsed, NameTaken, UnknownName
from domain.rules.recovery import MoreThanOutstanding, MoreThanPaid, RecoverySettled
from domain.rules.reversal import NotTheLast
from domain.rules.waiver import SamePerson
from tests.lives import ANOTHER, FUND, PROJECT, awarded, balances, instructed, paid, wholly_paid, yuan
from tests.scenario import Scenario, day, post

confirmed = awarded().given(*paid())


def order(amount: str = "20.00", recovery: str = "R1", payment: str = "P1"):
    return RecoveryOrdered(recovery, payment, yuan(amount), day("5-1"), "违规使用")


def receive(amount: str, recovery: str = "R1"):
    return RecoveryReceived(recovery, yuan(amount))


def waive(amount: str, on: str = "4-3", **by: str):
    return post(PROJECT, RecoveryWaived("R1", yuan(amount), "破产"), on, **(by or ANOTHER))


ordered = confirmed.given(post(PROJECT, order(), "4-1"))


def outstanding(scenario: Scenario, recovery: str = "R1") -> int:
    return scenario.ledger.project("p").outstanding(recovery)


def test_a_recovery_order_moves_no_money():
    confirmed.when(post(PROJECT, order(), "4-1")).moves()
    assert balances(ordered)["paid"] == "30.00"


def test_a_recovery_order_above_the_paid_amount_is_refused():
    confirmed.when(post(PROJECT, order("30.01"), "4-1")).refused(
        MoreThanPaid, payment="P1", left=yuan("30.00"), amount=yuan("30.01")
    )
    part = PaymentReturned("P1", yuan("25.00"), passive=False, reason="退款")
    confirmed.given(post(PROJECT, part, "3-20")).when(post(PROJECT, order(), "4-1")).refused(
        MoreThanPaid, left=yuan("5.00")
    )
    awarded().given(*instructed()).when(post(PROJECT, order(), "4-1")).refused(MoreThanPaid, left=yuan("0.00"))


def test_the_orders_on_a_payment_together_cannot_exceed_the_paid_amount():
    ordered.when(post(PROJECT, order("10.01", "R2"), "4-2")).refused(MoreThanPaid, left=yuan("10.00"))
    both = ordered.given(post(PROJECT, order("10.00", "R2"), "4-2"))
    both.when(post(PROJECT, order("0.01", "R3"), "4-3")).refused(MoreThanPaid, left=yuan("0.00"))
    both.given(waive("20.00")).when(post(PROJECT, order("20.00", "R3"), "4-4")).accepted()


def test_a_recovery_order_needs_a_new_name_a_known_payment_and_a_due_day_that_is_not_past():
    ordered.when(post(PROJECT, order(), "4-2")).refused(NameTaken, kind="recovery", name="R1")
    confirmed.when(post(PROJECT, order(payment="P9"), "4-1")).refused(UnknownName, kind="payment", name="P9")
    confirmed.when(post(PROJECT, order(), "5-1")).accepted()
    confirmed.when(post(PROJECT, order(), "5-2")).refused(BeforeItsCause, cause="RecoveryOrdered")
    early = post(PROJECT, order(), "3-4", booked="4-1")
    confirmed.when(early).refused(BeforeItsCause, cause="payment confirmed")


def test_received_money_is_recovered_by_the_fund():
    scenario = ordered.when(post(PROJECT, receive("15.00"), "4-2"))
    scenario.moves(("paid", "recovered", "15.00"))
    scenario.then(receive("15.00"), FundsReturned("p", yuan("15.00"), closes=False))
    after = ordered.given(post(PROJECT, receive("15.00"), "4-2"))
    assert outstanding(after) == yuan("5.00")
    assert after.ledger.fund("f").accounts.balance(RECOVERED, Place("p", 1, "L-a")) == yuan("15.00")
    assert after.ledger.fund("f").allotted["p", 1] == yuan("45.00")


def test_receiving_or_waiving_more_than_the_outstanding_amount_is_refused():
    after = ordered.given(post(PROJECT, receive("15.00"), "4-2"))
    for too_much in (post(PROJECT, receive("5.01"), "4-3"), waive("5.01")):
        after.when(too_much).refused(MoreThanOutstanding, recovery="R1", outstanding=yuan("5.00"), amount=yuan("5.01"))
    after.when(waive("5.00")).moves()


def test_a_return_by_the_payee_reduces_the_outstanding_amount():
    part = PaymentReturned("P1", yuan("25.00"), passive=False, reason="退款")
    assert outstanding(ordered.given(post(PROJECT, part, "4-2"))) == yuan("5.00")


def back(amount: str):
    """A return of `amount` yuan by the payee."""
    return PaymentReturned("P1", yuan(amount), passive=False, reason="退款")


returned = ordered.given(post(PROJECT, back("25.00"), "4-2"))
"""The scenario in which the payee has returned 25 of 30 yuan paid. Of the 20 yuan ordered back, 5 are outstanding."""


@pytest.mark.parametrize("parts", [("5.00",), ("2.00", "3.00"), ("0.01", "0.01", "4.98")])
def test_a_waiver_reduces_the_outstanding_amount_by_its_own_after_money_was_returned(parts):
    """Regression: after the rest was waived, the money that had been returned was claimed again."""
    scenario, left = returned, 500
    for number, part in enumerate(parts):
        scenario, left = scenario.given(waive(part, f"4-{3 + number}")), left - yuan(part)
        assert outstanding(scenario) == left
    assert not any(scenario.ledger.project("p").all_outstanding())


def test_all_that_is_outstanding_can_be_waived_after_money_was_returned_and_received():
    scenario = ordered.given(post(PROJECT, back("15.00"), "4-2"), post(PROJECT, receive("6.00"), "4-2"))
    scenario.when(waive("9.00")).then(RecoveryWaived("R1", yuan("9.00"), "破产", lapsed=yuan("5.00")))
    assert outstanding(scenario.given(waive("9.00"))) == 0
    whole = RecoveryWaived("R1", yuan("20.00"), "破产")
    ordered.when(post(PROJECT, whole, "4-3", **ANOTHER)).then(whole)


def test_what_an_order_can_no_longer_claim_since_another_was_received_lapses_with_its_waiver():
    scenario = ordered.given(
        post(PROJECT, order("10.00", "R2"), "4-1"),
        post(PROJECT, back("15.00"), "4-2"),
        post(PROJECT, receive("10.00", "R2"), "4-2"),
    )
    assert outstanding(scenario.given(waive("5.00"))) == 0


def test_the_money_that_a_waiver_found_no_longer_paid_is_not_reversed_before_the_waiver():
    waived = returned.given(waive("2.00"), waive("3.00"))
    waived.when(waived.reversing(PaymentReturned, "4-4")).refused(NotTheLast, kind="recovery", name="R1")
    again = waived.given(waived.reversing(RecoveryWaived, "4-4"))
    again.when(again.reversing(PaymentReturned, "4-4")).refused(NotTheLast, kind="recovery", name="R1")


def test_after_the_waiver_is_reversed_the_return_can_be_reversed_and_all_is_outstanding_again():
    waived = returned.given(waive("5.00"))
    scenario = waived.given(waived.reversing(RecoveryWaived, "4-4"))
    assert outstanding(scenario) == 500
    assert outstanding(scenario.given(scenario.reversing(PaymentReturned, "4-5"))) == 2000
    later = returned.given(waive("5.00"), post(PROJECT, back("5.00"), "4-4"))
    later.when(later.reversing(PaymentReturned, "4-5")).accepted()


def test_a_waiver_can_be_reversed_although_other_orders_claim_more_than_is_still_paid():
    """Regression: orders made before the waiver were counted, although they existed when the waiver was granted."""
    both = ordered.given(post(PROJECT, order("10.00", "R2"), "4-1"), post(PROJECT, back("15.00"), "4-2"))
    waived = both.given(waive("15.00"))
    waived.when(waived.reversing(RecoveryWaived, "4-4")).accepted()
    assert outstanding(waived.given(waived.reversing(RecoveryWaived, "4-4"))) == outstanding(both)


def test_a_waiver_cannot_be_reversed_after_an_order_that_claims_the_waived_money():
    both = ordered.given(post(PROJECT, order("10.00", "R2"), "4-1"), waive("20.00"))
    free = both.given(post(PROJECT, order("20.00", "R3"), "4-4"))
    free.when(free.reversing(RecoveryWaived, "4-5")).refused(MoreThanPaid, left=yuan("0.00"), amount=yuan("20.00"))
    received = free.given(post(PROJECT, receive("20.00", "R3"), "4-4"))
    received.when(received.reversing(RecoveryWaived, "4-5")).refused(MoreThanPaid, left=yuan("0.00"))
    some = both.given(post(PROJECT, order("5.00", "R3"), "4-4"), post(PROJECT, receive("5.00", "R3"), "4-4"))
    some.when(some.reversing(RecoveryWaived, "4-5")).refused(MoreThanPaid, left=yuan("15.00"), amount=yuan("20.00"))


@pytest.mark.parametrize("by", [{"actor": "经 办人", "key": "z"}, {"actor": "另一人", "key": "office"}])
def test_the_person_or_key_that_ordered_a_recovery_cannot_waive_it(by):
    ordered.when(waive("5.00", **by)).refused(SamePerson)


@pytest.mark.parametrize("fact", [receive("1.00"), RecoveryWaived("R1", yuan("1.00"), "破产")])
def test_a_recovery_is_received_or_waived_only_after_it_was_ordered(fact):
    ordered.when(post(PROJECT, replace(fact, recovery="R9"), "4-2", **ANOTHER)).refused(UnknownName, kind="recovery")
    early = post(PROJECT, fact, "3-31", booked="4-1", **ANOTHER)
    ordered.when(early).refused(BeforeItsCause, cause="RecoveryOrdered")


def test_a_paying_in_slip_can_be_used_for_one_recovery():
    slip = (Document("缴款书", "沪-1"),)
    once = ordered.given(post(PROJECT, receive("5.00"), "4-2", cites=slip))
    once.when(post(PROJECT, receive("5.00"), "4-3", cites=slip)).refused(DocumentAlreadyUsed, kind="缴款书")


def test_money_can_be_recovered_for_an_ended_award_and_after_both_closings():
    ended = ordered.given(post(PROJECT, AwardTerminated("L-a", "违约"), "4-2"))
    ended.when(post(PROJECT, receive("20.00"), "4-3")).accepted()
    closed = wholly_paid().given(post(PROJECT, ProjectClosed(), "8-1"), post(FUND, FundClosed(), "8-2"))
    late_order = post(PROJECT, replace(order(), due_on=day("9-1")), "8-3")
    closed.given(late_order).when(post(PROJECT, receive("20.00"), "8-4")).moves(("paid", "recovered", "20.00"))
    closed.given(late_order).when(waive("20.00", "8-4")).moves()


def extend(due_on: str, on: str = "5-2"):
    return post(PROJECT, RecoveryExtended("R1", day(due_on)), on)


def test_the_due_day_of_a_recovery_is_put_off_and_nothing_else_changes():
    extended = ordered.given(extend("8-1"))
    assert extended.ledger.project("p").recoveries["R1"].due_on == day("8-1")
    assert outstanding(extended) == outstanding(ordered)
    ordered.when(extend("8-1")).moves()
    extended.when(extend("8-1")).refused(DeadlineNotLater, last_day=day("8-1"), asked=day("8-1"))
    back = extended.given(extended.reversing(RecoveryExtended, "5-3"))
    assert back.ledger.project("p").recoveries["R1"].due_on == day("5-1")


def test_only_a_recovery_with_money_outstanding_is_extended():
    ordered.given(post(PROJECT, receive("20.00"), "4-2")).when(extend("8-1")).refused(RecoverySettled, recovery="R1")
    confirmed.when(extend("8-1")).refused(UnknownName)
    ordered.when(extend("8-1", on="3-31")).refused(BeforeItsCause)


def test_an_order_is_not_reversed_after_an_extension():
    extended = ordered.given(extend("8-1"))
    extended.when(extended.reversing(RecoveryOrdered, "5-3")).refused(NotTheLast)


def test_a_recovery_is_extended_after_its_project_and_its_fund_are_closed():
    late = replace(order(), due_on=day("12-1"))
    closed = wholly_paid().given(
        post(PROJECT, ProjectClosed(), "8-1"), post(FUND, FundClosed(), "8-2"), post(PROJECT, late, "8-3")
    )
    closed.when(extend("2020-8-1", on="8-4")).accepted()
