"""Incidents, such as a returned payment or an upheld objection, each from its beginning to its resolution."""

from datetime import date

from msgspec.structs import replace

from domain.documents import Document
from domain.fund.funding import (
    AllotmentWithdrawn,
    AppropriationReceived,
    FundsAllotted,
    FundsReallocated,
    FundsReinstated,
    SurplusSurrendered,
)
from domain.fund.lifecycle import FundClosed
from domain.posting import POOL, RECOVERED
from domain.project.acceptance import AcceptanceFailed, AcceptanceRequested, RectificationOrdered
from domain.project.amendment import AwardAmended, AwardDeclined, AwardRevoked, AwardTerminated, PayeeChanged
from domain.project.call import (
    Applicant,
    ApplicationReceived,
    ApplicationScreened,
    CallClosed,
    CallFailed,
    CallPublished,
)
from domain.project.lifecycle import ProjectClosed
from domain.project.payment import PaymentCancelled, PaymentConfirmed, PaymentInstructed, PaymentReturned
from domain.project.recovery import RecoveryOrdered, RecoveryReceived, RecoveryWaived
from domain.project.selection import NoticeCompleted, ObjectionReceived, ObjectionResolved
from domain.project.waiver import WaiverGranted
from domain.rules.acceptance import NoTriesLeft
from domain.rules.award import AwardInFlight
from domain.rules.call import NotStanding
from domain.rules.every_post import BalanceTooSmall
from domain.rules.fund import AllotmentExceedsPlan
from domain.rules.payment import PayeeMismatch
from domain.rules.recovery import MoreThanPaid, RecoveryOutstanding
from domain.rules.reversal import MovedOn
from domain.rules.waiver import SamePerson
from domain.state.entities import BankAccount
from tests.lives import (
    ANOTHER,
    FUND,
    OTHER_PROJECT,
    PROJECT,
    accepted,
    actual,
    allotted,
    approvals,
    award_list,
    awarded,
    balances,
    called,
    closed_months,
    decided,
    instructed,
    line,
    notice,
    noticed,
    only_a_awarded,
    paid,
    payee,
    request,
    review,
    reviewed,
    revised,
    row,
    shown,
    two_projects,
    yuan,
)
from tests.scenario import Scenario, day, post


def returned(payment: str = "P1", amount: str = "30.00") -> PaymentReturned:
    return PaymentReturned(payment, yuan(amount), passive=True, reason="账号有误")


def test_a_payment_returned_in_the_same_year_can_be_paid_again():
    back = awarded().given(*paid(), post(PROJECT, returned(), "3-20"))
    assert balances(back) == {"payable": "60.00", "committed": "40.00"}
    again = back.given(*paid("P2", month="4"))
    assert balances(again) == {"payable": "30.00", "committed": "40.00", "paid": "30.00"}


def test_a_payment_returned_in_a_later_year_is_reinstated_allotted_and_paid_again():
    back = only_a_awarded().given(*paid(month="12"), post(PROJECT, returned(), "2020-1-10"))
    assert balances(back, FUND) == {"recovered": "30.00"}
    back.when(request("P2", on="2020-1-11")).refused(BalanceTooSmall)
    again = back.given(
        post(FUND, FundsReinstated("p", "L-a", 1, yuan("30.00")), "2020-2-1"),
        post(FUND, FundsAllotted("p", 1, yuan("30.00")), "2020-2-2"),
        post(PROJECT, AwardAmended("L-a", 1, increase=True, amount=yuan("30.00"), reason="退票重拨"), "2020-2-3"),
        *paid("P2", month="2020-3"),
    )
    assert balances(again) == {"line": "50.00", "committed": "20.00", "paid": "30.00"}
    assert balances(again, FUND) == {}


def test_a_payment_returned_for_an_ended_award_is_recovered_by_the_fund():
    ended = awarded().given(*paid(), post(PROJECT, AwardTerminated("L-a", "违约"), "4-1"))
    back = ended.given(post(PROJECT, returned(), "4-2"))
    assert balances(back) == {"line": "20.00", "payable": "30.00", "committed": "20.00"}
    assert balances(back, FUND) == {"recovered": "30.00"}


def test_after_an_upheld_objection_the_next_in_rank_is_awarded_instead():
    objected = Scenario().given(
        *allotted(line(awards=1)),
        *reviewed("a", "b", "c"),
        post(PROJECT, notice("2-16", "2-20", "a"), "2-16"),
        post(PROJECT, ObjectionReceived("Y1", "知识产权权属有争议", "A-a"), "2-19"),
        post(PROJECT, ObjectionResolved("Y1", upheld=True, reason="查证属实"), "2-25"),
        post(PROJECT, NoticeCompleted(), "2-26"),
    )
    objected.when(post(PROJECT, award_list(objected, row("a", "60.00", "40.00")), "3-1")).refused(NotStanding)
    shown_b = objected.given(*shown("b", month="3"))
    instead = decided(shown_b, row("b", "60.00", "40.00", score=89), on="3-25")
    assert balances(instead) == {"payable": "60.00", "committed": "40.00"}


def test_acceptance_can_pass_at_the_second_try():
    first = awarded().given(
        *paid(),
        post(PROJECT, AcceptanceRequested("L-a"), "6-1"),
        post(PROJECT, AcceptanceFailed("L-a", "专利申请量不足"), "6-10"),
        post(PROJECT, RectificationOrdered("L-a", day("8-31")), "6-12"),
    )
    assert balances(first)["committed"] == "40.00"
    second = first.given(*accepted(month="8"), *paid("P2", "a", 2, "20.00", "9"))
    assert balances(second) == {"paid": "50.00", "payable": "30.00", "committed": "20.00"}


def test_a_substitute_gets_the_whole_fixed_total_of_a_declined_award():
    only = decided(Scenario().given(*allotted(line(awards=1, fixed=True)), *noticed()), row("a", "60.00", "40.00"))
    declined = only.given(post(PROJECT, AwardDeclined("L-a", "企业迁出"), "3-5"), *shown("b", month="4"))
    substitute = decided(declined, row("b", "60.00", "40.00", score=89), on="4-22")
    assert balances(substitute) == {"payable": "60.00", "committed": "40.00"}
    substitute.when(substitute.reversing(AwardDeclined, "4-23")).refused(MovedOn)


def test_the_money_of_a_revoked_award_returns_to_the_fund_when_the_project_closes():
    revoked = only_a_awarded().given(post(PROJECT, AwardRevoked("L-a", "申报材料造假"), "3-5"))
    assert balances(revoked) == {"line": "100.00"}
    closed = revoked.given(post(PROJECT, ProjectClosed(), "3-6"))
    assert balances(closed) == {}
    assert balances(closed, FUND) == {"pool": "100.00"}


def test_a_fund_closes_empty_after_a_terminated_award_is_partly_recovered_and_partly_waived():
    ended = only_a_awarded().given(
        *paid(),
        post(PROJECT, AwardTerminated("L-a", "资金挪用"), "5-1"),
        post(PROJECT, RecoveryOrdered("R1", "P1", yuan("30.00"), day("6-30"), "资金挪用"), "5-2"),
        post(PROJECT, RecoveryReceived("R1", yuan("18.00")), "6-1"),
    )
    ended.when(post(PROJECT, ProjectClosed(), "7-1")).refused(RecoveryOutstanding, amount=yuan("12.00"))
    closed = ended.given(
        post(PROJECT, RecoveryWaived("R1", yuan("12.00"), "企业破产"), "7-1", **ANOTHER),
        post(PROJECT, ProjectClosed(), "7-2"),
    )
    assert balances(closed, FUND) == {"recovered": "18.00", "pool": "70.00"}
    slip, paper = ("缴款书",), ("收回指标文",)
    empty = closed.given(
        post(FUND, SurplusSurrendered(RECOVERED, yuan("18.00"), "p", "L-a", 1), "7-3", cites=slip),
        post(FUND, SurplusSurrendered(POOL, yuan("70.00")), "7-3", cites=paper),
        post(FUND, FundClosed(), "7-4"),
    )
    assert balances(empty, FUND) == {"surrendered": "88.00"}
    assert balances(empty) == {"paid": "12.00"}


def test_after_a_failed_call_a_second_round_can_make_an_award():
    failed = Scenario().given(
        *allotted(line(awards=1)),
        *called("a"),
        post(PROJECT, CallClosed(1), "2-11"),
        post(PROJECT, ApplicationScreened("A-a", passed=False, reason="材料不全"), "2-12"),
        post(PROJECT, CallFailed(1, "无合格申报"), "2-13"),
    )
    second = failed.given(
        post(PROJECT, CallPublished(2, day("3-1"), day("3-10")), "2-28"),
        post(PROJECT, ApplicationReceived("A-b", Applicant("示例b", "9b")), "3-5"),
        post(PROJECT, CallClosed(2), "3-11"),
        post(PROJECT, ApplicationScreened("A-b", passed=True), "3-12"),
        post(PROJECT, review(b=80), "3-13"),
        *shown("b", month="3"),
    )
    awarded_then = decided(second, row("b", "60.00", "40.00", score=80), on="3-25")
    assert balances(awarded_then) == {"payable": "60.00", "committed": "40.00"}


def test_reallocated_money_moves_from_one_project_to_another():
    moved = two_projects().given(post(FUND, FundsReallocated("p", 1, "q", 1, yuan("10.00")), "1-7"))
    assert (balances(moved), balances(moved, OTHER_PROJECT)) == ({"line": "90.00"}, {"line": "110.00"})
    moved.when(post(FUND, FundsAllotted("p", 1, yuan("10.00")), "1-8")).refused(
        AllotmentExceedsPlan, planned=yuan("50.00")
    )
    closed = moved.given(post(PROJECT, ProjectClosed(), "1-8"), post(OTHER_PROJECT, ProjectClosed(), "1-8"))
    assert balances(closed, FUND) == {"pool": "200.00"}


def test_a_revised_plan_can_use_new_money_and_the_money_of_a_dropped_line():
    richer = two_projects().given(
        post(OTHER_PROJECT, ProjectClosed(), "1-7"),
        post(FUND, AppropriationReceived(yuan("20.00"), 2019), "1-8"),
    )
    again = richer.given(
        post(FUND, revised(line(amounts=("140.00", "80.00"))), "1-9"),
        post(FUND, FundsAllotted("p", 1, yuan("80.00")), "1-10"),
        post(FUND, FundsAllotted("p", 2, yuan("40.00")), "1-10"),
    )
    assert balances(again) == {"line": "220.00"}
    assert balances(again, FUND) == {}


def test_a_confirmation_of_the_wrong_payment_is_reversed_and_posted_again():
    slip = (Document("流水号", "B-20190305-7"),)
    wrong = awarded().given(
        *instructed(),
        *instructed("P2", "b"),
        post(PROJECT, PaymentConfirmed("P1", yuan("30.00"), actual("b")), "3-5", cites=slip),
    )
    [event] = [e for e in wrong.ledger.entries.values() if isinstance(e.fact, PaymentConfirmed)]
    assert isinstance(event.fact, PaymentConfirmed)
    assert event.fact.payee_differs
    put_right = wrong.given(wrong.reversing(PaymentConfirmed, "3-6")).given(
        post(PROJECT, PaymentConfirmed("P2", yuan("30.00"), actual("b")), "3-6", cites=slip),
        post(PROJECT, PaymentConfirmed("P1", yuan("30.00"), actual("a")), "3-7"),
    )
    assert balances(put_right) == {"paid": "60.00", "committed": "40.00"}


def test_an_allotment_that_was_too_large_is_reversed_in_part():
    typed = two_projects().given(post(FUND, AllotmentWithdrawn("p", 1, yuan("60.00")), "1-7"))
    typed = typed.given(post(FUND, FundsAllotted("p", 1, yuan("50.00")), "1-8"))
    right = typed.given(typed.reversing(FundsAllotted, "1-9", yuan("45.00")))
    assert balances(right) == {"line": "45.00"}
    assert balances(right, FUND) == {"pool": "55.00"}


def test_a_late_fact_of_a_closed_year_is_booked_in_the_next_year():
    closed = awarded().given(*instructed(month="12"), *closed_months(1, 12))
    late = post(PROJECT, PaymentConfirmed("P1", yuan("30.00"), actual()), "12-31")
    [event] = closed.when(late).events()
    assert (event.header.occurred_on, event.booked_on) == (date(2019, 12, 31), date(2020, 1, 1))
    back = closed.given(late).when(post(PROJECT, returned(), "2020-1-10"))
    back.moves(("paid", "payable", "30.00"))


def test_a_change_of_the_payee_account_needs_two_people_and_no_payment_in_flight():
    new = replace(payee("a"), account=BankAccount("8888", "digest-new"))
    requested = awarded().given(request())
    changing = PayeeChanged("L-a", payee("a"), new, approver="分管领导")
    requested.when(post(PROJECT, changing, "3-3")).refused(AwardInFlight)
    cancelled = requested.given(post(PROJECT, PaymentCancelled("P1", "账户已注销"), "3-3"))
    alone = replace(changing, approver="经办人")
    cancelled.when(post(PROJECT, alone, "3-3")).refused(SamePerson, who="经办人")
    changed = cancelled.given(post(PROJECT, changing, "3-3"))
    changed.when(request("P2", on="3-4")).refused(PayeeMismatch)
    to_new = replace(request("P2", on="3-4").fact, payee=new)
    paid_then = changed.given(
        post(PROJECT, to_new, "3-4", actor="申请人", key="treasury"),
        *approvals("P2", "3-5"),
        post(PROJECT, PaymentInstructed("P2"), "3-6"),
    )
    to_old = PaymentConfirmed("P2", yuan("30.00"), actual("a"))
    paid_then.when(post(PROJECT, to_old, "3-7")).then(replace(to_old, payee_differs=True))


def test_a_call_can_fail_during_its_notice_and_a_next_call_can_be_published():
    failed = Scenario().given(
        *allotted(line(awards=1)),
        *reviewed(),
        post(PROJECT, notice("2-16", "2-20", "a"), "2-16"),
        post(PROJECT, CallFailed(1, "申报单位均退出"), "2-17"),
    )
    failed.when(post(PROJECT, CallPublished(2, day("3-1"), day("3-10")), "2-28")).accepted()


def test_an_award_of_a_line_that_a_revision_dropped_can_still_be_ended():
    back = live_award_without_money()
    dropped = back.given(post(FUND, revised(line("q", 2, amounts=("40.00", "20.00"))), "9-10"))
    ended = dropped.given(post(PROJECT, AwardTerminated("L-a", "项目取消"), "9-11"))
    ended.when(post(PROJECT, ProjectClosed(), "9-12")).accepted()


def live_award_without_money() -> Scenario:
    """The scenario with a live award that has no money, because all money of the line has returned to the fund."""
    return only_a_awarded(line(amounts=("30.00", "20.00"))).given(
        *paid(),
        post(PROJECT, RecoveryOrdered("R1", "P1", yuan("30.00"), day("9-1"), "项目取消"), "4-1"),
        post(PROJECT, RecoveryReceived("R1", yuan("30.00")), "4-2"),
        post(PROJECT, AwardAmended("L-a", 2, increase=False, amount=yuan("20.00"), reason="项目取消"), "4-3"),
        post(FUND, AllotmentWithdrawn("p", 2, yuan("20.00")), "4-4"),
    )


def test_a_recovery_waiver_cannot_be_reversed_if_its_money_was_ordered_back_again():
    twice = awarded().given(
        *paid(),
        post(PROJECT, RecoveryOrdered("R1", "P1", yuan("30.00"), day("9-1"), "违规"), "4-1"),
        post(PROJECT, RecoveryWaived("R1", yuan("30.00"), "企业破产"), "4-2", **ANOTHER),
        post(PROJECT, RecoveryOrdered("R2", "P1", yuan("20.00"), day("9-1"), "复核"), "4-3"),
    )
    twice.when(twice.reversing(RecoveryWaived, "4-4")).refused(MoreThanPaid, left=yuan("10.00"), amount=yuan("30.00"))


def test_a_waiver_of_the_limit_of_tries_allows_one_more_try():
    def tried(scenario: Scenario, month: int) -> Scenario:
        return scenario.given(
            post(PROJECT, AcceptanceRequested("L-a"), f"{month}-1"),
            post(PROJECT, AcceptanceFailed("L-a", "未达标"), f"{month}-2"),
            post(PROJECT, RectificationOrdered("L-a", day(f"{month + 1}-1")), f"{month}-3"),
        )

    twice = tried(tried(awarded().given(*paid()), 4), 5)
    again = post(PROJECT, AcceptanceRequested("L-a"), "6-1")
    twice.when(again).refused(NoTriesLeft, failed=2, allowed=2)
    waived = twice.given(post(PROJECT, WaiverGranted("NoTriesLeft", "批准", "L-a"), "5-4", **ANOTHER))
    waived.when(again).accepted()
    tried(waived, 6).when(post(PROJECT, AcceptanceRequested("L-a"), "7-1")).refused(NoTriesLeft, failed=3, allowed=3)
