"""Memory is given back without a pause for all threads."""

import gc
import weakref

from service.server import memory


class Part:
    other = None


def test_memory_is_given_back_without_looking_at_all_objects():
    """With many cached states, that would take a second, in which no other thread runs."""
    gc.disable()
    try:
        one, two = Part(), Part()
        one.other, two.other = two, one
        in_cycle, full_collections = weakref.ref(one), gc.get_stats()[2]["collections"]
        del one, two
        memory.release()
        assert in_cycle() is None
        assert gc.get_stats()[2]["collections"] == full_collections
    finally:
        gc.enable()
