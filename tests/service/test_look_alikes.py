"""Names that look alike, by Unicode's table of confusable characters."""

import hashlib
import unicodedata
from importlib.metadata import version

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.normalise import normalized
from service.look_alikes import PROTOTYPES, alike, skeleton

confusable = st.text(st.sampled_from([*PROTOTYPES, *"张三ÀaA1 -"]), max_size=6)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Анна", "Aннa"),  # Latin A and a between Cyrillic letters
        ("АННА", "AHHA"),  # Cyrillic, Latin
        ("ａbc", "abc"),
        ("王力", "王カ"),  # 力 power, and the katakana letter
        ("二号", "ニ号"),
        ("⼯程", "工程"),  # a radical, and the character
        ("一", "ー"),
        ("Ivan", "lvan"),  # I, and l
        ("clerk-1", "clerk-l"),
        ("Tom", "Torn"),
        ("O'Neil", "0’Neil"),
        ("示例·会计", " 示 例・会计"),
    ],
)
def test_names_that_people_do_not_distinguish_look_alike(one, other):
    assert alike(one, other)
    assert alike(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("张伟", "张玮"),
        ("己", "已"),
        ("未", "末"),
        ("张三", "張三"),
        ("李1", "李2"),
        ("Ivan", "Evan"),
        ("", "甲"),
    ],
)
def test_names_that_people_distinguish_do_not_look_alike(one, other):
    assert not alike(one, other)


@given(confusable)
def test_a_skeleton_is_its_own_skeleton(text):
    assert skeleton(skeleton(text)) == skeleton(text)


@given(st.text(max_size=6), confusable)
def test_names_that_are_the_same_when_normalized_look_alike(text, more):
    for each in (text, more):
        assert alike(each, normalized(each))
        assert alike(each, each.upper()) or normalized(each) != normalized(each.upper())


@given(st.sampled_from(sorted(PROTOTYPES)))
def test_each_character_of_the_table_looks_like_its_prototype(character):
    if unicodedata.is_normalized("NFD", character):  # others are taken apart first, as UTS 39 says
        assert alike(character, PROTOTYPES[character])


def test_another_table_of_look_alikes_is_noticed():
    """The table comes with the library. A new one is a decision: read what changed, and record it (decision 0147)."""
    table = "".join(f"{character}{text}\n" for character, text in sorted(PROTOTYPES.items()))
    digest = hashlib.sha256(table.encode()).hexdigest()
    assert (version("confusable-homoglyphs"), len(PROTOTYPES)) == ("3.3.1", 6307)
    assert digest == "ca2b96ebb98ff119c27903f997d898a3552fedb15c7b234800327ffbb1d1cd00"
