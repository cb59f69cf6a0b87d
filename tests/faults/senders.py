"""Programs that post: each sends an event again until it is answered, and remembers what was acknowledged."""

from __future__ import annotations

import http.client
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from random import Random
from threading import Event, Thread
from typing import Any

from domain.event import Fact
from domain.fund.funding import AppropriationReceived, FundsAllotted, SurplusSurrendered
from domain.fund.lifecycle import FundEstablished
from domain.fund.plan import PlanAdopted
from domain.project.lifecycle import ProjectOpened
from tests.faults.web import Web
from tests.lives import SETTINGS, line, plan, yuan
from tests.scenario import post
from tests.service.test_random_lives_api import wire

SOURCE = "/faults"
PAUSE_SECONDS = 0.05
FOUNDING = 5
"""The number of events with which the posts of a sender begin."""
AMOUNTS = ("90000000.00", "90000000.00")


class Sender(Thread):
    """Posts events of its own fund to the web processes `webs`, with the API key `key`, until `finish`.

    `acknowledged`: the position of each acknowledged event, by its id. `sent`: each event by its id, without those that
    a rule refused. `answers`: how often each status was answered; 0 stands for no answer. `slowest`: seconds of the
    slowest answer. `lost`: how many acknowledged events the log has lost. `wrong`: answers that must not be given.
    """

    def __init__(self, webs: Sequence[Web], key: str, number: int, seed: int) -> None:
        super().__init__(name=f"sender {number}", daemon=True)
        self._webs, self._key, self.number = webs, key, number
        self.random = Random(f"{seed} {number}")
        self.acknowledged: dict[str, int] = {}
        self.sent: dict[str, dict[str, Any]] = {}
        self.answers, self.slowest, self.lost = Counter[int](), 0.0, 0
        self.wrong: list[str] = []
        self._queue = deque[list[dict[str, Any]]]()
        self._finished, self._paused, self._idle = Event(), Event(), Event()
        self._next_id = 0

    # Controlled by the campaign ----------------------------------------------

    def finish(self) -> None:
        self._finished.set()
        self.join()

    def pause(self) -> None:
        """Return when every event that was sent has its outcome; send no other until `go_on`."""
        self._idle.clear()
        self._paused.set()
        while self.is_alive() and not self._idle.wait(0.1):
            pass

    def go_on(self) -> None:
        self._paused.clear()

    def lose(self, head: int) -> None:
        """The log ends at `head` now: send again what was acknowledged at a later position."""
        lost = [id_ for id_, position in list(self.acknowledged.items()) if position > head]
        self.lost += len(lost)
        for id_ in lost:
            del self.acknowledged[id_]
            self._queue.append([self.sent[id_]])

    def send_later(self, event: dict[str, Any]) -> None:
        """Send this event too, which somebody may have sent before."""
        self.sent[event["id"]] = event
        self._queue.append([event])

    def reset(self) -> None:
        """Begin the counts of answers again."""
        self.answers, self.slowest, self.lost = Counter(), 0.0, 0

    @property
    def is_founded(self) -> bool:
        """Whether the events before the first random one are acknowledged: the fund, its plan and its project."""
        return len(self.acknowledged) >= FOUNDING

    # The thread --------------------------------------------------------------

    def run(self) -> None:
        bodies = self._bodies()
        while not self._finished.is_set():
            if self._paused.is_set() and not self._queue:
                self._idle.set()
                self._finished.wait(PAUSE_SECONDS)
                continue
            self._idle.clear()
            self._post(self._queue.popleft() if self._queue else next(bodies))
            self._finished.wait(PAUSE_SECONDS)
        self._idle.set()

    def _bodies(self) -> Iterator[list[dict[str, Any]]]:
        """What is posted: the fund's beginning, then random events, every fifth time two of them as a bundle."""
        fund, project = f"fund/f{self.number}", f"project/p{self.number}"
        yield [self._event(fund, FundEstablished("专项资金", SETTINGS))]
        yield [self._event(fund, AppropriationReceived(yuan("190000000.00"), 2018))]
        yield [self._event(fund, plan(line(f"p{self.number}", amounts=AMOUNTS)))]
        yield [self._event(fund, PlanAdopted(draft=3))]
        yield [self._event(project, ProjectOpened(f"f{self.number}"))]
        while True:
            yield [self._event(fund, self._fact()) for _ in range(2 if self.random.random() < 0.2 else 1)]

    def _fact(self) -> Fact:
        amount = yuan(f"{self.random.randint(1, 100_000) / 100:.2f}")
        choices = (
            AppropriationReceived(amount, 2018),
            FundsAllotted(f"p{self.number}", self.random.choice((1, 2)), amount),
            SurplusSurrendered("pool", amount),
        )
        return self.random.choice(choices)

    def _event(self, stream: str, fact: Fact) -> dict[str, Any]:
        self._next_id += 1
        event = {**wire(post(stream, fact, "1-7")), "source": SOURCE, "id": f"{self.number}-{self._next_id}"}
        self.sent[event["id"]] = event
        return event

    def _post(self, body: list[dict[str, Any]]) -> None:
        """Post a bundle, or a single event, until its outcome is known."""
        while not self._finished.is_set():
            web = self.random.choice(self._webs)
            began = time.monotonic()
            try:
                status, answer = web.ask("POST", "/v1/events", body if len(body) > 1 else body[0], self._key)
            except (OSError, http.client.HTTPException, ValueError):
                status, answer = 0, None
            else:
                self.slowest = max(self.slowest, time.monotonic() - began)
            self.answers[status] += 1
            if status in (200, 201):
                self._acknowledge(body, answer)
                return
            if status == 422 and "rule" in str(answer):
                self._refuse(body)
                return
            if status not in (0, 429, 500, 503):
                self.wrong.append(f"{status} {answer} to {body}")
                return
            self._finished.wait(PAUSE_SECONDS * 2)

    def _acknowledge(self, body: list[dict[str, Any]], answer: dict[str, Any]) -> None:
        positions = [each["position"] for each in answer["outcomes"]] if len(body) > 1 else [answer["position"]]
        for event, position in zip(body, positions, strict=True):
            self.acknowledged[event["id"]] = position

    def _refuse(self, body: list[dict[str, Any]]) -> None:
        for event in body:
            del self.sent[event["id"]]
