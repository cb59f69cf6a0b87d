import pytest
from msgspec.structs import replace

from domain.fund.lifecycle import SettingsChanged
from domain.posting import COMMITTED, LINE, PAYABLE, Place
from domain.project.acceptance import AcceptanceFailed, AcceptanceRequested, RectificationOrdered
from domain.project.amendment import (
    AgreementSigned,
    AwardAmended,
    AwardDeclined,
    AwardRevoked,
    AwardTerminated,
    ExtensionGranted,
    PayeeChanged,
)
from domain.project.payment import PaymentReturned
from domain.rules.award import (
    AwardEnded,
    AwardInFlight,
    AwardPaid,
    EndMovedWithoutExtension,
    ExtensionTooLong,
    NothingToExtend,
)
from domain.rules.call import DeadlineNotLater, InvalidCode
from domain.rules.every_post import BalanceTooSmall, BeforeItsCause, UnknownName, WindowEmpty
from domain.rules.fund import BatchNotInPlan
from domain.rules.payment import PayeeMismatch, PayeeUnchanged
from domain.rules.waiver import SamePerson
from domain.state.entities import AwardStatus, BankAccount
from domain.state.fund import Gate
from tests.lives import (
    FUND,
    PROJECT,
    SETTINGS,
    accepted,
    approvals,
    awarded,
    balances,
    instructed,
    line,
    only_a_awarded,
    paid,
    payee,
    request,
    yuan,
)
from tests.scenario import day, post

decided = awarded()
one = only_a_awarded()
signed = AgreementSigned("L-a", day("3-5"), day("2020-3-5"))
agreed = decided.given(post(PROJECT, signed, "3-5"))
confirmed = decided.given(*paid())
new_account = replace(payee("a"), account=BankAccount("9999", "digest-new"))
changed = PayeeChanged("L-a", payee("a"), new_account, approver="分管领导")


def amended(amount: str, batch: int = 1, *, increase: bool = True, award: str = "a"):
    return AwardAmended(f"L-{award}", batch, increase, yuan(amount), "核减" if not increase else "追加")


ENDINGS = (AwardDeclined("L-a", "放弃"), AwardRevoked("L-a", "弄虚作假"), AwardTerminated("L-a", "违约"))
ANY = (signed, ExtensionGranted("L-a", ends_on=day("2021-1-1")), amended("1.00"), changed, *ENDINGS)
each_of_any = pytest.mark.parametrize("fact", ANY, ids=lambda fact: type(fact).__name__)
each_ending = pytest.mark.parametrize("fact", ENDINGS, ids=lambda fact: type(fact).__name__)


@each_of_any
def test_a_change_needs_a_live_award_and_is_not_dated_before_it(fact):
    decided.when(post(PROJECT, replace(fact, award="L-z"), "3-6")).refused(UnknownName, kind="award", name="L-z")
    ended = decided.given(post(PROJECT, ENDINGS[1], "3-2"))
    ended.when(post(PROJECT, fact, "3-6")).refused(AwardEnded, award="L-a", status="revoked")
    decided.when(post(PROJECT, fact, "2-28", booked="3-6")).refused(BeforeItsCause, cause="AwardListDecided")


# Agreement and extension -----------------------------------------------------


def test_an_agreement_opens_its_gate():
    gates = (Gate.AGREEMENT, Gate.ACCEPTANCE)
    decided = awarded(line(gates=gates))
    place = Place("p", 1, "L-a")
    assert decided.ledger.project("p").accounts.balance(COMMITTED, place) == yuan("30.00")
    decided.when(post(PROJECT, signed, "3-5")).moves(("committed", "payable", "30.00"))
    after = decided.given(post(PROJECT, signed, "3-5")).ledger.project("p").accounts
    assert after.balance(PAYABLE, place) == yuan("30.00")
    assert after.balance(COMMITTED, Place("p", 2, "L-a")) == yuan("20.00")


def test_an_agreement_that_opens_no_gate_moves_no_money():
    awarded().when(post(PROJECT, signed, "3-5")).moves()


def test_an_agreement_that_ends_before_it_starts_is_refused():
    decided.when(post(PROJECT, AgreementSigned("L-a", day("3-5"), day("3-4")), "3-5")).refused(WindowEmpty)


def test_an_agreement_can_last_one_day():
    decided.when(post(PROJECT, AgreementSigned("L-a", day("3-5"), day("3-5")), "3-5")).accepted()


def test_an_agreement_is_extended_to_a_later_day():
    agreed.when(post(PROJECT, ExtensionGranted("L-a", ends_on=day("2020-6-1")), "4-1")).accepted()
    same = ExtensionGranted("L-a", ends_on=day("2020-3-5"))
    agreed.when(post(PROJECT, same, "4-1")).refused(
        DeadlineNotLater, what="AgreementSigned", last_day=day("2020-3-5"), asked=day("2020-3-5")
    )
    longer = agreed.given(post(PROJECT, ExtensionGranted("L-a", ends_on=day("2020-6-1")), "4-1"))
    assert longer.ledger.project("p").award("L-a").ends_on == day("2020-6-1")


def test_a_rectification_is_extended_to_a_later_day():
    failed = confirmed.given(
        post(PROJECT, AcceptanceRequested("L-a"), "6-1"),
        post(PROJECT, AcceptanceFailed("L-a", "未达标"), "6-2"),
        post(PROJECT, RectificationOrdered("L-a", day("6-30")), "6-3"),
    )
    failed.when(post(PROJECT, ExtensionGranted("L-a", due_on=day("6-30")), "6-20")).refused(
        DeadlineNotLater, what="RectificationOrdered", last_day=day("6-30")
    )
    failed.when(post(PROJECT, ExtensionGranted("L-a", ends_on=day("2021-1-1")), "6-20")).refused(NothingToExtend)
    longer = failed.given(post(PROJECT, ExtensionGranted("L-a", due_on=day("7-31")), "6-20"))
    longer.when(post(PROJECT, AcceptanceRequested("L-a"), "7-31")).accepted()


def test_extending_one_of_two_deadlines_keeps_the_other():
    both = agreed.given(
        *paid(),
        post(PROJECT, AcceptanceRequested("L-a"), "6-1"),
        post(PROJECT, AcceptanceFailed("L-a", "未达标"), "6-2"),
        post(PROJECT, RectificationOrdered("L-a", day("6-30")), "6-3"),
    )
    for changes, kept in (({"ends_on": day("2021-1-1")}, "checks"), ({"due_on": day("7-31")}, "ends_on")):
        after = both.given(post(PROJECT, ExtensionGranted("L-a", **changes), "6-20"))
        old, new = (scenario.ledger.project("p").award("L-a") for scenario in (both, after))
        assert getattr(new, kept) == getattr(old, kept)
        assert new != old


@pytest.mark.parametrize("deadline", [{}, {"ends_on": "2021-1-1"}, {"due_on": "2021-1-1"}])
def test_an_extension_of_a_deadline_that_does_not_exist_is_refused(deadline):
    deadline = {name: day(text) for name, text in deadline.items()}
    decided.when(post(PROJECT, ExtensionGranted("L-a", **deadline), "3-6")).refused(NothingToExtend, award="L-a")


# Amendment -------------------------------------------------------------------


def test_an_increase_moves_money_from_the_line_to_the_account_behind_the_gate():
    one.when(post(PROJECT, amended("30.00"), "3-6")).moves(("line", "payable", "30.00"))
    one.when(post(PROJECT, amended("20.00", 2), "3-6")).moves(("line", "committed", "20.00"))
    through = one.given(*paid(), *accepted())
    through.when(post(PROJECT, amended("20.00", 2), "6-20")).moves(("line", "payable", "20.00"))


def test_a_reduction_returns_only_money_that_is_not_requested_yet():
    one.when(post(PROJECT, amended("30.00", increase=False), "3-6")).moves(("payable", "line", "30.00"))
    one.when(post(PROJECT, amended("5.00", 2, increase=False), "3-6")).moves(("committed", "line", "5.00"))
    one.given(request()).when(post(PROJECT, amended("0.01", increase=False), "3-6")).refused(
        BalanceTooSmall, account=PAYABLE, available=yuan("0.00"), amount=yuan("0.01")
    )


def test_an_amendment_above_the_balance_of_its_source_is_refused():
    one.when(post(PROJECT, amended("30.01"), "3-6")).refused(BalanceTooSmall, account=LINE, available=yuan("30.00"))
    one.when(post(PROJECT, amended("20.01", 2, increase=False), "3-6")).refused(
        BalanceTooSmall, account=COMMITTED, available=yuan("20.00")
    )
    one.when(post(PROJECT, amended("1.00", 3), "3-6")).refused(BatchNotInPlan, batch=3)


# Payee -----------------------------------------------------------------------


def test_after_a_payee_change_only_the_new_payee_is_paid():
    after = decided.given(post(PROJECT, changed, "3-2"))
    fact = replace(request().fact, payee=new_account)
    after.when(post(PROJECT, fact, "3-3")).accepted()
    after.when(request(on="3-3")).refused(PayeeMismatch, awarded="示例a (9a, …9999)")


def test_a_payee_change_needs_two_people():
    alone = replace(changed, approver=" 经办 人")
    decided.when(post(PROJECT, alone, "3-2")).refused(SamePerson, who=" 经办 人")


def test_a_payee_change_needs_a_different_payee_with_a_valid_code():
    decided.when(post(PROJECT, replace(changed, new=payee("a")), "3-2")).refused(PayeeUnchanged, award="L-a")
    invalid = replace(changed, new=replace(payee("n"), uscc="0n"))
    decided.when(post(PROJECT, invalid, "3-2")).refused(InvalidCode, uscc="0n")


def test_a_payee_change_must_name_the_current_payee():
    stale = replace(changed, old=payee("b"))
    decided.when(post(PROJECT, stale, "3-2")).refused(
        PayeeMismatch, payee="示例b (9b, …0001)", awarded="示例a (9a, …0001)"
    )


@pytest.mark.parametrize("fact", [changed, *ENDINGS], ids=lambda fact: type(fact).__name__)
@pytest.mark.parametrize("under_way", [(request(),), (request(), *approvals()), instructed()], ids=len)
def test_payee_changes_and_endings_are_refused_while_money_is_in_flight(fact, under_way):
    decided.given(*under_way).when(post(PROJECT, fact, "3-6")).refused(AwardInFlight, award="L-a", amount=yuan("30.00"))


# Early end -------------------------------------------------------------------


@each_ending
def test_ending_an_award_returns_all_unpaid_money_to_the_line(fact):
    scenario = decided.when(post(PROJECT, fact, "3-6"))
    scenario.moves(("payable", "line", "30.00"), ("committed", "line", "20.00"))
    after = decided.given(post(PROJECT, fact, "3-6"))
    assert balances(after) == {"line": "50.00", "payable": "30.00", "committed": "20.00"}
    assert after.ledger.project("p").award("L-a").status is not AwardStatus.LIVE


@pytest.mark.parametrize("fact", ENDINGS[:2], ids=lambda fact: type(fact).__name__)
def test_an_award_with_paid_money_can_only_be_terminated(fact):
    confirmed.when(post(PROJECT, fact, "3-6")).refused(AwardPaid, award="L-a", amount=yuan("30.00"))
    confirmed.when(post(PROJECT, ENDINGS[2], "3-6")).moves(("committed", "line", "20.00"))


@pytest.mark.parametrize("fact", ENDINGS[:2], ids=lambda fact: type(fact).__name__)
def test_an_award_whose_payment_was_returned_can_be_declined_or_revoked(fact):
    returned = PaymentReturned("P1", yuan("30.00"), passive=True, reason="退票")
    confirmed.given(post(PROJECT, returned, "3-6")).when(post(PROJECT, fact, "3-7")).moves(
        ("payable", "line", "30.00"), ("committed", "line", "20.00")
    )


def test_an_ending_cannot_be_dated_before_the_last_payment_of_the_award():
    early = post(PROJECT, ENDINGS[2], "3-4", booked="3-5")
    confirmed.when(early).refused(BeforeItsCause, cause="PaymentConfirmed")


def test_terminating_a_wholly_paid_award_moves_no_money():
    through = decided.given(*paid(), *accepted(), *paid("P2", "a", 2, "20.00", "7"))
    through.when(post(PROJECT, ENDINGS[2], "7-6")).moves()


def resigned(ends_on: str, **more):
    return post(PROJECT, AgreementSigned("L-a", day("3-6"), day(ends_on)), "3-6", **more)


@pytest.mark.parametrize("ends_on", ["2020-3-6", "2020-3-4", "2099-12-31"])
def test_an_agreement_that_is_signed_again_keeps_its_end(ends_on):
    agreed.when(resigned("2020-3-5")).accepted()
    agreed.when(resigned(ends_on)).refused(
        EndMovedWithoutExtension, award="L-a", ends_on=day("2020-3-5"), asked=day(ends_on)
    )
    agreed.when(resigned(ends_on, edition=1)).accepted()


def test_an_agreement_that_was_recorded_with_a_wrong_end_is_reversed_and_signed_again():
    reversed_ = agreed.given(agreed.reversing(AgreementSigned, "3-6"))
    reversed_.when(resigned("2020-1-1")).accepted()


def test_an_agreement_that_is_signed_again_after_an_extension_keeps_the_extended_end():
    longer = agreed.given(post(PROJECT, ExtensionGranted("L-a", ends_on=day("2020-6-1")), "3-6"))
    longer.when(resigned("2020-6-1")).accepted()
    longer.when(resigned("2020-3-5")).refused(EndMovedWithoutExtension)


def test_an_agreement_is_extended_to_a_limit_that_counts_from_the_end_first_agreed():
    limited = agreed.given(post(FUND, SettingsChanged(replace(SETTINGS, extension_months=6)), "3-6"))

    def extension(ends_on):
        return post(PROJECT, ExtensionGranted("L-a", ends_on=day(ends_on)), "3-7")

    limited.when(extension("2020-9-6")).refused(
        ExtensionTooLong, award="L-a", first_end=day("2020-3-5"), latest=day("2020-9-5"), asked=day("2020-9-6")
    )
    once = limited.given(extension("2020-6-5"))
    once.when(extension("2020-9-5")).accepted()
    once.when(extension("2020-12-5")).refused(ExtensionTooLong, latest=day("2020-9-5"))
    agreed.when(extension("2099-12-31")).accepted()
