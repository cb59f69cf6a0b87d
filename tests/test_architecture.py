"""The promises that names and folders make."""

import re
from dataclasses import fields
from importlib.resources import files
from pathlib import Path

import domain
import projections
from domain import decision, posting
from domain.decision import TITLES
from domain.rules import RULES
from service import codec
from service.api.posting.event_schemas import SCHEMAS
from service.auth.grants import SCOPES
from service.postgres.queries import QUERIES


def chinese(text):
    return any("\u4e00" <= letter <= "\u9fff" for letter in text)


def test_every_event_that_may_be_posted_has_a_schema_and_a_scope():
    assert set(SCHEMAS) == set(decision.POSTABLE)
    assert {schema.scope for schema in SCHEMAS.values()} <= set(SCOPES)
    assert all(SCHEMAS[name].fact is fact for name, fact in decision.POSTABLE.items())


def test_a_schema_takes_nothing_that_the_ledger_assigns():
    assigned = {
        ("PaymentConfirmed", "payee_differs"), ("PaymentApproved", "final"), ("ApplicationReceived", "round"),
        ("PaymentRequested", "levels"), ("SettingsChanged", "settings_version"), ("EntryReversed", "entry"),
        ("EntryReversed", "restored"), ("EntryReversed", "frees"),
    }  # fmt: skip
    for name, field in assigned:
        assert field in decision.POSTABLE[name].__struct_fields__
        assert field not in SCHEMAS[name].fields


def test_no_fact_has_a_field_that_every_event_carries():
    for name, fact in decision.FACTS.items():
        clash = set(fact.__struct_fields__) & (codec.ENVELOPE - {"fund"})
        assert not clash, (name, clash)


def test_the_domain_takes_no_more_of_msgspec_than_its_values():
    allowed = {"from msgspec import Struct", "from msgspec import Struct, field", "from msgspec.structs import replace"}
    text = "".join(file.read_text() for file in Path(domain.__file__).parent.rglob("*.py"))
    assert set(re.findall(r".*\bimport\b.*msgspec.*|.*msgspec.*\bimport\b.*", text)) == allowed


def test_every_posting_rule_names_an_event_and_two_accounts():
    for rule in posting.POSTINGS:
        assert rule.event in decision.POSTABLE
        assert {rule.source, rule.target} <= set(posting.ACCOUNTS)


def test_every_event_moves_money_or_is_known_to_a_projection():
    moves = {rule.event for rule in posting.POSTINGS}
    told = "".join(projections.PROJECTIONS.values())
    assert [name for name in decision.POSTABLE if name not in moves and f"'{name}'" not in told] == []


def test_every_projection_has_its_file_and_every_file_its_place():
    found = {f.name.removesuffix(".sql") for f in files("projections").iterdir() if f.name.endswith(".sql")}
    assert found == set(projections.ORDER)


def test_every_sql_file_opens_by_saying_what_it_is_for():
    for name, text in {**QUERIES, **projections.PROJECTIONS}.items():
        assert text.startswith(f"-- {name}: "), name


def test_every_rule_says_itself_in_english_and_chinese_with_its_numbers():
    assert len(RULES) > 50
    for rule in RULES.values():
        refusal = rule(**{field.name: f"<{field.name}>" for field in fields(rule)})
        for sentence in (str(refusal), refusal.chinese(TITLES)):
            assert sentence
            assert "{" not in sentence
        assert chinese(refusal.chinese(TITLES)), rule


def test_no_rule_says_none_in_the_words_of_python():
    for rule in RULES.values():
        refusal = rule(**{field.name: None for field in fields(rule)})
        assert "None" not in str(refusal) + refusal.chinese({}), rule


def test_every_rule_says_how_to_avoid_it_in_english_and_chinese():
    for rule in RULES.values():
        assert rule.remedy.endswith("."), rule
        assert rule.remedy_zh.endswith("。"), rule
        assert "{" not in rule.remedy + rule.remedy_zh, rule
        assert chinese(rule.remedy_zh), rule
        assert not chinese(rule.remedy), rule


def test_every_fact_says_itself_in_english_and_chinese():
    for name, fact in decision.FACTS.items():
        assert fact.__doc__, name
        assert chinese(fact.zh), name


def test_every_rule_is_used():
    domain_text = "".join(file.read_text() for file in Path(domain.__file__).parent.rglob("*.py"))
    for name in RULES:
        assert f"raise {name}" in domain_text, name
