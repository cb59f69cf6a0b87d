"""Places: a sender that has used up its time for posting waits, and no other sender does."""

import asyncio
import threading

import pytest

from service.api.http.work import BULK, BUNDLE, POST, READ
from service.server import places as module
from service.server.declined import Declined
from service.server.lane import LaneFull
from service.server.places import Places
from service.server.wsgi import Answer

RECORDED, REPLAYED = Answer(201, [], b""), Answer(200, [], b"")


class Gate:
    """Answers posts with themselves, while it is open."""

    def __init__(self):
        self.open = threading.Event()
        self.open.set()

    def __call__(self, requests):
        assert self.open.wait(20)
        return requests


@pytest.fixture
def gate():
    return Gate()


@pytest.fixture
def places(gate):
    places = Places(0.25, gate)
    yield places
    places.close()


@pytest.fixture(autouse=True)
def dear(monkeypatch):
    """What a post that is not recorded counts uses up any share."""
    monkeypatch.setattr(module, "UNRECORDED_SECONDS", 100)


def note(places, **working):
    for sender, work in working.items():
        places.note(sender, work)


USES_UP = {"a post that was recorded before": REPLAYED, "a post that the application must answer": None}


@pytest.mark.parametrize("answer", USES_UP.values(), ids=USES_UP)
def test_a_sender_that_has_used_up_its_time_for_posting_waits_and_no_other_sender_does(places, answer):
    async def scenario():
        note(places, a=POST, b=POST)
        assert await places.post("a", answer, 10) == answer
        assert await places.post("a", RECORDED, 10) is None, "it waits in a lane"
        waiting = [asyncio.ensure_future(places.run(work, "a", lambda: "a", 0.3)) for work in (BUNDLE, BULK)]
        assert await places.post("b", RECORDED, 10) == RECORDED
        assert await places.run(BULK, "b", lambda: "b") == "b"
        for each in waiting:
            with pytest.raises(Declined) as declined:
                await each
            assert declined.value.kind == "too-much-at-once"

    asyncio.run(scenario())


FREE = {"a post that is recorded now": RECORDED, "the database does not answer": Declined("unavailable")}


@pytest.mark.parametrize("answer", FREE.values(), ids=FREE)
def test_it_costs_a_sender_nothing_that(places, answer):
    async def scenario():
        note(places, a=POST, b=POST)
        for _ in range(3):
            assert await places.post("a", answer, 10) == answer

    asyncio.run(scenario())


GOES_ON = {
    "it reads, which has a time of its own": (POST, READ),
    "it is alone": (None, BUNDLE),
    "the other only reads": (READ, BULK),
}
"""What another sender has asked for, if anything, and what the sender asks for."""


@pytest.mark.parametrize(("of_other", "asked"), GOES_ON.values(), ids=GOES_ON)
def test_a_sender_that_has_used_up_its_time_for_posting_goes_on_if(places, of_other, asked):
    async def scenario():
        note(places, a=POST, **({"b": of_other} if of_other else {}))
        await places.post("a", REPLAYED, 10)
        assert await places.run(asked, "a", lambda: "a") == "a"

    asyncio.run(scenario())


def test_a_post_that_takes_too_long_is_answered_with_503(places, gate):
    async def scenario():
        gate.open.clear()
        with pytest.raises(Declined) as declined:
            await places.post("a", RECORDED, 0.01)
        assert declined.value.kind == "unavailable"
        gate.open.set()

    asyncio.run(scenario())


def test_two_senders_do_not_keep_a_third_from_posting(places, gate):
    """Together they have as many posts under way as all may have; the third may have its part nevertheless."""

    async def scenario():
        gate.open.clear()
        both = [
            asyncio.ensure_future(places.post(sender, RECORDED, 20))
            for sender in ("a", "b")
            for _ in range(POST.waiting_per_sender)
        ]
        await asyncio.sleep(0)
        with pytest.raises(LaneFull):
            places._posts_of("a").__enter__()
        third = asyncio.ensure_future(places.post("c", RECORDED, 20))
        await asyncio.sleep(0)
        gate.open.set()
        assert await third == RECORDED
        await asyncio.gather(*both)

    asyncio.run(scenario())
