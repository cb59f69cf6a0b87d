"""Encoding and decoding of events and states."""

import json

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from msgspec import inspect

from domain.decision import FACTS
from service import codec
from service.codec import NewerEvent
from tests.random_life import prove
from tests.service.test_released_logs import RELEASES, log


@settings(
    max_examples=15,
    phases=[Phase.reuse, Phase.generate],  # prove() shrinks a failing life
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(random=st.randoms(use_true_random=False))
def test_events_and_states_of_any_life_round_trip(random):
    prove(random, 150, end=round_trips)


def round_trips(life):
    for event in life.ledger.entries.values():
        encoded = codec.encode(event)
        assert codec.decode(event.stream, event.version, type(event.fact).__name__, encoded) == event
    for name, stream in life.ledger.streams.items():
        assert read_again(name, stream) == stream
        assert read_again(name, read_again(name, stream)) == stream


def read_again(name, stream):
    return codec.decode_stream(name, stream.version, codec.encode_stream(stream))


def with_one_more(value, path=""):
    """Each copy of `value` in which one object has an unknown member, with the path of that member."""
    if isinstance(value, dict):
        yield f"{path}.zz".lstrip("."), {**value, "zz": None}
        for name, each in value.items():
            yield from ((at, {**value, name: copy}) for at, copy in with_one_more(each, f"{path}.{name}"))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            copies = with_one_more(each, f"{path}[]")
            yield from ((at, [*value[:index], copy, *value[index + 1 :]]) for at, copy in copies)


@pytest.mark.parametrize("release", RELEASES)
def test_an_unknown_member_at_any_depth_of_an_event_is_named(release):
    tried = set()
    for event in log(release):
        for path, fact in with_one_more(event["fact"]):
            with pytest.raises(NewerEvent) as newer:
                codec.decode(event["stream"], event["version"], event["type"], json.dumps(fact))
            assert (newer.value.fields, newer.value.event_type) == ([path], event["type"])
            tried.add(path)
    assert {"zz", "moves[].zz", "documents[].zz", "awards[].payee.account.zz", "lines[].batches[].zz"} <= tried


def test_an_unknown_value_of_an_enum_is_named_by_its_path():
    [event] = [each for each in log(RELEASES[-1]) if each["type"] == "FundEstablished"][:1]
    fact = json.dumps(event["fact"]).replace('"notice_order": "before_decision"', '"notice_order": "moon"')
    with pytest.raises(NewerEvent) as newer:
        codec.decode(event["stream"], event["version"], event["type"], fact)
    assert type(newer.value) is NewerEvent, "it is not merely unreadable"
    assert newer.value.fields == ["settings.notice_order"]


def structs(kind):
    """The classes of the objects inside values of the type `kind`, which msgspec has described."""
    if isinstance(kind, inspect.StructType):
        yield kind.cls
    inside = [*getattr(kind, "fields", ()), *getattr(kind, "types", ()), getattr(kind, "item_type", None)]
    for each in inside:
        yield from structs(getattr(each, "type", each)) if each is not None else ()


def test_no_class_of_an_object_inside_an_event_overlooks_unknown_members():
    for fact in FACTS.values():
        lenient = [cls for cls in structs(inspect.type_info(fact)) if not cls.__struct_config__.forbid_unknown_fields]
        assert lenient == [fact], "an object inside an event is an EventPart"


def test_another_way_to_distinguish_two_people_is_of_a_newer_version():
    [event] = [each for each in log(RELEASES[-1]) if each["type"] == "PaymentApproved"][:1]
    at = event["stream"], event["version"], event["type"]
    known = codec.decode(*at, json.dumps({**event["fact"], "person": "2001", "distinguished_by": "person"}))
    assert (known.header.person, known.header.distinguished_by) == ("2001", "person")
    assert codec.decode(*at, json.dumps(event["fact"])).header.by.person is None
    with pytest.raises(NewerEvent) as newer:
        codec.decode(*at, json.dumps({**event["fact"], "distinguished_by": "fingerprint"}))
    assert newer.value.fields == ["distinguished_by"]
