"""What tells two documents with the same number apart: the bank and day of a slip, the division of a voucher."""

from datetime import date

import pytest
from msgspec.structs import replace

from domain.documents import Claim, Document
from domain.event import numbers_used
from domain.fund.lifecycle import SettingsChanged
from domain.project.payment import PaymentConfirmed, PaymentInstructed
from domain.rules.every_post import DocumentAlreadyUsed
from tests.lives import FUND, PROJECT, SETTINGS, actual, approvals, awarded, instructed, request, yuan
from tests.scenario import Scenario, post

ICBC, CCB = "工商银行", "建设银行"

INSTRUCTIONS = (
    *instructed(),
    request("P2", "b", on="3-4"),
    *approvals("P2", "3-4"),
    post(PROJECT, PaymentInstructed("P2"), "3-4"),
)
two_instructed = awarded().given(*INSTRUCTIONS)


def confirm(payment, on, slip, **more):
    amount = yuan("30.00")
    name = "a" if payment == "P1" else "b"
    return post(PROJECT, PaymentConfirmed(payment, amount, actual(name)), on, cites=(slip,), **more)


def cited(issuer=None, on=None, number="0001"):
    return Document("流水号", number, issuer=issuer, date=date.fromisoformat(on) if on else None)


def after_the_first(on, slip, scenario=two_instructed, **more) -> Scenario:
    return scenario.given(confirm("P1", on, slip, **more))


def test_two_banks_may_use_one_reference():
    first = after_the_first("3-14", cited(ICBC))
    first.when(confirm("P2", "3-15", cited(CCB))).accepted()
    first.when(confirm("P2", "3-14", cited(CCB))).accepted()


def test_a_bank_may_use_a_reference_again_on_another_day():
    first = after_the_first("3-14", cited(ICBC))
    first.when(confirm("P2", "3-15", cited(ICBC))).accepted()
    first.when(confirm("P2", "3-14", cited(ICBC))).refused(DocumentAlreadyUsed, kind="流水号", number="0001")


def test_the_date_of_a_slip_is_compared_and_not_the_day_of_the_event():
    first = after_the_first("3-16", cited(ICBC, "2019-03-14"))
    first.when(confirm("P2", "3-16", cited(ICBC, "2019-03-15"))).accepted()
    first.when(confirm("P2", "3-20", cited(ICBC, "2019-03-14"))).refused(DocumentAlreadyUsed)


@pytest.mark.parametrize("spelling", ["ＩＣＢＣ 广州（支行）", "icbc广州(支行)", " Icbc  广州（支行） "])
def test_the_spelling_of_a_bank_does_not_make_another_bank(spelling):
    first = after_the_first("3-14", cited("ICBC广州（支行）"))
    first.when(confirm("P2", "3-14", cited(spelling))).refused(DocumentAlreadyUsed)


@pytest.mark.parametrize(("first", "second"), [(None, ICBC), (ICBC, None), (None, None)])
def test_a_slip_without_its_bank_may_be_of_any_bank(first, second):
    after_the_first("3-14", cited(first)).when(confirm("P2", "3-14", cited(second))).refused(DocumentAlreadyUsed)
    after_the_first("3-14", cited(first)).when(confirm("P2", "3-15", cited(second))).accepted()


def test_a_slip_without_its_bank_may_be_of_any_bank_though_the_fund_has_one_of_its_own():
    own = two_instructed.given(post(FUND, SettingsChanged(replace(SETTINGS, bank=ICBC)), "3-5"))
    after_the_first("3-14", cited(), own).when(confirm("P2", "3-14", cited(CCB))).refused(DocumentAlreadyUsed)
    after_the_first("3-14", cited(CCB), own).when(confirm("P2", "3-14", cited())).refused(DocumentAlreadyUsed)


def test_slips_without_their_bank_are_of_the_funds_own_bank():
    own = two_instructed.given(post(FUND, SettingsChanged(replace(SETTINGS, bank=" 工商 银行")), "3-5"))
    [event] = own.when(confirm("P1", "3-14", cited())).events()
    assert event.header.own_bank == " 工商 银行"
    assert numbers_used(event) == (Claim("流水号", "0001", "/test", own_bank=ICBC, event_day="2019-03-14"),)
    first = after_the_first("3-14", cited(), own)
    first.when(confirm("P2", "3-14", cited())).refused(DocumentAlreadyUsed)
    of_another_bank = first.given(post(FUND, SettingsChanged(replace(SETTINGS, bank=CCB)), "3-14"))
    of_another_bank.when(confirm("P2", "3-14", cited())).accepted()


def test_the_funds_own_bank_is_noted_only_if_a_slip_names_none():
    own = two_instructed.given(post(FUND, SettingsChanged(replace(SETTINGS, bank=ICBC)), "3-5"))
    [event] = own.when(confirm("P1", "3-14", cited(CCB))).events()
    assert event.header.own_bank is None
    [event] = two_instructed.when(confirm("P1", "3-14", cited())).events()
    assert event.header.own_bank is None


def test_a_slip_without_its_date_may_be_of_any_day_up_to_its_event():
    dated = after_the_first("3-14", cited(ICBC, "2019-03-14"))
    dated.when(confirm("P2", "3-20", cited(ICBC))).refused(DocumentAlreadyUsed)
    dated.when(confirm("P2", "3-20", cited(ICBC, "2019-03-20"))).accepted()
    undated = after_the_first("3-14", cited(ICBC))
    undated.when(confirm("P2", "3-20", cited(ICBC, "2019-03-13"))).refused(DocumentAlreadyUsed)
    undated.when(confirm("P2", "3-20", cited(ICBC, "2019-03-14"))).refused(DocumentAlreadyUsed)
    undated.when(confirm("P2", "3-20", cited(ICBC, "2019-03-15"))).accepted()


def test_a_slip_used_by_the_first_edition_of_the_rules_is_used_for_every_bank_and_day():
    first = after_the_first("3-14", cited(ICBC, "2019-03-14"), edition=1)
    first.when(confirm("P2", "3-20", cited(CCB, "2019-03-20"))).refused(DocumentAlreadyUsed)
    first.when(confirm("P2", "3-20", cited(CCB, "2019-03-20"), source="/other")).accepted()
    [event] = first.when(confirm("P2", "3-20", cited(CCB, number="0002"), edition=1)).events()
    assert numbers_used(event) == (Claim("流水号", "0002", "/test"),)


def test_the_reversal_of_a_confirmation_frees_the_number_for_its_bank_and_day_only():
    both = after_the_first("3-14", cited(ICBC)).given(confirm("P2", "3-14", cited(CCB)))
    freed = both.given(both.reversing(PaymentConfirmed, "3-15"))  # of the second
    freed.when(confirm("P2", "3-15", cited(ICBC, "2019-03-14"))).refused(DocumentAlreadyUsed)
    freed.when(confirm("P2", "3-15", cited(CCB, "2019-03-14"))).accepted()


def test_two_divisions_may_use_one_voucher_number_and_one_without_its_division_may_be_of_any():
    ready = awarded().given(request(), *approvals(), request("P2", "b", on="3-4"), *approvals("P2", "3-4"))

    def instruct(payment, issuer):
        voucher = Document("支付凭证号", "授权-1", year=2019, issuer=issuer)
        return post(PROJECT, PaymentInstructed(payment), "3-4", cites=(voucher,))

    first = ready.given(instruct("P1", "国库一科"))
    first.when(instruct("P2", "国库二科")).accepted()
    first.when(instruct("P2", " 国库一科")).refused(DocumentAlreadyUsed, number="2019/授权-1/1")
    first.when(instruct("P2", None)).refused(DocumentAlreadyUsed)
    ready.given(instruct("P1", None)).when(instruct("P2", "国库二科")).refused(DocumentAlreadyUsed)


def test_two_slips_with_one_number_may_be_cited_by_one_event():
    slips = (cited(ICBC), cited(CCB), cited(ICBC))
    amount = yuan("30.00")
    [event] = two_instructed.when(
        post(PROJECT, PaymentConfirmed("P1", amount, actual("a")), "3-14", cites=slips)
    ).events()
    assert [each.issuer for each in numbers_used(event)] == [ICBC, CCB]
