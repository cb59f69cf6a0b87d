"""Why money is not paid: the answer agrees with what posting it would answer, whatever the life so far."""

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from domain.decision import decide
from domain.project.acceptance import AcceptancePassed, AcceptanceRequested
from domain.project.award import AwardListDecided
from domain.project.payment import PaymentApproved, PaymentRequested
from domain.rules import Refused
from domain.rules.acceptance import EarlierBatchesUnsettled
from domain.rules.award import NobodyListed
from domain.rules.call import NoNotice
from domain.rules.every_post import BalanceTooSmall
from domain.rules.payment import GateShut
from domain.why import why
from tests.domain.lives import accepted, allotted, awarded, called, instructed, line, paid, request
from tests.domain.scenario import TODAY, Scenario, post
from tests.random_life import RandomLife


def posted(books, code, fact):
    """What the ledger would answer to this fact today: None if it counts, else the rule."""
    try:
        decide(books, post(f"project/{code}", fact, TODAY.isoformat(), actor="无关的人", key="no-part"))
    except Refused as refusal:
        return type(refusal)
    return None


def check_answer_agrees_with_posting(books, code, answer):
    for step in answer.steps:
        missing = [type(each.missing) for each in step.conditions if each.missing]
        assert posted(books, code, step.fact) == (missing[0] if missing else None)
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
            fund_line = life.books.fund(project.fund).lines.get(project.code)
            for batch in fund_line.batches if fund_line else ():
                awards = life.random.sample(sorted(project.awards), min(2, len(project.awards)))
                for award in (None, *awards):
                    answer = why(life.books, project.code, batch.batch, award)
                    check_answer_agrees_with_posting(life.books, project.code, answer)


def told(scenario, batch, award=None):
    """The steps' types, and for each the rules that are missing."""
    answer = why(scenario.books, "p", batch, award)
    return [(type(s.fact), [type(c.missing) for c in s.conditions if c.missing]) for s in answer.steps]


def test_behind_a_shut_gate_it_tells_what_opens_it():
    assert told(awarded(), 2, "L-a") == [
        (PaymentRequested, [GateShut, BalanceTooSmall]),
        (AcceptanceRequested, [EarlierBatchesUnsettled]),
    ]
    settled = awarded().given(*paid())
    assert told(settled, 2, "L-a")[1] == (AcceptanceRequested, [])
    asked = settled.given(accepted()[0])
    assert told(asked, 2, "L-a")[1] == (AcceptancePassed, [])
    assert told(settled.given(*accepted()), 2, "L-a") == [(PaymentRequested, [])]


def test_a_payment_on_its_way_waits_for_its_next_step():
    steps = told(awarded().given(request()), 1, "L-a")
    assert steps == [(PaymentRequested, [BalanceTooSmall]), (PaymentApproved, [])]
    [_, confirmed] = why(awarded().given(*instructed()).books, "p", 1, "L-a").steps
    assert confirmed.fact.amount == 3_000


def test_what_the_line_holds_waits_for_the_award_list():
    called_only = Scenario().given(*allotted(line()), *called())
    [(fact, missing)] = told(called_only, 1)
    assert fact is AwardListDecided
    assert missing[0] is NoNotice
    assert NobodyListed in missing


def test_a_condition_that_is_met_names_the_events_by_which():
    books = awarded().given(*paid(), *accepted()).books
    [step] = why(books, "p", 2, "L-a").steps
    [gate] = [condition for condition in step.conditions if GateShut in condition.guard.rules]
    assert [type(books.entries[each].fact) for each in gate.by] == [AcceptancePassed]
