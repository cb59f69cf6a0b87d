"""What must hold after every event of any life. The lives are random; hypothesis finds the one that breaks a rule."""

from collections import Counter, defaultdict
from datetime import date
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.decision import FACTS, decide
from domain.entry_reversed import EntryReversed
from domain.fen import FenSet
from domain.fund.lifecycle import PeriodClosed
from domain.fund.plan import PlanAdopted
from domain.ledger_view import Stream
from domain.period import last_day
from domain.posting import ALLOTTED, COMMITTED, IN_FLIGHT, PAID, PAYABLE, POOL, TREASURY, account_at
from domain.project.award import AwardListDecided
from domain.project.payment import PaymentFailed
from domain.project.recovery import RecoveryOrdered
from domain.replay import advance, after
from domain.rules import RULES
from domain.rules.award import NoPlacesLeft
from domain.rules.call import ObjectionOpen, ObjectionUpheld
from domain.rules.fund import FundIsClosed, NotInPlan
from domain.rules.payment import PayeeMismatch
from domain.state.entities import MAX_UNDO_STEPS, AwardStatus, RoundStatus
from domain.state.project import KINDS, Project
from tests.domain.scenario import TODAY, seen
from tests.random_life import RandomLife, prove, replayable, script
from tests.random_life.model import Model
from tests.random_life.way_out import ways_out

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
    everything = [fen for owner in life.owners() for fen in owner.accounts.holdings.values()]
    everything.append(resting(life.events))
    assert sum(fen.total for fen in everything) == life.ledger.next_serial
    assert FenSet.of(span for fen in everything for span in fen.ranges) == FenSet.span(0, life.ledger.next_serial)


def resting(events):
    """The serials of reversed appropriations."""
    return FenSet.of(span for e in events for m in e.moves if m.target == TREASURY for span in m.fen.ranges)


def check_what_was_appropriated_is_all_there(life):
    for fund in life.funds():
        own = [event for event in life.events if event.fund == fund.code]
        issued = sum(m.amount for event in own for m in event.moves if m.source == TREASURY)
        kept = sum(fen.total for fen in fund.accounts.holdings.values())
        assert issued - resting(own).total == kept + sum(fund.allotted.values())


def check_fund_and_projects_agree_on_what_is_allotted(life):
    for project in life.projects():
        held = Counter()
        for at, fen in project.accounts.holdings.items():
            assert at.account in ALLOTTED
            held[at.place.batch] += fen.total
        line = life.fund.lines.get(project.code)
        planned = {b.batch: b.amount for b in line.batches} if line else {}
        allotted = {batch: amount for (code, batch), amount in life.fund.allotted.items() if code == project.code}
        assert held == Counter(allotted)
        assert all(amount <= planned.get(batch, 0) for batch, amount in allotted.items())


def check_only_a_live_award_holds_what_is_not_paid(life):
    for project in life.projects():
        for at in project.accounts.holdings:
            if at.account in UNPAID:
                assert project.awards[at.place.award].status is AwardStatus.LIVE


def check_money_is_committed_behind_a_shut_gate_only(life):
    for project in life.projects():
        for at in project.accounts.holdings:
            if at.place.award and project.awards[at.place.award].status is AwardStatus.LIVE:
                gate = life.fund.line(project.code).batch(at.place.batch).gate
                assert (gate in project.awards[at.place.award].gates) == (at.account != COMMITTED)


def check_sums_are_the_sums(life):
    for owner in life.owners():
        sums = Counter()
        for at, fen in owner.accounts.holdings.items():
            assert fen, "an empty account is none"
            sums[at.account, at.place._replace(payment=None)] += fen.total
        assert dict(owner.accounts.sums) == dict(sums)


def check_what_is_closed_is_settled_and_holds_only_what_is_paid(life):
    for project in life.projects():
        assert project.closed == (project.code in life.fund.closed_projects)
        if project.closed:
            assert {at.account for at in project.accounts.holdings} <= {PAID}
            assert not project.open_objections
            assert all(each.status is not RoundStatus.UNDER_WAY for each in project.rounds.values())
    for fund in life.funds():
        if fund.closed:
            assert not fund.accounts.balance(POOL)


def check_no_more_is_ordered_back_than_is_paid(life):
    fact = life.events[-1].fact
    if isinstance(fact, RecoveryOrdered):
        project = life.ledger.project(life.events[-1].stream.removeprefix("project/"))
        of_payment = [name for name, each in project.recoveries.items() if each.payment == fact.payment]
        assert sum(map(project.outstanding, of_payment)) <= project.paid(fact.payment).total


def check_what_is_looked_up_is_what_there_is(life):
    for project in life.projects():
        live = {(each.round, each.uscc): n for n, each in project.applications.items() if not each.withdrawn}
        assert dict(project.applicants) == live
        assert project.open_objections == {n for n, each in project.objections.items() if not each.resolved}
        assert project.ended == {n for n, each in project.awards.items() if each.status is not AwardStatus.LIVE}
        of_payments = {(each.payment, n) for n, each in project.recoveries.items()}
        assert {(payment, n) for payment, of in project.recoveries_of.items() for n in of} == of_payments


def check_nobody_takes_a_place_above_the_limit(life):
    """A revision may put the limit below what is taken; then nothing more is taken."""
    for project in life.projects():
        line, before = life.fund.lines.get(project.code), life.before.stream(f"project/{project.code}").state
        taken = places_taken(project)
        if line and before and taken > places_taken(before):
            assert taken <= line.awards


def places_taken(project):
    """The live, and the ended with money that is still paid."""
    paid = {at.place.award for at in project.accounts.holdings if at.account == PAID}
    return sum(each.status is AwardStatus.LIVE or name in paid for name, each in project.awards.items())


CHECKS = [check for name, check in sorted(globals().items()) if name.startswith("check_")]


def check_all(life):
    for check in CHECKS:
        check(life)


@some_lives
@any_life
def test_after_every_event_the_books_are_sound_and_agree_with_the_model(random):
    prove(random, 120, each=check_all, witness=Model)


@pytest.mark.parametrize("seed", range(24))
def test_a_long_life_is_sound_too(seed):
    prove(Random(seed), 800, each=check_all, witness=Model)


# The log ---------------------------------------------------------------------


def log_is_all_there_is_to_the_state(life):
    """The fold of the log is the state; so what was refused left nothing behind."""
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


def log_owes_nothing_on_any_booked_day(life):
    """Also in the order of the booking dates, every fen that leaves an account is there."""
    accounts = defaultdict(FenSet)
    for event in sorted(life.events, key=lambda event: event.booked_on):
        for moved in event.moves if event.mirrors is None else ():
            source, target = (account_at(account, moved.place) for account in (moved.source, moved.target))
            if source.account != TREASURY:
                accounts[event.fund, source] -= moved.fen  # raises if it is not there
            accounts[event.fund, target] += moved.fen


def log_repeats_a_leader_on_the_other_stream(life):
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
def test_the_log_of_a_life_is_sound(random):
    prove(random, 150, end=check_log)


class Unmoved:
    """Looks on, and at the whole of the books whenever a post is refused."""

    def __init__(self):
        self.before = None

    def __call__(self, _, outcome, ledger):
        assert isinstance(outcome, tuple) or repr(ledger) == self.before
        self.before = repr(ledger)


@some_lives
@any_life
def test_a_refused_post_leaves_the_books_the_very_same(random):
    prove(random, 40, witness=Unmoved)


# Reversals and the way out ---------------------------------------------------


def subjects(owner):
    """An aggregate as it is but for its memory of reversals; amounts of nothing are left out."""
    if isinstance(owner, Project):
        recovered = {name: amount for name, amount in owner.recovered.items() if amount}
        recoveries_of = {name: of for name, of in owner.recoveries_of.items() if of}
        kinds = {field: remembered(getattr(owner, field)) for field in KINDS.values()}
        return replace(owner, reversed={}, recovered=recovered, recoveries_of=recoveries_of, **kinds)
    allotted = {at: amount for at, amount in owner.allotted.items() if amount}
    kept = {v: each for v, each in owner.appropriations.items() if v not in owner.reversed}
    return replace(owner, reversed={}, allotted=allotted, appropriations=kept)


def remembered(named):
    """A step beyond what is remembered costs a memory, also when it is reversed."""
    return {name: replace(each, past=each.past[1 - MAX_UNDO_STEPS :]) for name, each in named.items()}


def states(ledger):
    return {name: subjects(stream.state) for name, stream in ledger.streams.items()}


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
        undone = advance(life.ledger, decide(seen(life.ledger, undo), undo))
    except FundIsClosed:
        assert life.fund.closed
    except (ObjectionOpen, ObjectionUpheld, PayeeMismatch):
        assert isinstance(leader.fact, PaymentFailed), "something came up since the instruction"
    except NotInPlan:
        assert code not in life.fund.lines, "a revision has dropped the line"
    except NoPlacesLeft:
        line = life.fund.line(code)
        assert places_taken(life.before.project(line.project)) > line.awards, "a revision has lowered the limit"
    else:
        assert states(undone) == states(life.before)
        assert {claim.kind for claim in set(undone.taken) - set(life.before.taken)} == {"冲销凭证号"}
        assert set(life.before.taken) <= set(undone.taken)


@pytest.mark.parametrize("seed", range(16))
def test_in_a_long_life_an_entry_may_be_reversed_at_once_too(seed):
    prove(Random(seed), 600, each=reverse_at_once)


@some_lives
@any_life
def test_from_any_state_there_is_a_way_out(random):
    prove(random, random.choice((30, 80, 140)), end=wind_up)


@pytest.mark.parametrize("seed", range(40))
def test_a_long_life_can_be_wound_up_too(seed):
    prove(Random(seed), 300, end=wind_up)


def wind_up(life):
    """Takes ways out, any of them and each of which must count, until there are no more."""
    for _ in range(500):
        if not (ways := ways_out(life)):
            break
        assert life.try_(life.pick(ways)()), f"no way out: {life.refusals[-1]!r}"
    assert life.fund.closed
    assert all(project.closed for project in life.projects())
    assert life.fund.accounts.total(("pool", "recovered")) == 0


# Reach and replay ------------------------------------------------------------

UNREACHABLE: dict[str, str] = {}
"""Rules and events that no life can reach, each with the reason."""


def test_random_lives_reach_every_event_and_every_rule():
    """Else the properties above would say little."""
    counts, refusals = Counter(), Counter()
    for seed in range(100):
        life = prove(Random(seed), 400)
        counts.update(type(event.fact).__name__ for event in life.events)
        refusals.update(type(refusal).__name__ for refusal in life.refusals)
    for title, names, reached in (("counted", FACTS, counts), ("refused", RULES, refusals)):
        print(f"\n{title}:")
        for name in names:
            print(f"  {name:26}{reached[name]:6}")
    assert {*FACTS, *RULES} - {*counts, *refusals} == {*UNREACHABLE}


@pytest.mark.parametrize("seed", range(3))
def test_the_script_of_a_life_replays_it(seed):
    life = prove(Random(seed), 150)
    assert not life.try_(life.post(PlanAdopted(99)))
    told = {}
    with pytest.raises(type(life.refusals[-1])):
        exec(script(life), told)
    replayed = told["life"].ledger
    assert replayed.streams == life.ledger.streams
    assert without_ids(replayed) == without_ids(life.ledger)


def without_ids(ledger):
    return {at: replace(e, header=replace(e.header, source_id="")) for at, e in ledger.entries.items()}


def test_a_life_that_fails_is_told_in_as_few_posts_as_it_takes():
    def nobody_is_awarded_anything(life):
        assert not any(project.awards for project in life.projects())

    with pytest.raises(AssertionError) as failure:
        prove(Random(2), 400, each=nobody_is_awarded_anything)
    [note] = failure.value.__notes__
    told = {}
    exec(note.partition("\n")[2], told)
    assert any(type(event.fact) is AwardListDecided for event in told["life"].ledger.entries.values())
    assert len(told["life"].ledger.entries) < 25


def test_whatever_is_raised_in_between_tells_how_to_replay_the_life():
    life = RandomLife(Random(1))
    with pytest.raises(AssertionError) as failure, replayable(life):
        raise AssertionError
    assert script(life) in failure.value.__notes__[0]
