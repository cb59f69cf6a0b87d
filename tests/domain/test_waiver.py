import pytest
from msgspec.structs import replace

from domain.money import Money
from domain.project.acceptance import AcceptanceFailed, AcceptanceRequested, RectificationOrdered
from domain.project.amendment import AwardRevoked, PayeeChanged
from domain.project.call import Applicant, ApplicationReceived, CallClosed
from domain.project.payment import PaymentCancelled, PaymentFailed, PaymentInstructed, PaymentRequested
from domain.project.waiver import WaiverGranted
from domain.rules import RULES
from domain.rules.acceptance import NoTriesLeft
from domain.rules.award import AwardEnded, PayeeNotApplicant
from domain.rules.call import CallIsClosed, InvalidCode, OutsideWindow
from domain.rules.every_post import BeforeItsCause, UnknownName
from domain.rules.payment import PayeeMismatch
from domain.rules.reversal import NotTheLast
from domain.rules.waiver import AlreadyWaived, NotWaivable, SamePerson, WaiverIncomplete, WaiverUsedUp
from tests.lives import (
    ANOTHER,
    PROJECT,
    allotted,
    approvals,
    award_list,
    awarded,
    called,
    line,
    noticed,
    paid,
    payee,
    request,
    row,
    yuan,
)
from tests.scenario import Scenario, day, post

decided = awarded()
called_project = Scenario().given(*allotted(line()), *called())
LATE = ApplicationReceived("A-c", Applicant("示例c", "9c"))


def waiver(rule: str, award: str | None = "L-a", application: str | None = None):
    """A waiver of `rule`, for the payee b if the rule is about payees."""
    names = {
        "PayeeMismatch": {"payee": payee("b"), "at_most": yuan("40.00")},
        "PayeeNotApplicant": {"payee": payee("b")},
        "AboveNotice": {"at_most": yuan("60.00")},
    }
    return WaiverGranted(rule, "主要领导批准", award, application, **names.get(rule, {}))


def granted(scenario: Scenario, fact: WaiverGranted, on: str) -> Scenario:
    return scenario.given(post(PROJECT, fact, on, **ANOTHER))


def test_a_waiver_allows_a_payment_to_another_payee():
    to_b = post(PROJECT, PaymentRequested("P1", "L-a", 1, yuan("30.00"), payee("b")), "3-3")
    decided.when(to_b).refused(PayeeMismatch)
    waived = granted(decided, waiver("PayeeMismatch"), "3-2")
    waived.when(to_b).accepted()
    to_a = post(PROJECT, PaymentRequested("P1", "L-b", 1, yuan("30.00"), payee("a")), "3-3")
    waived.when(to_a).refused(PayeeMismatch)


def test_a_waiver_allows_an_acceptance_request_with_unpaid_batches():
    waived = granted(decided, waiver("EarlierBatchesUnsettled"), "3-2")
    waived.when(post(PROJECT, AcceptanceRequested("L-a"), "3-3")).accepted()
    waived.when(request(on="3-3")).accepted()


def test_a_waiver_allows_a_further_acceptance_try():
    tries = [
        step
        for month in ("6", "7")
        for step in (
            post(PROJECT, AcceptanceRequested("L-a"), f"{month}-1"),
            post(PROJECT, AcceptanceFailed("L-a", "未达标"), f"{month}-2"),
            post(PROJECT, RectificationOrdered("L-a", day("12-31")), f"{month}-3"),
        )
    ]
    failed = decided.given(*paid(), *tries)
    again = post(PROJECT, AcceptanceRequested("L-a"), "8-2")
    failed.when(again).refused(NoTriesLeft, failed=2, allowed=2)
    granted(failed, waiver("NoTriesLeft"), "8-1").when(again).accepted()


def test_a_waiver_allows_a_late_application_until_the_call_is_closed():
    called_project.when(post(PROJECT, LATE, "2-11")).refused(OutsideWindow)
    waived = granted(called_project, waiver("OutsideWindow", None, "A-c"), "2-11")
    waived.when(post(PROJECT, LATE, "2-11")).accepted()
    waived.given(post(PROJECT, CallClosed(1), "2-11")).when(post(PROJECT, LATE, "2-12")).refused(CallIsClosed)


def test_only_a_waivable_rule_can_be_waived_and_only_for_its_kind_of_entity():
    of_awards = {"PayeeMismatch", "EarlierBatchesUnsettled", "NoTriesLeft", "AboveNotice", "CheckpointOutOfTurn"}
    for rule in sorted({*RULES} - of_awards):
        decided.when(post(PROJECT, waiver(rule), "3-2", **ANOTHER)).refused(NotWaivable, rule=rule, kind="award")
    for fact in (
        waiver("NoSuchRule"),
        waiver("PayeeMismatch", None, "A-a"),
        waiver("PayeeMismatch", "L-a", "A-a"),
        waiver("OutsideWindow", None, None),
    ):
        decided.when(post(PROJECT, fact, "3-2", **ANOTHER)).refused(NotWaivable, rule=fact.rule)


def test_a_rule_can_be_waived_once_for_each_award():
    waived = granted(decided, waiver("PayeeMismatch"), "3-2")
    waived.when(post(PROJECT, waiver("PayeeMismatch"), "3-3", **ANOTHER)).refused(AlreadyWaived, name="L-a")
    waived.when(post(PROJECT, waiver("PayeeMismatch", "L-b"), "3-3", **ANOTHER)).accepted()
    waived.when(post(PROJECT, waiver("NoTriesLeft"), "3-3", **ANOTHER)).accepted()


def test_a_waiver_needs_a_live_award_and_is_not_dated_before_it():
    fact = waiver("PayeeMismatch")
    decided.when(post(PROJECT, waiver("PayeeMismatch", "L-z"), "3-2", **ANOTHER)).refused(UnknownName, name="L-z")
    ended = decided.given(post(PROJECT, AwardRevoked("L-a", "弄虚作假"), "3-2"))
    ended.when(post(PROJECT, fact, "3-3", **ANOTHER)).refused(AwardEnded, status="revoked")
    early = post(PROJECT, fact, "2-28", booked="3-1", **ANOTHER)
    decided.when(early).refused(BeforeItsCause, cause="AwardListDecided")


@pytest.mark.parametrize("by", [{"actor": "经办人", "key": "another"}, {"actor": "另一人", "key": "office"}])
def test_the_person_or_key_that_posted_an_award_cannot_waive_a_rule_for_it(by):
    decided.when(post(PROJECT, waiver("PayeeMismatch"), "3-2", **by)).refused(SamePerson)


def test_the_person_who_granted_a_waiver_for_an_award_cannot_use_it():
    waived = granted(decided, waiver("PayeeMismatch"), "3-2")
    to_b = PaymentRequested("P1", "L-a", 1, yuan("30.00"), payee("b"))
    waived.when(post(PROJECT, to_b, "3-3", **ANOTHER)).refused(SamePerson, who="另一人")
    to_a = PaymentRequested("P1", "L-a", 1, yuan("30.00"), payee("a"))
    waived.when(post(PROJECT, to_a, "3-3", **ANOTHER)).accepted()
    unsettled = granted(decided, waiver("EarlierBatchesUnsettled"), "3-2")
    unsettled.when(post(PROJECT, AcceptanceRequested("L-a"), "3-3", **ANOTHER)).refused(SamePerson)


def test_the_person_who_granted_a_waiver_for_an_application_cannot_post_it():
    waived = granted(called_project, waiver("OutsideWindow", None, "A-c"), "2-11")
    waived.when(post(PROJECT, LATE, "2-11", **ANOTHER)).refused(SamePerson, who="另一人")


def to(name: str, amount: str, payment: str = "P1"):
    return post(PROJECT, PaymentRequested(payment, "L-a", 1, yuan(amount), payee(name)), "3-3")


def test_a_waiver_of_the_payee_is_for_one_payee_and_up_to_an_amount_that_payments_use_up():
    waived = granted(decided, replace(waiver("PayeeMismatch"), at_most=yuan("20.00")), "3-2")
    waived.when(to("c", "1.00")).refused(PayeeMismatch)
    waived.when(to("b", "20.01")).refused(WaiverUsedUp, at_most=yuan("20.00"), used=Money(0), amount=yuan("20.01"))
    some = waived.given(to("b", "15.00"))
    some.when(to("b", "5.01", "P2")).refused(WaiverUsedUp, used=yuan("15.00"))
    some.when(to("b", "5.00", "P2")).accepted()
    some.when(to("a", "15.00", "P2")).accepted()
    freed = some.given(post(PROJECT, PaymentCancelled("P1", "重开"), "3-4"))
    assert freed.ledger.project("p").paid_to_other("L-a", payee("b")) == 0
    again = PaymentRequested("P2", "L-a", 1, yuan("20.00"), payee("b"))
    freed.when(post(PROJECT, again, "3-5")).accepted()


def test_a_later_waiver_for_the_same_payee_replaces_the_standing_one_and_one_for_another_is_added():
    some = granted(decided, replace(waiver("PayeeMismatch"), at_most=yuan("20.00")), "3-2").given(to("b", "15.00"))
    some.when(post(PROJECT, replace(waiver("PayeeMismatch"), at_most=yuan("14.99")), "3-3", **ANOTHER)).refused(
        WaiverUsedUp, used=yuan("15.00"), amount=Money(0)
    )
    more = granted(some, replace(waiver("PayeeMismatch"), at_most=yuan("25.00")), "3-3")
    more.when(to("b", "10.01", "P2")).refused(WaiverUsedUp, at_most=yuan("25.00"), used=yuan("15.00"))
    used = more.given(to("b", "10.00", "P2"))
    used.when(used.reversing(WaiverGranted, "3-5")).refused(NotTheLast, kind="payment")
    beside = granted(used, replace(waiver("PayeeMismatch"), payee=payee("c"), at_most=yuan("5.00")), "3-3")
    beside.when(to("c", "5.01", "P3")).refused(WaiverUsedUp, used=Money(0))
    beside.when(to("c", "5.00", "P3")).accepted()
    beside.when(to("b", "0.01", "P3")).refused(WaiverUsedUp, used=yuan("25.00"))


def test_a_waiver_by_the_first_edition_is_limited_by_a_later_one():
    waived = decided.given(post(PROJECT, WaiverGranted("PayeeMismatch", "批准", "L-a"), "3-2", edition=1, **ANOTHER))
    limited = granted(waived, waiver("PayeeMismatch"), "3-3")
    limited.when(to("c", "1.00")).refused(PayeeMismatch)
    limited.when(to("b", "40.01")).refused(WaiverUsedUp)


def failed(payment: str, on: str):
    """The posts that instruct an approved payment, and the bank's answer that it failed."""
    return (
        *approvals(payment),
        post(PROJECT, PaymentInstructed(payment), on),
        post(PROJECT, PaymentFailed(payment, "账户已销"), on),
    )


def test_a_failed_payment_takes_its_part_of_the_waiver_again_when_its_failure_is_reversed():
    waived = granted(decided, replace(waiver("PayeeMismatch"), at_most=yuan("20.00")), "3-2")
    once = waived.given(to("b", "15.00"), *failed("P1", "3-4"))
    once.when(once.reversing(PaymentFailed, "3-5")).accepted()
    elsewhere = once.given(to("a", "15.00", "P2"), to("b", "15.00", "P3"))
    twice = elsewhere.given(post(PROJECT, PaymentCancelled("P2", "重开"), "3-5"))
    twice.when(twice.reversing(PaymentFailed, "3-5")).refused(WaiverUsedUp, used=yuan("15.00"), amount=yuan("15.00"))


def test_a_payment_requested_before_the_payee_changed_is_not_revived_by_a_later_waiver():
    gone = decided.given(to("a", "15.00"), *failed("P1", "3-4"))
    change = PayeeChanged("L-a", payee("a"), payee("c"), approver="科长")
    changed = gone.given(post(PROJECT, change, "3-5"))
    waived = granted(changed, replace(waiver("PayeeMismatch"), payee=payee("a")), "3-6")
    waived.when(waived.reversing(PaymentFailed, "3-7")).refused(PayeeMismatch)


def test_a_waiver_of_the_payee_names_a_valid_payee_and_an_amount():
    for rule, lacking in (("PayeeMismatch", "payee"), ("PayeeMismatch", "at_most"), ("AboveNotice", "at_most")):
        less = replace(waiver(rule), **{lacking: None})
        decided.when(post(PROJECT, less, "3-2", **ANOTHER)).refused(WaiverIncomplete, rule=rule, lacks=lacking)
    wrong = replace(waiver("PayeeMismatch"), payee=replace(payee("b"), uscc="0"))
    decided.when(post(PROJECT, wrong, "3-2", **ANOTHER)).refused(InvalidCode)


def test_a_waiver_by_the_first_edition_allowed_any_payee_and_amount():
    fact = WaiverGranted("PayeeMismatch", "批准", "L-a")
    waived = decided.given(post(PROJECT, fact, "3-2", edition=1, **ANOTHER))
    waived.when(to("b", "30.00")).accepted()
    waived.when(to("c", "30.00")).accepted()


def test_an_award_goes_to_the_applicant_or_to_the_payee_whom_a_waiver_names():
    shown = Scenario().given(*allotted(line()), *noticed())
    to_other = replace(row("a", "30.00", "20.00"), payee=payee("b"))
    listed = post(PROJECT, award_list(shown, to_other), "3-1")
    shown.when(listed).refused(PayeeNotApplicant, application="A-a", applicant="9a")
    shown.when(replace(listed, header=replace(listed.header, edition=1))).accepted()
    waived = granted(shown, waiver("PayeeNotApplicant", None, "A-a"), "2-28")
    waived.when(listed).accepted()
    to_third = replace(to_other, payee=payee("c"))
    waived.when(post(PROJECT, award_list(shown, to_third), "3-1")).refused(PayeeNotApplicant)
    waived.when(replace(listed, header=replace(listed.header, **ANOTHER))).refused(SamePerson)
    invalid = replace(row("a", "30.00", "20.00"), payee=replace(payee("a"), uscc="0"))
    shown.when(post(PROJECT, award_list(shown, invalid), "3-1")).refused(InvalidCode, uscc="0")
