"""Places: a sender that has used up its time for posting waits, and no other sender does."""

import asyncio

import pytest

from service.api.http.work import BULK, POST, READ
from service.server.declined import Declined
from service.server.places import Places


@pytest.fixture
def places():
    places = Places(0.25)
    yield places
    places.close()


def both_at_work(places):
    places.note("a")
    places.note("b")


@pytest.mark.parametrize("work", [POST, BULK], ids=lambda work: work.name)
def test_a_sender_that_has_used_up_its_time_for_posting_waits_and_no_other_sender_does(places, work):
    async def scenario():
        both_at_work(places)
        places.charge("a", 100)
        waiting = asyncio.ensure_future(places.run(work, "a", lambda: "a", 0.3))
        assert await places.run(work, "b", lambda: "b") == "b"
        with pytest.raises(Declined) as declined:
            await waiting
        assert declined.value.kind == "too-much-at-once"

    asyncio.run(scenario())


def test_the_time_for_posting_is_not_taken_from_the_time_for_reading(places):
    async def scenario():
        both_at_work(places)
        places.charge("a", 100)
        assert await places.run(READ, "a", lambda: "a") == "a"

    asyncio.run(scenario())


def test_a_sender_that_is_alone_never_waits(places):
    async def scenario():
        places.note("a")
        places.charge("a", 100)
        assert await places.run(POST, "a", lambda: "a") == "a"

    asyncio.run(scenario())
