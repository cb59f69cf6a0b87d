"""Encoding and decoding of events and states."""

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from service import codec
from tests.random_life import prove


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
