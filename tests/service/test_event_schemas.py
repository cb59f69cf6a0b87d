"""The schemas of posts: optional fields, refused values, the streams of an event type, and the fast reader."""

import json
from datetime import date

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
    """The data as marshmallow loads it, or the error messages of marshmallow."""
    with Context(b"s" * 32):
        try:
            return Schema.load(schema, data)
        except ValidationError as error:
            return error.messages


def by_fast_reader(schema, data):
    with Context(b"s" * 32):
        try:
            return schema.load(data)
        except ValidationError as error:
            return error.messages


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_fast_reader_reads_the_examples_as_marshmallow_does(name):
    schema, data = SCHEMAS[name], EXAMPLES[name]["data"]
    with Context(b"s" * 32):
        assert schema.quick(data) == by_marshmallow(schema, data)


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
    assert by_fast_reader(schema, document) == by_marshmallow(schema, document)


@given(st.text(), st.text())
def test_text_that_looks_like_a_null_field_is_encoded_unchanged(first, second):
    for text in (first, f'{first}","{second}":null,"', f'"{first}":null', f'{second}":null}}'):
        header = Header(date(2020, 1, 2), date(2020, 1, 2), text, second, text, second, None, (Document(text, second),))
        event = Recorded("fund/f", 1, "f", header, FundEstablished(text, Settings(5, (second,), 1)))
        assert codec.decode("fund/f", 1, "FundEstablished", codec.encode(event)) == event
        assert None not in json.loads(codec.encode(event))["documents"][0].values()
