"""The allocation by score, compared with exact fractions, which are evidently correct but are not whole fen."""

from collections import Counter
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.allocation import allocate
from domain.money import Money
from domain.rules.award import NothingToShareBy, QuantumTooCoarse

quanta = st.sampled_from([1, 100, 10_000])
batches = st.lists(st.integers(1, 500), min_size=1, max_size=6)
scores = st.lists(st.integers(0, 10_000).map(lambda n: Decimal(n) / 100), min_size=1, max_size=12).filter(any)


@st.composite
def shared(draw):
    """The amounts by batch, the scores, the quantum, and the resulting shares."""
    quantum = draw(quanta)
    amounts = {n: count * quantum for n, count in enumerate(draw(batches), 1)}
    by = draw(scores)
    return amounts, by, quantum, allocate(amounts, by, quantum)


def total(share):
    return sum(share.values())


@given(shared())
def test_the_total_and_each_batch_are_shared_out_exactly(case):
    amounts, _, _, shares = case
    sums = Counter()
    for share in shares:
        sums.update(share)
    assert +sums == Counter(amounts)


@given(shared())
def test_each_share_is_a_multiple_of_the_quantum_and_no_batch_is_above_its_total(case):
    amounts, _, quantum, shares = case
    for share in shares:
        assert share.keys() == amounts.keys()
        assert all(amount % quantum == 0 and 0 <= amount <= total(share) for amount in share.values())


@given(shared())
def test_each_total_is_within_one_quantum_of_its_exact_share(case):
    amounts, by, quantum, shares = case
    for score, share in zip(by, shares, strict=True):
        exact = Fraction(sum(amounts.values())) * Fraction(score) / Fraction(sum(by))
        assert abs(total(share) - exact) < quantum


@given(shared())
def test_the_totals_follow_the_largest_remainder_method(case):
    """The naive method: each score gets the whole quanta of its exact share.

    The quanta that are left go one by one to the scores with the largest remainders.
    """
    amounts, by, quantum, shares = case
    exact = [Fraction(sum(amounts.values()) // quantum) * Fraction(score) / Fraction(sum(by)) for score in by]
    naive = [int(share) for share in exact]
    odd = sum(amounts.values()) // quantum - sum(naive)
    for index in sorted(range(len(by)), key=lambda i: naive[i] - exact[i])[:odd]:
        naive[index] += 1
    assert [total(share) // quantum for share in shares] == naive


@given(shared())
def test_equal_scores_get_equal_totals_or_the_earlier_gets_one_quantum_more(case):
    _, by, quantum, shares = case
    for index, score in enumerate(by):
        for later in range(index + 1, len(by)):
            if by[later] == score:
                assert 0 <= total(shares[index]) - total(shares[later]) <= quantum


@given(shared())
def test_a_higher_score_never_gets_less(case):
    _, by, _, shares = case
    ranked = sorted(zip(by, shares, strict=True), key=lambda each: each[0])
    for (lower, less), (higher, more) in pairwise(ranked):
        assert lower == higher or total(less) <= total(more)


@given(shared())
def test_a_score_of_zero_gets_nothing(case):
    _, by, _, shares = case
    assert not any(total(share) for score, share in zip(by, shares, strict=True) if not score)


@given(st.integers(1, 500), st.integers(1, 500), scores, quanta)
def test_with_two_batches_the_first_share_is_within_one_quantum_of_its_exact_part(first, second, by, quantum):
    shares = allocate({1: first * quantum, 2: second * quantum}, by, quantum)
    for share in shares:
        exact = Fraction(first, first + second) * total(share)
        assert abs(share[1] - exact) < quantum


def test_the_project_of_the_seed_is_allocated_in_whole_yuan():
    """60 万元 are shared among three applications with the scores 92.5, 90 and 85.25.

    36 万元 are in the first batch.
    """
    shares = allocate({1: 36_000_000, 2: 24_000_000}, [Decimal("92.50"), Decimal(90), Decimal("85.25")], 100)
    assert [(str(share[1]), str(share[2])) for share in shares] == [
        ("124370.00", "82913.00"),
        ("121009.00", "80672.00"),
        ("114621.00", "76415.00"),
    ]


def test_the_earlier_of_two_equal_scores_gets_the_odd_fen_of_the_total_and_of_the_first_batch():
    assert allocate({1: 3, 2: 2}, [Decimal(50), Decimal(50)], 1) == [{1: 2, 2: 1}, {1: 1, 2: 1}]


def test_a_share_is_cut_if_the_share_of_the_last_batch_would_be_negative():
    shares = allocate({1: 1, 2: 5, 3: 5, 4: 1}, [Decimal(n) for n in (7, 9, 7, 9)], 1)
    assert min(amount for share in shares for amount in share.values()) == 0


@given(shared(), st.integers(2, 50))
def test_a_batch_that_is_not_a_multiple_of_the_quantum_is_refused(case, coarse):
    amounts, by, quantum, _ = case
    wrong = [n for n, amount in amounts.items() if amount % (quantum * coarse)]
    assume(wrong)
    with pytest.raises(QuantumTooCoarse) as refusal:
        allocate(amounts, by, quantum * coarse)
    assert refusal.value.facts == {
        "batch": wrong[0],
        "amount": Money(amounts[wrong[0]]),
        "quantum": Money(quantum * coarse),
    }


def test_empty_batches_give_shares_of_zero():
    assert allocate({1: 0, 2: 0}, [Decimal(50), Decimal(40)], 1) == [{1: 0, 2: 0}, {1: 0, 2: 0}]


def test_an_allocation_by_scores_of_zero_is_refused():
    with pytest.raises(NothingToShareBy):
        allocate({1: 100}, [Decimal(0), Decimal(0)], 1)
