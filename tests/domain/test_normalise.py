"""Text that is compared for ever is compared alike in Python and in PostgreSQL, whatever the database's locale."""

import unicodedata

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.conninfo import make_conninfo

from domain.documents import normal
from domain.normalise import normalized
from service.postgres.migrate import migrate

ASSIGNED = [chr(code) for code in range(1, 0x110000) if unicodedata.category(chr(code)) not in ("Cs", "Cn")]
SPECIAL = "ÉßẞΣςσİıǅﬁŉΐᾈᲐᏸꭰⅷℌÅ１Ａ２０２０年〔〕[]（）()号第0 \u00a0\u1680\u2028\u3000\x85\x1f\t-‐—ー·・"


@pytest.fixture(scope="module")
def conn(shared_conn):
    return shared_conn


def in_postgresql(conn, function, texts):
    query = f"select {function}(each) as plain from unnest(%s::text[]) with ordinality as t (each, n) order by n"
    return [row["plain"] for row in conn.execute(query, [list(texts)])]


def test_every_character_is_normalized_alike(conn):
    """Characters that this Python's Unicode does not have yet are left out: their NFKC is not known here."""
    texts = [f"甲{each}1" for each in ASSIGNED]
    there = in_postgresql(conn, "plain", texts)
    differing = [
        (text, normalized(text), other) for text, other in zip(texts, there, strict=True) if normalized(text) != other
    ]
    assert differing == []


@given(st.lists(st.text(SPECIAL, max_size=20), max_size=20))
def test_texts_and_document_numbers_are_normalized_alike(conn, texts):
    assert in_postgresql(conn, "plain", texts) == [normalized(text) for text in texts]
    assert in_postgresql(conn, "document_number", texts) == [normal(text) for text in texts]


def test_letters_that_differ_in_case_only_are_the_same_text():
    assert normalized("É ß Σ") == normalized("éssς") == "éssσ"


@pytest.mark.parametrize(
    "locale",
    [
        "locale 'C'",
        "locale 'C' locale_provider icu icu_locale 'tr-TR'",  # not in the embedded PostgreSQL
        "locale 'C' locale_provider builtin builtin_locale 'PG_UNICODE_FAST'",  # from PostgreSQL 18 on
    ],
)
def test_the_database_normalizes_alike_in_every_locale(server_url, locale):
    with psycopg.connect(server_url, autocommit=True) as admin:
        try:
            admin.execute(f"create database other_locale template template0 encoding 'UTF8' {locale}")
        except psycopg.Error as error:
            pytest.skip(f"this PostgreSQL has no such locale: {error}")
        try:
            url = make_conninfo(server_url, dbname="other_locale")
            migrate(url)
            with psycopg.connect(url, row_factory=psycopg.rows.dict_row) as conn:
                texts = [*SPECIAL, "İSTANBUL ı", "STRASSE straße"]
                assert in_postgresql(conn, "plain", texts) == [normalized(text) for text in texts]
                left = conn.execute(OTHER_COLUMNS).fetchall()
                assert left == [], "a column's order depends on the locale"
        finally:
            admin.execute("drop database other_locale with (force)")


OTHER_COLUMNS = """
    select a.attrelid::regclass::text as in_table, a.attname as name
    from pg_attribute as a join pg_class as c on c.oid = a.attrelid
    where
        c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and not a.attisdropped
        and a.attcollation not in (0, 'pg_catalog."C"'::regcollation) and a.atttypid = 'text'::regtype
"""
