"""One life: a fund and its projects as far as random posts have brought them, and all that was posted on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, timedelta
from random import Random
from typing import TypeVar

from domain.decision import decide
from domain.documents import Document
from domain.event import Fact, Posted, Recorded
from domain.ledger_view import LedgerView
from domain.money import Money
from domain.replay import advance
from domain.rules import Refused
from domain.state.fund import Fund
from domain.state.project import Project
from tests.domain.scenario import TODAY, Scenario, foretold, post, seen
from tests.random_life.table import MISCHIEF, STEPS, STEPS_AFTER_CLOSING
from tests.random_life.way_out import ways_out
from tests.random_life.youth import FUNDS, PROJECTS, beginning, bring_up, outlast_memory

PEOPLE = ("甲", "乙", "丙")
LAST_DAY = TODAY - timedelta(days=120)
"""Time stops for a life early enough that whatever it waits for may still come."""

Outcome = tuple[Recorded, ...] | Refused
Witness = Callable[[Posted, Outcome, LedgerView], None]
"""Whoever looks on: told each post, what came of it, and the books after it. It may post the same elsewhere."""
T = TypeVar("T")


class RandomLife:
    """`events` are all that was recorded, `accepted` the posts that led to them.

    `last` is the post tried last, `before` the books it was tried on. Not `born`, it has not begun.
    """

    def __init__(self, random: Random, *witnesses: Witness, born: bool = True) -> None:
        self.random = random
        self.witnesses = list(witnesses)
        self.day = date(2019, 1, 10)
        self.events: list[Recorded] = []
        self.refusals: list[Refused] = []
        self.accepted: list[Posted] = []
        self.last: Posted | None = None
        self.scenario = Scenario()
        self.before = self.scenario.ledger
        self.numbers = 0
        self.old_at = random.choice((120, 200, 300, 10_000))
        for _ in self.begin() if born else ():
            pass

    def __repr__(self) -> str:
        return f"<a life of {len(self.accepted)} posts>"

    @property
    def ledger(self) -> LedgerView:
        return self.scenario.ledger

    @property
    def fund(self) -> Fund:
        return self.ledger.fund(FUNDS[0])

    def owners(self) -> Iterator[Fund | Project]:
        """All aggregates."""
        for stream in self.ledger.streams.values():
            assert stream.state is not None
            yield stream.state

    def funds(self) -> list[Fund]:
        return [self.ledger.fund(code) for code in FUNDS if f"fund/{code}" in self.ledger.streams]

    def projects(self) -> list[Project]:
        return [self.ledger.project(code) for code in PROJECTS if f"project/{code}" in self.ledger.streams]

    def recorded_last(self) -> Recorded:
        """The leader of what was recorded last."""
        return next(event for event in reversed(self.events) if event.mirrors is None)

    # Posting

    def show_to(self, witness: Witness) -> None:
        """Tells the witness all that has counted so far, and from now on each post."""
        ledger = Scenario().ledger
        for posted in self.accepted:
            events = decide(seen(ledger, posted), posted)
            ledger = advance(ledger, events)
            witness(posted, events, ledger)
        self.witnesses.append(witness)

    def try_(self, posted: Posted) -> bool:
        """Post it; whether it counted."""
        self.last, self.before = posted, self.ledger
        outcome = self._outcome(posted)
        for witness in self.witnesses:
            witness(posted, outcome, self.ledger)
        return isinstance(outcome, tuple)

    def _outcome(self, posted: Posted) -> Outcome:
        ledger = self.ledger
        try:
            events = decide(seen(ledger, posted), posted)
        except Refused as refusal:
            foretold(posted, refusal)
            self.refusals.append(refusal)
            return refusal
        recorded_too = {type(mirror.fact).__name__ for mirror in events[1:]}
        assert recorded_too <= set(posted.fact.records_too), "what is recorded too is foretold"
        self.accepted.append(posted)
        self.events += events
        self.scenario = Scenario(advance(ledger, events))
        return events

    def post(
        self,
        fact: Fact,
        stream: str | None = None,
        *,
        on: date | None = None,
        by: str | None = None,
        cites: Iterable[Document] | None = None,
        booked: date | None = None,
    ) -> Posted:
        """A post of `fact`, to the fund unless told; it cites a new document of each kind that it must."""
        who = by or self.pick(PEOPLE)
        documents = (self.document(kinds[0]) for kinds in fact.cites) if cites is None else cites
        return post(
            stream or f"fund/{FUNDS[0]}",
            fact,
            (on or self.day).isoformat(),
            cites=tuple(documents),
            booked=booked.isoformat() if booked else None,
            actor=who,
            key=f"key-{who}",
        )

    def document(self, kind: str) -> Document:
        self.numbers += 1
        return Document(kind, f"第{self.numbers}号")

    # Choosing

    def pick(self, among: Sequence[T]) -> T:
        return self.random.choice(among)

    def pick_any(self, names: Iterable[str]) -> str | None:
        found = sorted(names)
        return self.pick(found) if found else None

    def chance(self, percent: int) -> bool:
        """Whether it happens; a life that is shrunk prefers that it does not."""
        return self.random.randint(0, 99) >= 100 - percent

    def amount(self, most: int = 200) -> Money:
        return Money(self.random.randint(1, max(most, 1)))

    def other_than(self, who: str) -> str:
        return self.pick([each for each in PEOPLE if each != who])

    def wait_until(self, day: date) -> None:
        self.day = max(self.day, day)

    # Living

    def begin(self) -> Iterator[bool]:
        """The beginning of one that was not born yet, telling after each post whether it counted."""
        yield from map(self.try_, beginning(self))
        for code in self.pick(((), PROJECTS[:1], PROJECTS[:2])):
            yield from bring_up(self, code)
        if self.chance(10):
            yield from outlast_memory(self, PROJECTS[2])

    def live(self, steps: int) -> Iterator[bool]:
        """Take `steps` random steps, telling after each post whether it counted."""
        for step in range(steps):
            if self.fund.closed and self.chance(4):
                return
            self.let_time_pass()
            if posted := self._next(old=step >= self.old_at):
                yield self.try_(posted)

    def let_time_pass(self) -> None:
        self.day = max(self.day, min(self.day + timedelta(days=self.pick((0, 0, 0, 0, 1, 1, 3, 15))), LAST_DAY))

    def _next(self, *, old: bool) -> Posted | None:
        if old and self.chance(40):
            ways = ways_out(self)
            return self.pick(ways)() if ways else None
        for _ in range(6):
            project = self.ledger.project(self.pick(PROJECTS))
            if made := self._make(project):
                return made if isinstance(made, Posted) else self.addressed(made, project)
        return None

    def addressed(self, fact: Fact, project: Project) -> Posted:
        """To the project or the fund; at times it comes late: it occurred some days ago and is booked now."""
        stream = f"project/{project.code}" if "project" in fact.streams else None
        if not self.chance(8):
            return self.post(fact, stream)
        ago = self.day - timedelta(days=self.random.randint(1, 20))
        return self.post(fact, stream, on=ago, booked=self.pick((None, self.day)))

    def _make(self, project: Project) -> Fact | Posted | None:
        if self.chance(15):
            return self.pick(MISCHIEF)(self, project)
        if project.closed and self.chance(95):
            return self.pick(STEPS_AFTER_CLOSING)(self, project)
        return self.pick(STEPS)(self, project)
