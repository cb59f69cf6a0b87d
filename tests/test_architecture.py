"""Checks that folders, lists and names are complete and consistent; each failure names the file to change."""

import importlib
import inspect
import pkgutil
import re
from dataclasses import fields
from importlib.resources import files
from pathlib import Path

import hypothesis
import pytest

import domain
import projections
from domain import decision, posting
from domain.decision import TITLES
from domain.rules import RULES
from service import app, codec
from service.api.contract import examples
from service.api.posting.event_schemas import SCHEMAS
from service.api.resources import feed
from service.auth.grants import SCOPES
from service.postgres.queries import QUERIES

ROOT = Path(__file__).parent.parent


def chinese(text):
    return any("\u4e00" <= letter <= "\u9fff" for letter in text)


def location(class_):
    """The file and line of a class: `domain/project/call.py:39`."""
    file = Path(inspect.getsourcefile(class_)).relative_to(ROOT)
    return f"{file}:{inspect.getsourcelines(class_)[1]}"


def test_every_event_that_can_be_posted_has_a_schema_and_a_scope():
    for name, fact in decision.POSTABLE.items():
        folder = f"service/api/posting/event_schemas/{'/'.join(fact.__module__.split('.')[1:])}.py"
        assert name in SCHEMAS, f"{folder}: add a class {name} with fact, scope and fields, and name it in SCHEMAS"
        assert SCHEMAS[name].fact is fact, f"{folder}: {name}.fact is another class"
        scope = SCHEMAS[name].scope
        assert scope in SCOPES, f"service/auth/grants.py: add {scope!r} to SCOPES, or give {name} one of its scopes"


def test_every_event_that_can_be_posted_has_an_example():
    shown = {event["type"] for event in examples.life()}
    for name in decision.POSTABLE:
        assert name in shown, f"service/api/contract/examples.py: add a {name} to the example events"


def test_every_event_class_declares_its_chinese_texts_and_whether_it_is_reversible():
    for fact in decision.POSTABLE.values():
        own = vars(fact)
        for name, example in REQUIRED_ATTRIBUTES.items():
            assert name in own, f"{location(fact)}: add to {fact.__name__}: {name} = {example}"
        assert chinese(fact.zh), f"{location(fact)}: zh must be Chinese"
        assert fact.about_zh.endswith("。"), f"{location(fact)}: about_zh must be a sentence"
        assert fact.__doc__, f"{location(fact)}: add a docstring, the sentence in English"


REQUIRED_ATTRIBUTES = {
    "zh": '"项目更名"',
    "about_zh": '"项目更名；计划仍用批准时的名称。"',
    "reversible": 'None, or restores("award"), or Reversible(in_part=True)',
}
"""The attributes that every event class must declare itself, each with an example.

No default would be right for most event classes.
"""


def test_no_schema_accepts_a_field_that_the_ledger_assigns():
    assigned = {
        ("PaymentConfirmed", "payee_differs"), ("PaymentApproved", "final"), ("ApplicationReceived", "round"),
        ("PaymentRequested", "levels"), ("SettingsChanged", "settings_version"), ("EntryReversed", "entry"),
        ("EntryReversed", "restored"), ("EntryReversed", "frees"), ("RecoveryWaived", "lapsed"),
        ("ProjectClosed", "awards_missing"),
    }  # fmt: skip
    for name, field in assigned:
        assert field in decision.POSTABLE[name].__struct_fields__
        assert field not in SCHEMAS[name].fields


def test_no_fact_has_a_field_named_like_a_field_of_the_envelope():
    for name, fact in decision.FACTS.items():
        clash = set(fact.__struct_fields__) & (codec.ENVELOPE - {"fund"})
        assert not clash, (name, clash)


def test_the_domain_imports_only_structs_from_msgspec():
    allowed = {"from msgspec import Struct", "from msgspec import Struct, field", "from msgspec.structs import replace"}
    text = "".join(file.read_text() for file in Path(domain.__file__).parent.rglob("*.py"))
    assert set(re.findall(r".*\bimport\b.*msgspec.*|.*msgspec.*\bimport\b.*", text)) == allowed


def test_every_posting_rule_names_an_event_and_two_accounts():
    for rule in posting.POSTINGS:
        assert rule.event in decision.POSTABLE
        assert {rule.source, rule.target} <= set(posting.ACCOUNTS)


def test_every_event_moves_money_or_is_read_by_a_projection():
    moves = {rule.event for rule in posting.POSTINGS}
    sql = "".join(projections.PROJECTIONS.values())
    for name in decision.POSTABLE:
        handled = name in moves or f"'{name}'" in sql
        assert handled, f"{name}: add its line to POSTINGS in domain/posting.py, or name it in a projections/*.sql"


def test_every_projection_has_a_file_and_every_file_is_in_the_order():
    found = {f.name.removesuffix(".sql") for f in files("projections").iterdir() if f.name.endswith(".sql")}
    for name in found - set(projections.ORDER):
        pytest.fail(f"projections/__init__.py: add {name!r} to ORDER, after the projections that it reads")
    for name in set(projections.ORDER) - found:
        pytest.fail(f"projections/{name}.sql is named in ORDER and does not exist")


def test_every_projection_names_the_event_types_that_change_it_or_is_folded_with_every_span():
    for name in set(projections.ORDER) - projections.OF_EVERY_TYPE:
        assert projections.TYPES[name] & set(decision.FACTS), f"projections/__init__.py: add {name!r} to OF_EVERY_TYPE"


def test_every_blueprint_is_registered():
    for folder in ("resources", "posting", "contract"):
        for module in pkgutil.iter_modules([str(ROOT / "service/api" / folder)]):
            imported = importlib.import_module(f"service.api.{folder}.{module.name}")
            registered = not hasattr(imported, "bp") or imported.__name__ in BLUEPRINTS
            assert registered, f"service/app.py: add {module.name} to BY_KEY, or to OPEN_MODULES if it needs no key"


BLUEPRINTS = {module.__name__ for module in (*app.OPEN_MODULES, *app.BY_KEY, feed)}
"""The names of the modules whose routes are registered. The feed uses the blueprint of the events."""


def test_every_file_named_in_the_architecture_document_exists_where_it_says():
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    tree, folders = text.split("```")[1], list[str]()
    for line in tree.splitlines():
        if found := re.match(r"([│ ]*)(?:[├└]── )?([\w/]+/)(?=\s|$)", line):
            level = len(found[1]) // 4 + ("── " in line)
            folders[level:] = [found[2]]
        folder = "".join(folders)
        assert (ROOT / folder).is_dir(), f"docs/architecture.md names the folder {folder}"
        for name in NAMED.findall(line):
            assert list((ROOT / folder).rglob(name)), f"docs/architecture.md names {name}, which is not under {folder}"
    names = {path.name for path in ROOT.rglob("*") if ".venv" not in path.parts}
    for name in NAMED.findall(text):
        assert name in names, f"docs/architecture.md names {name}"


NAMED = re.compile(r"\b\w+\.(?:py|sql)\b")


def test_every_file_named_in_a_decision_that_is_not_superseded_exists():
    roots = [path for path in ROOT.iterdir() if path.name not in (".git", ".venv", "var")]
    present = [f"/{path.relative_to(ROOT)}" for root in roots for path in (root, *root.rglob("*"))]
    for record in sorted((ROOT / "docs/decisions").glob("0*.md")):
        text = record.read_text(encoding="utf-8")
        for name in () if "\n- Status: superseded" in text else IN_DECISIONS.findall(text):
            exists = any(path.endswith(f"/{name}") for path in present)
            assert exists, f"docs/decisions/{record.name} names {name}: correct it, or say what supersedes the record"


IN_DECISIONS = re.compile(r"`((?:[\w.]+/)*\w+\.(?:py|sql|mjs|csv|yaml|yml|json))`")


def test_every_sql_file_starts_with_its_name_and_purpose():
    for name, text in {**QUERIES, **projections.PROJECTIONS}.items():
        assert text.startswith(f"-- {name}: "), name


def test_every_rule_has_an_english_and_a_chinese_message_with_its_values():
    assert len(RULES) > 50
    for rule in RULES.values():
        refusal = rule(**{field.name: f"<{field.name}>" for field in fields(rule)})
        for sentence in (str(refusal), refusal.chinese(TITLES)):
            assert sentence
            assert "{" not in sentence
        assert chinese(refusal.chinese(TITLES)), rule


def test_no_rule_message_contains_the_python_word_none():
    for rule in RULES.values():
        refusal = rule(**{field.name: None for field in fields(rule)})
        assert "None" not in str(refusal) + refusal.chinese({}), rule


def test_every_rule_has_a_remedy_in_english_and_chinese():
    for rule in RULES.values():
        assert rule.remedy.endswith("."), rule
        assert rule.remedy_zh.endswith("。"), rule
        assert "{" not in rule.remedy + rule.remedy_zh, rule
        assert chinese(rule.remedy_zh), rule
        assert not chinese(rule.remedy), rule


def test_every_rule_is_raised_somewhere_in_the_domain():
    domain_text = "".join(file.read_text() for file in Path(domain.__file__).parent.rglob("*.py"))
    for name, rule in RULES.items():
        raised = re.search(rf"raise {name}\b|(?<!class ){name}\((?!Refused)", domain_text)
        assert raised, f"{location(rule)}: {name} is never raised in domain/"


def test_no_property_test_depends_on_the_speed_of_the_machine():
    assert hypothesis.settings().deadline is None
