"""Why money is not paid: the answer agrees with what posting it would answer, whatever the life so far."""

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from domain.decision import decide
from domain.fund.funding import FundsAllotted
from domain.project.acceptance import AcceptancePassed, AcceptanceRequested
from domain.project.award import AwardListDecided
from domain.project.call import ApplicationScreened, CallClosed, CallPublished
from domain.project.payment import PaymentApproved, PaymentRequested
from domain.project.selection import NoticeStarted, ReviewConcluded
from domain.rules import Refused
from domain.rules.acceptance import EarlierBatchesUnsettled
from domain.rules.award import NobodyListed
from domain.rules.call import NoNotice, NoRoundUnderWay
from domain.rules.payment import GateShut
from domain.why import why
from tests.domain.lives import (
    PROJECT,
    accepted,
    allotted,
    awarded,
    called,
    instructed,
    line,
    noticed,
    paid,
    request,
    reviewed,
)
from tests.domain.scenario import TODAY, Scenario, post
from tests.random_life import RandomLife


def posted(ledger, step):
    """What the ledger would answer to this step today: None if it counts, else the rule."""
    try:
        decide(ledger, post(step.stream, step.fact, TODAY.isoformat(), actor="无关的人", key="no-part"))
    except Refused as refusal:
        return type(refusal)
    return None


def check_answer_agrees_with_posting(ledger, answer):
    for step in answer.steps:
        missing = [type(each.missing) for each in step.conditions if each.missing]
        assert posted(ledger, step) == (missing[0] if missing else None)
        assert step.may == (not missing)


@settings(
    max_examples=25, phases=[Phase.generate], deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip
@given(st.randoms(use_true_random=False).map(RandomLife))
def test_why_and_posting_agree_at_every_step_of_any_life(life):
    for counted in life.live(150):
        if not counted:
            continue
        for project in life.projects():
            fund_line = life.ledger.fund(project.fund).lines.get(project.code)
            for batch in fund_line.batches if fund_line else ():
                awards = life.random.sample(sorted(project.awards), min(2, len(project.awards)))
                for award in (None, *awards):
                    answer = why(life.ledger, project.code, batch.batch, award)
                    check_answer_agrees_with_posting(life.ledger, answer)


def told(scenario, batch, award=None):
    """The steps' types, and for each the rules that are missing."""
    answer = why(scenario.ledger, "p", batch, award)
    return [(type(s.fact), [type(c.missing) for c in s.conditions if c.missing]) for s in answer.steps]


def test_behind_a_shut_gate_it_tells_what_opens_it():
    request_waits = (PaymentRequested, [GateShut])
    assert told(awarded(), 2, "L-a") == [(AcceptanceRequested, [EarlierBatchesUnsettled]), request_waits]
    settled = awarded().given(*paid())
    assert told(settled, 2, "L-a") == [(AcceptanceRequested, []), request_waits]
    asked = settled.given(accepted()[0])
    assert told(asked, 2, "L-a") == [(AcceptancePassed, []), request_waits]
    assert told(settled.given(*accepted()), 2, "L-a") == [(PaymentRequested, [])]


def test_a_payment_on_its_way_waits_for_its_next_step():
    assert told(awarded().given(request()), 1, "L-a") == [(PaymentApproved, [])]
    [confirmed] = why(awarded().given(*instructed()).ledger, "p", 1, "L-a").steps
    assert confirmed.fact.amount == 3_000


def test_what_is_paid_waits_for_nothing():
    answer = why(awarded().given(*paid()).ledger, "p", 1, "L-a")
    assert answer.says.en == "All of it is paid: 30.00 yuan."
    assert answer.steps == ()


def test_what_the_line_holds_waits_for_the_next_step_of_the_round_and_the_list():
    steps = [
        (Scenario().given(*allotted(line())), CallPublished),
        (Scenario().given(*allotted(line()), *called()), CallClosed),
        (Scenario().given(*allotted(line()), *called(), post(PROJECT, CallClosed(1), "2-11")), ApplicationScreened),
        (Scenario().given(*allotted(line()), *reviewed()[:-1]), ReviewConcluded),
        (Scenario().given(*allotted(line()), *reviewed()), NoticeStarted),
    ]
    for scenario, expected in steps:
        [(first, missing), *_, (last, not_yet)] = told(scenario, 1)
        assert (first, missing, last) == (expected, [], AwardListDecided)
        assert NobodyListed in not_yet or expected is NoticeStarted
        assert not_yet[0] is (NoRoundUnderWay if expected is CallPublished else NoNotice)
    noticed_now = Scenario().given(*allotted(line()), *noticed())
    assert [fact for fact, _ in told(noticed_now, 1)] == [AwardListDecided]


def test_what_is_not_allotted_waits_for_the_allotment():
    opened = Scenario().given(*allotted(line())[:-2])
    assert told(opened, 1)[0] == (FundsAllotted, [])


def test_a_line_of_which_all_is_awarded_waits_for_nothing():
    answer = why(awarded().ledger, "p", 1)
    assert answer.steps == ()
    assert "0.00" in answer.says.en


def test_a_condition_that_is_met_names_the_events_by_which():
    ledger = awarded().given(*paid(), *accepted()).ledger
    [step] = why(ledger, "p", 2, "L-a").steps
    [gate] = [condition for condition in step.conditions if GateShut in condition.guard.rules]
    assert [type(ledger.entries[each].fact) for each in gate.by] == [AcceptancePassed]
