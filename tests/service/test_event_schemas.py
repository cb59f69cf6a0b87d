"""The schemas of posts: optional fields, refused values, the streams of an event type, and the fast reader."""

import gc
import json
import re
import unicodedata
from datetime import date
from random import Random
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import Schema, ValidationError
from marshmallow.experimental.context import Context
from msgspec import NODEFAULT
from msgspec.structs import fields

from domain.documents import Document
from domain.event import Header, Recorded
from domain.fund.lifecycle import FundEstablished
from domain.money import Money
from domain.state.fund import NoticeOrder, Settings
from service import codec
from service.api.contract.event_types import EXAMPLES
from service.api.posting import cloudevents
from service.api.posting.event_schemas import SCHEMAS
from service.api.posting.event_schemas.event_schema import CIRCUMSTANCES
from service.api.posting.fields import PLAIN
from service.api.posting.shapes import QuickSchema
from service.text import is_visible

OPTIONAL = [
    (name, field)
    for name, schema in SCHEMAS.items()
    for field, about in schema.fields.items()
    if not about.required and field not in CIRCUMSTANCES
]


def read(event, **data):
    """The fact of the example `event` with the fields `data` changed. A field with the value `...` is left out."""
    changed = {name: value for name, value in {**event["data"], **data}.items() if value is not ...}
    return cloudevents.parse_post(cloudevents.parse_envelope({**event, "data": changed}), "test", b"s" * 32).posted.fact


@pytest.mark.parametrize(("name", "field"), OPTIONAL)
def test_an_optional_field_may_be_left_out_but_not_be_null(name, field):
    fact = read(EXAMPLES[name], **{field: ...})
    [default] = [each.default for each in fields(fact) if each.name == field]
    assert getattr(fact, field) == (None if default is NODEFAULT else default)
    with pytest.raises(ValidationError) as wrong:
        read(EXAMPLES[name], **{field: None})
    assert list(wrong.value.messages["data"]) == [field]


def test_omitted_settings_have_the_initial_defaults_and_null_is_refused():
    settings = {"notice_working_days": 5, "approvals": [], "acceptance_tries": 1}
    assert read(EXAMPLES["FundEstablished"], settings=settings).settings == Settings(5, (), 1)
    for field in ("notice_order", "rectification_months", "quantum", "years_to_spend", "period_close_days"):
        with pytest.raises(ValidationError):
            read(EXAMPLES["FundEstablished"], settings={**settings, field: None})


def test_settings_are_read_into_their_domain_types():
    settings = {
        "notice_working_days": 0, "approvals": ["审批"], "acceptance_tries": 2, "notice_order": "after_decision",
        "rectification_months": 6, "quantum": "1.00", "years_to_spend": 3, "period_close_days": 15,
        "idle_days": 90, "december_percent": 40,
    }  # fmt: skip
    read_settings = read(EXAMPLES["SettingsChanged"], settings=settings).settings
    assert read_settings == Settings(0, ("审批",), 2, NoticeOrder.AFTER_DECISION, 6, Money(100), 3, 15, 90, 40)
    assert isinstance(read_settings.notice_order, NoticeOrder)


@pytest.mark.parametrize(
    "period", ["2019-00", "2019-13", "2019-3", "1948-12", "2200-01", "2019-03-01", "２019-03", 201903]
)
def test_a_period_that_is_not_a_month_is_refused(period):
    assert read(EXAMPLES["PeriodClosed"], period="1949-01").period == "1949-01"
    assert read(EXAMPLES["PeriodClosed"], period="2199-12").period == "2199-12"
    with pytest.raises(ValidationError):
        read(EXAMPLES["PeriodClosed"], period=period)


def test_an_event_belongs_to_streams_of_its_kind_and_a_reversal_to_both_kinds():
    reversal, closing = EXAMPLES["EntryReversed"], EXAMPLES["FundClosed"]
    for stream in ("fund/f", "project/p"):
        assert cloudevents.parse_envelope({**reversal, "subject": stream})["subject"] == stream
    with pytest.raises(ValidationError) as wrong:
        cloudevents.parse_envelope({**closing, "subject": "project/p"})
    assert "fund" in str(wrong.value)


def by_marshmallow(schema, data):
    """The data as marshmallow loads it, without a reader at any depth; or the error messages of marshmallow."""
    with Context(b"s" * 32), patch.object(QuickSchema, "load", Schema.load):
        try:
            return schema.load(data)
        except ValidationError as error:
            return error.messages


def by_reader(schema, data):
    with Context(b"s" * 32):
        try:
            return schema.load(data)
        except ValidationError as error:
            return error.messages


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_reader_reads_the_examples_itself_and_as_marshmallow_does(name):
    schema, data = SCHEMAS[name], EXAMPLES[name]["data"]
    with Context(b"s" * 32):
        assert schema.read(data) == by_marshmallow(schema, data)


def places(value, at=()):
    """The path of each value in a document."""
    yield at
    if isinstance(value, dict | list):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(each, (*at, key))


def changed(value, at, to):
    """The document `value` with the value `to` at the path `at`. If `to` is `...`, the value at the path is removed."""
    if not at:
        return to
    copy = dict(value) if isinstance(value, dict) else list(value)
    key, *rest = at
    if to is ... and not rest:
        del copy[key]
    else:
        copy[key] = changed(copy[key], rest, to)
    return copy


WRONG = st.sampled_from(
    [..., None, True, 0, -1, 1.5, "", " ", "x", "甲", "0.00", "1.00", "2020-01-02", "2020-13-01", [], {}, {"x": 1}, [1]]
)


@given(st.data())
def test_wrong_data_has_the_same_errors_as_with_marshmallow(data):
    name = data.draw(st.sampled_from(sorted(SCHEMAS)))
    schema, document = SCHEMAS[name], EXAMPLES[name]["data"]
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.sampled_from([each for each in places(document) if each]))
        document = changed(document, at, data.draw(WRONG))
        if not document:
            break
    if data.draw(st.booleans()):
        document = {
            **document,
            data.draw(st.sampled_from(["x", "amount", "payee"])): data.draw(
                WRONG.filter(lambda value: value is not ...)
            ),
        }
    assert by_reader(schema, document) == by_marshmallow(schema, document)


TEXTS = (
    "", " ", "x", "甲", " 甲", "甲 ", "甲\u200b", "e\u0301", "é", "\u3000", "Ａ", "x" * 201, "甲" * 100, "1" * 30,
    "示例·周", "0.00", "1.00", "01.00", "1.0", "999999999999.99", "1000000000000.00", "１.00", "2020-01-02",
    "2020-02-30", "1948-12-31", "2200-01-01", "2020-1-2", "2019-13", "0" * 64, "F" * 64, "92.5", "92.555",
    "6222 0212 3456 7890", "6222\n0212", "a/b", "91440104000070016X", "project/p", "\ud7a3", "\u0e33", "\u302a",
    "a\u302a", "ﬁ", "\U0001f600",
)  # fmt: skip
VALUES = (..., None, True, False, 0, 1, -1, 2**53, 2**53 + 1, 1.0, 1.5, [], {}, [[]], [1], {"x": 1}, [None])


def mutated(document, random):
    """The document with one to three of its values changed, removed or added, or one list or text made longer."""
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        if not document:
            break
        at = random.choice([each for each in places(document) if each])
        old = document
        for key in at:
            old = old[key]
        to = random.choice(VALUES) if random.random() < 0.3 else random.choice(TEXTS)
        if isinstance(old, list) and random.random() < 0.5:
            to = old * random.choice((2, 60, 1_001))
        elif isinstance(old, str) and random.random() < 0.5:
            place = random.randint(0, len(old))
            to = old[:place] + random.choice(TEXTS) + old[place:]
        elif isinstance(old, dict) and random.random() < 0.5:
            to = {**old, random.choice(("x", "amount", "name", "year")): to} if to is not ... else old
        document = changed(document, at, to)
    return document


def check_mutated(seeds):
    """Compare the reader with marshmallow on one mutated example for each seed. Returns how many were right."""
    names, right = sorted(SCHEMAS), 0
    for seed in seeds:
        random = Random(seed)
        name = random.choice(names)
        document = mutated(EXAMPLES[name]["data"], random)
        expected = by_marshmallow(SCHEMAS[name], document)
        assert by_reader(SCHEMAS[name], document) == expected, (seed, name, document)
        right += not isinstance(expected, dict)
    return right


def test_the_reader_reads_and_refuses_mutated_examples_as_marshmallow_does():
    assert 100 < check_mutated(range(1_000)) < 900, "right and wrong ones"


@pytest.mark.long("50 000 examples")
def test_the_reader_reads_and_refuses_50_000_mutated_examples_as_marshmallow_does():
    check_mutated(range(1_000, 51_000))


def test_the_characters_of_plain_text_are_visible_and_in_normal_form_alone_and_in_any_order():
    plain = [chr(code) for code in range(0x110000) if PLAIN.fullmatch(chr(code))]
    assert all(is_visible(each) and unicodedata.is_normalized("NFC", each) for each in plain)
    assert not any(unicodedata.combining(each) for each in plain)
    composed = (unicodedata.decomposition(chr(code)).split() for code in range(0x110000))
    seconds = {chr(int(parts[1], 16)) for parts in composed if len(parts) == 2 and not parts[0].startswith("<")}
    assert seconds.isdisjoint(plain), "none of them combines with the character before it"
    assert not re.search(r"\s", "".join(plain))


@pytest.mark.parametrize("name", ["AwardListDecided", "PlanDrafted", "PaymentRequested"])
def test_wrong_data_leaves_nothing_for_the_garbage_collector(name):
    """A bundle of a thousand wrong events would leave megabytes, in each thread."""
    by_reader(SCHEMAS[name], {"occurred_on": 1, "documents": [{"kind": 1}]})
    gc.collect()
    for _ in range(100):
        by_reader(SCHEMAS[name], {"occurred_on": 1, "documents": [{"kind": 1}]})
    assert gc.collect() < 100


@given(st.text(), st.text())
def test_text_that_looks_like_a_null_field_is_encoded_unchanged(first, second):
    for text in (first, f'{first}","{second}":null,"', f'"{first}":null', f'{second}":null}}'):
        header = Header(date(2020, 1, 2), date(2020, 1, 2), text, second, text, second, None, (Document(text, second),))
        event = Recorded("fund/f", 1, "f", header, FundEstablished(text, Settings(5, (second,), 1)))
        assert codec.decode("fund/f", 1, "FundEstablished", codec.encode(event)) == event
        assert None not in json.loads(codec.encode(event))["documents"][0].values()
