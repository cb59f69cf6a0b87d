import pytest

from domain.project.acceptance import AcceptanceFailed, AcceptanceRequested, RectificationOrdered
from domain.project.amendment import AwardRevoked
from domain.project.call import Applicant, ApplicationReceived, CallClosed
from domain.project.payment import PaymentRequested
from domain.project.waiver import WaiverGranted
from domain.rules import RULES
from domain.rules.acceptance import NoTriesLeft
from domain.rules.award import AwardEnded
from domain.rules.call import CallIsClosed, OutsideWindow
from domain.rules.every_post import BeforeItsCause, UnknownName
from domain.rules.payment import PayeeMismatch
from domain.rules.waiver import AlreadyWaived, NotWaivable, SamePerson
from tests.lives import ANOTHER, PROJECT, allotted, awarded, called, line, paid, payee, request, yuan
from tests.scenario import Scenario, day, post

decided = awarded()
called_project = Scenario().given(*allotted(line()), *called())
LATE = ApplicationReceived("A-c", Applicant("示例c", "9c"))


def waiver(rule: str, award: str | None = "L-a", application: str | None = None):
    return WaiverGranted(rule, "主要领导批准", award, application)


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
    for rule in sorted({*RULES} - {"PayeeMismatch", "EarlierBatchesUnsettled", "NoTriesLeft"}):
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
