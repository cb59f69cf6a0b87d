"""Lanes: the places for each kind of work, shared fairly among senders; shares of time; and the brake on repetition."""

import asyncio
import threading

import pytest

from service.api.http.work import ALL, MONITOR, POSTING, READING, Work
from service.server.brake import DELAY_SECONDS, Brake
from service.server.lane import Lane, LaneFull
from service.server.shares import ALONE_SECONDS, BURST_SECONDS, Shares


def work(**limits):
    usual = {"places": 2, "per_sender": 1, "waiting": 6, "waiting_per_sender": 3}
    return Work("test", **{**usual, **limits})


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


class Calls:
    """Calls that last until they are released; `begun` has their names in the order in which they began."""

    def __init__(self, lane):
        self.lane, self.begun, self.tasks, self._gates = lane, [], [], {}

    def start(self, sender, name, seconds=10.0):
        """Send a call, as a task."""
        self._gates[name] = threading.Event()
        task = asyncio.ensure_future(self.lane.run(sender, lambda: self._work(name), seconds))
        self.tasks.append(task)
        return task

    def _work(self, name):
        self.begun.append(name)
        assert self._gates[name].wait(10)
        return name

    def release(self, name):
        self._gates[name].set()

    async def have_begun(self, *names):
        """Wait until so many calls have begun, and check that they are these, in this order."""
        await until(lambda: len(self.begun) >= len(names))
        assert self.begun == list(names)

    async def end(self):
        for gate in self._gates.values():
            gate.set()
        await asyncio.gather(*self.tasks, return_exceptions=True)


async def until(condition):
    while not condition():  # noqa: ASYNC110 - no event is set when the condition becomes true
        await asyncio.sleep(0.001)


def run(scenario, of=None, shares=None):
    async def main():
        lane = Lane(of or work(), shares or Shares(0.25))
        calls = Calls(lane)
        try:
            await asyncio.wait_for(scenario(calls), 20)
        finally:
            await calls.end()
            await asyncio.to_thread(lane.close)

    asyncio.run(main())


def test_a_sender_has_no_more_places_than_its_limit_and_leaves_the_others_to_other_senders():
    async def scenario(calls):
        waiting = [calls.start("a", "a1"), calls.start("a", "a2"), calls.start("b", "b1")]
        await calls.have_begun("a1", "b1")
        calls.release("a1")
        await calls.have_begun("a1", "b1", "a2")
        calls.release("b1")
        calls.release("a2")
        assert await asyncio.gather(*waiting) == ["a1", "a2", "b1"]

    run(scenario)


def test_a_sender_that_waits_with_many_calls_does_not_keep_others_from_beginning():
    async def scenario(calls):
        for number in range(4):
            calls.start("a", f"a{number}")
        calls.start("b", "b0")
        await calls.have_begun("a0", "b0")

    run(scenario)


def test_two_senders_whose_queues_never_end_take_turns():
    async def scenario(calls):
        for name in ("a1", "a2", "a3"):
            calls.start("a", name)
        calls.start("b", "b1")
        await calls.have_begun("a1")
        calls.release("a1")
        await calls.have_begun("a1", "a2")  # it waited before the other sender came
        calls.release("a2")
        await calls.have_begun("a1", "a2", "b1")

    run(scenario, of=work(places=1))


@pytest.mark.parametrize(("senders", "of_sender"), [("aaaaa", True), ("aaaabbbbccc", False)])
def test_a_call_is_refused_if_too_many_wait_and_the_error_says_whose(senders, of_sender):
    async def scenario(calls):
        waiting = [calls.start(sender, f"{sender}{number}") for number, sender in enumerate(senders)]
        await until(lambda: any(each.done() for each in waiting))
        [refused] = [each.exception() for each in waiting if each.done()]
        assert isinstance(refused, LaneFull)
        assert refused.of_sender is of_sender

    run(scenario)


def test_a_call_that_cannot_begin_in_time_is_not_begun_later():
    async def scenario(calls):
        calls.start("a", "a1")
        late = calls.start("a", "late", seconds=0.1)
        with pytest.raises(LaneFull) as refused:
            await late
        assert refused.value.of_sender
        calls.release("a1")
        calls.start("a", "a2")
        await calls.have_begun("a1", "a2")

    run(scenario)


def test_a_call_that_takes_too_long_keeps_its_place_until_it_ends():
    async def scenario(calls):
        with pytest.raises(TimeoutError):
            await calls.start("a", "slow", seconds=0.1)
        calls.start("a", "next")
        calls.start("b", "other")
        await calls.have_begun("slow", "other")
        calls.release("slow")
        await calls.have_begun("slow", "other", "next")

    run(scenario)


def test_a_call_whose_caller_has_gone_is_not_begun():
    async def scenario(calls):
        calls.start("a", "a1")
        gone = calls.start("a", "gone")
        calls.start("a", "a2")
        await calls.have_begun("a1")
        gone.cancel()
        calls.release("a1")
        await calls.have_begun("a1", "a2")

    run(scenario)


def test_the_error_of_a_call_reaches_its_caller_and_frees_its_place():
    async def scenario(calls):
        def fail():
            raise ValueError("wrong")

        for _ in range(3):
            with pytest.raises(ValueError, match="wrong"):
                await calls.lane.run("a", fail, 5)

    run(scenario, work(places=1))


def test_a_sender_that_has_used_up_its_share_waits_while_others_are_at_work():
    async def scenario(calls):
        shares.note("a")
        shares.note("b")
        shares.charge("a", BURST_SECONDS + 0.05)
        calls.start("a", "a1")
        calls.start("b", "b1")
        await calls.have_begun("b1")
        clock.now += 0.3
        await calls.have_begun("b1", "a1")

    clock = Clock()
    shares = Shares(0.25, clock)
    run(scenario, work(shared=True), shares)


def test_the_sender_with_the_larger_share_left_begins_first():
    async def scenario(calls):
        shares.note("a")
        shares.note("b")
        shares.charge("a", 1.0)
        calls.start("c", "c1")
        calls.start("a", "a1")
        calls.start("b", "b1")
        await calls.have_begun("c1")
        calls.release("c1")
        await calls.have_begun("c1", "b1")

    shares = Shares(0.25, Clock())
    run(scenario, work(places=1, shared=True), shares)


def test_a_share_grows_with_time_up_to_a_limit():
    clock = Clock()
    shares = Shares(0.25, clock)
    assert shares.balance("a") == BURST_SECONDS
    shares.note("a")
    shares.note("b")
    shares.charge("a", BURST_SECONDS + 1)
    assert shares.used_up("a")
    clock.now += 4
    assert shares.balance("a") == pytest.approx(0)
    clock.now += 1_000
    assert shares.balance("a") == BURST_SECONDS


def test_the_work_of_a_sender_that_is_alone_is_not_counted_and_it_never_waits():
    clock = Clock()
    shares = Shares(0.25, clock)
    shares.note("a")
    shares.charge("a", 100)
    assert shares.balance("a") == BURST_SECONDS
    shares.note("b")
    shares.note("a")
    shares.charge("a", 100)
    assert shares.used_up("a")
    clock.now += ALONE_SECONDS + 0.1
    shares.note("a")
    assert not shares.used_up("a"), "the other has sent nothing for a second"


def test_the_shares_of_many_senders_take_bounded_memory_and_no_debt_is_forgotten(monkeypatch):
    monkeypatch.setattr("service.server.shares.MAX_TRACKED", 10)
    clock = Clock()
    shares = Shares(0.25, clock)
    shares.note("x")
    for number in range(200):
        shares.note(f"s{number}")
        shares.charge(f"s{number}", 0.1 if number else 50)
        clock.now += 0.5
    assert len(shares._accounts) <= 12
    assert shares.balance("s0") < 0


def test_the_brake_delays_only_what_comes_too_often(monkeypatch):
    async def delay(seconds):
        delays.append(seconds)

    async def main():
        brake = Brake(3, clock)
        for _ in range(5):
            await brake.pass_by()
        clock.now += 1
        await brake.pass_by()

    clock, delays = Clock(), []
    monkeypatch.setattr("service.server.brake.asyncio.sleep", delay)
    asyncio.run(main())
    assert delays == [DELAY_SECONDS] * 2


def test_each_kind_of_work_but_monitoring_either_posts_or_reads():
    assert {*POSTING, *READING} == {*ALL} - {MONITOR}
    assert not {*POSTING} & {*READING}


def test_two_senders_whose_time_is_used_up_do_not_keep_each_other_waiting():
    clock = Clock()
    shares = Shares(0.25, clock)
    for sender in ("a", "b"):
        shares.note("a")
        shares.note("b")
        shares.charge(sender, 10)
    shares.note("a")
    shares.note("b")
    assert shares.used_up("a"), "b had time left when it sent its last request but one"
    clock.now += ALONE_SECONDS + 0.1
    for sender in ("a", "b"):
        shares.note(sender)
        assert not shares.used_up(sender)
    shares.note("c")
    assert shares.used_up("a")
    assert shares.used_up("b")


def test_a_sender_has_its_part_of_a_lane_that_others_have_filled():
    async def scenario(calls):
        for sender in ("a", "b"):
            for number in range(4):
                calls.start(sender, f"{sender}{number}")
        await calls.have_begun("a0", "b0")
        with pytest.raises(LaneFull) as full:
            await calls.lane.run("a", lambda: None, 1)
        assert full.value.of_sender
        third = [calls.start("c", f"c{number}") for number in range(2)]
        await asyncio.sleep(0)
        assert not any(each.done() for each in third)
        with pytest.raises(LaneFull) as full:
            await calls.lane.run("c", lambda: None, 1)
        assert not full.value.of_sender

    run(scenario, work(places=2, waiting=6, waiting_per_sender=3))


def test_many_senders_that_use_little_each_have_no_more_together_than_their_common_share():
    clock = Clock()
    shares = Shares(0.25, clock, burst=0.1, together=0.5)
    senders = [f"s{number}" for number in range(30)]
    shares.note("rested")
    for sender in senders:
        shares.note(sender)
        shares.charge(sender, 0.005)
    shares.note("rested")
    assert [sender for sender in senders if not shares.used_up(sender)] == []
    assert not shares.used_up("rested")
    clock.now += 0.15
    assert [sender for sender in senders if shares.used_up(sender)] == []
