"""What requests hold in memory is limited, per sender and in total, and no sender can take it all."""

from contextlib import ExitStack

import pytest

from service.server.declined import Declined
from service.server.held_bytes import GUARANTEED_BYTES, HeldBytes

MIB = 2**20


def test_senders_that_hold_all_keep_no_other_from_holding_a_little():
    held = HeldBytes(small=1_000, per_sender=16 * MIB, in_total=48 * MIB)
    with ExitStack() as stack:
        for sender in ("a", "a", "b", "b", "c", "c"):
            stack.enter_context(held.reserved(sender, 8 * MIB))
        with pytest.raises(Declined, match="overloaded"), held.reserved("d", GUARANTEED_BYTES + 1):
            pass
        with held.reserved("d", GUARANTEED_BYTES), held.reserved("e", 70_000):
            with pytest.raises(Declined, match="overloaded"), held.reserved("d", 70_000):
                pass
            with pytest.raises(Declined, match="too-much-at-once"), held.reserved("a", 70_000):
                pass
    with held.reserved("d", 20 * MIB):
        pass
