"""Properties that hold after every event of any random life. Hypothesis searches for a life that breaks a property."""

from collections import Counter, defaultdict
from datetime import date
from itertools import combinations
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from immutables import Map
from msgspec.structs import replace

from domain.decision import FACTS, decide
from domain.entry_reversed import EntryReversed
from domain.fen import FenSet
from domain.fund.lifecycle import PeriodClosed
from domain.fund.plan import PlanAdopted
from domain.ledger_view import Stream
from domain.money import Money
from domain.period import last_day
from domain.posting import ALLOTTED, COMMITTED, IN_FLIGHT, LINE, PAID, PAYABLE, POOL, TREASURY, account_at
from domain.project.award import AwardListDecided
from domain.project.payment import PaymentConfirmed, PaymentFailed, PaymentRequested
from domain.project.recovery import RecoveryOrdered, RecoveryWaived
from domain.project.selection import ObjectionReceived
from domain.replay import advance, after
from domain.rules import RULES
from domain.rules.award import NoPlacesLeft
from domain.rules.call import ObjectionOpen, ObjectionUpheld
from domain.rules.fund import FundIsClosed, NotInPlan
from domain.rules.payment import PayeeMismatch
from domain.rules.waiver import SamePerson
from domain.state.entities import MAX_UNDO_STEPS, AwardStatus, PaymentStatus, RoundStatus
from domain.state.fund import NoticeOrder
from domain.state.project import FIELD_OF, Project
from tests.lives import PROJECT, awarded, payee, payee_waiver, yuan
from tests.random_life import RandomLife, prove, replayable, script
from tests.random_life.closing_steps import closing_posts
from tests.random_life.model import Model
from tests.random_life.payment_steps import next_of_payment
from tests.scenario import TODAY, post, view_for

any_life = given(st.randoms(use_true_random=False))
some_lives = settings(
    max_examples=40,
    phases=[Phase.reuse, Phase.generate],  # prove() makes a failing life shorter, in seconds
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
UNPAID = (COMMITTED, PAYABLE, *IN_FLIGHT)


# After every event -----------------------------------------------------------


def check_each_fen_is_in_exactly_one_account(life):
    everything = [fen for state in life.aggregates() for fen in state.accounts.holdings.values()]
    everything.append(returned_to_treasury(life.events))
    assert sum(fen.total for fen in everything) == life.ledger.next_serial
    assert FenSet.of(span for fen in everything for span in fen.ranges) == FenSet.span(0, life.ledger.next_serial)


def returned_to_treasury(events):
    """The serials of reversed appropriations."""
    return FenSet.of(span for e in events for m in e.moves if m.target == TREASURY for span in m.fen.ranges)


def check_all_appropriated_money_is_in_the_fund_or_allotted(life):
    for fund in life.funds():
        own = [event for event in life.events if event.fund == fund.code and event.mirrors is None]
        issued = sum(m.amount for event in own for m in event.moves if m.source == TREASURY)
        held = sum(fen.total for fen in fund.accounts.holdings.values())
        projects = [project for project in life.projects() if project.fund == fund.code]
        never_allotted = sum(amount for project in projects for amount in out_of_pool(project).values())
        assert issued - returned_to_treasury(own).total == held + sum(fund.allotted.values()) + never_allotted


def out_of_pool(project):
    """By batch, the fen that a bank paid out of the pool without an order, and that did not come back."""
    paid = Counter()
    for name, payment in project.payments.items():
        if payment.unordered == POOL:
            paid[payment.batch] += project.paid(name).total
    return paid


def check_no_document_is_used_twice(life):
    for number in {claim.number_alone for claim in life.ledger.claims}:
        same = list(life.ledger.claims.with_number_of([number]))
        assert not any(one.is_same(other) for one, other in combinations(same, 2))


def check_fund_and_projects_agree_on_the_allotted_amounts(life):
    for project in life.projects():
        held = Counter()
        for at, fen in project.accounts.holdings.items():
            assert at.account in ALLOTTED
            held[at.place.batch] += fen.total
        line = life.fund.lines.get(project.code)
        planned = {b.batch: b.amount for b in line.batches} if line else {}
        allotted = {batch: amount for (code, batch), amount in life.fund.allotted.items() if code == project.code}
        assert held - out_of_pool(project) == Counter(allotted) - Counter()
        assert all(0 <= amount <= planned.get(batch, 0) for batch, amount in allotted.items())


def check_only_live_awards_hold_unpaid_money(life):
    for project in life.projects():
        for at in project.accounts.holdings:
            if at.account in UNPAID:
                assert project.awards[at.place.award].status is AwardStatus.LIVE


def check_money_is_committed_only_behind_a_shut_gate(life):
    for project in life.projects():
        for at in project.accounts.holdings:
            live = at.place.award and project.awards[at.place.award].status is AwardStatus.LIVE
            if live and at.place.payment not in project.apart:
                line = life.fund.line(project.code)
                gate = line.batch(at.place.batch).gate
                gate = "acceptance" if gate == (line.checkpoints or ("acceptance",))[-1] else gate
                assert (gate in project.awards[at.place.award].gates) == (at.account != COMMITTED)


def check_stored_sums_equal_the_holdings(life):
    for state in life.aggregates():
        sums = Counter()
        for at, fen in state.accounts.holdings.items():
            assert fen, "empty accounts are not stored"
            sums[at.account, at.place._replace(payment=None)] += fen.total
        assert dict(state.accounts.sums) == dict(sums)


def check_what_awards_got_is_what_the_moves_say(life):
    for project in life.projects():
        awarded = Counter()
        for event in life.events:
            for move in event.moves if event.stream == f"project/{project.code}" else ():
                accounts = (move.source, move.target)
                if move.place.award and LINE in accounts and PAID not in accounts:
                    awarded[move.place.award] += move.amount if move.source == LINE else -move.amount
        assert dict(project.awarded) == {award: amount for award, amount in awarded.items() if amount}


def check_a_waived_payee_never_holds_more_than_its_waiver_allows(life):
    for project in life.projects():
        held = Counter()
        for at, fen in project.accounts.holdings.items():
            payment = project.payments.get(at.place.payment)
            if payment is None or {"PayeeMismatch", "WaiverUsedUp"} & {*payment.irregular}:
                continue
            if payment.by_waiver:
                held[at.place.award, payment.payee] += fen.total
            elif at.account in IN_FLIGHT:
                assert payment.payee == project.awards[at.place.award].payee
        for (award, to), amount in held.items():
            waiver = project.waivers[f"PayeeMismatch/award/{award}"]
            assert amount <= next(each.at_most for each in waiver.payees if each.payee == to)


def check_closed_projects_and_funds_are_settled(life):
    for project in life.projects():
        assert project.closed == (project.code in life.fund.closed_projects)
        if project.closed:
            assert {at.account for at in project.accounts.holdings} <= {PAID}
            assert not project.open_objections
            assert all(each.status is not RoundStatus.UNDER_WAY for each in project.rounds.values())
    for fund in life.funds():
        if fund.closed:
            assert not fund.accounts.balance(POOL)


def check_ordered_recoveries_do_not_exceed_the_paid_amount(life):
    fact = life.events[-1].fact
    if isinstance(fact, RecoveryOrdered):
        project = life.ledger.project(life.events[-1].stream.removeprefix("project/"))
        of_payment = [name for name, each in project.recoveries.items() if each.payment == fact.payment]
        assert sum(map(project.outstanding, of_payment)) <= project.paid(fact.payment).total


def check_a_waiver_reduces_what_is_outstanding_by_its_amount_and_nothing_else(life):
    event = life.events[-1]
    if isinstance(event.fact, RecoveryWaived):
        project, before = (each.project(event.stream.removeprefix("project/")) for each in (life.ledger, life.before))
        left = {name: before.outstanding(name) for name in before.recoveries}
        left[event.fact.recovery] -= event.fact.amount
        assert left == {name: project.outstanding(name) for name in project.recoveries}


def check_no_objection_concerns_what_was_decided_when_it_was_received(life):
    """In a fund whose notices precede the decision, an objection concerns only undecided applications.

    Source: DOMAIN, "Project".
    """
    event = life.events[-1]
    if isinstance(event.fact, ObjectionReceived):
        project, before = (each.project(event.stream.removeprefix("project/")) for each in (life.ledger, life.before))
        if life.fund.settings.notice_order is NoticeOrder.BEFORE_DECISION:
            objection = project.objections[event.fact.objection]
            concerns = objection.concerns if objection.supplementary is None else ()
            awarded = {before.applications[name].award for name in concerns} - {None}
            assert not any(before.shown(award) for award in awarded)


def check_lookups_agree_with_the_entities(life):
    for project in life.projects():
        live = defaultdict(tuple)
        for name, each in sorted(project.applications.items()):
            live[each.round, each.identity] += () if each.withdrawn else (name,)
        assert dict(project.applicants) == {at: names for at, names in live.items() if names}
        assert project.open_objections == {n for n, each in project.objections.items() if not each.resolved}
        assert project.ended == {n for n, each in project.awards.items() if each.status is not AwardStatus.LIVE}
        of_payments = {(each.payment, n) for n, each in project.recoveries.items()}
        assert {(payment, n) for payment, of in project.recoveries_of.items() for n in of} == of_payments


def check_no_place_is_taken_above_the_limit(life):
    """No event takes a place above the plan's limit.

    A revision of the plan may lower the limit below the number of places already taken.
    """
    for project in life.projects():
        line, before = life.fund.lines.get(project.code), life.before.stream(f"project/{project.code}").state
        taken = places_taken(project)
        if line and before and taken > places_taken(before):
            assert taken <= line.awards


def places_taken(project):
    """The number of awards that take a place: live awards, and ended awards with money that was paid by an order."""
    paid = {
        at.place.award
        for at in project.accounts.holdings
        if at.account == PAID and project.payments[at.place.payment].unordered is None
    }
    return sum(each.status is AwardStatus.LIVE or name in paid for name, each in project.awards.items())


CHECKS = [check for name, check in sorted(globals().items()) if name.startswith("check_")]


def check_all(life):
    for check in CHECKS:
        check(life)


@some_lives
@any_life
def test_after_every_event_all_invariants_hold_and_the_model_agrees(random):
    prove(random, 120, each=check_all, observer=Model)


@pytest.mark.parametrize("seed", range(24))
def test_all_invariants_hold_throughout_a_long_life(seed):
    prove(Random(seed), 800, each=check_all, observer=Model)


# The log ---------------------------------------------------------------------


def log_folds_to_the_state(life):
    """The fold of the log equals the state of the ledger. So refused posts have changed nothing in the state."""
    streams = {}
    for event in life.events:
        streams[event.stream] = after(streams.get(event.stream, Stream()), event)
    assert streams == dict(life.ledger.streams)


def log_has_dense_versions_and_booking_dates_that_never_go_back(life):
    last = {}
    for event in life.events:
        version, booked_on = last.get(event.stream, (0, event.booked_on))
        assert event.version == version + 1
        assert booked_on <= event.booked_on <= TODAY
        assert event.header.occurred_on <= event.booked_on
        last[event.stream] = (event.version, event.booked_on)


def log_books_nothing_in_a_closed_period(life):
    closed_through = {}
    for event in life.events:
        assert event.booked_on > closed_through.get(event.fund, date.min)
        if isinstance(event.fact, PeriodClosed):
            closed_through[event.fund] = last_day(event.fact.period)


def log_never_overdraws_an_account_in_booking_order(life):
    """If the events are sorted by booking date, every fen that leaves an account was in that account."""
    accounts = defaultdict(FenSet)
    for event in sorted(life.events, key=lambda event: event.booked_on):
        for moved in event.moves if event.mirrors is None else ():
            source, target = (account_at(account, moved.place) for account in (moved.source, moved.target))
            if source.account != TREASURY:
                accounts[event.fund, source] -= moved.fen  # raises FenMissing
            accounts[event.fund, target] += moved.fen


def log_mirrors_repeat_the_moves_of_their_leader(life):
    by_place = {(e.stream, e.version): e for e in life.events}
    for event in life.events:
        if event.mirrors:
            leader = by_place[event.mirrors.stream, event.mirrors.version]
            assert event.moves == leader.moves
            assert event.stream != leader.stream


LOG_CHECKS = [check for name, check in sorted(globals().items()) if name.startswith("log_")]


def check_log(life):
    for check in LOG_CHECKS:
        check(life)


@some_lives
@any_life
def test_the_log_of_a_life_is_consistent(random):
    prove(random, 150, end=check_log)


class RefusalObserver:
    """An observer that compares the whole ledger before and after each refused post."""

    def __init__(self):
        self.before = None

    def __call__(self, _, outcome, ledger):
        assert isinstance(outcome, tuple) or repr(ledger) == self.before
        self.before = repr(ledger)


@some_lives
@any_life
def test_a_refused_post_does_not_change_the_ledger(random):
    prove(random, 40, observer=RefusalObserver)


# Reversals and winding up ----------------------------------------------------


def comparable(state):
    """An aggregate without its record of reversals and without zero amounts."""
    if isinstance(state, Project):
        recovered = {name: amount for name, amount in state.recovered.items() if amount}
        recoveries_of = {name: names for name, names in state.recoveries_of.items() if names}
        kinds = {field: without_oldest_step(getattr(state, field)) for field in FIELD_OF.values()}
        return replace(state, reversed={}, recovered=recovered, recoveries_of=recoveries_of, **kinds)
    allotted = {at: amount for at, amount in state.allotted.items() if amount}
    not_reversed = {v: each for v, each in state.appropriations.items() if v not in state.reversed}
    total = sum(each.amount for each in not_reversed.values())
    return replace(
        state,
        reversed={},
        allotted=allotted,
        appropriations=not_reversed,
        ever_appropriated=total,
        issued=Map(),
        interest=Money(0),
    )


def without_oldest_step(entities):
    """The entities, each without the oldest of MAX_UNDO_STEPS past states.

    A step beyond this limit drops the oldest past state, and the reversal of the step does not restore that state.
    """
    return {name: replace(each, past=each.past[1 - MAX_UNDO_STEPS :]) for name, each in entities.items()}


def states(ledger):
    return {name: comparable(stream.state) for name, stream in ledger.streams.items()}


@some_lives
@any_life
def test_an_entry_reversed_at_once_leaves_all_as_it_was(random):
    prove(random, 120, each=reverse_at_once)


def reverse_at_once(life):
    leader = life.recorded_last()
    if leader.fact.reversible is None:
        return
    on, code = max(life.day, leader.header.occurred_on), leader.stream.partition("/")[2]
    another = life.other_than(leader.header.actor)
    undo = life.post(EntryReversed(leader.version, "录入有误"), leader.stream, on=on, by=another)
    life.last = undo
    try:
        undone = advance(life.ledger, decide(view_for(life.ledger, undo), undo))
    except FundIsClosed:
        assert life.fund.closed
    except (ObjectionOpen, ObjectionUpheld, PayeeMismatch):
        assert isinstance(leader.fact, PaymentFailed), "an objection or another payee since the instruction"
    except SamePerson:
        of_payment = isinstance(leader.fact, PaymentConfirmed | PaymentFailed)
        assert of_payment, "the person who reverses it granted the waiver that the payment relies on"
    except NotInPlan:
        assert code not in life.fund.lines, "a revision has dropped the line"
    except NoPlacesLeft:
        line = life.fund.line(code)
        assert places_taken(life.before.project(line.project)) > line.awards, "a revision has lowered the limit"
    else:
        assert states(undone) == states(life.before)
        assert {claim.kind for claim in set(undone.claims) - set(life.before.claims)} == {"冲销凭证号"}
        assert set(life.before.claims) <= set(undone.claims)


@pytest.mark.parametrize("seed", range(16))
def test_every_reversible_entry_of_a_long_life_can_be_reversed_at_once(seed):
    prove(Random(seed), 600, each=reverse_at_once)


@some_lives
@any_life
def test_every_state_can_be_wound_up(random):
    prove(random, random.choice((30, 80, 140)), end=wind_up)


def test_a_payment_that_uses_a_waiver_is_advanced_by_a_person_who_did_not_grant_it():
    """Regression: a closing step let the person who granted the waiver approve the payment; the ledger refuses this."""
    requested = awarded().given(
        post(PROJECT, payee_waiver("L-a", "other"), "5-1", actor="丙", key="key-丙"),
        post(PROJECT, PaymentRequested("P", "L-a", 1, yuan("10.00"), payee("other")), "5-2", actor="乙", key="key-乙"),
    )
    for seed in range(20):
        life = RandomLife(Random(seed), start=False)
        life.scenario, life.day = requested, TODAY
        for status in (PaymentStatus.APPROVED, PaymentStatus.INSTRUCTED):
            while life.ledger.project("p").payments["P"].status is not status:
                assert life.try_(next_of_payment(life, life.ledger.project("p"), "P")), life.refusals


@pytest.mark.parametrize("seed", range(40))
def test_a_long_life_can_be_wound_up(seed):
    prove(Random(seed), 300, end=wind_up)


def wind_up(life):
    """Make random closing posts until no closing post is left. Each must be accepted, and all must then be closed."""
    for _ in range(500):
        if not (makers := closing_posts(life)):
            break
        assert life.try_(life.pick(makers)()), f"cannot be wound up: {life.refusals[-1]!r}"
    assert life.fund.closed
    assert all(project.closed for project in life.projects())
    assert life.fund.accounts.total(("pool", "recovered")) == 0


# Reach and replay ------------------------------------------------------------

UNREACHABLE = {
    "SerialsExhausted": "92 000 appropriations of the highest amount would have to come before; see test_funding.py",
}
"""Rules and event types that no life reaches, each with the reason."""


def test_random_lives_reach_every_event_type_and_every_rule():
    """The properties above prove nothing about an event type or a rule that no life reaches."""
    counts, refusals = Counter(), Counter()
    for seed in range(100):
        life = prove(Random(seed), 400)
        counts.update(type(event.fact).__name__ for event in life.events)
        refusals.update(type(refusal).__name__ for refusal in life.refusals)
    for title, names, reached in (("accepted", FACTS, counts), ("refused", RULES, refusals)):
        print(f"\n{title}:")
        for name in names:
            print(f"  {name:26}{reached[name]:6}")
    for name in {*FACTS, *RULES} - {*counts, *refusals} - {*UNREACHABLE}:
        pytest.fail(f"tests/random_life: no life reaches {name}: add a step to the *_steps.py of its chapter")
    assert {*UNREACHABLE}.isdisjoint({*counts, *refusals})


@pytest.mark.parametrize("seed", range(3))
def test_the_script_of_a_life_replays_it(seed):
    life = prove(Random(seed), 150)
    assert not life.try_(life.post(PlanAdopted(99)))
    namespace = {}
    with pytest.raises(type(life.refusals[-1])):
        exec(script(life), namespace)
    replayed = namespace["life"].ledger
    assert replayed.streams == life.ledger.streams
    assert without_ids(replayed) == without_ids(life.ledger)


def without_ids(ledger):
    return {at: replace(e, header=replace(e.header, source_id="")) for at, e in ledger.entries.items()}


def test_a_failing_life_is_reported_as_a_short_script():
    def check_that_no_award_exists(life):
        assert not any(project.awards for project in life.projects())

    with pytest.raises(AssertionError) as failure:
        prove(Random(23), 400, each=check_that_no_award_exists)
    [note] = failure.value.__notes__
    namespace = {}
    exec(note.partition("\n")[2], namespace)
    assert any(type(event.fact) is AwardListDecided for event in namespace["life"].ledger.entries.values())
    assert len(namespace["life"].ledger.entries) < 30


def test_an_exception_within_replayable_gets_a_note_with_the_script():
    life = RandomLife(Random(1))
    with pytest.raises(AssertionError) as failure, replayable(life):
        raise AssertionError
    assert script(life) in failure.value.__notes__[0]
