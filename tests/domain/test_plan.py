from datetime import date

import pytest
from msgspec.structs import replace

from domain.fund.funding import AllotmentWithdrawn, AppropriationReceived, FundsAllotted
from domain.fund.lifecycle import FundEstablished
from domain.fund.plan import PlanAdopted, PlanDrafted
from domain.money import Money
from domain.project.lifecycle import ProjectClosed, ProjectOpened
from domain.rules.every_post import BeforeItsCause
from domain.rules.fund import (
    CodeOfOtherFund,
    GateFixed,
    NotTheLatestDraft,
    PlanAlreadyAdopted,
    PlanBelowAllotted,
    PlanExceedsPool,
    PlanNamesTwice,
    PlanNamesUnknown,
    PlanNotAdopted,
    PlanSumsDisagree,
)
from domain.state.fund import Gate, Goal, PlannedBatch, Support
from tests.lives import FUND, PROJECT, SETTINGS, allotted, founded, line, plan, revised, two_projects, yuan
from tests.scenario import Scenario, day, post

a_fund = Scenario().given(post(FUND, FundEstablished("专项资金", SETTINGS), "1-1"))
a_funded_fund = a_fund.given(post(FUND, AppropriationReceived(yuan("100.00"), 2018), "1-2"))
a_founded_fund = Scenario().given(*founded(line()))
an_allotted_fund = Scenario().given(*allotted(line()))


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


def test_a_line_total_must_be_the_sum_of_its_batches():
    right = plan(line())
    wrong = replace(right, lines=(replace(line(), total=yuan("99.99")),), total=yuan("99.99"))
    a_funded_fund.when(post(FUND, wrong, "1-3")).refused(
        PlanSumsDisagree, what="p", stated=yuan("99.99"), computed=yuan("100.00")
    )


def test_duplicate_projects_numbers_tasks_and_batches_are_refused():
    right = plan(line())
    doubled = {
        "project p": plan(line(), line(number=2)),
        "number 1": plan(line(), line("q")),
        "task 一": replace(right, tasks=right.tasks * 2),
        "batch 1": replace(right, batches=right.batches[:1] * 2),
        "p batch 1": replace(right, lines=(replace(line(), batches=line().batches[:1] * 2),)),
    }
    for what, wrong in doubled.items():
        a_funded_fund.when(post(FUND, wrong, "1-3")).refused(PlanNamesTwice, what=what)


def test_a_line_can_name_only_tasks_and_batches_that_the_plan_lists():
    right = plan(line())
    without = PlanDrafted(right.title, right.total, (), right.batches, right.lines)
    a_funded_fund.when(post(FUND, without, "1-3")).refused(PlanNamesUnknown, project="p", what="task 一")
    one_batch = replace(right, batches=right.batches[:1])
    a_funded_fund.when(post(FUND, one_batch, "1-3")).refused(PlanNamesUnknown, project="p", what="batch 2")


def test_a_plan_can_be_drafted_again_until_it_is_adopted():
    drafted = a_funded_fund.given(post(FUND, plan(line()), "1-3"))
    drafted.when(post(FUND, plan(line(awards=3)), "1-3")).accepted()
    a_founded_fund.when(post(FUND, plan(line()), "1-6")).refused(PlanAlreadyAdopted)
    a_founded_fund.when(post(FUND, PlanAdopted(3), "1-6")).refused(PlanAlreadyAdopted)


def test_only_the_latest_draft_can_be_adopted():
    drafted = a_funded_fund.given(post(FUND, plan(line()), "1-3"), post(FUND, plan(line()), "1-3"))
    drafted.when(post(FUND, PlanAdopted(3), "1-4")).refused(NotTheLatestDraft, draft=3, latest=4)
    drafted.when(post(FUND, PlanAdopted(4), "1-4")).accepted()


def test_a_plan_cannot_be_adopted_before_it_is_drafted():
    refused = a_funded_fund.when(post(FUND, PlanAdopted(1), "1-4"))
    refused.refused(NotTheLatestDraft, latest=None)
    with pytest.raises(NotTheLatestDraft, match="the latest is: none") as refusal:
        refused.events()
    assert refusal.value.chinese({}).endswith("：无。")


def test_a_plan_cannot_be_adopted_on_a_day_before_its_draft():
    drafted = a_funded_fund.given(post(FUND, plan(line()), "1-4"))
    before = post(FUND, PlanAdopted(3), "1-3", booked="1-4")
    drafted.when(before).refused(BeforeItsCause, cause="PlanDrafted", cause_on=day("1-4"))
    drafted.when(post(FUND, PlanAdopted(3), "1-4")).accepted()


def test_by_the_first_edition_a_plan_above_the_pool_cannot_be_adopted():
    drafted = a_fund.given(post(FUND, plan(line()), "1-3"))
    drafted.when(post(FUND, PlanAdopted(2), "1-4", edition=1)).refused(
        PlanExceedsPool, planned=yuan("100.00"), pool=Money(0)
    )


def test_a_revised_plan_replaces_the_adopted_plan():
    richer = a_founded_fund.given(post(FUND, AppropriationReceived(yuan("50.00"), 2019), "1-6"))
    revision = revised(line(amounts=("110.00", "40.00")))
    richer.when(post(FUND, revision, "1-7")).moves()
    after = richer.given(post(FUND, revision, "1-7"))
    after.when(post(FUND, FundsAllotted("p", 1, yuan("110.00")), "1-8")).accepted()


def test_only_an_adopted_plan_can_be_revised():
    drafted = a_funded_fund.given(post(FUND, plan(line()), "1-3"))
    drafted.when(post(FUND, revised(line()), "1-4")).refused(PlanNotAdopted)


def test_a_revision_is_checked_like_a_plan():
    wrong = replace(revised(line()), total=yuan("99.00"))
    a_founded_fund.when(post(FUND, wrong, "1-6")).refused(PlanSumsDisagree, what="total")
    a_founded_fund.when(post(FUND, revised(line(), line()), "1-6")).refused(PlanNamesTwice, what="project p")


def test_a_line_names_each_of_its_goals_once():
    twice = replace(line(), goals=(Goal("专利", "3"), Goal("专利", "不少于 5", "件")))
    a_funded_fund.when(post(FUND, plan(twice), "1-3")).refused(PlanNamesTwice, what="p goal 专利")


def test_a_revision_may_change_the_objective_support_and_goals_of_an_allotted_line():
    other = replace(line(), objective="建设平台", support=Support.AFTER, goals=(Goal("专利", "3"),))
    an_allotted_fund.when(post(FUND, revised(other), "1-7")).accepted()


def test_a_revised_plan_below_the_allotted_amount_is_refused():
    less = revised(line(amounts=("59.99", "40.00")))
    an_allotted_fund.when(post(FUND, less, "1-7")).refused(
        PlanBelowAllotted, project="p", batch=1, allotted=yuan("60.00"), planned=yuan("59.99")
    )
    one_batch = revised(line(amounts=("60.00",), gates=(Gate.AWARD,)))
    an_allotted_fund.when(post(FUND, one_batch, "1-7")).refused(PlanBelowAllotted, batch=2, planned=yuan("0.00"))
    an_allotted_fund.when(post(FUND, revised(line("q")), "1-7")).refused(PlanBelowAllotted, project="p", batch=1)


def test_a_batch_can_be_dropped_after_its_allotment_is_withdrawn():
    withdrawn = an_allotted_fund.given(post(FUND, AllotmentWithdrawn("p", 2, yuan("40.00")), "1-7"))
    withdrawn.when(post(FUND, revised(line(amounts=("60.00",), gates=(Gate.AWARD,))), "1-8")).accepted()


def test_the_gate_of_an_allotted_batch_cannot_be_changed():
    gates = Gate.AWARD, Gate.AGREEMENT
    an_allotted_fund.when(post(FUND, revised(line(gates=gates)), "1-7")).refused(
        GateFixed, project="p", batch=2, gate=Gate.ACCEPTANCE, asked_gate=Gate.AGREEMENT
    )
    a_founded_fund.when(post(FUND, revised(line(gates=gates)), "1-7")).accepted()


def test_by_the_first_edition_a_revision_above_the_pool_is_refused_and_closed_projects_need_no_money():
    an_allotted_fund.when(post(FUND, revised(line(amounts=("60.01", "40.00"))), "1-7", edition=1)).refused(
        PlanExceedsPool, planned=yuan("0.01"), pool=yuan("0.00")
    )
    one_closed = two_projects().given(post(PROJECT, ProjectClosed(), "1-7"))
    twice = revised(line(), line("q", 2, amounts=("160.00", "40.00")))
    one_closed.when(post(FUND, twice, "1-8", edition=1)).accepted()
    more = revised(line(), line("q", 2, amounts=("160.01", "40.00")))
    one_closed.when(post(FUND, more, "1-8", edition=1)).refused(
        PlanExceedsPool, planned=yuan("100.01"), pool=yuan("100.00")
    )


def test_the_project_of_a_line_that_a_revision_adds_is_booked_no_earlier_than_the_revision():
    some = an_allotted_fund.given(post(FUND, AppropriationReceived(yuan("100.00"), 2019), "1-7"))
    added = some.given(post(FUND, revised(line(), line("q", 2)), "2-1"))
    [opened] = added.when(post("project/q", ProjectOpened("f"), "1-20")).events()
    assert opened.booked_on == date(2019, 2, 1)


OTHER = "fund/f-g"


def with_other_fund(code: str) -> Scenario:
    """Two funds, `f` and `f-g`. The plan that the second has drafted names the project `code`."""
    founding = post(OTHER, FundEstablished("另一专项资金", SETTINGS), "1-1")
    return a_funded_fund.given(founding, post(OTHER, plan(line(code)), "1-2"))


@pytest.mark.parametrize("code", ["p", "f-g-1", "g-f"])
def test_a_project_code_belongs_to_the_fund_whose_plan_named_it_first(code):
    with_other_fund(code).when(post(FUND, plan(line(code)), "1-3")).refused(CodeOfOtherFund, project=code)
    with_other_fund(code).when(post(OTHER, plan(line(code), line("h", 2)), "1-3")).accepted()


@pytest.mark.parametrize(("code", "stream"), [("f-g-1", OTHER), ("f-g-1-2", OTHER), ("f-1", FUND), ("f-gg-1", FUND)])
def test_a_code_that_no_plan_names_belongs_to_the_fund_whose_code_it_begins_with(code, stream):
    scenario, [other] = with_other_fund("h"), {FUND, OTHER} - {stream}
    scenario.when(post(other, plan(line(code)), "1-3")).refused(CodeOfOtherFund, project=code)
    scenario.when(post(stream, plan(line(code)), "1-3")).accepted()


def test_a_code_that_begins_like_no_fund_is_free_until_a_plan_names_it():
    with_other_fund("h").when(post(FUND, plan(line("g-1")), "1-3")).accepted()
    adopted = with_other_fund("h").given(*founded(line("p"))[2:])
    adopted.when(post(FUND, revised(line("p"), line("h", 2)), "1-4")).refused(CodeOfOtherFund, project="h")


def test_a_fund_keeps_the_codes_of_its_plan_although_a_fund_with_a_longer_code_is_established_later():
    adopted = Scenario().given(*founded(line("f-g-1")))
    later = adopted.given(post(OTHER, FundEstablished("另一专项资金", SETTINGS), "1-5"))
    later.when(post(FUND, revised(line("f-g-1")), "1-6")).accepted()
    later.when(post(OTHER, plan(line("f-g-1")), "1-6")).refused(CodeOfOtherFund, project="f-g-1")
