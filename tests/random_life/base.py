"""A life: the posts made to a fund and its projects, the state that these posts have led to, and random choices."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, timedelta
from random import Random
from typing import Any, TypeVar

from msgspec.structs import replace

from domain.decision import decide
from domain.documents import Document
from domain.event import EDITION, Fact, Posted, Recorded
from domain.fund.lifecycle import YearCarriedForward
from domain.ledger_view import LedgerView
from domain.money import Money
from domain.project.award import AwardListDecided
from domain.replay import advance
from domain.rules import Refused
from domain.state.fund import Fund
from domain.state.project import Project
from tests.scenario import TODAY, Scenario, check_rule_is_declared, post, view_for

PROJECTS = ("p", "q", "r")
FUNDS = ("f", "g")
"""The funds of a life. Nearly all posts belong to the first fund. The second has no plan and serves invalid posts."""
PEOPLE = ("甲", "乙", "丙", "丁")
PERSONS = {"甲": "1001", "乙": "1002"}
"""The persons whom the keys of some of these people name."""
LAST_DAY = TODAY - timedelta(days=120)
"""The last day of a life's clock. The deadlines that the life has set can still pass between this day and TODAY."""

Outcome = tuple[Recorded, ...] | Refused
Observer = Callable[[Posted, Outcome, LedgerView], None]
"""A function that is called with each post, the outcome of the post, and the ledger after the post.

An observer may, for example, send the same post to a service.
"""
T = TypeVar("T")


class Life:
    """The history and the state of two funds and their projects, and the source of random choices.

    `events`: all recorded events. `accepted`: the posts that these events record. `last`: the latest post, accepted or
    refused. `before`: the ledger before the latest post.
    """

    def __init__(self, random: Random, *observers: Observer) -> None:
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
        """Call the observer with all posts accepted so far, and from now on with each new post."""
        ledger = Scenario().ledger
        for posted in self.accepted:
            events = decide(view_for(ledger, posted), posted)
            ledger = advance(ledger, events)
            observer(posted, events, ledger)
        self.observers.append(observer)

    def try_(self, posted: Posted) -> bool:
        """Decide `posted`, record its events if it is accepted, and call the observers.

        Returns whether `posted` is accepted.
        """
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
        edition: int = EDITION,
    ) -> Posted:
        """A post of `fact`. By default, it is addressed to the fund and cites a new document of each required kind."""
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
            person=PERSONS.get(actor),
            edition=edition,
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
        """True in `percent` of 100 cases. When Hypothesis shrinks a life, the result becomes False."""
        return self.random.randint(0, 99) >= 100 - percent

    def amount(self, max_fen: int = 200) -> Money:
        return Money(self.random.randint(1, max(max_fen, 1)))

    def other_than(self, *people: str) -> str:
        return self.pick([each for each in PEOPLE if each not in people])

    def wait_until(self, day: date) -> None:
        self.day = max(self.day, day)

    def let_time_pass(self) -> None:
        self.day = max(self.day, min(self.day + timedelta(days=self.pick((0, 0, 0, 0, 1, 1, 3, 15))), LAST_DAY))

    def addressed(self, fact: Fact, project: Project) -> Posted:
        """A post of `fact` to the stream of its kind: the project or the fund. Sometimes the fact occurred days ago."""
        stream, fact = f"project/{project.code}" if "project" in fact.streams else None, of_some_origin(self, fact)
        if not self.chance(8):
            return self.post(fact, stream)
        occurred_on = self.day - timedelta(days=self.random.randint(1, 20))
        return self.post(fact, stream, on=occurred_on, booked=self.pick((None, self.day)))


def of_some_origin(life: Life, fact: Fact) -> Fact:
    """`fact`, sometimes with a source of money or an appropriation from which it takes; so may the rows of a list."""
    if isinstance(fact, AwardListDecided):
        return replace(fact, awards=tuple(_of_origin(life, row) for row in fact.awards))
    return _of_origin(life, fact) if "appropriation" in fact.__struct_fields__ else fact


def _of_origin(life: Life, taking: Any) -> Any:
    if isinstance(taking, YearCarriedForward) or not life.chance(20):
        return taking
    sources = tuple(each.source for each in life.fund.sources)
    source = life.pick((None, *sources)) if sources else None
    version = life.pick((None, *sorted(life.fund.appropriations)))
    return replace(taking, funding_source=source, appropriation=version)
