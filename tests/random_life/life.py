"""One random life: a fund and its projects in the state that random posts have led to, and the history of the posts."""

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
from tests.domain.scenario import TODAY, Scenario, check_rule_is_declared, post, view_for
from tests.random_life.closing_steps import closing_posts
from tests.random_life.opening_steps import FUNDS, PROJECTS, advance_to_payment, exceed_undo_limit, opening_posts
from tests.random_life.table import INVALID_STEPS, STEPS, STEPS_AFTER_CLOSING

PEOPLE = ("甲", "乙", "丙")
LAST_DAY = TODAY - timedelta(days=120)
"""The clock of a life stops here, so that the deadlines it has set can still pass before TODAY."""

Outcome = tuple[Recorded, ...] | Refused
Observer = Callable[[Posted, Outcome, LedgerView], None]
"""Called with each post, its outcome, and the ledger after it; it may send the same post to a service."""
T = TypeVar("T")


class RandomLife:
    """`events` are all recorded events, `accepted` the posts that they record.

    `last` is the post tried last, `before` the ledger before it. With `start=False` the life has no posts yet.
    """

    def __init__(self, random: Random, *observers: Observer, start: bool = True) -> None:
        self.random = random
        self.observers = list(observers)
        self.day = date(2019, 1, 10)
        self.events: list[Recorded] = []
        self.refusals: list[Refused] = []
        self.accepted: list[Posted] = []
        self.last: Posted | None = None
        self.scenario = Scenario()
        self.before = self.scenario.ledger
        self.document_count = 0
        self.winding_up_step = random.choice((120, 200, 300, 10_000))
        for _ in self.begin() if start else ():
            pass

    def __repr__(self) -> str:
        return f"<a life of {len(self.accepted)} posts>"

    @property
    def ledger(self) -> LedgerView:
        return self.scenario.ledger

    @property
    def fund(self) -> Fund:
        return self.ledger.fund(FUNDS[0])

    def aggregates(self) -> Iterator[Fund | Project]:
        """The states of all funds and projects."""
        for stream in self.ledger.streams.values():
            assert stream.state is not None
            yield stream.state

    def funds(self) -> list[Fund]:
        return [self.ledger.fund(code) for code in FUNDS if f"fund/{code}" in self.ledger.streams]

    def projects(self) -> list[Project]:
        return [self.ledger.project(code) for code in PROJECTS if f"project/{code}" in self.ledger.streams]

    def recorded_last(self) -> Recorded:
        """The last recorded event that is not a mirror."""
        return next(event for event in reversed(self.events) if event.mirrors is None)

    # Posting

    def show_to(self, observer: Observer) -> None:
        """Call the observer with all posts accepted so far, and from now on with each post."""
        ledger = Scenario().ledger
        for posted in self.accepted:
            events = decide(view_for(ledger, posted), posted)
            ledger = advance(ledger, events)
            observer(posted, events, ledger)
        self.observers.append(observer)

    def try_(self, posted: Posted) -> bool:
        """Post it; return whether it was accepted."""
        self.last, self.before = posted, self.ledger
        outcome = self._outcome(posted)
        for observer in self.observers:
            observer(posted, outcome, self.ledger)
        return isinstance(outcome, tuple)

    def _outcome(self, posted: Posted) -> Outcome:
        ledger = self.ledger
        try:
            events = decide(view_for(ledger, posted), posted)
        except Refused as refusal:
            check_rule_is_declared(posted, refusal)
            self.refusals.append(refusal)
            return refusal
        mirrors = {type(mirror.fact).__name__ for mirror in events[1:]}
        assert mirrors <= set(posted.fact.records_too), "the event type declares its mirrors"
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
        """A post of `fact`, by default to the fund, and by default citing a new document of each required kind."""
        actor = by or self.pick(PEOPLE)
        documents = (self.document(kinds[0]) for kinds in fact.cites) if cites is None else cites
        return post(
            stream or f"fund/{FUNDS[0]}",
            fact,
            (on or self.day).isoformat(),
            cites=tuple(documents),
            booked=booked.isoformat() if booked else None,
            actor=actor,
            key=f"key-{actor}",
        )

    def document(self, kind: str) -> Document:
        self.document_count += 1
        return Document(kind, f"第{self.document_count}号")

    # Choosing

    def pick(self, among: Sequence[T]) -> T:
        return self.random.choice(among)

    def pick_any(self, names: Iterable[str]) -> str | None:
        """One of the names, or None if there is none."""
        ordered = sorted(names)
        return self.pick(ordered) if ordered else None

    def chance(self, percent: int) -> bool:
        """True with this probability; Hypothesis shrinks it to False."""
        return self.random.randint(0, 99) >= 100 - percent

    def amount(self, max_fen: int = 200) -> Money:
        return Money(self.random.randint(1, max(max_fen, 1)))

    def other_than(self, *people: str) -> str:
        return self.pick([each for each in PEOPLE if each not in people])

    def wait_until(self, day: date) -> None:
        self.day = max(self.day, day)

    # Living

    def begin(self) -> Iterator[bool]:
        """Make the opening posts; yield after each whether it was accepted."""
        yield from map(self.try_, opening_posts(self))
        for code in self.pick(((), PROJECTS[:1], PROJECTS[:2])):
            yield from advance_to_payment(self, code)
        if self.chance(10):
            yield from exceed_undo_limit(self, PROJECTS[2])

    def live(self, steps: int) -> Iterator[bool]:
        """Take up to `steps` random steps; yield after each post whether it was accepted."""
        for step in range(steps):
            if self.fund.closed and self.chance(4):
                return
            self.let_time_pass()
            if posted := self._next(winding_up=step >= self.winding_up_step):
                yield self.try_(posted)

    def let_time_pass(self) -> None:
        self.day = max(self.day, min(self.day + timedelta(days=self.pick((0, 0, 0, 0, 1, 1, 3, 15))), LAST_DAY))

    def _next(self, *, winding_up: bool) -> Posted | None:
        if winding_up and self.chance(40):
            makers = closing_posts(self)
            return self.pick(makers)() if makers else None
        for _ in range(6):
            project = self.ledger.project(self.pick(PROJECTS))
            if result := self._take_step(project):
                return result if isinstance(result, Posted) else self.addressed(result, project)
        return None

    def addressed(self, fact: Fact, project: Project) -> Posted:
        """A post of `fact` to the project or the fund; sometimes of a fact that occurred days ago and is booked now."""
        stream = f"project/{project.code}" if "project" in fact.streams else None
        if not self.chance(8):
            return self.post(fact, stream)
        occurred_on = self.day - timedelta(days=self.random.randint(1, 20))
        return self.post(fact, stream, on=occurred_on, booked=self.pick((None, self.day)))

    def _take_step(self, project: Project) -> Fact | Posted | None:
        if self.chance(15):
            return self.pick(INVALID_STEPS)(self, project)
        if project.closed and self.chance(95):
            return self.pick(STEPS_AFTER_CLOSING)(self, project)
        return self.pick(STEPS)(self, project)
