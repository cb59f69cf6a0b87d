"""FenSet, compared with Python's set of ints, which is evidently correct but too slow for money."""

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.fen import FenMissing, FenOverlap, FenSet

serials = st.sets(st.integers(0, 40))
ranges = st.tuples(st.integers(0, 40), st.integers(0, 40)).map(sorted).map(tuple)
large = st.integers(0, 2**63 - 1)


def fens(serials):
    return FenSet.of((serial, serial + 1) for serial in serials)


def expand(fens):
    """The serials of `fens` as a Python set. Also checks that the ranges of `fens` are canonical."""
    edges = [edge for lo_hi in fens.ranges for edge in lo_hi]
    assert edges == sorted(set(edges)), "ranges are sorted, disjoint, non-adjacent and not empty"
    serials = {serial for lo, hi in fens.ranges for serial in range(lo, hi)}
    assert fens.total == len(serials)
    assert bool(fens) == bool(serials)
    return serials


# Construction ----------------------------------------------------------------


def test_the_empty_set_has_no_fen():
    assert not FenSet()
    assert (FenSet().ranges, FenSet().total, str(FenSet())) == ((), 0, "{}")


def test_a_span_holds_its_lower_bound_and_not_its_upper():
    fens = FenSet.span(5, 8)
    assert [serial for serial in range(10) if serial in fens] == [5, 6, 7]
    assert (fens.ranges, fens.total) == (((5, 8),), 3)


def test_a_span_of_no_length_is_the_empty_set():
    assert FenSet.span(5, 5) == FenSet()


@pytest.mark.parametrize(("lo", "hi"), [(-1, 5), (-2, -1), (5, 4)])
def test_a_span_starts_at_zero_or_later_and_never_ends_before_it_starts(lo, hi):
    with pytest.raises(ValueError, match="not a range of serials"):
        FenSet.span(lo, hi)
    with pytest.raises(ValueError, match="not a range of serials"):
        FenSet.of([(0, 10), (lo, hi)])


@given(st.lists(ranges))
def test_a_set_of_ranges_is_the_union_of_their_serials(ranges):
    assert expand(FenSet.of(ranges)) == {serial for lo, hi in ranges for serial in range(lo, hi)}


@given(serials, st.randoms())
def test_the_order_of_the_ranges_makes_no_difference(serials, random):
    shuffled = random.sample(sorted(serials), len(serials))
    assert fens(shuffled) == fens(serials)


# Queries ---------------------------------------------------------------------


@given(serials, serials)
def test_sets_are_equal_if_their_serials_are_equal(a, b):
    assert (fens(a) == fens(b)) == (a == b)
    assert len({fens(a), fens(b)}) == len({frozenset(a), frozenset(b)})


def test_a_set_equals_only_a_set():
    assert FenSet.span(0, 5) != ((0, 5),)
    assert FenSet() != 0


@given(serials, st.integers(-1, 42))
def test_a_set_contains_exactly_its_serials(serials, serial):
    assert (serial in fens(serials)) == (serial in serials)


@given(serials, serials)
def test_a_set_contains_another_set_if_it_has_every_fen_of_it(a, b):
    assert (fens(a) >= fens(b)) == (a >= b)
    assert fens(a | b) >= fens(b)


@given(serials, serials)
def test_sets_that_share_no_fen_are_disjoint(a, b):
    assert fens(a).isdisjoint(fens(b)) == a.isdisjoint(b)
    assert fens(a).isdisjoint(fens(b - a))


@given(serials, serials)
def test_the_intersection_has_the_fen_that_are_in_both_sets(a, b):
    assert expand(fens(a) & fens(b)) == a & b


def test_a_set_has_a_total_but_no_length_and_no_iterator():
    assert FenSet.span(0, 2**63 - 1).total == 2**63 - 1
    with pytest.raises(TypeError):
        len(FenSet())
    with pytest.raises(TypeError):
        iter(FenSet())


# Arithmetic ------------------------------------------------------------------


@given(serials, serials)
def test_a_sum_of_disjoint_sets_has_the_fen_of_both(a, b):
    assert expand(fens(a) + fens(b - a)) == a | b
    assert fens(b - a) + fens(a) == fens(a) + fens(b - a)


@given(serials, serials, serials.filter(bool))
def test_adding_sets_that_share_a_fen_is_refused(a, b, shared):
    a, b = a | shared, b | shared
    with pytest.raises(FenOverlap) as refusal:
        fens(a) + fens(b)
    assert str(refusal.value) == f"in both sets: {fens(a & b)}"


@given(serials, serials)
def test_a_difference_has_the_remaining_fen(a, b):
    assert expand(fens(a) - fens(a & b)) == a - b


@given(serials, serials, serials.filter(bool))
def test_subtracting_a_fen_that_the_set_lacks_is_refused(a, b, lacking):
    a, b = a - lacking, b | lacking
    with pytest.raises(FenMissing) as refusal:
        fens(a) - fens(b)
    assert str(refusal.value) == f"not in the set: {fens(b - a)}"


@given(serials, st.data())
def test_take_returns_the_lowest_fen(serials, data):
    n = data.draw(st.integers(0, len(serials)))
    assert expand(fens(serials).take(n)) == set(sorted(serials)[:n])


@given(serials, st.integers(1))
def test_taking_more_fen_than_the_set_has_or_a_negative_number_is_refused(serials, excess):
    for n in (len(serials) + excess, -excess):
        with pytest.raises(ValueError, match=f"cannot take {n} of {len(serials)} fen"):
            fens(serials).take(n)


@given(st.lists(st.tuples(large, large).map(sorted).map(tuple)), st.data())
def test_adding_back_the_taken_fen_restores_the_set(ranges, data):
    whole = FenSet.of(ranges)
    taken = whole.take(data.draw(st.integers(0, whole.total)))
    rest = whole - taken

    assert rest.total + taken.total == whole.total
    assert rest + taken == taken + rest == whole
    assert rest.isdisjoint(taken)


def test_operations_do_not_change_their_operands():
    a, b = FenSet.span(0, 10), FenSet.span(3, 5)
    a - b, a & b, a.take(4), b + FenSet.span(5, 6)
    assert (a, b) == (FenSet.span(0, 10), FenSet.span(3, 5))
    with pytest.raises(AttributeError):
        a.total = 11


# Text ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ranges", "text"),
    [([], "{}"), ([(0, 102_000_000)], "{[0,102000000)}"), ([(7, 9), (0, 5)], "{[0,5),[7,9)}")],
)
def test_a_set_is_written_as_postgresql_writes_a_multirange(ranges, text):
    assert str(FenSet.of(ranges)) == text
    assert repr(FenSet.of(ranges)) == f"FenSet.parse('{text}')"


@given(st.lists(st.tuples(large, large).map(sorted).map(tuple)))
def test_writing_and_reading_pickling_and_copying_do_not_change_a_set(ranges):
    fens = FenSet.of(ranges)
    for again in (FenSet.parse(str(fens)), pickle.loads(pickle.dumps(fens)), copy.deepcopy(fens)):
        assert again == fens
        assert again.total == fens.total


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[0,5)",
        "{[0,5)",
        "{[0,5)}\n",
        " {[0,5)}",
        "{[0, 5)}",
        "{ }",
        "{,}",
        "{[0,5),}",
        "{[0,5)[7,9)}",
        "{[0,5];[7,9)}",
        "{[0,4]}",
        "{(0,5)}",
        "{[0,)}",
        "{(,)}",
        "{[00,5)}",
        "{[0,05)}",
        "{[-1,5)}",
        "{[+0,5)}",
        "{[0,5_0)}",
        "{[0,5.0)}",
        "{[0,５)}",
        "{[0,٥)}",
        "{[0,²)}",
        "｛[0,5)｝",
        "{[5,5)}",
        "{[0,0)}",
        "{[5,0)}",
        "{[7,9),[0,5)}",
        "{[0,5),[0,5)}",
        "{[0,5),[4,9)}",
        "{[0,5),[5,9)}",
        "{[0,9223372036854775808)}",
        "{[0,99999999999999999999)}",
    ],
)
def test_any_other_spelling_is_refused(text):
    with pytest.raises(ValueError, match="not a"):
        FenSet.parse(text)


@given(st.text(alphabet="{}[](),0129 "))
def test_only_the_canonical_text_of_a_set_is_read(text):
    try:
        fens = FenSet.parse(text)
    except ValueError:
        return
    assert str(fens) == text


def test_the_largest_bound_is_the_largest_bigint_of_postgresql():
    assert FenSet.parse("{[0,9223372036854775807)}").total == 2**63 - 1
