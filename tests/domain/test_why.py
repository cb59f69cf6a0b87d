"""The explanation of why money is not paid agrees, in any state, with the answers to the posts that it names."""

from datetime import date, timedelta

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.decision import decide
from domain.fund.funding import FundsAllotted
from domain.fund.lifecycle import SettingsChanged
from domain.project.acceptance import AcceptancePassed, AcceptanceRequested
from domain.project.award import AwardListDecided
from domain.project.call import ApplicationScreened, CallClosed, CallPublished
from domain.project.payment import PaymentApproved, PaymentConfirmed, PaymentRequested
from domain.project.selection import NoticeStarted, ReviewConcluded
from domain.rules import Refused
from domain.rules.acceptance import EarlierBatchesUnsettled
from domain.rules.award import NobodyListed
from domain.rules.call import CalendarUnknown, NoNotice, NoRoundUnderWay
from domain.rules.payment import GateShut
from domain.why import why
from tests.lives import (
    FUND,
    PROJECT,
    SETTINGS,
    accepted,
    actual,
    allotted,
    awarded,
    called,
    instructed,
    line,
    noticed,
    paid,
    payee,
    request,
    reviewed,
)
from tests.random_life import RandomLife
from tests.scenario import Scenario, post


def refusing_rule(ledger, step):
    """The rule by which the ledger would refuse this step today; None if the ledger would accept the step."""
    try:
        decide(ledger, post(step.stream, step.fact, ledger.today.isoformat(), actor="无关的人", key="no-part"))
    except Refused as refusal:
        return type(refusal)
    return None


def check_answer_agrees_with_posting(ledger, answer):
    for step in answer.steps:
        missing = [type(each.missing) for each in step.conditions if each.missing]
        assert refusing_rule(ledger, step) == (missing[0] if missing else None)
        assert step.may == (not missing)


@settings(
    max_examples=15, phases=[Phase.generate], deadline=None,
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


END = date(2026, 12, 31)
"""The last day of the calendar of `weekdays`."""


def weekdays(first, last):
    """The number of Mondays to Fridays from `first` to `last`; None if `last` is after the end of 2026."""
    days = (first + timedelta(number) for number in range((last - first).days + 1))
    return sum(day.weekday() < 5 for day in days) if last <= END else None


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 40), st.integers(0, 30))
def test_why_proposes_the_shortest_notice_and_none_that_would_be_refused(days_left, working_days):
    """If a notice fits into the days that the calendar covers, it is proposed. Otherwise the missing year is named."""
    strict = post(FUND, SettingsChanged(replace(SETTINGS, notice_working_days=working_days)), "2-16")
    today = END - timedelta(days_left)
    ledger = replace(
        Scenario().given(*allotted(line()), *reviewed(), strict).ledger, today=today, working_days=weekdays
    )
    [step] = [each for each in why(ledger, "p", 1).steps if isinstance(each.fact, NoticeStarted)]
    enough = [
        day for day in (today + timedelta(n) for n in range(days_left + 1)) if weekdays(today, day) >= working_days
    ]
    check_answer_agrees_with_posting(ledger, why(ledger, "p", 1))
    assert isinstance(step.fact, NoticeStarted)
    if enough:
        assert step.may
        assert (step.fact.first_day, step.fact.last_day) == (today, enough[0])
    else:
        [missing] = [each.missing for each in step.conditions if each.missing]
        assert isinstance(missing, CalendarUnknown)
        assert missing.year == 2027


@settings(
    max_examples=10, phases=[Phase.generate], deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip
@given(st.randoms(use_true_random=False).map(RandomLife), st.integers(0, 30))
def test_no_step_that_why_proposes_is_refused_however_soon_the_calendar_of_a_life_ends(life, days_left):
    for number, _ in enumerate(life.live(150)):
        ledger = replace(life.ledger, today=END - timedelta(days_left), working_days=weekdays)
        for project in life.projects() if number % 10 == 0 else ():
            fund_line = ledger.fund(project.fund).lines.get(project.code)
            for batch in fund_line.batches if fund_line else ():
                check_answer_agrees_with_posting(ledger, why(ledger, project.code, batch.batch))


def steps_and_missing_rules(scenario, batch, award=None):
    """The type of the fact of each step, with the rules that the step's unmet conditions break."""
    answer = why(scenario.ledger, "p", batch, award)
    return [(type(s.fact), [type(c.missing) for c in s.conditions if c.missing]) for s in answer.steps]


def test_behind_a_shut_gate_the_answer_names_the_step_that_opens_it():
    blocked_request = (PaymentRequested, [GateShut])
    assert steps_and_missing_rules(awarded(), 2, "L-a") == [
        (AcceptanceRequested, [EarlierBatchesUnsettled]),
        blocked_request,
    ]
    settled = awarded().given(*paid())
    assert steps_and_missing_rules(settled, 2, "L-a") == [(AcceptanceRequested, []), blocked_request]
    requested = settled.given(accepted()[0])
    assert steps_and_missing_rules(requested, 2, "L-a") == [(AcceptancePassed, []), blocked_request]
    assert steps_and_missing_rules(settled.given(*accepted()), 2, "L-a") == [(PaymentRequested, [])]


def test_a_payment_in_flight_needs_its_next_step():
    assert steps_and_missing_rules(awarded().given(request()), 1, "L-a") == [(PaymentApproved, [])]
    [confirmed] = why(awarded().given(*instructed()).ledger, "p", 1, "L-a").steps
    assert isinstance(confirmed.fact, PaymentConfirmed)
    assert confirmed.fact.amount == 3_000
    assert confirmed.fact.payee == actual(uscc=payee("a").uscc)


def test_paid_money_needs_no_step():
    answer = why(awarded().given(*paid()).ledger, "p", 1, "L-a")
    assert answer.says.en == "All of it is paid: 30.00 yuan."
    assert answer.steps == ()


def test_money_in_the_line_needs_the_next_step_of_the_round_and_the_award_list():
    steps = [
        (Scenario().given(*allotted(line())), CallPublished),
        (Scenario().given(*allotted(line()), *called()), CallClosed),
        (Scenario().given(*allotted(line()), *called(), post(PROJECT, CallClosed(1), "2-11")), ApplicationScreened),
        (Scenario().given(*allotted(line()), *reviewed()[:-1]), ReviewConcluded),
        (Scenario().given(*allotted(line()), *reviewed()), NoticeStarted),
    ]
    for scenario, expected in steps:
        [(first, missing), *_, (last, missing_for_list)] = steps_and_missing_rules(scenario, 1)
        assert (first, missing, last) == (expected, [], AwardListDecided)
        assert NobodyListed in missing_for_list or expected is NoticeStarted
        assert missing_for_list[0] is (NoRoundUnderWay if expected is CallPublished else NoNotice)
    noticed_now = Scenario().given(*allotted(line()), *noticed())
    assert [fact for fact, _ in steps_and_missing_rules(noticed_now, 1)] == [AwardListDecided]


def test_unallotted_money_needs_an_allotment():
    opened = Scenario().given(*allotted(line())[:-2])
    assert steps_and_missing_rules(opened, 1)[0] == (FundsAllotted, [])


def test_a_wholly_awarded_line_needs_no_step():
    answer = why(awarded().ledger, "p", 1)
    assert answer.steps == ()
    assert "0.00" in answer.says.en


def test_a_condition_that_is_met_names_the_events_that_meet_it():
    ledger = awarded().given(*paid(), *accepted()).ledger
    [step] = why(ledger, "p", 2, "L-a").steps
    [gate] = [condition for condition in step.conditions if GateShut in condition.guard.rules]
    assert [type(ledger.entries[each].fact) for each in gate.by] == [AcceptancePassed]
