from msgspec.structs import replace

from domain.documents import Document
from domain.fund.funding import AllotmentWithdrawn, AppropriationReceived, SurplusSurrendered
from domain.fund.lifecycle import FundClosed, FundEstablished, FundRenamed, SettingsChanged, YearCarriedForward
from domain.fund.plan import PlanAdopted
from domain.posting import POOL
from domain.project.lifecycle import ProjectClosed, ProjectOpened
from domain.project.payment import PaymentReturned
from domain.rules.every_post import (
    BookedInFuture,
    BookedOutOfOrder,
    MissingCitation,
    OccurredAfterBooked,
    UnknownEntry,
    UnknownStream,
)
from domain.rules.fund import (
    CarriedTooMuch,
    FundExists,
    FundIsClosed,
    MoneyLeft,
    ProjectsStillOpen,
    YearNotOver,
    YearOutOfTurn,
)
from tests.lives import FUND, PROJECT, SETTINGS, allotted, line, wholly_paid, yuan
from tests.scenario import Scenario, post

nothing = Scenario()
established = post(FUND, FundEstablished("专项资金", SETTINGS), "1-1")
a_fund = nothing.given(established)
a_funded_fund = a_fund.given(post(FUND, AppropriationReceived(yuan("100.00"), 2018), "1-2"))


def test_a_fund_code_is_used_once():
    a_fund.when(established).refused(FundExists, fund="f")


def test_a_fund_is_renamed_by_an_approval_and_nothing_else_of_it_changes():
    renamed = post(FUND, FundRenamed("新名称"), "1-5")
    a_funded_fund.when(renamed).moves()
    assert a_funded_fund.given(renamed).ledger.fund("f") == a_funded_fund.ledger.fund("f")
    a_funded_fund.when(post(FUND, FundRenamed("新名称"), "1-5", cites=())).refused(MissingCitation, kinds="批复")


def test_a_post_to_an_unknown_fund_is_refused():
    nothing.when(post(FUND, PlanAdopted(1), "1-2")).refused(UnknownStream, stream=FUND)


def test_an_event_must_cite_its_documents_by_kind():
    a_fund.when(post(FUND, AppropriationReceived(yuan("1.00"), 2018), "1-2", cites=("纪要",))).refused(
        MissingCitation, kinds="上级指标文号 / 本级指标文号"
    )


def test_either_of_two_alternative_document_kinds_is_accepted():
    document = Document("本级指标文号", "区财〔2019〕1号")
    a_fund.when(post(FUND, AppropriationReceived(yuan("1.00"), 2018), "1-2", cites=(document,))).accepted()


def test_settings_are_replaced_as_a_whole_and_get_a_new_version():
    assert a_fund.ledger.fund("f").settings_version == 1
    stricter = replace(SETTINGS, notice_working_days=7, approvals=("审批",))
    a_fund.when(post(FUND, SettingsChanged(stricter), "1-2")).then(SettingsChanged(stricter, settings_version=2))
    changed = a_fund.given(post(FUND, SettingsChanged(stricter), "1-2")).ledger.fund("f")
    assert (changed.settings, changed.settings_version) == (stricter, 2)


# Years -----------------------------------------------------------------------


def carried(year: int = 2018, amount: str = "100.00", appropriation: int = 2):
    return YearCarriedForward(appropriation, year, yuan(amount))


def test_a_year_is_carried_forward_only_after_its_end_and_without_moving_money():
    a_funded_fund.when(post(FUND, carried(2018), "2018-12-31")).refused(YearNotOver, year=2018)
    a_funded_fund.when(post(FUND, carried(2018), "2019-1-3")).moves()


def test_a_year_before_the_budget_year_cannot_be_carried_forward():
    a_funded_fund.when(post(FUND, carried(2017), "2019-1-3")).refused(YearOutOfTurn, year=2017, expected=2018)


def test_each_year_of_an_appropriation_is_carried_forward_once_and_in_order():
    once = a_funded_fund.given(post(FUND, carried(2018), "2020-1-1"))
    once.when(post(FUND, carried(2018), "2020-1-2")).refused(YearOutOfTurn, appropriation=2, expected=2019)
    once.when(post(FUND, carried(2020), "2021-1-2")).refused(YearOutOfTurn, expected=2019)
    once.when(post(FUND, carried(2019), "2020-1-2")).accepted()
    undone = once.given(once.reversing(YearCarriedForward, "2020-1-2"))
    undone.when(post(FUND, carried(2018), "2020-1-3")).accepted()


def test_a_carry_forward_above_the_unreversed_appropriation_is_refused():
    a_funded_fund.when(post(FUND, carried(amount="100.01"), "1-3")).refused(CarriedTooMuch, appropriated=yuan("100.00"))
    part = a_funded_fund.reversing(AppropriationReceived, "1-3", yuan("40.00"))
    a_funded_fund.given(part).when(post(FUND, carried(amount="60.01"), "1-4")).refused(
        CarriedTooMuch, amount=yuan("60.01"), appropriated=yuan("60.00")
    )


def test_only_an_appropriation_can_be_carried_forward():
    a_funded_fund.when(post(FUND, carried(appropriation=1), "1-3")).refused(UnknownEntry, stream=FUND, version=1)


# Closing ---------------------------------------------------------------------


def test_a_fund_closes_only_when_it_is_empty_and_every_allotted_project_is_closed():
    full = nothing.given(*allotted(line()))
    full.when(post(FUND, FundClosed(), "1-8")).refused(ProjectsStillOpen, projects="p")
    back = full.given(post(PROJECT, ProjectClosed(), "1-7"))
    back.when(post(FUND, FundClosed(), "1-8")).refused(MoneyLeft, amount=yuan("100.00"))
    empty = back.given(post(FUND, SurplusSurrendered(POOL, yuan("100.00")), "1-8"))
    empty.when(post(FUND, FundClosed(), "1-9")).accepted()


def test_a_project_whose_allotment_was_withdrawn_must_be_closed_before_its_fund():
    withdrawn = nothing.given(
        *allotted(line()),
        *(post(FUND, AllotmentWithdrawn("p", b.batch, b.amount), "1-7") for b in line().batches),
        post(FUND, SurplusSurrendered(POOL, yuan("100.00")), "1-8"),
    )
    withdrawn.when(post(FUND, FundClosed(), "1-9")).refused(ProjectsStillOpen, projects="p")
    withdrawn.given(post(PROJECT, ProjectClosed(), "1-9")).when(post(FUND, FundClosed(), "1-9")).accepted()


def test_a_fund_with_recovered_money_cannot_close():
    closed = wholly_paid().given(
        post(PROJECT, ProjectClosed(), "8-1"),
        post(PROJECT, PaymentReturned("P1", yuan("30.00"), passive=True, reason="退票"), "8-2"),
    )
    closed.when(post(FUND, FundClosed(), "8-3")).refused(MoneyLeft, amount=yuan("30.00"))


def test_an_empty_fund_can_close_and_then_refuses_further_posts():
    closed = a_fund.given(post(FUND, FundClosed(), "1-8"))
    closed.when(post(FUND, AppropriationReceived(yuan("1.00"), 2018), "1-9")).refused(FundIsClosed)
    closed.when(post(PROJECT, ProjectOpened("f"), "1-9")).refused(FundIsClosed)


def test_a_fact_occurs_no_later_than_it_is_booked_and_is_booked_no_later_than_today():
    fact = AppropriationReceived(yuan("1.00"), 2018)
    a_fund.when(post(FUND, fact, "1-9", booked="1-8")).refused(OccurredAfterBooked)
    a_fund.when(post(FUND, fact, "2026-11-24")).refused(BookedInFuture)
    a_fund.when(post(FUND, fact, "2018-12-1", booked="2018-12-31")).refused(BookedOutOfOrder, stream=FUND)
    a_fund.when(post(FUND, fact, "2026-11-23")).accepted()
