"""What must hold after every event of any life. The lives are random; hypothesis finds the seed that breaks a rule."""

from collections import Counter
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.books import Stream
from domain.decision import FACTS
from domain.fen import FenSet
from domain.posting import ALLOTTED, COMMITTED, PAID, PAYABLE
from tests.domain.scenario import TODAY
from tests.random_life import PROJECTS, RandomLife

lives = st.randoms(use_true_random=False).map(RandomLife)
many_steps = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def owners(life):
    books = life.scenario.books
    return [books.fund("f"), *(books.project(code) for code in PROJECTS)]


def check_each_fen_is_in_exactly_one_account(life):
    everything = FenSet()
    for owner in owners(life):
        for fen in owner.accounts.books.values():
            everything = everything + fen  # raises if a fen is in two
    assert everything == FenSet.span(0, life.scenario.books.next_serial)


def check_fund_and_projects_agree_on_what_is_allotted(life):
    books = life.scenario.books
    for code in PROJECTS:
        held = Counter()
        for at, fen in books.project(code).accounts.books.items():
            assert at.account in ALLOTTED
            held[at.place.batch] += fen.total
        for batch in books.fund("f").line(code).batches:
            allotted = books.fund("f").allotted.get((code, batch.batch), 0)
            assert held[batch.batch] == allotted <= batch.amount


def check_gates_hold(life):
    books = life.scenario.books
    for code in PROJECTS:
        project = books.project(code)
        gates = {b.batch: b.gate for b in books.fund("f").line(code).batches}
        for at in project.accounts.books:
            if at.account in (COMMITTED, PAYABLE):
                is_open = gates[at.place.batch] in project.awards[at.place.award].gates
                assert is_open == (at.account == PAYABLE)


def check_sums_are_the_sums(life):
    for owner in owners(life):
        sums = Counter()
        for at, fen in owner.accounts.books.items():
            sums[at.account, at.place._replace(payment=None)] += fen.total
        assert dict(owner.accounts.sums) == dict(sums)


def check_what_is_closed_holds_only_what_is_paid(life):
    for code in PROJECTS:
        project = life.scenario.books.project(code)
        if project.closed:
            assert {at.account for at in project.accounts.books} <= {PAID}


CHECKS = [check for name, check in sorted(globals().items()) if name.startswith("check_")]


@many_steps
@given(lives)
def test_after_every_event_the_books_are_sound(life):
    for counted in life.live(150):
        if counted:
            for check in CHECKS:
                check(life)


@many_steps
@given(lives)
def test_state_is_nothing_but_the_fold_of_the_log(life):
    for _ in life.live(100):
        pass
    streams = {}
    for event in life.events:
        streams[event.stream] = streams.get(event.stream, Stream()).record(event)
    assert streams == dict(life.scenario.books.streams)


@many_steps
@given(lives)
def test_versions_are_dense_and_booking_dates_never_go_back(life):
    for _ in life.live(100):
        pass
    last = {}
    for event in life.events:
        version, booked_on = last.get(event.stream, (0, event.booked_on))
        assert event.version == version + 1
        assert booked_on <= event.booked_on <= TODAY
        assert event.header.occurred_on <= event.booked_on
        last[event.stream] = (event.version, event.booked_on)


@many_steps
@given(lives)
def test_a_mirror_repeats_its_leader_on_the_other_stream(life):
    for _ in life.live(100):
        pass
    by_place = {(e.stream, e.version): e for e in life.events}
    for event in life.events:
        if event.mirrors:
            leader = by_place[event.mirrors.stream, event.mirrors.version]
            assert event.moves == leader.moves
            assert event.stream != leader.stream


@pytest.mark.parametrize("seed", range(10))
def test_a_long_life_is_sound_too(seed):
    life = RandomLife(Random(seed))
    for step, counted in enumerate(life.live(600)):
        if counted and step % 20 == 0:
            for check in CHECKS:
                check(life)


def test_random_lives_reach_every_event_and_many_rules():
    """Else the properties above would say little. Closing a fund takes a surrender, which is still to come."""
    seen, rules = set(), set()
    for seed in range(40):
        life = RandomLife(Random(seed))
        for _ in life.live(300):
            pass
        seen |= {type(event.fact).__name__ for event in life.events}
        rules |= {type(refusal).__name__ for refusal in life.refusals}
    assert set(FACTS) - seen == {"FundClosed"}
    assert len(rules) >= 15, sorted(rules)
