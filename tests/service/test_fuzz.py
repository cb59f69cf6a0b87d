"""Fuzzing of request bodies: every body is read as a post or answered with a problem, and never raises."""

import json

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from marshmallow import ValidationError

from domain.event import Posted
from service.api.contract import examples, schemas
from service.api.http import problems, strict_json
from service.api.posting import cloudevents

SECRET = b"s" * 32
LIFE = examples.life()
ODD = st.sampled_from(
    [
        None, True, 0, -1, 2**63, 1.5, 1e308, "", " ", "1e3", "12.345", "１２.00", "\x00", "\u202e", "\ud800", "NaN",
        "2025-02-30", "9" * 400, [], {}, [[]], {"": {}}, "示例" * 200, "a\nb", "-0.00", "0.00", "1.00",
    ]
)  # fmt: skip
ANYTHING = st.recursive(
    ODD | st.text(max_size=20) | st.integers() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)


def places(value, at=()):
    """Every path in a JSON value."""
    yield at
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in items:
        yield from places(each, (*at, name))


def changed(value, place, to):
    """The JSON value with `to` at the path `place`. If `to` is `...`, the value at the path is removed."""
    if not place:
        return to
    copy = dict(value) if isinstance(value, dict) else list(value)
    name, *rest = place
    if rest or to is not ...:
        copy[name] = changed(copy[name], rest, to)
    else:
        del copy[name]
    return copy


@st.composite
def nearly_valid(draw):
    """An event of the example with one to three values changed, removed or added."""
    event = draw(st.sampled_from(LIFE))
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from(list(places(event))))
        to = draw(ANYTHING | st.just(...)) if place else draw(ANYTHING)
        event = changed(event, place, to)
        if not isinstance(event, dict):
            break
    return event


def body_of(event):
    return json.dumps(event, ensure_ascii=False).encode("utf-8", "surrogatepass")


BODIES = st.one_of(
    st.binary(max_size=200),
    nearly_valid().map(body_of),
    nearly_valid().map(lambda event: json.dumps(event).encode()),
    st.builds(
        lambda body, at, byte: body[: at % len(body)] + byte + body[at % len(body) :],
        st.sampled_from([body_of(event) for event in LIFE]),
        st.integers(0, 10_000),
        st.binary(min_size=1, max_size=4),
    ),
)


def read(body):
    """The post that `body` contains, or the problem document if `body` is not a post."""
    try:
        return cloudevents.parse_post(cloudevents.parse_envelope(strict_json.parse(body)), "fuzz", SECRET)
    except strict_json.NotStrictJson as error:
        return problems.document("not-strict-json", detail=str(error))
    except ValidationError as error:
        return problems.invalid_problem(error)


def check(body):
    outcome = read(body)
    if isinstance(outcome, dict):
        json.dumps(outcome, ensure_ascii=False).encode()
        assert all(error["detail"] for error in outcome.get("errors", ()))
    else:
        assert isinstance(outcome.posted, Posted)
        assert read(body) == outcome, "the same body is read as the same post"


LIMITS = {"deadline": None, "suppress_health_check": list(HealthCheck), "database": None}


@settings(max_examples=500, **LIMITS)
@given(BODIES)
def test_any_body_is_a_post_or_a_problem(body):
    check(body)


# Two tests, so that two workers share the bodies; hypothesis draws others for another name.


@pytest.mark.long("reads fifty thousand bodies")
@settings(max_examples=50_000, **LIMITS)
@given(BODIES)
def test_any_of_fifty_thousand_bodies_is_a_post_or_a_problem(body):
    check(body)


@pytest.mark.long("reads fifty thousand bodies")
@settings(max_examples=50_000, **LIMITS)
@given(BODIES)
def test_any_of_fifty_thousand_other_bodies_is_a_post_or_a_problem(body):
    check(body)


@settings(max_examples=300, **LIMITS)
@given(nearly_valid())
def test_a_body_that_is_accepted_matches_the_published_schema(event):
    if isinstance(read(body_of(event)), dict) or not isinstance(event, dict):
        return
    schema = {**schemas.of_event(event["type"], "#/data"), "data": schemas.DATA[event["type"]]}
    jsonschema.validate(event, schema, jsonschema.Draft202012Validator)
