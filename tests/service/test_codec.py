"""Events and states as they are kept."""

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from service import codec
from tests.random_life import prove


@settings(
    max_examples=15,
    phases=[Phase.reuse, Phase.generate],  # prove() makes a failing life shorter
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(random=st.randoms(use_true_random=False))
def test_what_is_kept_of_any_life_is_read_as_it_was_written(random):
    prove(random, 150, end=is_kept)


def is_kept(life):
    for event in life.ledger.entries.values():
        kept = codec.encode(event)
        assert codec.decode(event.stream, event.version, type(event.fact).__name__, kept) == event
    for name, stream in life.ledger.streams.items():
        assert read_again(name, stream) == stream
        assert read_again(name, read_again(name, stream)) == stream


def read_again(name, stream):
    return codec.decode_stream(name, stream.version, codec.encode_stream(stream))
