"""Lines with several checkpoints: each is an acceptance of its own and opens only the batches behind it."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from domain.alerts import alerts
from domain.fund.funding import AllotmentWithdrawn
from domain.project.acceptance import (
    AcceptanceFailed,
    AcceptancePassed,
    AcceptanceRequested,
    Actual,
    Conclusion,
    RectificationOrdered,
)
from domain.project.amendment import AwardAmended, ExtensionGranted
from domain.project.payment import PaymentConfirmed
from domain.project.waiver import WaiverGranted
from domain.rules.acceptance import (
    AcceptanceStatusWrong,
    CheckpointNotInPlan,
    CheckpointOutOfTurn,
    EarlierBatchesUnsettled,
    GoalNotInPlan,
    NoTriesLeft,
    RectificationOverdue,
)
from domain.rules.award import NothingToExtend
from domain.rules.every_post import BeforeItsCause, NameTaken
from domain.rules.fund import CheckpointsFixed, GateFixed, NotInPlan, PlanNamesTwice, PlanNamesUnknown
from domain.rules.payment import GateShut
from domain.rules.reversal import MovedOn, NotTheLast
from domain.rules.waiver import SamePerson
from domain.state.fund import Gate, Goal
from domain.why import why
from tests.lives import (
    ANOTHER,
    FUND,
    PROJECT,
    allotted,
    balances,
    decided,
    founded,
    line,
    noticed,
    paid,
    plan,
    request,
    revised,
    row,
    yuan,
)
from tests.scenario import Scenario, day, post

CHECKPOINTS = ("midterm", "final")
GATES = (Gate.AWARD, "midterm", "final")
THREE = line(amounts=("30.00", "40.00", "30.00"), gates=GATES, checkpoints=CHECKPOINTS)
awarded = decided(Scenario().given(*allotted(THREE), *noticed()), row("a", "30.00", "40.00", "30.00"))
settled = awarded.given(*paid())
MIDTERM = AcceptanceRequested("L-a", "midterm")


def steps(month: str, *facts):
    return [post(PROJECT, fact, f"{month}-{number}") for number, fact in enumerate(facts, 1)]


passed_midterm = settled.given(*steps("6", MIDTERM, AcceptancePassed("L-a", "midterm")))
paid_midterm = passed_midterm.given(*paid("P2", "a", 2, "40.00", "7"))


def rectifying(checkpoint: str | None = "midterm", after: Scenario = settled, month: str = "6") -> Scenario:
    return after.given(
        *steps(
            month,
            AcceptanceRequested("L-a", checkpoint),
            AcceptanceFailed("L-a", "未达标", checkpoint),
            RectificationOrdered("L-a", day(f"{month}-20"), checkpoint),
        )
    )


def waived(scenario: Scenario, rule: str, on: str) -> Scenario:
    return scenario.given(post(PROJECT, WaiverGranted(rule, "批准", "L-a"), on, **ANOTHER))


# The money -------------------------------------------------------------------


def test_passing_a_checkpoint_opens_only_the_batches_behind_it():
    requested = settled.given(post(PROJECT, MIDTERM, "6-1"))
    requested.when(post(PROJECT, AcceptancePassed("L-a", "midterm"), "6-2")).moves(("committed", "payable", "40.00"))
    assert balances(passed_midterm) == {"paid": "30.00", "payable": "40.00", "committed": "30.00"}
    passed_midterm.when(request("P9", "a", 3, "30.00", "7-1")).refused(GateShut, batch=3, gate="final")


@pytest.mark.parametrize("name", [None, "final", "acceptance"])
def test_the_last_checkpoint_is_the_acceptance_whether_it_is_named_or_not(name):
    requested = paid_midterm.given(post(PROJECT, AcceptanceRequested("L-a", name), "8-1"))
    for other in {None, "final", "acceptance"} - {name}:
        requested.when(post(PROJECT, AcceptancePassed("L-a", other), "8-2")).moves(("committed", "payable", "30.00"))


@pytest.mark.parametrize("name", [None, "final", "acceptance"])
def test_a_batch_may_name_the_last_checkpoint_or_the_acceptance_as_its_gate(name):
    mixed = line(amounts=("60.00", "40.00"), gates=("midterm", name or Gate.ACCEPTANCE), checkpoints=CHECKPOINTS)
    scenario = decided(Scenario().given(*allotted(mixed), *noticed()), row("a", "60.00", "40.00"))
    both = scenario.given(
        *steps("6", MIDTERM, AcceptancePassed("L-a", "midterm")),
        *paid("P1", "a", 1, "60.00", "7"),
        *steps("8", AcceptanceRequested("L-a"), AcceptancePassed("L-a")),
    )
    assert balances(both) == {"paid": "60.00", "payable": "40.00"}


def test_the_event_says_that_the_checkpoint_it_names_is_the_last():
    [event] = paid_midterm.when(post(PROJECT, AcceptanceRequested("L-a", "final"), "8-1")).events()
    assert (event.fact.checkpoint, event.fact.last) == ("final", True)
    for fact in (MIDTERM, AcceptanceRequested("L-a")):
        [event] = (settled if fact is MIDTERM else paid_midterm).when(post(PROJECT, fact, "8-1")).events()
        assert event.fact == fact


def test_money_added_behind_a_passed_checkpoint_is_payable_and_behind_another_committed():
    less = awarded.given(
        post(PROJECT, AwardAmended("L-a", 2, increase=False, amount=yuan("1.00"), reason="核减"), "3-2"),
        post(PROJECT, AwardAmended("L-a", 3, increase=False, amount=yuan("1.00"), reason="核减"), "3-2"),
        *paid(),
        *steps("6", MIDTERM, AcceptancePassed("L-a", "midterm")),
    )
    for batch, account in ((2, "payable"), (3, "committed")):
        more = AwardAmended("L-a", batch, increase=True, amount=yuan("1.00"), reason="追加")
        less.when(post(PROJECT, more, "6-3")).moves(("line", account, "1.00"))


def test_the_conclusion_of_an_acceptance_moves_no_money_of_its_own():
    graded = AcceptancePassed("L-a", "midterm", Conclusion.GOOD, Decimal("88.5"), yuan("35.00"))
    requested = settled.given(post(PROJECT, MIDTERM, "6-1"))
    requested.when(post(PROJECT, graded, "6-2")).moves(("committed", "payable", "40.00"))


def test_what_was_reached_is_said_of_goals_that_the_line_has_once_for_each():
    with_goal = replace(THREE, goals=(Goal("发明专利授权", "不少于 20", "件"),))
    scenario = decided(Scenario().given(*allotted(with_goal), *noticed()), row("a", "30.00", "40.00", "30.00"))
    requested = scenario.given(*paid(), post(PROJECT, MIDTERM, "6-1"))

    def passed(*goals):
        actuals = tuple(Actual(goal, "12") for goal in goals)
        return post(PROJECT, AcceptancePassed("L-a", "midterm", actuals=actuals), "6-2")

    requested.when(passed("发明专利授权")).accepted()
    requested.when(passed("发明专利申请")).refused(GoalNotInPlan, project="p", goal="发明专利申请")
    requested.when(passed("发明专利授权", "发明专利授权")).refused(NameTaken, kind="goal", name="发明专利授权")


# The order -------------------------------------------------------------------


def test_a_checkpoint_needs_the_earlier_ones_passed():
    settled.when(post(PROJECT, AcceptanceRequested("L-a"), "6-1")).refused(
        CheckpointOutOfTurn, award="L-a", checkpoint="acceptance", earlier="midterm", status="none"
    )
    settled.given(post(PROJECT, MIDTERM, "6-1")).when(
        post(PROJECT, AcceptanceRequested("L-a", "final"), "6-2")
    ).refused(CheckpointOutOfTurn, checkpoint="final", status="requested")


def test_the_order_of_checkpoints_can_be_waived_for_an_award():
    out_of_turn = waived(settled, "CheckpointOutOfTurn", "5-1")
    out_of_turn = waived(out_of_turn, "EarlierBatchesUnsettled", "5-1")
    out_of_turn.when(post(PROJECT, AcceptanceRequested("L-a"), "6-1")).accepted()
    out_of_turn.when(post(PROJECT, AcceptanceRequested("L-a"), "6-1", **ANOTHER)).refused(SamePerson)


def test_only_the_batches_behind_earlier_gates_must_be_settled():
    awarded.when(post(PROJECT, MIDTERM, "6-1")).refused(EarlierBatchesUnsettled, batch=1, amount=yuan("30.00"))
    settled.when(post(PROJECT, MIDTERM, "6-1")).accepted()
    passed_midterm.when(post(PROJECT, AcceptanceRequested("L-a"), "7-1")).refused(
        EarlierBatchesUnsettled, batch=2, amount=yuan("40.00")
    )
    paid_midterm.when(post(PROJECT, AcceptanceRequested("L-a"), "8-1")).accepted()


def test_a_checkpoint_is_not_requested_before_the_day_on_which_the_earlier_one_was_passed():
    nothing_behind = line(amounts=("60.00",), gates=("final",), checkpoints=CHECKPOINTS)
    scenario = decided(Scenario().given(*allotted(nothing_behind), *noticed()), row("a", "60.00"))
    midterm = scenario.given(*steps("6", MIDTERM, AcceptancePassed("L-a", "midterm")))
    midterm.when(post(PROJECT, AcceptanceRequested("L-a"), "6-1", booked="6-2")).refused(
        BeforeItsCause, cause="acceptance passed"
    )
    midterm.when(post(PROJECT, AcceptanceRequested("L-a"), "6-2")).accepted()


def test_a_checkpoint_that_the_line_does_not_have_is_refused():
    for fact in (
        AcceptanceRequested("L-a", "中期"),
        AcceptancePassed("L-a", "中期"),
        AcceptanceFailed("L-a", "未达标", "中期"),
        RectificationOrdered("L-a", day("7-1"), "中期"),
        ExtensionGranted("L-a", due_on=day("7-1"), checkpoint="中期"),
    ):
        settled.when(post(PROJECT, fact, "6-1")).refused(CheckpointNotInPlan, project="p", checkpoint="中期")


def test_only_a_step_that_names_its_checkpoint_needs_the_line_in_the_plan():
    amounts = enumerate(("30.00", "40.00", "30.00"), 1)
    dropped = awarded.given(
        *(
            post(PROJECT, AwardAmended("L-a", n, increase=False, amount=yuan(amount), reason="核减"), "3-2")
            for n, amount in amounts
        ),
        *steps("4", MIDTERM, AcceptancePassed("L-a", "midterm"), AcceptanceRequested("L-a")),
        *(
            post(FUND, AllotmentWithdrawn("p", n, yuan(amount)), "4-4")
            for n, amount in enumerate(("30.00", "40.00", "30.00"), 1)
        ),
        post(FUND, revised(line("q")), "4-5"),
    )
    dropped.when(post(PROJECT, AcceptanceFailed("L-a", "未达标", "final"), "4-6")).refused(NotInPlan, project="p")
    dropped.when(post(PROJECT, AcceptanceFailed("L-a", "未达标"), "4-6")).accepted()


# Failures and rectification ---------------------------------------------------


def test_each_checkpoint_has_its_own_status_tries_and_rectification():
    twice = rectifying().given(
        post(PROJECT, MIDTERM, "6-4"),
        post(PROJECT, AcceptanceFailed("L-a", "未达标", "midterm"), "6-5"),
        post(PROJECT, RectificationOrdered("L-a", day("6-30"), "midterm"), "6-6"),
    )
    twice.when(post(PROJECT, MIDTERM, "6-7")).refused(NoTriesLeft, failed=2, allowed=2)
    final = rectifying("final", paid_midterm, "8").ledger.project("p").award("L-a")
    assert (final.check("midterm").failures, final.check().failures) == (0, 1)
    assert (final.check("midterm").rectify_by, final.check().rectify_by) == (None, day("8-20"))


def test_steps_of_one_checkpoint_do_not_answer_a_request_at_another():
    requested = settled.given(post(PROJECT, MIDTERM, "6-1"))
    for fact in (AcceptancePassed("L-a"), AcceptanceFailed("L-a", "未达标")):
        requested.when(post(PROJECT, fact, "6-2")).refused(
            AcceptanceStatusWrong, checkpoint="acceptance", status="none", wanted="requested"
        )
    passed_midterm.when(post(PROJECT, MIDTERM, "6-3")).refused(
        AcceptanceStatusWrong, checkpoint="midterm", status="passed"
    )


def test_a_rectification_is_extended_at_its_checkpoint():
    late = rectifying().given(post(PROJECT, ExtensionGranted("L-a", due_on=day("7-20"), checkpoint="midterm"), "6-4"))
    rectifying().when(post(PROJECT, MIDTERM, "7-1")).refused(RectificationOverdue, due_on=day("6-20"))
    late.when(post(PROJECT, MIDTERM, "7-1")).accepted()
    rectifying().when(post(PROJECT, ExtensionGranted("L-a", due_on=day("7-20")), "6-4")).refused(NothingToExtend)


def test_an_alert_names_the_checkpoint_whose_rectification_is_due():
    def of(scenario):
        ledger = replace(scenario.ledger, today=day("9-1"))
        return [(each.name, each.facts) for each in alerts(ledger, "f", ("p",)) if "rectification" in each.name]

    assert of(rectifying()) == [("checkpoint-rectification", {"award": "L-a", "checkpoint": "midterm"})]
    assert of(rectifying("final", paid_midterm, "8")) == [("rectification", {"award": "L-a"})]


# Reversal --------------------------------------------------------------------


def test_a_passed_checkpoint_can_be_reversed_until_its_money_moves_or_the_next_one_is_requested():
    passed_midterm.when(passed_midterm.reversing(AcceptancePassed, "6-3")).moves(("payable", "committed", "40.00"))
    undone = passed_midterm.given(passed_midterm.reversing(AcceptancePassed, "6-3"))
    assert undone.ledger.project("p").award("L-a").check("midterm").status == "requested"
    paid_midterm.when(paid_midterm.reversing(AcceptancePassed, "8-1")).refused(MovedOn, account="payable")
    requested = paid_midterm.given(post(PROJECT, AcceptanceRequested("L-a"), "8-1"))
    requested.when(requested.reversing(PaymentConfirmed, "8-2")).refused(NotTheLast, kind="award")
    without_money = waived(passed_midterm, "EarlierBatchesUnsettled", "6-3")
    requested = without_money.given(post(PROJECT, AcceptanceRequested("L-a"), "8-1"))
    requested.when(requested.reversing(AcceptancePassed, "8-2")).refused(NotTheLast, kind="award", name="L-a")


def test_an_amendment_can_be_reversed_after_a_checkpoint_that_does_not_depend_on_it():
    for batch, dependent in ((3, False), (1, True)):
        less = AwardAmended("L-a", batch, increase=False, amount=yuan("1.00"), reason="核减")
        after = awarded.given(
            post(PROJECT, less, "3-1"), *paid(amount="29.00" if dependent else "30.00"), post(PROJECT, MIDTERM, "6-1")
        )
        undo = after.when(after.reversing(AwardAmended, "6-2"))
        if dependent:
            undo.refused(NotTheLast, kind="award")
        else:
            undo.accepted()


# Why -------------------------------------------------------------------------


def test_why_leads_through_the_checkpoints_in_their_order():
    def facts(scenario, batch=3):
        return [step.fact for step in why(scenario.ledger, "p", batch, "L-a").steps][:-1]

    assert facts(settled) == [MIDTERM, AcceptanceRequested("L-a")]
    assert facts(settled, 2) == [MIDTERM]
    assert facts(paid_midterm) == [AcceptanceRequested("L-a")]
    requested = settled.given(post(PROJECT, MIDTERM, "6-1"))
    assert facts(requested, 2) == [AcceptancePassed("L-a", "midterm")]
    [_, final, _] = why(settled.ledger, "p", 3, "L-a").steps
    assert CheckpointOutOfTurn in [type(each.missing) for each in final.conditions]


# The plan --------------------------------------------------------------------

founded_fund = Scenario().given(*founded(THREE))
drafting = Scenario().given(*founded(THREE)[:2])


def test_a_gate_is_a_known_word_or_a_checkpoint_of_its_line():
    unknown = replace(THREE, checkpoints=("interim", "final"))
    drafting.when(post(FUND, plan(unknown), "1-3")).refused(PlanNamesUnknown, project="p", what="gate midterm")
    drafting.when(post(FUND, plan(replace(THREE, checkpoints=None)), "1-3")).refused(PlanNamesUnknown)


@pytest.mark.parametrize(
    ("checkpoints", "what"),
    [
        (("midterm", "midterm", "final"), "p gate midterm"),
        (("midterm", "final", "award"), "p gate award"),
        (("agreement", "midterm", "final"), "p gate agreement"),
        (("midterm", "acceptance", "final"), "p gate acceptance"),
    ],
)
def test_a_checkpoint_has_a_name_of_its_own(checkpoints, what):
    drafting.when(post(FUND, plan(replace(THREE, checkpoints=checkpoints)), "1-3")).refused(PlanNamesTwice, what=what)


def test_the_last_checkpoint_may_be_called_acceptance():
    called = line(gates=("midterm", "acceptance"), checkpoints=("midterm", "acceptance"))
    drafting.when(post(FUND, plan(called), "1-3")).accepted()


def test_the_checkpoints_of_a_line_with_allotted_money_are_fixed():
    other = replace(THREE, checkpoints=("midterm", "second", "final"))
    founded_fund.when(post(FUND, revised(other), "1-7")).accepted()
    an_allotted_fund = Scenario().given(*allotted(THREE))
    an_allotted_fund.when(post(FUND, revised(other), "1-7")).refused(
        CheckpointsFixed, project="p", checkpoints="midterm, final"
    )
    an_allotted_fund.when(post(FUND, revised(THREE), "1-7")).accepted()


def test_another_name_of_the_same_gate_is_no_change_of_the_gate():
    an_allotted_fund = Scenario().given(*allotted(THREE))

    def with_gates(*gates):
        return revised(line(amounts=("30.00", "40.00", "30.00"), gates=gates, checkpoints=CHECKPOINTS))

    an_allotted_fund.when(post(FUND, with_gates(Gate.AWARD, "midterm", "acceptance"), "1-7")).accepted()
    an_allotted_fund.when(post(FUND, with_gates(Gate.AWARD, "final", "final"), "1-7")).refused(
        GateFixed, batch=2, gate="midterm", asked_gate="final"
    )
