"""FenSet, compared with int8multirange, the type of PostgreSQL in which the ledger stores a set of fen."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.rows import tuple_row

from domain.fen import FenMissing, FenOverlap, FenSet

few_and_near = st.integers(0, 30)  # so that ranges meet, nest and touch
any_serial = few_and_near | st.integers(2**63 - 30, 2**63 - 1) | st.integers(0, 2**63 - 1)
ranges = st.tuples(any_serial, any_serial).map(sorted).map(tuple)
range_lists = st.lists(ranges, max_size=8)
fen_sets = range_lists.map(FenSet.of)

one_query_per_example = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

READ = """
    select raw::int8multirange::text,
           (select coalesce(sum(upper(r) - lower(r)), 0) from unnest(raw::int8multirange) as r)
    from unnest(%s::text[]) with ordinality as given(raw, n)
    order by n
"""

COMPUTE = """
    select (a + b)::text, (a - b)::text, (a * b)::text, a @> b, a && b, a = b
    from unnest(%s::int8multirange[], %s::int8multirange[]) with ordinality as given(a, b, n)
    order by n
"""


@pytest.fixture
def oracle(conn):
    return conn.cursor(row_factory=tuple_row)


def written_raw(ranges):
    """The ranges as text, neither sorted nor merged. PostgreSQL reads such a text; FenSet.parse refuses it."""
    return "{" + ",".join(f"[{lo},{hi})" for lo, hi in ranges) + "}"


def is_read(text):
    try:
        FenSet.parse(text)
    except ValueError:
        return False
    return True


def sum_or_refusal(a, b):
    try:
        return str(a + b)
    except FenOverlap:
        return FenOverlap


def difference_or_refusal(a, b):
    try:
        return str(a - b)
    except FenMissing:
        return FenMissing


@one_query_per_example
@given(st.lists(range_lists, min_size=1, max_size=100))
def test_ranges_are_joined_counted_and_printed_as_postgresql_does(oracle, cases):
    raw = [written_raw(ranges) for ranges in cases]
    for ranges, (text, total) in zip(cases, oracle.execute(READ, [raw]), strict=True):
        fens = FenSet.of(ranges)
        assert (str(fens), fens.total) == (text, total)


@one_query_per_example
@given(st.lists(range_lists, min_size=1, max_size=100))
def test_only_the_text_that_postgresql_prints_is_read(oracle, cases):
    raw = [written_raw(ranges) for ranges in cases]
    for ranges, spelling, (text, _) in zip(cases, raw, oracle.execute(READ, [raw]), strict=True):
        assert FenSet.parse(text) == FenSet.of(ranges)
        assert is_read(spelling) == (spelling == text)


@one_query_per_example
@given(st.lists(st.tuples(fen_sets, fen_sets), min_size=1, max_size=100))
def test_sets_are_added_subtracted_and_compared_as_postgresql_does(oracle, pairs):
    rows = oracle.execute(COMPUTE, [[str(a) for a, _ in pairs], [str(b) for _, b in pairs]])
    for (a, b), (union, difference, intersection, contains, overlaps, equal) in zip(pairs, rows, strict=True):
        assert str(a & b) == intersection
        assert (a >= b, not a.isdisjoint(b), a == b) == (contains, overlaps, equal)
        assert sum_or_refusal(a, b) == (FenOverlap if overlaps else union)
        assert difference_or_refusal(a, b) == (difference if contains else FenMissing)
        assert str(a - (a & b)) == difference
        assert str(a + (b - (a & b))) == union
