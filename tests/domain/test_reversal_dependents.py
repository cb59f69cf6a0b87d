"""An entry cannot be reversed while later events depend on it. The later events must be reversed first."""

import pytest
from msgspec.structs import replace

from domain.fund.funding import AppropriationReceived
from domain.fund.lifecycle import SettingsChanged, YearCarriedForward
from domain.posting import PAYABLE
from domain.project.acceptance import AcceptanceRequested
from domain.project.amendment import AwardAmended, AwardDeclined, PayeeChanged
from domain.project.award import AwardListDecided
from domain.project.call import (
    Applicant,
    ApplicationReceived,
    ApplicationScreened,
    ApplicationWithdrawn,
    CallClosed,
    CallExtended,
    CallFailed,
    CallPublished,
)
from domain.project.payment import PaymentCancelled, PaymentConfirmed, PaymentFailed, PaymentInstructed
from domain.project.recovery import RecoveryOrdered
from domain.project.selection import NoticeCompleted, NoticeStarted, ObjectionReceived, ObjectionResolved
from domain.project.waiver import WaiverGranted
from domain.rules.call import AlreadyReviewed, ObjectionOpen, ObjectionUpheld
from domain.rules.fund import FundIsClosed
from domain.rules.payment import PayeeMismatch
from domain.rules.reversal import NotRemembered, NotTheLast
from domain.rules.waiver import SamePerson
from tests.lives import (
    ANOTHER,
    FUND,
    PROJECT,
    SETTINGS,
    TWO_ROWS,
    actual,
    allotted,
    approvals,
    awarded,
    called,
    decided,
    founded,
    instructed,
    line,
    notice,
    noticed,
    noticed_after,
    only_a_awarded,
    paid,
    payee,
    payee_waiver,
    request,
    review,
    reviewed,
    shown,
    yuan,
)
from tests.scenario import Scenario, day, post

two_awards = awarded()
called_project = Scenario().given(*allotted(line()), *called())
reviewed_project = Scenario().given(*allotted(line()), *reviewed())
running = reviewed_project.given(post(PROJECT, notice("2-16", "2-20", "a", "b"), "2-16"))
shown_after = noticed_after().given(*shown("a", "b"))
cancelled = (request(), post(PROJECT, PaymentCancelled("P1", "作废"), "3-3"))
waiver = post(PROJECT, payee_waiver("L-a"), "3-2", **ANOTHER)
late_application = post(PROJECT, WaiverGranted("OutsideWindow", "批准", None, "A-c"), "2-11", **ANOTHER)


def objecting(on: str = "2-17"):
    return post(PROJECT, ObjectionReceived("Y1", "不实", "A-a"), on)


def resolving(*, upheld: bool, on: str = "2-18"):
    return post(PROJECT, ObjectionResolved("Y1", upheld=upheld, reason="核查"), on)


def amended(*, increase: bool):
    return post(PROJECT, AwardAmended("L-a", 1, increase, yuan("5.00"), "调整"), "3-5")


DEPENDENT_EVENTS = [
    (running.given(objecting()), NoticeStarted, "objection", "Y1"),
    (two_awards.given(*cancelled), AwardListDecided, "payment", "P1"),
    (shown_after.given(*cancelled), NoticeCompleted, "payment", "P1"),
    (
        running.given(objecting(), resolving(upheld=False), post(PROJECT, NoticeCompleted(), "2-21")),
        ObjectionResolved,
        "round",
        "1",
    ),
    (two_awards.given(waiver, *paid()), WaiverGranted, "payment", "P1"),
    (
        two_awards.given(waiver, *paid(), post(PROJECT, AcceptanceRequested("L-a"), "6-1")),
        WaiverGranted,
        "award",
        "L-a",
    ),
    (
        called_project.given(
            late_application,
            post(PROJECT, ApplicationReceived("A-c", Applicant("示例c", "9c")), "2-11"),
        ),
        WaiverGranted,
        "application",
        "A-c",
    ),
]


@pytest.mark.parametrize(("after", "entry", "kind", "name"), DEPENDENT_EVENTS)
def test_an_entry_with_a_dependent_event_cannot_be_reversed(after, entry, kind, name):
    after.when(after.reversing(entry, "8-1")).refused(NotTheLast, kind=kind, name=name)


def test_a_payee_change_cannot_be_reversed_after_the_new_payee_is_paid():
    changed = two_awards.given(post(PROJECT, PayeeChanged("L-a", payee("a"), payee("n"), "分管领导"), "3-2"))
    to_new = post(PROJECT, replace(request().fact, payee=payee("n")), "3-2", actor="申请人", key="treasury")
    confirmed = post(PROJECT, PaymentConfirmed("P1", yuan("30.00"), actual("n")), "3-5")
    paid_then = changed.given(to_new, *approvals(), post(PROJECT, PaymentInstructed("P1"), "3-4"), confirmed)
    paid_then.when(paid_then.reversing(PayeeChanged, "3-6")).refused(NotTheLast, kind="payment", name="P1")


def test_a_confirmation_to_the_previous_payee_cannot_be_reversed_after_a_payee_change():
    changed = two_awards.given(*paid(), post(PROJECT, PayeeChanged("L-a", payee("a"), payee("n"), "分管领导"), "3-10"))
    changed.when(changed.reversing(PaymentConfirmed, "3-11")).refused(PayeeMismatch, awarded="示例n (9n, …0001)")


def test_a_confirmation_cannot_be_reversed_after_a_recovery_order_or_an_acceptance_request():
    ordered = two_awards.given(
        *paid(), post(PROJECT, RecoveryOrdered("R1", "P1", yuan("1.00"), day("9-1"), "违规"), "4-1")
    )
    ordered.when(ordered.reversing(PaymentConfirmed, "4-2")).refused(NotTheLast, kind="recovery", name="R1")
    requested = two_awards.given(*paid(), post(PROJECT, AcceptanceRequested("L-a"), "6-1"))
    requested.when(requested.reversing(PaymentConfirmed, "6-2")).refused(NotTheLast, kind="award", name="L-a")
    withdrawn = requested.given(requested.reversing(AcceptanceRequested, "6-2"))
    withdrawn.when(requested.reversing(PaymentConfirmed, "6-3")).accepted()


def test_a_reduction_cannot_be_reversed_after_an_acceptance_request():
    less = two_awards.given(amended(increase=False), *paid("P1", "a", 1, "25.00", "4"))
    requested = less.given(post(PROJECT, AcceptanceRequested("L-a"), "6-1"))
    requested.when(requested.reversing(AwardAmended, "6-2")).refused(NotTheLast, kind="award", name="L-a")


def test_an_extension_cannot_be_reversed_while_an_application_was_received_in_its_days():
    extended = called_project.given(
        post(PROJECT, CallExtended(1, day("2-20")), "2-6"),
        post(PROJECT, ApplicationReceived("A-c", Applicant("示例c", "9c")), "2-15"),
    )
    reversal = extended.reversing(CallExtended, "2-16")
    extended.when(reversal).refused(NotTheLast, kind="application", name="A-c")
    extended.given(post(PROJECT, ApplicationWithdrawn("A-c", "撤回"), "2-16")).when(reversal).accepted()


def test_a_withdrawal_before_the_review_cannot_be_reversed_after_it():
    withdrawn = called_project.given(post(PROJECT, ApplicationWithdrawn("A-b", "撤回"), "2-6"))
    later = withdrawn.given(*reviewed()[3:4], *reviewed()[4:5], post(PROJECT, review(a=90), "2-15"))
    later.when(later.reversing(ApplicationWithdrawn, "2-16")).refused(AlreadyReviewed, round=1)


def test_the_rejection_of_an_objection_cannot_be_reversed_after_a_payment():
    late = shown_after.given(objecting("2-20"), resolving(upheld=False, on="2-22"), *paid())
    late.when(late.reversing(ObjectionResolved, "3-10")).refused(NotTheLast, kind="payment", name="P1")


def test_the_failure_of_a_payment_cannot_be_reversed_during_an_open_objection():
    failed = shown_after.given(*instructed(), post(PROJECT, PaymentFailed("P1", "账户异常"), "3-5"), objecting("2-20"))
    failed.when(failed.reversing(PaymentFailed, "3-6")).refused(ObjectionOpen, objections="Y1")


def test_the_end_of_an_award_cannot_be_reversed_after_a_call_for_its_place():
    free = only_a_awarded(line(awards=1)).given(
        post(PROJECT, AwardDeclined("L-a", "放弃"), "3-5"),
        post(PROJECT, CallPublished(2, day("4-1"), day("4-9")), "3-31"),
    )
    free.when(free.reversing(AwardDeclined, "4-1")).refused(NotTheLast, kind="round", name="2")


def test_an_appropriation_cannot_be_reversed_after_a_year_of_it_was_carried_forward():
    received = Scenario().given(*founded(line()))
    carried = received.given(post(FUND, YearCarriedForward(2, 2018, yuan("9.00")), "2020-1-2"))
    carried.when(carried.reversing(AppropriationReceived, "2020-1-3")).refused(NotTheLast, kind="appropriation")


def test_an_award_list_cannot_be_reversed_under_a_closed_fund():
    ledger = two_awards.ledger
    closed = replace(ledger.streams[FUND], state=replace(ledger.fund("f"), closed_at=99))
    under = Scenario(replace(ledger, streams=ledger.streams.set(FUND, closed)))
    under.when(under.reversing(AwardListDecided, "3-3")).refused(FundIsClosed, fund="f")


def test_screenings_and_applications_cannot_be_reversed_after_the_review_or_a_failed_call():
    reviewed_project.when(reviewed_project.reversing(ApplicationScreened, "2-16")).refused(AlreadyReviewed, round=1)
    failed = called_project.given(post(PROJECT, CallClosed(1), "2-11"), post(PROJECT, CallFailed(1, "不足"), "2-12"))
    failed.when(failed.reversing(ApplicationReceived, "2-13")).refused(AlreadyReviewed, round=1)
    again = failed.given(failed.reversing(CallFailed, "2-13"))
    again.when(again.reversing(ApplicationReceived, "2-14")).accepted()


def test_an_amendment_cannot_be_reversed_after_its_award_was_reversed_and_decided_again():
    touched = only_a_awarded().given(amended(increase=False), amended(increase=True))
    awarded_again = decided(touched.given(touched.reversing(AwardListDecided, "3-6")), TWO_ROWS[0], on="3-7")
    version = awarded_again.ledger.project("p").award("L-a").version
    awarded_again.when(awarded_again.reversing(AwardAmended, "3-8")).refused(
        NotTheLast, kind="award", name="L-a", last=version
    )


def test_the_failure_of_a_payment_can_be_reversed_only_if_its_instruction_is_still_allowed():
    failure = post(PROJECT, PaymentFailed("P1", "账户异常"), "3-5")
    failed = two_awards.given(*instructed(), failure)
    failed.when(failed.reversing(PaymentFailed, "3-6")).moves((PAYABLE, "in_transit", "30.00"))
    changed = failed.given(post(PROJECT, PayeeChanged("L-a", payee("a"), payee("n"), "分管领导"), "3-6"))
    changed.when(changed.reversing(PaymentFailed, "3-7")).refused(PayeeMismatch, awarded="示例n (9n, …0001)")
    objected = shown_after.given(*instructed(), failure, objecting("2-20"), resolving(upheld=True, on="3-6"))
    objected.when(objected.reversing(PaymentFailed, "3-7")).refused(ObjectionUpheld, application="A-a")


def test_carried_forward_years_can_be_reversed_only_last_first():
    carried = Scenario().given(
        *allotted(line()),
        *(post(FUND, YearCarriedForward(2, year, yuan("9.00")), "2020-1-2") for year in (2018, 2019)),
    )
    second, first = (carried.reversing(YearCarriedForward, "2020-1-3") for _ in range(2))
    first = replace(first, fact=replace(first.fact, version=first.fact.version - 1))
    carried.when(first).refused(NotTheLast, kind="appropriation", name="2", last=second.fact.version)
    carried.given(second).when(first).accepted()


@pytest.mark.parametrize("by", [{"actor": "经办人", "key": "books"}, {"actor": "会计主管", "key": "office"}])
@pytest.mark.parametrize(
    "entry",
    [
        RecoveryOrdered("R1", "P1", yuan("1.00"), day("9-1"), "违规"),
        PayeeChanged("L-a", payee("a"), payee("n"), "分管领导"),
        payee_waiver("L-b"),
    ],
    ids=lambda each: type(each).__name__ if not isinstance(each, dict) else None,
)
def test_an_entry_that_needs_two_people_cannot_be_reversed_by_the_person_who_posted_it(entry, by):
    list_by_another = Scenario().given(*allotted(line()), *noticed())
    decision = post(PROJECT, two_awards.ledger.entries[two_awards.last(AwardListDecided)].fact, "3-1", **ANOTHER)
    after = list_by_another.given(decision, *paid(), post(PROJECT, entry, "3-10"))
    reversal = after.reversing(type(entry), "3-11")
    after.when(reversal).accepted()
    after.when(replace(reversal, header=replace(reversal.header, **by))).refused(SamePerson)


def test_only_the_last_twenty_steps_of_an_entity_can_be_reversed():
    days = [f"3-{number}" for number in range(1, 23)]
    extended = called_project.given(*(post(PROJECT, CallExtended(1, day(last)), "2-6") for last in days))
    for _ in range(20):
        at = extended.ledger.project("p").rounds["1"].version
        reversal = extended.reversing(CallExtended, "2-7")
        extended = extended.given(replace(reversal, fact=replace(reversal.fact, version=at)))
    at = extended.ledger.project("p").rounds["1"].version
    reversal = extended.reversing(CallExtended, "2-7")
    extended.when(replace(reversal, fact=replace(reversal.fact, version=at))).refused(NotRemembered, kind="round")
    assert extended.ledger.project("p").rounds["1"].closes_on == day("3-2")


def test_settings_can_be_changed_back_by_another_change():
    changed = two_awards.given(post(FUND, SettingsChanged(replace(SETTINGS, acceptance_tries=9)), "3-2"))
    changed.when(post(FUND, SettingsChanged(SETTINGS), "3-3")).then(SettingsChanged(SETTINGS, settings_version=3))
