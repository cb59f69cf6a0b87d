"""Recipients of the three kinds: units, natural persons and holders of other registrations."""

import pytest
from msgspec.structs import replace

from domain.project.amendment import PayeeChanged
from domain.project.call import Applicant, ApplicationReceived, ApplicationWithdrawn
from domain.project.payment import PaymentConfirmed, PaymentInstructed, PaymentRequested
from domain.project.waiver import WaiverGranted
from domain.recipient import PersonalId, Recipient, Registration
from domain.rules.award import PayeeNotApplicant
from domain.rules.call import AlreadyApplied
from domain.rules.payment import PayeeMismatch
from domain.state.entities import ActualPayee, Payee
from tests.lives import (
    ANOTHER,
    PROJECT,
    allotted,
    approvals,
    award_list,
    called,
    decided,
    line,
    noticed,
    payee,
    row,
    yuan,
)
from tests.scenario import Scenario, post

DIGEST = "0123456789abcdef0123456789abcdef"
OTHER_DIGEST = "f" * 32
UNIT = Recipient("示例公司", "9u")
PERSON = Recipient("示例某人", id_card=PersonalId("123X", DIGEST))
COMPANY = Recipient("示例（香港）公司", registration=Registration("HK", "BR", "12345678"))
INSTRUCTED = post(PROJECT, PaymentInstructed("P1"), "3-4")
KINDS = pytest.mark.parametrize("who", [UNIT, PERSON, COMPANY], ids=["unit", "person", "registration"])


def applicant(who):
    return Applicant(who.name, who.uscc, who.id_card, who.registration)


def paid_to(who, account="u"):
    return Payee(who.name, who.uscc, who.id_card, who.registration, account=payee(account).account)


def reported(who, *, with_identity=True):
    shown = who if with_identity else Recipient(who.name)
    return ActualPayee(shown.name, shown.uscc, shown.id_card, shown.registration, account=payee("u").account)


def applied(who):
    return Scenario().given(
        *allotted(line()), *called("a"), post(PROJECT, ApplicationReceived("A-u", applicant(who)), "2-6")
    )


def noticed_with(who):
    """The project after the notice of the applications a and u; that of `who` is called u."""
    steps = [each for each in noticed("a", "u") if not is_application(each)]
    call, *others = steps
    received = [
        post(PROJECT, ApplicationReceived("A-a", Applicant("示例a", "9a")), "2-5"),
        post(PROJECT, ApplicationReceived("A-u", applicant(who)), "2-5"),
    ]
    return Scenario().given(*allotted(line()), call, *received, *others)


def is_application(posted):
    return isinstance(posted.fact, ApplicationReceived)


def awarded_to(who):
    scenario = noticed_with(who)
    return decided(scenario, replace(row("u", "30.00", "20.00", score=89), payee=paid_to(who)))


@KINDS
def test_a_recipient_of_each_kind_has_one_live_application_in_a_round(who):
    again = post(PROJECT, ApplicationReceived("A-v", replace(applicant(who), name="另一名称")), "2-7")
    applied(who).when(again).refused(AlreadyApplied, uscc=who.code, application="A-u", round=1)
    applied(who).given(post(PROJECT, ApplicationWithdrawn("A-u", "撤回"), "2-7")).when(again).accepted()


@pytest.mark.parametrize(
    "other",
    [
        replace(PERSON, id_card=PersonalId("123X", OTHER_DIGEST)),
        replace(COMPANY, registration=Registration("MO", "BR", "12345678")),
        replace(COMPANY, registration=Registration("HK", "CR", "12345678")),
        replace(COMPANY, registration=Registration("HK", "BR", "12345679")),
        replace(UNIT, uscc="9v"),
    ],
)
@KINDS
def test_other_recipients_of_the_same_name_may_apply(who, other):
    applied(who).when(post(PROJECT, ApplicationReceived("A-v", applicant(other)), "2-7")).accepted()


@KINDS
def test_a_list_pays_an_applicant_of_each_kind_and_nobody_else(who):
    scenario = noticed_with(who)
    own = replace(row("u", "30.00", "20.00", score=89), payee=paid_to(who))
    scenario.when(post(PROJECT, award_list(scenario, own), "3-1")).accepted()
    other = replace(own, payee=payee("x"))
    scenario.when(post(PROJECT, award_list(scenario, other), "3-1")).refused(
        PayeeNotApplicant, application="A-u", payee="示例x (9x, …0001)", applicant=who.code
    )


@KINDS
def test_a_waiver_allows_a_payee_of_each_kind_and_no_other_with_its_name(who):
    scenario = Scenario().given(*allotted(line()), *noticed())
    waiver = WaiverGranted("PayeeNotApplicant", "批准", application="A-a", payee=paid_to(who))
    waived = scenario.given(post(PROJECT, waiver, "2-25", **ANOTHER))
    to_who = replace(row("a", "30.00", "20.00"), payee=paid_to(who))
    waived.when(post(PROJECT, award_list(waived, to_who), "3-1")).accepted()
    to_another = replace(to_who, payee=replace(paid_to(who), uscc=None, id_card=PersonalId("123X", OTHER_DIGEST)))
    waived.when(post(PROJECT, award_list(waived, to_another), "3-1")).refused(PayeeNotApplicant)


@KINDS
def test_a_recipient_of_each_kind_is_paid_and_no_other_of_its_name(who):
    scenario = awarded_to(who)
    fact = PaymentRequested("P1", "L-u", 1, yuan("30.00"), paid_to(who))
    scenario.when(post(PROJECT, fact, "3-2")).accepted()
    other = replace(fact, payee=paid_to(Recipient(who.name, "9z")))
    scenario.when(post(PROJECT, other, "3-2")).refused(
        PayeeMismatch, payee=f"{who.name} (9z, …0001)", awarded=f"{who.name} ({who.code}, …0001)"
    )


@pytest.mark.parametrize(
    ("bank", "differs"),
    [
        (reported(PERSON), False),
        (reported(PERSON, with_identity=False), False),
        (reported(replace(PERSON, id_card=PersonalId("123X", OTHER_DIGEST))), True),
        (reported(Recipient(PERSON.name, "9u")), True),
    ],
    ids=["the same", "left out", "another person", "a unit"],
)
def test_the_identity_on_the_slip_is_compared_as_far_as_it_is_given(bank, differs):
    request = post(PROJECT, PaymentRequested("P1", "L-u", 1, yuan("30.00"), paid_to(PERSON)), "3-2", actor="申请人")
    instructed = awarded_to(PERSON).given(request, *approvals(), INSTRUCTED)
    [confirmed] = instructed.when(post(PROJECT, PaymentConfirmed("P1", yuan("30.00"), bank), "3-5")).events()
    assert confirmed.fact.payee_differs is differs


def test_the_payee_may_change_to_a_recipient_of_another_kind():
    changed = PayeeChanged("L-u", paid_to(UNIT), paid_to(PERSON), "分管领导")
    after = awarded_to(UNIT).given(post(PROJECT, changed, "3-2"))
    fact = PaymentRequested("P1", "L-u", 1, yuan("30.00"), paid_to(PERSON))
    after.when(post(PROJECT, fact, "3-3")).accepted()


def test_nothing_readable_of_a_person_has_the_digest():
    assert PERSON.code == "…123X"
    assert str(paid_to(PERSON)) == "示例某人 (…123X, …0001)"
    assert DIGEST in str(PERSON.identity)
    assert str(paid_to(COMPANY)) == "示例（香港）公司 (HK/BR/12345678, …0001)"


def test_a_slip_without_identity_has_none():
    bank = reported(UNIT, with_identity=False)
    assert (bank.identity, bank.code) == (None, None)
