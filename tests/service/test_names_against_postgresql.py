"""Names and document numbers are normalised identically in Python and in PostgreSQL."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.documents import normal
from domain.normalise import normalized

TYPED = st.text(
    st.sampled_from("ABcd 019\u3000　－—–‐−·・•（）()〔〕[]【】❲❳〖〗〈〉《》第号年张三Ⅳ①ﬁ"), min_size=1, max_size=14
)
WRITTEN = st.builds(
    "{}{}2019{}{}{}{}".format,
    st.sampled_from(["穗知", "V—", "示例 "]),
    st.sampled_from("〔[(【{❲〖〈<《（"),
    st.sampled_from("〕])】}❳〗〉>》）"),
    st.sampled_from(["", "第", "0", "第00"]),
    st.sampled_from(["7", "12", "００7"]),
    st.sampled_from(["", "号", "号—1"]),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.one_of(TYPED, WRITTEN))
def test_python_and_postgresql_normalise_names_and_numbers_identically(conn, text):
    row = conn.execute("select plain(%(t)s) as plain, document_number(%(t)s) as number", {"t": text}).fetchone()
    assert (row["plain"], row["number"]) == (normalized(text), normal(text))


@pytest.mark.parametrize("typed", ["V–0001", "v—0001", "V−0001", "Ｖ－０００１", "V‐0001 "])
def test_similar_dashes_are_normalised_to_one(typed):
    assert normalized(typed) == "v-0001"


@pytest.mark.parametrize("typed", ["穗知❲2018❳99号", "穗知〖2018〗099号", "穗知〈2018〉99", "穗知〔2018〕99"])
def test_a_document_number_is_normalised_for_any_brackets_around_its_year(typed):
    assert normal(typed) == "穗知〔2018〕99号"
