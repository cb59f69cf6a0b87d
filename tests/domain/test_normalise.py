"""Names and document numbers are normalized in the same way in Python and in PostgreSQL, in any locale."""

import unicodedata
from contextlib import ExitStack, contextmanager
from uuid import uuid4

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.conninfo import make_conninfo

from domain.documents import normal
from domain.normalise import normalized
from service.postgres.migrate import migrate

ASSIGNED = [chr(code) for code in range(1, 0x110000) if unicodedata.category(chr(code)) not in ("Cs", "Cn")]
TYPED = "ABcd 019\u3000　－—–‐−·・•（）()〔〕[]【】❲❳〖〗〈〉《》第号年张三Ⅳ①ﬁ"
"""Characters that people type in names and document numbers."""
SPECIAL = "ÉßẞΣςσİıǅﬁŉΐᾈᲐᏸꭰⅷℌÅ１Ａ２０２０年〔〕[]（）()号第0 \u00a0\u1680\u2028\u3000\x85\x1f\t-‐—ー·・"


@pytest.fixture(scope="module")
def conn(shared_conn):
    return shared_conn


def in_postgresql(conn, function, texts):
    query = f"select {function}(each) as plain from unnest(%s::text[]) with ordinality as t (each, n) order by n"
    return [row["plain"] for row in conn.execute(query, [list(texts)])]


def test_every_character_is_normalized_alike(conn):
    """Characters that this version of Python does not know are left out, because it cannot normalize them."""
    texts = [f"甲{each}1" for each in ASSIGNED]
    there = in_postgresql(conn, "plain", texts)
    differing = [
        (text, normalized(text), other) for text, other in zip(texts, there, strict=True) if normalized(text) != other
    ]
    assert differing == []


WRITTEN = st.builds(
    "{}{}2019{}{}{}{}".format,
    st.sampled_from(["穗知", "V—", "示例 "]),
    st.sampled_from("〔[(【{❲〖〈<《（"),
    st.sampled_from("〕])】}❳〗〉>》）"),
    st.sampled_from(["", "第", "0", "第00"]),
    st.sampled_from(["7", "12", "００7"]),
    st.sampled_from(["", "号", "号—1"]),
)
"""A strategy for document numbers, with any kind of brackets around the year."""


@settings(max_examples=300)
@given(st.lists(st.one_of(st.text(SPECIAL, max_size=20), st.text(TYPED, max_size=14), WRITTEN), max_size=20))
def test_texts_and_document_numbers_are_normalized_alike(conn, texts):
    assert in_postgresql(conn, "plain", texts) == [normalized(text) for text in texts]
    assert in_postgresql(conn, "document_number", texts) == [normal(text) for text in texts]


@pytest.mark.parametrize("typed", ["V–0001", "v—0001", "V−0001", "Ｖ－０００１", "V‐0001 "])
def test_similar_dashes_are_normalized_to_one(typed):
    assert normalized(typed) == "v-0001"


@pytest.mark.parametrize("typed", ["穗知❲2018❳99号", "穗知〖2018〗099号", "穗知〈2018〉99", "穗知〔2018〕99"])
def test_a_document_number_is_normalized_for_any_brackets_around_its_year(typed):
    assert normal(typed) == "穗知〔2018〕99号"


def test_letters_that_differ_in_case_only_are_the_same_text():
    assert normalized("É ß Σ") == normalized("éssς") == "éssσ"


UNKNOWN_LOCALE = (
    psycopg.errors.FeatureNotSupported,  # built without ICU, as the embedded PostgreSQL
    psycopg.errors.SyntaxError,  # older than the option builtin_locale, which came with PostgreSQL 17
    psycopg.errors.WrongObjectType,  # PostgreSQL 17, which has the provider, but not this locale
)
"""The errors by which PostgreSQL refuses a locale, or a provider of locales, that it does not have."""


@contextmanager
def database_with(server_url, locale):
    """The URL of a new database with this locale."""
    name = f"suyuan_{uuid4().hex}"
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(f"create database {name} template template0 encoding 'UTF8' {locale}")
        try:
            yield make_conninfo(server_url, dbname=name)
        finally:
            admin.execute(f"drop database {name} with (force)")


def assert_normalized_alike(url):
    migrate(url)
    with psycopg.connect(url, row_factory=psycopg.rows.dict_row) as conn:
        texts = [*SPECIAL, "İSTANBUL ı", "STRASSE straße"]
        assert in_postgresql(conn, "plain", texts) == [normalized(text) for text in texts]
        assert conn.execute(OTHER_COLUMNS).fetchall() == [], "a column's order depends on the locale"


def test_a_database_without_a_locale_normalizes_alike(server_url):
    with database_with(server_url, "locale 'C'") as url:
        assert_normalized_alike(url)


@pytest.mark.parametrize(
    "provider", ["icu icu_locale 'tr-TR'", "builtin builtin_locale 'PG_UNICODE_FAST'"], ids=["ICU", "builtin"]
)
def test_the_database_normalizes_alike_in_every_locale(server_url, provider):
    with ExitStack() as stack:
        try:
            url = stack.enter_context(database_with(server_url, f"locale 'C' locale_provider {provider}"))
        except UNKNOWN_LOCALE as error:
            pytest.skip(f"this PostgreSQL has no such locale: {error}")
        assert_normalized_alike(url)


OTHER_COLUMNS = """
    select a.attrelid::regclass::text as in_table, a.attname as name
    from pg_attribute as a join pg_class as c on c.oid = a.attrelid
    where
        c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and not a.attisdropped
        and a.attcollation not in (0, 'pg_catalog."C"'::regcollation) and a.atttypid = 'text'::regtype
"""
