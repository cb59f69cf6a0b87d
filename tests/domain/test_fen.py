"""FenSet against Python's own set of ints, which is too slow for money and plainly right."""

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
    """The serials one by one, read from the ranges, which must be canonical."""
    edges = [edge for lo_hi in fens.ranges for edge in lo_hi]
    assert edges == sorted(set(edges)), "ranges are sorted, disjoint, non-adjacent and not empty"
    serials = {serial for lo, hi in fens.ranges for serial in range(lo, hi)}
    assert fens.total == len(serials)
    assert bool(fens) == bool(serials)
    return serials


# Making ----------------------------------------------------------------------


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
def test_any_ranges_make_the_union_of_their_serials(ranges):
    assert expand(FenSet.of(ranges)) == {serial for lo, hi in ranges for serial in range(lo, hi)}


@given(serials, st.randoms())
def test_the_order_of_the_ranges_makes_no_difference(serials, random):
    shuffled = random.sample(sorted(serials), len(serials))
    assert fens(shuffled) == fens(serials)


# Asking ----------------------------------------------------------------------


@given(serials, serials)
def test_sets_are_equal_when_their_serials_are(a, b):
    assert (fens(a) == fens(b)) == (a == b)
    assert len({fens(a), fens(b)}) == len({frozenset(a), frozenset(b)})


def test_a_set_equals_only_a_set():
    assert FenSet.span(0, 5) != ((0, 5),)
    assert FenSet() != 0


@given(serials, st.integers(-1, 42))
def test_a_serial_is_in_the_set_or_not(serials, serial):
    assert (serial in fens(serials)) == (serial in serials)


@given(serials, serials)
def test_a_set_contains_another_when_it_has_every_fen_of_it(a, b):
    assert (fens(a) >= fens(b)) == (a >= b)
    assert fens(a | b) >= fens(b)


@given(serials, serials)
def test_sets_that_share_no_fen_are_disjoint(a, b):
    assert fens(a).isdisjoint(fens(b)) == a.isdisjoint(b)
    assert fens(a).isdisjoint(fens(b - a))


@given(serials, serials)
def test_the_intersection_is_what_both_have(a, b):
    assert expand(fens(a) & fens(b)) == a & b


def test_a_set_has_an_amount_and_neither_a_length_nor_an_order_of_visit():
    assert FenSet.span(0, 2**63 - 1).total == 2**63 - 1
    with pytest.raises(TypeError):
        len(FenSet())
    with pytest.raises(TypeError):
        iter(FenSet())


# Moving ----------------------------------------------------------------------


@given(serials, serials)
def test_a_sum_of_disjoint_sets_has_the_fen_of_both(a, b):
    assert expand(fens(a) + fens(b - a)) == a | b
    assert fens(b - a) + fens(a) == fens(a) + fens(b - a)


@given(serials, serials, serials.filter(bool))
def test_a_sum_never_doubles_a_fen(a, b, shared):
    a, b = a | shared, b | shared
    with pytest.raises(FenOverlap) as refusal:
        fens(a) + fens(b)
    assert str(refusal.value) == f"in both sets: {fens(a & b)}"


@given(serials, serials)
def test_a_difference_keeps_what_does_not_leave(a, b):
    assert expand(fens(a) - fens(a & b)) == a - b


@given(serials, serials, serials.filter(bool))
def test_a_fen_cannot_leave_a_set_that_lacks_it(a, b, lacking):
    a, b = a - lacking, b | lacking
    with pytest.raises(FenMissing) as refusal:
        fens(a) - fens(b)
    assert str(refusal.value) == f"not in the set: {fens(b - a)}"


@given(serials, st.data())
def test_taking_gives_the_lowest_fen(serials, data):
    n = data.draw(st.integers(0, len(serials)))
    assert expand(fens(serials).take(n)) == set(sorted(serials)[:n])


@given(serials, st.integers(1))
def test_nobody_takes_more_fen_than_there_are_or_fewer_than_none(serials, excess):
    for n in (len(serials) + excess, -excess):
        with pytest.raises(ValueError, match=f"cannot take {n} of {len(serials)} fen"):
            fens(serials).take(n)


@given(st.lists(st.tuples(large, large).map(sorted).map(tuple)), st.data())
def test_what_is_taken_away_and_put_back_changes_nothing(ranges, data):
    whole = FenSet.of(ranges)
    taken = whole.take(data.draw(st.integers(0, whole.total)))
    rest = whole - taken

    assert rest.total + taken.total == whole.total
    assert rest + taken == taken + rest == whole
    assert rest.isdisjoint(taken)


def test_the_operands_stay_as_they_were():
    a, b = FenSet.span(0, 10), FenSet.span(3, 5)
    a - b, a & b, a.take(4), b + FenSet.span(5, 6)
    assert (a, b) == (FenSet.span(0, 10), FenSet.span(3, 5))
    with pytest.raises(AttributeError):
        a.total = 11


# Writing and reading ---------------------------------------------------------


@pytest.mark.parametrize(
    ("ranges", "text"),
    [([], "{}"), ([(0, 102_000_000)], "{[0,102000000)}"), ([(7, 9), (0, 5)], "{[0,5),[7,9)}")],
)
def test_a_set_is_written_as_postgresql_writes_a_multirange(ranges, text):
    assert str(FenSet.of(ranges)) == text
    assert repr(FenSet.of(ranges)) == f"FenSet.parse('{text}')"


@given(st.lists(st.tuples(large, large).map(sorted).map(tuple)))
def test_a_set_survives_being_written_and_read_pickled_and_copied(ranges):
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
def test_only_what_would_be_written_the_same_is_read(text):
    try:
        fens = FenSet.parse(text)
    except ValueError:
        return
    assert str(fens) == text


def test_the_largest_bound_is_that_of_postgresql():
    assert FenSet.parse("{[0,9223372036854775807)}").total == 2**63 - 1
