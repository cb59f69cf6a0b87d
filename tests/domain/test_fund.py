from dataclasses import replace
from datetime import date

import pytest

from domain.documents import Document
from domain.fen import MAX_BOUND, FenSet
from domain.fund import (
    AppropriationReceived,
    FundClosed,
    FundEstablished,
    FundsAllotted,
    PlanAdopted,
    PlanDrafted,
    PlannedBatch,
)
from domain.mirrors import AllotmentReceived, FundsReturned
from domain.money import Money
from domain.posting import POOL, Accounts, Place, move
from domain.project.opening import ProjectClosed, ProjectOpened
from domain.rules.every_post import (
    BalanceTooSmall,
    BookedInFuture,
    BookedOutOfOrder,
    MissingCitation,
    OccurredAfterBooked,
    UnknownStream,
)
from domain.rules.fund import (
    AllotmentExceedsPlan,
    BatchNotInPlan,
    FundExists,
    FundIsClosed,
    MoneyLeft,
    NotInPlan,
    NotTheLatestDraft,
    PlanAlreadyAdopted,
    PlanExceedsPool,
    PlanNamesTwice,
    PlanNamesUnknown,
    PlanSumsDisagree,
    ProjectsStillOpen,
    SerialsExhausted,
)
from domain.rules.project import ProjectExists, ProjectIsClosed, ProjectOfOtherFund
from tests.domain.lives import FUND, PROJECT, SETTINGS, allotted, founded, line, plan, yuan
from tests.domain.scenario import Scenario, post

nothing = Scenario()
established = post(FUND, FundEstablished("专项资金", SETTINGS), "1-1")
a_fund = nothing.given(established)
a_funded_fund = a_fund.given(post(FUND, AppropriationReceived(yuan("100.00"), 2018), "1-2"))
a_founded_fund = nothing.given(*founded(line()))


def test_a_fund_code_is_used_once():
    a_fund.when(established).refused(FundExists, fund="f")


def test_nothing_happens_to_a_fund_that_does_not_exist():
    nothing.when(post(FUND, PlanAdopted(1), "1-2")).refused(UnknownStream, stream=FUND)


def test_an_appropriation_takes_the_next_serials_of_the_whole_ledger():
    scenario = a_funded_fund.given(
        post("fund/g", FundEstablished("另一专项", SETTINGS), "1-1"),
    ).when(post("fund/g", AppropriationReceived(yuan("5.00"), 2019), "1-2"))

    scenario.moves(("treasury", "pool", "5.00"))
    assert scenario.events()[0].moves[0].fen == FenSet.span(10_000, 10_500)


def test_serials_never_run_over():
    nearly = replace(a_fund.books, next_serial=MAX_BOUND - 99)
    Scenario(nearly).when(post(FUND, AppropriationReceived(yuan("1.00"), 2018), "1-2")).refused(
        SerialsExhausted, left=yuan("0.99")
    )


def test_an_event_must_cite_its_documents_by_kind():
    a_fund.when(post(FUND, AppropriationReceived(yuan("1.00"), 2018), "1-2", cites=("纪要",))).refused(
        MissingCitation, kinds="上级指标文号、本级指标文号"
    )


def test_either_of_two_kinds_of_document_will_do():
    document = Document("本级指标文号", "区财〔2019〕1号")
    a_fund.when(post(FUND, AppropriationReceived(yuan("1.00"), 2018), "1-2", cites=(document,))).counts()


def test_a_plan_whose_sums_disagree_is_refused_with_both_figures():
    wrong = plan(line())
    wrong = PlanDrafted(wrong.title, yuan("100.01"), wrong.tasks, wrong.batches, wrong.lines)
    a_funded_fund.when(post(FUND, wrong, "1-3")).refused(
        PlanSumsDisagree, what="total", stated=yuan("100.01"), computed=yuan("100.00")
    )


def test_a_batch_total_must_be_the_sum_of_its_lines():
    right = plan(line())
    batches = (right.batches[0], PlannedBatch(2, "第二批", yuan("39.00")))
    a_funded_fund.when(
        post(FUND, PlanDrafted(right.title, right.total, right.tasks, batches, right.lines), "1-3")
    ).refused(PlanSumsDisagree, what="batch 2")


def test_a_plan_names_each_project_once():
    a_funded_fund.when(post(FUND, plan(line(), line(number=2)), "1-3")).refused(PlanNamesTwice)


def test_a_plan_names_only_tasks_that_it_lists():
    right = plan(line())
    without = PlanDrafted(right.title, right.total, (), right.batches, right.lines)
    a_funded_fund.when(post(FUND, without, "1-3")).refused(PlanNamesUnknown, project="p", what="task 一")


def test_a_plan_may_be_drafted_again_until_it_is_adopted():
    drafted = a_funded_fund.given(post(FUND, plan(line()), "1-3"))
    drafted.when(post(FUND, plan(line(awards=3)), "1-3")).counts()
    a_founded_fund.when(post(FUND, plan(line()), "1-6")).refused(PlanAlreadyAdopted)
    a_founded_fund.when(post(FUND, PlanAdopted(3), "1-6")).refused(PlanAlreadyAdopted)


def test_only_the_latest_draft_may_be_adopted():
    drafted = a_funded_fund.given(post(FUND, plan(line()), "1-3"), post(FUND, plan(line()), "1-3"))
    drafted.when(post(FUND, PlanAdopted(3), "1-4")).refused(NotTheLatestDraft, draft=3, latest=4)
    drafted.when(post(FUND, PlanAdopted(4), "1-4")).counts()


def test_nothing_can_be_adopted_before_it_is_drafted():
    refused = a_funded_fund.when(post(FUND, PlanAdopted(1), "1-4"))
    refused.refused(NotTheLatestDraft, latest=None)
    with pytest.raises(NotTheLatestDraft, match="the latest is: none") as refusal:
        refused.events()
    assert refusal.value.chinese.endswith("：无。")


def test_a_plan_may_not_exceed_the_pool():
    drafted = a_fund.given(post(FUND, plan(line()), "1-3"))
    drafted.when(post(FUND, PlanAdopted(2), "1-4")).refused(PlanExceedsPool, planned=yuan("100.00"), pool=Money(0))


def test_a_project_outside_the_plan_cannot_be_opened():
    a_founded_fund.when(post("project/workstation", ProjectOpened("f"), "1-6")).refused(
        NotInPlan, project="workstation"
    )


def test_a_project_is_opened_under_a_fund_that_exists():
    a_founded_fund.when(post("project/q", ProjectOpened("g"), "1-6")).refused(UnknownStream, stream="fund/g")


def test_a_project_is_opened_once_and_not_before_its_plan_is_adopted():
    a_founded_fund.when(post(PROJECT, ProjectOpened("f"), "1-6")).refused(ProjectExists)
    two = nothing.given(*founded(line(), line("q", 2), appropriated="200.00")[:-1])
    two.when(post("project/q", ProjectOpened("f"), "1-3", booked="1-3")).refused(
        BookedOutOfOrder, stream=FUND, last_booked_on=date(2019, 1, 4)
    )


def test_a_project_late_in_the_log_is_booked_when_the_rules_first_allow_it():
    two = nothing.given(*founded(line(), line("q", 2), appropriated="200.00")[:-1])
    [event] = two.when(post("project/q", ProjectOpened("f"), "1-1")).events()
    assert event.header.occurred_on == date(2019, 1, 1)
    assert event.booked_on == date(2019, 1, 4)


def test_an_allotment_moves_the_lowest_fen_and_is_mirrored_on_the_project():
    scenario = a_founded_fund.when(post(FUND, FundsAllotted("p", 1, yuan("60.00")), "1-6"))
    scenario.then(FundsAllotted("p", 1, yuan("60.00")), AllotmentReceived(1, yuan("60.00")))
    leader, mirror = scenario.events()
    assert leader.moves == mirror.moves
    assert leader.moves[0].fen == FenSet.span(0, 6_000)
    assert mirror.mirrors is not None
    assert (mirror.mirrors.stream, mirror.mirrors.version) == (FUND, leader.version)


def test_an_allotment_never_exceeds_the_plan_of_its_batch():
    half = a_founded_fund.given(post(FUND, FundsAllotted("p", 1, yuan("40.00")), "1-6"))
    half.when(post(FUND, FundsAllotted("p", 1, yuan("20.01")), "1-6")).refused(
        AllotmentExceedsPlan, allotted=yuan("40.00"), amount=yuan("20.01"), planned=yuan("60.00")
    )


def test_an_allotment_needs_a_planned_batch_of_an_open_project():
    a_founded_fund.when(post(FUND, FundsAllotted("p", 3, yuan("1.00")), "1-6")).refused(BatchNotInPlan, batch=3)
    a_founded_fund.when(post(FUND, FundsAllotted("q", 1, yuan("1.00")), "1-6")).refused(UnknownStream)
    closed = a_founded_fund.given(post(PROJECT, ProjectClosed(), "1-6"))
    closed.when(post(FUND, FundsAllotted("p", 1, yuan("1.00")), "1-7")).refused(ProjectIsClosed)


def test_a_fund_allots_only_to_its_own_projects():
    other = a_founded_fund.given(
        post("fund/g", FundEstablished("另一专项", SETTINGS), "1-1"),
        post("fund/g", AppropriationReceived(yuan("100.00"), 2018), "1-2"),
    )
    other.when(post("fund/g", FundsAllotted("p", 1, yuan("1.00")), "1-6")).refused(ProjectOfOtherFund, fund="f")


def test_a_move_never_takes_more_than_its_account_holds():
    empty = nothing.given(*allotted(line())).books.fund("f").accounts
    with pytest.raises(BalanceTooSmall) as refusal:
        move(empty, "FundsAllotted", Place("p", 1), 1)
    assert refusal.value.facts == {"account": "pool", "available": Money(0), "amount": Money(1)}


def test_an_allotment_never_exceeds_the_pool_even_if_the_plan_did():
    books = a_founded_fund.books
    stream = books.stream(FUND)
    empty = replace(stream, state=replace(books.fund("f"), accounts=Accounts("fund")))
    poor = Scenario(replace(books, streams=books.streams.set(FUND, empty)))
    poor.when(post(FUND, FundsAllotted("p", 1, yuan("1.00")), "1-6")).refused(BalanceTooSmall, account=POOL)


def test_closing_a_project_returns_its_line_to_the_pool_and_tells_the_fund():
    scenario = nothing.given(*allotted(line())).when(post(PROJECT, ProjectClosed(), "1-7"))
    scenario.then(ProjectClosed(), FundsReturned("p", yuan("100.00"), closes=True))
    scenario.moves(("line", "pool", "60.00"), ("line", "pool", "40.00"))
    after = scenario.given(post(PROJECT, ProjectClosed(), "1-7")).books.fund("f")
    assert after.accounts.balance("pool") == yuan("100.00")
    assert after.allotted["p", 1] == after.allotted["p", 2] == 0


def test_a_fund_closes_only_when_nothing_is_left_and_every_allotted_project_is_closed():
    full = nothing.given(*allotted(line()))
    full.when(post(FUND, FundClosed(), "1-8")).refused(ProjectsStillOpen, projects="p")
    back = full.given(post(PROJECT, ProjectClosed(), "1-7"))
    back.when(post(FUND, FundClosed(), "1-8")).refused(MoneyLeft, amount=yuan("100.00"))


def test_an_empty_fund_closes_and_then_takes_nothing_more():
    closed = a_fund.given(post(FUND, FundClosed(), "1-8"))
    closed.when(post(FUND, AppropriationReceived(yuan("1.00"), 2018), "1-9")).refused(FundIsClosed)
    closed.when(post(PROJECT, ProjectOpened("f"), "1-9")).refused(FundIsClosed)


def test_dates_run_from_the_day_it_occurred_to_the_day_it_is_booked_to_today():
    fact = AppropriationReceived(yuan("1.00"), 2018)
    a_fund.when(post(FUND, fact, "1-9", booked="1-8")).refused(OccurredAfterBooked)
    a_fund.when(post(FUND, fact, "2026-11-24")).refused(BookedInFuture)
    a_fund.when(post(FUND, fact, "2018-12-1", booked="2018-12-31")).refused(BookedOutOfOrder, stream=FUND)
    a_fund.when(post(FUND, fact, "2026-11-23")).counts()
