"""Tests of arrays as parameters of queries, against the ones that psycopg writes."""

import struct

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.errors import CharacterNotInRepertoire
from psycopg.rows import DictRow

from service.postgres.arrays import ByteStrings, Integers, Texts

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
ANY_INTEGER = st.integers(-(2**63), 2**63 - 1)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(texts=st.lists(ANY_TEXT), integers=st.lists(ANY_INTEGER), byte_strings=st.lists(st.binary()))
def test_arrays_arrive_as_they_were_sent(
    conn: psycopg.Connection[DictRow], texts: list[str], integers: list[int], byte_strings: list[bytes]
) -> None:
    row = conn.execute(
        "select %s as texts, %s as integers, %s as byte_strings, %s = %s::text[] as is_psycopgs",
        [Texts(texts), Integers(integers), ByteStrings(byte_strings), Texts(texts), texts],
    ).fetchone()
    assert row == {"texts": texts, "integers": integers, "byte_strings": byte_strings, "is_psycopgs": True}


def test_an_array_has_its_type_without_a_cast(conn: psycopg.Connection[DictRow]) -> None:
    query = "select pg_typeof(%s)::text as texts, pg_typeof(%s)::text as integers, pg_typeof(%s)::text as byte_strings"
    for texts, integers, byte_strings in (([], [], []), (["款"], [1], [b"\0"])):
        row = conn.execute(query, [Texts(texts), Integers(integers), ByteStrings(byte_strings)]).fetchone()
        assert row == {"texts": "text[]", "integers": "bigint[]", "byte_strings": "bytea[]"}


def test_what_postgresql_cannot_store_is_an_error(conn: psycopg.Connection[DictRow]) -> None:
    with pytest.raises(CharacterNotInRepertoire), conn.transaction():
        conn.execute("select %s", [Texts(["a\0b"])])
    for value, error in ((Texts(["\ud800"]), UnicodeEncodeError), (Integers([2**63]), struct.error)):
        with pytest.raises(error):
            conn.execute("select %s", [value])
