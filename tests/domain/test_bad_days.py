"""Days on which something goes wrong, each told from the beginning to the way out."""

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
from tests.domain.lives import (
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
    called,
    closed_months,
    decided,
    held,
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
from tests.domain.scenario import Scenario, day, post


def returned(payment: str = "P1", amount: str = "30.00") -> PaymentReturned:
    return PaymentReturned(payment, yuan(amount), passive=True, reason="账号有误")


def test_a_payment_comes_back_in_its_year_and_is_paid_again():
    back = awarded().given(*paid(), post(PROJECT, returned(), "3-20"))
    assert held(back) == {"payable": "60.00", "committed": "40.00"}
    again = back.given(*paid("P2", month="4"))
    assert held(again) == {"payable": "30.00", "committed": "40.00", "paid": "30.00"}


def test_a_payment_comes_back_in_a_later_year_and_is_reinstated_allotted_and_paid_again():
    back = only_a_awarded().given(*paid(month="12"), post(PROJECT, returned(), "2020-1-10"))
    assert held(back, FUND) == {"recovered": "30.00"}
    back.when(request("P2", on="2020-1-11")).refused(BalanceTooSmall)
    again = back.given(
        post(FUND, FundsReinstated("p", "L-a", 1, yuan("30.00")), "2020-2-1"),
        post(FUND, FundsAllotted("p", 1, yuan("30.00")), "2020-2-2"),
        post(PROJECT, AwardAmended("L-a", 1, increase=True, amount=yuan("30.00"), reason="退票重拨"), "2020-2-3"),
        *paid("P2", month="2020-3"),
    )
    assert held(again) == {"line": "50.00", "committed": "20.00", "paid": "30.00"}
    assert held(again, FUND) == {}


def test_a_payment_comes_back_of_an_award_that_ended_and_is_the_fund_s():
    ended = awarded().given(*paid(), post(PROJECT, AwardTerminated("L-a", "违约"), "4-1"))
    back = ended.given(post(PROJECT, returned(), "4-2"))
    assert held(back) == {"line": "20.00", "payable": "30.00", "committed": "20.00"}
    assert held(back, FUND) == {"recovered": "30.00"}


def test_an_objection_is_upheld_and_the_next_in_rank_is_awarded_instead():
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
    assert held(instead) == {"payable": "60.00", "committed": "40.00"}


def test_acceptance_fails_and_is_passed_at_the_second_try():
    first = awarded().given(
        *paid(),
        post(PROJECT, AcceptanceRequested("L-a"), "6-1"),
        post(PROJECT, AcceptanceFailed("L-a", "专利申请量不足"), "6-10"),
        post(PROJECT, RectificationOrdered("L-a", day("8-31")), "6-12"),
    )
    assert held(first)["committed"] == "40.00"
    second = first.given(*accepted(month="8"), *paid("P2", "a", 2, "20.00", "9"))
    assert held(second) == {"paid": "50.00", "payable": "30.00", "committed": "20.00"}


def test_an_awardee_declines_and_the_substitute_gets_all_of_the_fixed_total():
    only = decided(Scenario().given(*allotted(line(awards=1, fixed=True)), *noticed()), row("a", "60.00", "40.00"))
    declined = only.given(post(PROJECT, AwardDeclined("L-a", "企业迁出"), "3-5"), *shown("b", month="4"))
    substitute = decided(declined, row("b", "60.00", "40.00", score=89), on="4-22")
    assert held(substitute) == {"payable": "60.00", "committed": "40.00"}
    substitute.when(substitute.reversing(AwardDeclined, "4-23")).refused(MovedOn)


def test_an_award_is_revoked_and_its_money_goes_back_to_the_fund_with_the_project():
    revoked = only_a_awarded().given(post(PROJECT, AwardRevoked("L-a", "申报材料造假"), "3-5"))
    assert held(revoked) == {"line": "100.00"}
    closed = revoked.given(post(PROJECT, ProjectClosed(), "3-6"))
    assert held(closed) == {}
    assert held(closed, FUND) == {"pool": "100.00"}


def test_an_award_is_terminated_part_is_recovered_the_rest_waived_and_the_fund_ends_empty():
    ended = only_a_awarded().given(
        *paid(),
        post(PROJECT, AwardTerminated("L-a", "资金挪用"), "5-1"),
        post(PROJECT, RecoveryOrdered("R1", "P1", yuan("30.00"), day("6-30"), "资金挪用"), "5-2"),
        post(PROJECT, RecoveryReceived("R1", yuan("18.00")), "6-1"),
    )
    ended.when(post(PROJECT, ProjectClosed(), "7-1")).refused(RecoveryOutstanding, amount=yuan("12.00"))
    over = ended.given(
        post(PROJECT, RecoveryWaived("R1", yuan("12.00"), "企业破产"), "7-1", **ANOTHER),
        post(PROJECT, ProjectClosed(), "7-2"),
    )
    assert held(over, FUND) == {"recovered": "18.00", "pool": "70.00"}
    slip, paper = ("缴款书",), ("收回指标文",)
    empty = over.given(
        post(FUND, SurplusSurrendered(RECOVERED, yuan("18.00"), "p", "L-a", 1), "7-3", cites=slip),
        post(FUND, SurplusSurrendered(POOL, yuan("70.00")), "7-3", cites=paper),
        post(FUND, FundClosed(), "7-4"),
    )
    assert held(empty, FUND) == {"surrendered": "88.00"}
    assert held(empty) == {"paid": "12.00"}


def test_a_call_fails_and_the_second_round_finds_somebody():
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
    assert held(awarded_then) == {"payable": "60.00", "committed": "40.00"}


def test_money_is_reallocated_from_a_project_that_needs_less_to_one_that_needs_more():
    moved = two_projects().given(post(FUND, FundsReallocated("p", 1, "q", 1, yuan("10.00")), "1-7"))
    assert (held(moved), held(moved, OTHER_PROJECT)) == ({"line": "90.00"}, {"line": "110.00"})
    moved.when(post(FUND, FundsAllotted("p", 1, yuan("10.00")), "1-8")).refused(
        AllotmentExceedsPlan, planned=yuan("50.00")
    )
    closed = moved.given(post(PROJECT, ProjectClosed(), "1-8"), post(OTHER_PROJECT, ProjectClosed(), "1-8"))
    assert held(closed, FUND) == {"pool": "200.00"}


def test_the_plan_is_revised_when_more_money_comes_and_a_line_is_given_up():
    richer = two_projects().given(
        post(OTHER_PROJECT, ProjectClosed(), "1-7"),
        post(FUND, AppropriationReceived(yuan("20.00"), 2019), "1-8"),
    )
    again = richer.given(
        post(FUND, revised(line(amounts=("140.00", "80.00"))), "1-9"),
        post(FUND, FundsAllotted("p", 1, yuan("80.00")), "1-10"),
        post(FUND, FundsAllotted("p", 2, yuan("40.00")), "1-10"),
    )
    assert held(again) == {"line": "220.00"}
    assert held(again, FUND) == {}


def test_the_wrong_payment_is_confirmed_reversed_and_confirmed_right():
    slip = (Document("流水号", "B-20190305-7"),)
    wrong = awarded().given(
        *instructed(),
        *instructed("P2", "b"),
        post(PROJECT, PaymentConfirmed("P1", yuan("30.00"), actual("b")), "3-5", cites=slip),
    )
    [event] = [e for e in wrong.ledger.entries.values() if isinstance(e.fact, PaymentConfirmed)]
    assert event.fact.payee_differs
    put_right = wrong.given(wrong.reversing(PaymentConfirmed, "3-6")).given(
        post(PROJECT, PaymentConfirmed("P2", yuan("30.00"), actual("b")), "3-6", cites=slip),
        post(PROJECT, PaymentConfirmed("P1", yuan("30.00"), actual("a")), "3-7"),
    )
    assert held(put_right) == {"paid": "60.00", "committed": "40.00"}


def test_an_allotment_typed_too_large_is_reversed_in_part():
    typed = two_projects().given(post(FUND, AllotmentWithdrawn("p", 1, yuan("60.00")), "1-7"))
    typed = typed.given(post(FUND, FundsAllotted("p", 1, yuan("50.00")), "1-8"))
    right = typed.given(typed.reversing(FundsAllotted, "1-9", yuan("45.00")))
    assert held(right) == {"line": "45.00"}
    assert held(right, FUND) == {"pool": "55.00"}


def test_a_year_is_closed_and_what_is_learnt_late_is_booked_in_the_next():
    closed = awarded().given(*instructed(month="12"), *closed_months(1, 12))
    late = post(PROJECT, PaymentConfirmed("P1", yuan("30.00"), actual()), "12-31")
    [event] = closed.when(late).events()
    assert (event.header.occurred_on, event.booked_on) == (date(2019, 12, 31), date(2020, 1, 1))
    back = closed.given(late).when(post(PROJECT, returned(), "2020-1-10"))
    back.moves(("paid", "payable", "30.00"))


def test_the_payee_changes_its_account_and_two_people_answer_for_it():
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


def test_a_call_fails_while_its_notice_runs_and_the_next_one_can_be_published():
    failed = Scenario().given(
        *allotted(line(awards=1)),
        *reviewed(),
        post(PROJECT, notice("2-16", "2-20", "a"), "2-16"),
        post(PROJECT, CallFailed(1, "申报单位均退出"), "2-17"),
    )
    failed.when(post(PROJECT, CallPublished(2, day("3-1"), day("3-10")), "2-28")).counts()


def test_an_award_of_a_line_that_a_revision_dropped_can_still_be_ended():
    back = awarded_alone_and_recovered()
    dropped = back.given(post(FUND, revised(line("q", 2, amounts=("40.00", "20.00"))), "9-10"))
    ended = dropped.given(post(PROJECT, AwardTerminated("L-a", "项目取消"), "9-11"))
    ended.when(post(PROJECT, ProjectClosed(), "9-12")).counts()


def awarded_alone_and_recovered() -> Scenario:
    """All of the line's money has come back to the fund, and the award is live."""
    return only_a_awarded(line(amounts=("30.00", "20.00"))).given(
        *paid(),
        post(PROJECT, RecoveryOrdered("R1", "P1", yuan("30.00"), day("9-1"), "项目取消"), "4-1"),
        post(PROJECT, RecoveryReceived("R1", yuan("30.00")), "4-2"),
        post(PROJECT, AwardAmended("L-a", 2, increase=False, amount=yuan("20.00"), reason="项目取消"), "4-3"),
        post(FUND, AllotmentWithdrawn("p", 2, yuan("20.00")), "4-4"),
    )


def test_what_was_waived_is_not_asked_back_twice():
    twice = awarded().given(
        *paid(),
        post(PROJECT, RecoveryOrdered("R1", "P1", yuan("30.00"), day("9-1"), "违规"), "4-1"),
        post(PROJECT, RecoveryWaived("R1", yuan("30.00"), "企业破产"), "4-2", **ANOTHER),
        post(PROJECT, RecoveryOrdered("R2", "P1", yuan("20.00"), day("9-1"), "复核"), "4-3"),
    )
    twice.when(twice.reversing(RecoveryWaived, "4-4")).refused(MoreThanPaid, left=yuan("10.00"), amount=yuan("30.00"))


def test_a_waiver_of_the_limit_of_tries_allows_one_more():
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
    waived.when(again).counts()
    tried(waived, 6).when(post(PROJECT, AcceptanceRequested("L-a"), "7-1")).refused(NoTriesLeft, failed=3, allowed=3)
