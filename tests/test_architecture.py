"""The promises that names and folders make."""

import inspect
from dataclasses import fields
from importlib.resources import files

import projections
from domain import decision, posting, rules
from service import codec
from service.api.facts import SCHEMAS
from service.keys import SCOPES
from service.queries import QUERIES


def test_every_event_that_may_be_posted_has_a_schema_and_a_scope():
    assert set(SCHEMAS) == set(decision.POSTABLE)
    assert {schema.scope for schema in SCHEMAS.values()} <= set(SCOPES)
    assert all(SCHEMAS[name].fact is fact for name, fact in decision.POSTABLE.items())


def test_a_schema_takes_nothing_that_the_ledger_assigns():
    assigned = {("PaymentConfirmed", "payee_differs"), ("PaymentApproved", "final"), ("ApplicationReceived", "round")}
    for name, field in assigned:
        assert field in {each.name for each in fields(decision.POSTABLE[name])}
        assert field not in SCHEMAS[name].fields


def test_no_fact_has_a_field_that_every_event_carries():
    for name, fact in decision.FACTS.items():
        clash = {field.name for field in fields(fact)} & (codec.ENVELOPE - {"fund"})
        assert not clash, (name, clash)


def test_every_posting_rule_names_an_event_and_two_accounts():
    for rule in posting.POSTINGS:
        assert rule.event in decision.POSTABLE
        assert {rule.source, rule.target} <= set(posting.ACCOUNTS)


def test_every_projection_has_its_file_and_every_file_its_place():
    found = {f.name.removesuffix(".sql") for f in files("projections").iterdir() if f.name.endswith(".sql")}
    assert found == set(projections.ORDER)


def test_every_sql_file_opens_by_saying_what_it_is_for():
    for name, text in {**QUERIES, **projections.PROJECTIONS}.items():
        assert text.startswith(f"-- {name}: "), name


def test_every_rule_says_itself_in_english_and_chinese_with_its_numbers():
    found = [
        rule
        for _, rule in inspect.getmembers(rules, inspect.isclass)
        if issubclass(rule, rules.Refused) and rule is not rules.Refused
    ]
    assert len(found) > 50
    for rule in found:
        numbers = {field.name: f"<{field.name}>" for field in fields(rule)}
        refusal = rule(**numbers)
        for sentence in (str(refusal), refusal.chinese):
            assert sentence
            assert "{" not in sentence
        assert any("\u4e00" <= letter <= "\u9fff" for letter in refusal.chinese), rule


def test_every_rule_is_used():
    used = "".join(
        inspect.getsource(module)
        for module in (
            decision,
            posting,
            *(__import__(f"domain.{name}", fromlist=["x"]) for name in ("fund", "case", "books")),
            *(
                __import__(f"domain.project.{name}", fromlist=["x"])
                for name in ("state", "opening", "call", "award", "payment", "acceptance")
            ),
        )
    )
    for name, rule in inspect.getmembers(rules, inspect.isclass):
        if issubclass(rule, rules.Refused) and rule is not rules.Refused:
            assert f"raise {name}" in used, name
