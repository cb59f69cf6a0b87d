import pytest
from msgspec.structs import replace

from domain.fund.lifecycle import SettingsChanged
from domain.project.acceptance import (
    AcceptanceFailed,
    AcceptancePassed,
    AcceptanceRequested,
    RectificationOrdered,
)
from domain.project.amendment import AwardTerminated
from domain.rules.acceptance import (
    AcceptanceStatusWrong,
    EarlierBatchesUnsettled,
    NoTriesLeft,
    RectificationOverdue,
    RectificationTooLong,
)
from domain.rules.award import AwardEnded
from domain.rules.every_post import BeforeItsCause, UnknownName
from domain.state.fund import Gate
from tests.lives import FUND, PROJECT, SETTINGS, accepted, awarded, balances, instructed, line, paid, yuan
from tests.scenario import Scenario, day, post

REQUESTED = AcceptanceRequested("L-a")
FAILED = AcceptanceFailed("L-a", "指标未完成")
ORDERED = RectificationOrdered("L-a", day("7-31"))
settled = awarded().given(*paid())
under_acceptance = settled.given(post(PROJECT, REQUESTED, "6-1"))
failed = under_acceptance.given(post(PROJECT, FAILED, "6-10"))
rectifying = failed.given(post(PROJECT, ORDERED, "6-12"))


def test_acceptance_opens_the_gate_to_the_last_batch():
    under_acceptance.when(post(PROJECT, AcceptancePassed("L-a"), "6-10")).moves(("committed", "payable", "20.00"))


def test_acceptance_is_refused_until_earlier_batches_are_settled():
    awarded().when(post(PROJECT, REQUESTED, "6-1")).refused(
        EarlierBatchesUnsettled, award="L-a", batch=1, amount=yuan("30.00")
    )


def test_a_batch_is_settled_only_when_the_bank_has_paid_all_of_it():
    for part, unsettled in ((instructed(), "30.00"), (paid(amount="29.99"), "0.01")):
        awarded().given(*part).when(post(PROJECT, REQUESTED, "6-1")).refused(
            EarlierBatchesUnsettled, batch=1, amount=yuan(unsettled)
        )
    unsigned = awarded(line(gates=(Gate.AGREEMENT, Gate.ACCEPTANCE)))
    unsigned.when(post(PROJECT, REQUESTED, "6-1")).refused(EarlierBatchesUnsettled, amount=yuan("30.00"))


def test_acceptance_steps_are_refused_for_an_ended_award():
    ended = under_acceptance.given(post(PROJECT, AwardTerminated("L-a", "违约"), "6-2"))
    for fact in (REQUESTED, AcceptancePassed("L-a"), FAILED, ORDERED):
        ended.when(post(PROJECT, fact, "6-3")).refused(AwardEnded, award="L-a", status="terminated")


def test_acceptance_does_not_open_the_gate_of_another_award():
    both = settled.given(*paid("P2", "b"), *accepted("b"))
    assert balances(both) == {"paid": "60.00", "committed": "20.00", "payable": "20.00"}


def test_an_acceptance_request_cannot_be_dated_before_the_last_payment():
    early = post(PROJECT, REQUESTED, "3-4", booked="6-1")
    settled.when(early).refused(BeforeItsCause, cause="PaymentConfirmed")


def test_acceptance_cannot_be_requested_while_requested_or_after_it_passed():
    under_acceptance.when(post(PROJECT, REQUESTED, "6-2")).refused(AcceptanceStatusWrong, status="requested")
    passed = under_acceptance.given(post(PROJECT, AcceptancePassed("L-a"), "6-10"))
    passed.when(post(PROJECT, REQUESTED, "6-11")).refused(AcceptanceStatusWrong, status="passed")
    passed.when(post(PROJECT, FAILED, "6-11")).refused(AcceptanceStatusWrong)


def test_after_a_failure_a_new_request_needs_a_rectification_order():
    failed.when(post(PROJECT, REQUESTED, "6-20")).refused(AcceptanceStatusWrong, status="failed")
    rectifying.when(post(PROJECT, REQUESTED, "7-31")).accepted()
    failed.when(post(PROJECT, RectificationOrdered("L-a", day("6-12")), "6-12")).accepted()


def test_a_new_request_cannot_be_dated_before_the_rectification_order():
    early = post(PROJECT, REQUESTED, "6-11", booked="6-12")
    rectifying.when(early).refused(BeforeItsCause, cause="acceptance rectifying")


def test_acceptance_is_refused_after_the_rectification_deadline():
    rectifying.when(post(PROJECT, REQUESTED, "8-1")).refused(RectificationOverdue, due_on=day("7-31"))


def test_the_settings_of_the_fund_limit_the_number_of_tries():
    twice: Scenario = rectifying.given(
        post(PROJECT, REQUESTED, "7-1"),
        post(PROJECT, FAILED, "7-10"),
        post(PROJECT, RectificationOrdered("L-a", day("9-30")), "7-11"),
    )
    twice.when(post(PROJECT, REQUESTED, "8-1")).refused(NoTriesLeft, failed=2, allowed=2)


def test_a_rectification_order_needs_a_failure_and_a_deadline_that_is_not_past():
    under_acceptance.when(post(PROJECT, ORDERED, "6-12")).refused(AcceptanceStatusWrong)
    failed.when(post(PROJECT, RectificationOrdered("L-a", day("6-11")), "6-12")).refused(BeforeItsCause)


def test_the_settings_of_the_fund_limit_the_time_for_rectification():
    limited = failed.given(post(FUND, SettingsChanged(replace(SETTINGS, rectification_months=1)), "6-11"))
    limited.when(post(PROJECT, RectificationOrdered("L-a", day("7-12")), "6-12")).accepted()
    limited.when(post(PROJECT, RectificationOrdered("L-a", day("7-13")), "6-12")).refused(
        RectificationTooLong, months=1, due_on=day("7-13"), latest=day("7-12")
    )
    short_month = limited.given(post(FUND, SettingsChanged(replace(SETTINGS, rectification_months=8)), "6-12"))
    short_month.when(post(PROJECT, RectificationOrdered("L-a", day("2020-3-1")), "6-30")).refused(
        RectificationTooLong, latest=day("2020-2-29")
    )


def test_acceptance_is_decided_only_after_a_request_and_not_on_an_earlier_day():
    settled.when(post(PROJECT, AcceptancePassed("L-a"), "6-10")).refused(AcceptanceStatusWrong, status="none")
    for fact in (AcceptancePassed("L-a"), FAILED):
        under_acceptance.when(post(PROJECT, fact, "5-31", booked="6-1")).refused(BeforeItsCause)


@pytest.mark.parametrize("fact", [REQUESTED, AcceptancePassed("L-a"), FAILED, ORDERED])
def test_acceptance_steps_are_refused_for_an_unknown_award(fact):
    settled.when(post(PROJECT, replace(fact, award="L-z"), "6-1")).refused(UnknownName, name="L-z")
