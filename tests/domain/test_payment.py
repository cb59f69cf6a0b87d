import pytest
from msgspec.structs import replace

from domain.documents import Document
from domain.fund.lifecycle import SettingsChanged
from domain.mirrors import FundsReturned
from domain.posting import PAID, PAYABLE, RECOVERED, Place
from domain.project.amendment import AgreementSigned, AwardRevoked, AwardTerminated
from domain.project.lifecycle import ProjectClosed
from domain.project.payment import (
    PaymentApproved,
    PaymentCancelled,
    PaymentConfirmed,
    PaymentFailed,
    PaymentInstructed,
    PaymentRejected,
    PaymentRequested,
    PaymentReturned,
)
from domain.rules.award import AwardEnded
from domain.rules.every_post import BalanceTooSmall, BeforeItsCause, DocumentAlreadyUsed, NameTaken, UnknownName
from domain.rules.fund import BatchNotInPlan
from domain.rules.payment import (
    AmountMismatch,
    ApprovalOutOfTurn,
    GateShut,
    PayeeMismatch,
    PaymentStatusWrong,
    RequesterMayNotApprove,
)
from domain.rules.project import ProjectIsClosed
from domain.state.entities import PaymentStatus
from domain.state.fund import Gate
from tests.lives import (
    FUND,
    PROJECT,
    SETTINGS,
    accepted,
    actual,
    approvals,
    awarded,
    instructed,
    line,
    paid,
    payee,
    request,
    wholly_paid,
    yuan,
)
from tests.scenario import Scenario, day, post

decided = awarded()
requested = decided.given(request())
approved = requested.given(*approvals())
in_transit = decided.given(*instructed())
confirmed = decided.given(*paid())


def status(scenario: Scenario, payment: str = "P1") -> PaymentStatus:
    return scenario.ledger.project("p").payment(payment).status


def test_a_request_moves_payable_money_of_its_award_and_batch():
    decided.when(request()).moves(("payable", "in_approval", "30.00"))
    decided.when(request(amount="30.01")).refused(
        BalanceTooSmall, account=PAYABLE, available=yuan("30.00"), amount=yuan("30.01")
    )


def test_money_behind_a_shut_gate_cannot_be_requested():
    decided.when(request(batch=2, amount="20.00")).refused(GateShut, award="L-a", batch=2, gate=Gate.ACCEPTANCE)
    through = confirmed.given(*accepted())
    through.when(request("P2", batch=2, amount="20.00", on="6-11")).accepted()


def test_a_request_for_an_ended_award_is_refused():
    ended = decided.given(post(PROJECT, AwardRevoked("L-a", "弄虚作假"), "3-2"))
    ended.when(request()).refused(AwardEnded, award="L-a", status="revoked")


def test_a_request_cannot_be_dated_before_its_gate_opened():
    gates = (Gate.AGREEMENT, Gate.ACCEPTANCE)
    signed = AgreementSigned("L-a", day("6-1"), day("2020-6-1"))
    agreed = awarded(line(gates=gates)).given(post(PROJECT, signed, "6-1"))
    agreed.when(request(on="5-31")).refused(BeforeItsCause, cause="gate agreement")
    agreed.when(request(on="6-1")).accepted()


def test_a_request_cannot_be_dated_before_its_award():
    decided.when(request(on="2-28")).refused(BeforeItsCause, cause="AwardListDecided")


def test_two_requests_cannot_use_the_same_money():
    requested.when(request("P2", amount="0.01")).refused(BalanceTooSmall, available=yuan("0.00"))


def test_a_request_needs_a_new_name_a_known_award_and_a_planned_batch():
    requested.when(request("P1", award="b")).refused(NameTaken, kind="payment")
    decided.when(request(award="z")).refused(UnknownName, kind="award")
    decided.when(request(batch=9)).refused(BatchNotInPlan, batch=9)


def test_a_request_must_name_the_payee_of_the_award():
    fact = PaymentRequested("P1", "L-a", 1, yuan("30.00"), payee("b"))
    decided.when(post(PROJECT, fact, "3-2")).refused(
        PayeeMismatch, payee="示例b (9b, …0001)", awarded="示例a (9a, …0001)"
    )


@pytest.mark.parametrize(
    ("by", "requester"),
    [
        ({"actor": "申请人", "key": "approver"}, "申请人"),
        ({"actor": "申 请人", "key": "approver"}, "申请人"),
        ({"actor": "审批人", "key": "treasury"}, "treasury"),
    ],
)
@pytest.mark.parametrize("fact", [PaymentApproved("P1", "审核"), PaymentRejected("P1", "理由")])
def test_the_person_or_key_that_requested_a_payment_cannot_approve_or_reject_it(by, requester, fact):
    requested.when(post(PROJECT, fact, "3-3", **by)).refused(RequesterMayNotApprove, payment="P1", requester=requester)


def test_approvals_are_given_level_by_level_and_the_last_is_final():
    by = {"actor": "审批人", "key": "approver"}
    requested.when(post(PROJECT, PaymentApproved("P1", "审批"), "3-3", **by)).refused(
        ApprovalOutOfTurn, expected="审核"
    )
    requested.when(post(PROJECT, PaymentApproved("P1", "审核"), "3-3", **by)).then(
        PaymentApproved("P1", "审核", final=False)
    )
    half = requested.given(approvals()[0])
    assert status(half) is PaymentStatus.REQUESTED
    half.when(approvals()[1]).then(PaymentApproved("P1", "审批", final=True))
    assert status(approved) is PaymentStatus.APPROVED


def test_a_payment_keeps_the_approval_levels_that_applied_when_it_was_requested():
    assert requested.ledger.project("p").payment("P1").levels == ("审核", "审批")
    simpler = requested.given(post(FUND, SettingsChanged(replace(SETTINGS, approvals=("审批",))), "3-2"))
    simpler.given(*approvals()).when(post(PROJECT, PaymentInstructed("P1"), "3-4")).accepted()
    simpler.given(approvals()[0]).when(post(PROJECT, PaymentInstructed("P1"), "3-4")).refused(PaymentStatusWrong)
    second = simpler.given(request("P2", "b"))
    one = post(PROJECT, PaymentApproved("P2", "审批"), "3-3", actor="审批人", key="approver")
    second.given(one).when(post(PROJECT, PaymentInstructed("P2"), "3-4")).accepted()


def test_without_approval_levels_a_requested_payment_can_be_instructed():
    elsewhere = decided.given(post(FUND, SettingsChanged(replace(SETTINGS, approvals=())), "3-1"), request())
    elsewhere.when(post(PROJECT, PaymentInstructed("P1"), "3-4")).moves(("in_approval", "in_transit", "30.00"))
    elsewhere.when(approvals()[0]).refused(ApprovalOutOfTurn, expected=None)
    confirming = PaymentConfirmed("P1", yuan("30.00"), actual())
    elsewhere.when(post(PROJECT, confirming, "3-4")).refused(PaymentStatusWrong, wanted="instructed")


def test_an_instruction_is_refused_until_all_approvals_are_given():
    half = requested.given(approvals()[0])
    half.when(post(PROJECT, PaymentInstructed("P1"), "3-4")).refused(
        PaymentStatusWrong, status="requested", wanted="approved"
    )
    approved.when(post(PROJECT, PaymentInstructed("P1"), "3-4")).moves(("in_approval", "in_transit", "30.00"))


@pytest.mark.parametrize("scenario", [requested, approved])
def test_a_payment_can_be_cancelled_only_before_it_is_instructed(scenario):
    scenario.when(post(PROJECT, PaymentCancelled("P1", "作废"), "3-4")).moves(("in_approval", "payable", "30.00"))
    in_transit.when(post(PROJECT, PaymentCancelled("P1", "作废"), "3-5")).refused(PaymentStatusWrong)


def test_the_money_of_a_rejected_payment_can_be_requested_under_a_new_name():
    rejection = post(PROJECT, PaymentRejected("P1", "附件不全"), "3-3", actor="审批人", key="approver")
    requested.when(rejection).moves(("in_approval", "payable", "30.00"))
    requested.given(rejection).when(request("P2")).accepted()


def test_a_confirmation_of_a_part_of_the_amount_is_refused():
    part = PaymentConfirmed("P1", yuan("29.99"), actual("a"))
    in_transit.when(post(PROJECT, part, "3-5")).refused(AmountMismatch, expected=yuan("30.00"))


def test_a_confirmation_to_another_payee_is_flagged_and_not_refused():
    other = PaymentConfirmed("P1", yuan("30.00"), actual("b"))
    in_transit.when(post(PROJECT, other, "3-5")).then(replace(other, payee_differs=True))
    namesake = replace(other, payee=replace(actual("a"), name="示例甲"))
    in_transit.when(post(PROJECT, namesake, "3-5")).then(replace(namesake, payee_differs=True))


def test_a_confirmed_payee_differs_if_its_code_differs_but_not_if_its_code_is_missing():
    plainly = PaymentConfirmed("P1", yuan("30.00"), actual("a"))
    in_transit.when(post(PROJECT, plainly, "3-5")).then(plainly)
    with_another = PaymentConfirmed("P1", yuan("30.00"), actual("a", uscc="9z"))
    in_transit.when(post(PROJECT, with_another, "3-5")).then(replace(with_another, payee_differs=True))


def test_a_sender_can_use_a_voucher_number_only_once_and_another_sender_can_use_it_too():
    voucher = Document("支付凭证号", "授权-000001", year=2019, item=1)
    first = approved.given(post(PROJECT, PaymentInstructed("P1"), "3-4", cites=(voucher,)))
    second = first.given(request("P2", "b", on="3-4"), *approvals("P2", "3-4"))
    second.when(post(PROJECT, PaymentInstructed("P2"), "3-4", cites=(voucher,))).refused(
        DocumentAlreadyUsed, kind="支付凭证号", number="2019/授权-000001/1", stream=PROJECT
    )
    typed_otherwise = replace(voucher, number=" 授权－０００００１")
    second.when(post(PROJECT, PaymentInstructed("P2"), "3-4", cites=(typed_otherwise,))).refused(DocumentAlreadyUsed)
    of_another = post(PROJECT, PaymentInstructed("P2"), "3-4", cites=(typed_otherwise,), source="/another")
    second.when(of_another).accepted()
    next_item = replace(voucher, item=2)
    second.when(post(PROJECT, PaymentInstructed("P2"), "3-4", cites=(next_item,))).accepted()


def test_the_money_of_a_payment_that_fails_at_the_bank_is_payable_again():
    in_transit.when(post(PROJECT, PaymentFailed("P1", "账户异常"), "3-5")).moves(("in_transit", "payable", "30.00"))
    confirmed.when(post(PROJECT, PaymentFailed("P1", "账户异常"), "3-6")).refused(PaymentStatusWrong)


def test_a_passive_return_is_whole_and_in_the_same_year_payable_again():
    part = PaymentReturned("P1", yuan("10.00"), passive=True, reason="退票")
    confirmed.when(post(PROJECT, part, "3-10")).refused(AmountMismatch, expected=yuan("30.00"))
    whole = PaymentReturned("P1", yuan("30.00"), passive=True, reason="退票")
    confirmed.when(post(PROJECT, whole, "3-10")).moves(("paid", "payable", "30.00"))
    back = confirmed.given(post(PROJECT, whole, "3-10"))
    assert not back.ledger.project("p").paid("P1")
    back.when(request("P2", on="3-11")).accepted()


def test_an_active_return_can_be_partial_but_not_above_the_paid_amount():
    part = PaymentReturned("P1", yuan("10.00"), passive=False, reason="退款")
    some = confirmed.given(post(PROJECT, part, "3-10"))
    assert status(some) is PaymentStatus.CONFIRMED
    assert some.ledger.project("p").accounts.fen(PAID, Place("p", 1, "L-a", "P1")).total == 2_000
    rest = PaymentReturned("P1", yuan("20.01"), passive=False, reason="退款")
    some.when(post(PROJECT, rest, "3-11")).refused(BalanceTooSmall, available=yuan("20.00"))


def test_a_return_in_a_later_year_is_recovered_by_the_fund():
    whole = PaymentReturned("P1", yuan("30.00"), passive=True, reason="退票")
    late = confirmed.when(post(PROJECT, whole, "2020-1-10"))
    late.then(whole, FundsReturned("p", yuan("30.00"), closes=False))
    late.moves(("paid", "recovered", "30.00"))
    fund = confirmed.given(post(PROJECT, whole, "2020-1-10")).ledger.fund("f")
    assert fund.accounts.balance(RECOVERED, Place("p", 1, "L-a")) == yuan("30.00")
    assert fund.allotted["p", 1] == yuan("30.00")


def test_a_return_for_an_ended_award_is_recovered_by_the_fund():
    ended = confirmed.given(post(PROJECT, AwardTerminated("L-a", "违约"), "3-10"))
    part = PaymentReturned("P1", yuan("10.00"), passive=False, reason="退款")
    late = ended.when(post(PROJECT, part, "3-11"))
    late.then(part, FundsReturned("p", yuan("10.00"), closes=False))
    late.moves(("paid", "recovered", "10.00"))


def test_a_return_to_a_closed_project_is_recovered_and_a_request_there_is_refused():
    closed = wholly_paid().given(post(PROJECT, ProjectClosed(), "8-1"))
    fact = PaymentReturned("P1", yuan("30.00"), passive=True, reason="退票")
    closed.when(post(PROJECT, fact, "8-2")).moves(("paid", "recovered", "30.00"))
    closed.when(request("P9", on="8-2")).refused(ProjectIsClosed)


every_step = pytest.mark.parametrize(
    ("before", "fact"),
    [
        (requested, PaymentApproved("P1", "审核")),
        (requested, PaymentRejected("P1", "理由")),
        (requested, PaymentCancelled("P1", "作废")),
        (approved, PaymentInstructed("P1")),
        (in_transit, PaymentConfirmed("P1", yuan("30.00"), actual("a"))),
        (in_transit, PaymentFailed("P1", "账户异常")),
        (confirmed, PaymentReturned("P1", yuan("30.00"), passive=True, reason="退票")),
    ],
    ids=lambda each: type(each).__name__,
)


@every_step
def test_a_payment_step_cannot_be_dated_before_the_previous_step(before, fact):
    before.when(post(PROJECT, fact, "3-1", booked="3-5")).refused(BeforeItsCause, cause=f"payment {status(before)}")


@every_step
def test_a_payment_step_needs_a_known_payment_in_the_right_status(before, fact):
    before.when(post(PROJECT, replace(fact, payment="P9"), "3-5")).refused(UnknownName, kind="payment")
    ended = requested.given(post(PROJECT, PaymentCancelled("P1", "作废"), "3-2"))
    ended.when(post(PROJECT, fact, "3-5")).refused(PaymentStatusWrong, status="cancelled")
