"""Places: a sender that has used up its time for posting waits, and no other sender does."""

import asyncio
import threading
from functools import partial

import pytest

from service.api.http.work import BULK, POST, READ
from service.server.declined import Declined
from service.server.lane import LaneFull
from service.server.places import Places


@pytest.fixture
def places():
    places = Places(0.25)
    yield places
    places.close()


async def use_up(places):
    """A post of `a` that counts a hundred seconds."""
    await places.run(POST, "a", lambda: None, cost_of_post=lambda _: 100)


@pytest.mark.parametrize("work", [POST, BULK], ids=lambda work: work.name)
def test_a_sender_that_has_used_up_its_time_for_posting_waits_and_no_other_sender_does(places, work):
    async def scenario():
        places.note("a", POST)
        places.note("b", POST)
        await use_up(places)
        waiting = asyncio.ensure_future(places.run(work, "a", lambda: "a", 0.3))
        assert await places.run(work, "b", lambda: "b") == "b"
        with pytest.raises(Declined) as declined:
            await waiting
        assert declined.value.kind == "too-much-at-once"

    asyncio.run(scenario())


GOES_ON = {
    "it reads, which has a time of its own": (POST, READ),
    "it is alone": (None, POST),
    "the other only reads": (READ, BULK),
}
"""What another sender has asked for, if anything, and what the sender asks for."""


@pytest.mark.parametrize(("of_other", "asked"), GOES_ON.values(), ids=GOES_ON)
def test_a_sender_that_has_used_up_its_time_for_posting_goes_on_if(places, of_other, asked):
    async def scenario():
        places.note("a", POST)
        if of_other:
            places.note("b", of_other)
        await use_up(places)
        assert await places.run(asked, "a", lambda: "a") == "a"

    asyncio.run(scenario())


def test_two_senders_do_not_keep_a_third_from_posting(places):
    """Together they have as many posts under way as all may have; the third may have its part nevertheless."""

    async def scenario():
        gate = threading.Event()
        both = [
            asyncio.ensure_future(places.run(POST, sender, partial(gate.wait, 20)))
            for sender in ("a", "b")
            for _ in range(POST.waiting_per_sender)
        ]
        await asyncio.sleep(0)
        with pytest.raises(LaneFull):
            places._posts_of("a").__enter__()
        third = asyncio.ensure_future(places.run(POST, "c", lambda: "c"))
        await asyncio.sleep(0)
        gate.set()
        assert await third == "c"
        await asyncio.gather(*both)

    asyncio.run(scenario())
