"""One life: a fund and its projects as far as random posts have brought them, and all that was posted on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, timedelta
from random import Random
from typing import TypeVar

from domain.books import Books
from domain.decision import decide
from domain.documents import Document
from domain.fund import AppropriationReceived, Fund, FundEstablished, Gate, Line, NoticeOrder, PlanAdopted, Settings
from domain.fund.plan import PlanRevised
from domain.money import Money
from domain.project.opening import ProjectOpened
from domain.project.state import Project
from domain.record import Fact, Posted, Recorded
from domain.rules import Refused
from tests.domain.lives import line, plan
from tests.domain.scenario import TODAY, Scenario, foretold, post
from tests.random_life.payment_steps import advance, request
from tests.random_life.round_steps import take_its_course
from tests.random_life.table import MISCHIEF, STEPS, STEPS_AFTER_CLOSING
from tests.random_life.way_out import ways_out

PROJECTS = ("p", "q", "r")
FUNDS = ("f", "g")
"""All that happens belongs to the first; the second has no plan, for mischief."""
PEOPLE = ("甲", "乙", "丙")
LAST_DAY = TODAY - timedelta(days=120)
"""Time stops for a life early enough that whatever it waits for may still come."""

Outcome = tuple[Recorded, ...] | Refused
Witness = Callable[[Posted, Outcome, Books], None]
"""Whoever looks on: told each post, what came of it, and the books after it. It may post the same elsewhere."""
T = TypeVar("T")


class RandomLife:
    """`events` are all that was recorded, `accepted` the posts that led to them.

    `last` is the post tried last, `before` the books it was tried on.
    """

    def __init__(self, random: Random, *witnesses: Witness) -> None:
        self.random = random
        self.witnesses = list(witnesses)
        self.day = date(2019, 1, 10)
        self.events: list[Recorded] = []
        self.refusals: list[Refused] = []
        self.accepted: list[Posted] = []
        self.last: Posted | None = None
        self.scenario = Scenario()
        self.before = self.scenario.books
        self.numbers = 0
        for each in self._beginning():
            self.try_(each)
        for code in self.pick(((), PROJECTS[:1], PROJECTS[:2])):
            self._bring_up(code)
        self.old_at = random.choice((120, 200, 300, 10_000))

    def __repr__(self) -> str:
        return f"<a life of {len(self.accepted)} posts>"

    @property
    def books(self) -> Books:
        return self.scenario.books

    @property
    def fund(self) -> Fund:
        return self.books.fund(FUNDS[0])

    def owners(self) -> Iterator[Fund | Project]:
        """All aggregates."""
        for stream in self.books.streams.values():
            assert stream.state is not None
            yield stream.state

    def funds(self) -> list[Fund]:
        return [self.books.fund(code) for code in FUNDS]

    def projects(self) -> list[Project]:
        return [self.books.project(code) for code in PROJECTS]

    def recorded_last(self) -> Recorded:
        """The leader of what was recorded last."""
        return next(event for event in reversed(self.events) if event.mirrors is None)

    # Posting

    def show_to(self, witness: Witness) -> None:
        """Tells the witness all that has counted so far, and from now on each post."""
        books = Scenario().books
        for posted in self.accepted:
            events = decide(books, posted)
            books = books.record(events)
            witness(posted, events, books)
        self.witnesses.append(witness)

    def try_(self, posted: Posted) -> bool:
        """Post it; whether it counted."""
        self.last, self.before = posted, self.books
        outcome = self._outcome(posted)
        for witness in self.witnesses:
            witness(posted, outcome, self.books)
        return isinstance(outcome, tuple)

    def _outcome(self, posted: Posted) -> Outcome:
        books = self.books
        try:
            events = decide(books, posted)
        except Refused as refusal:
            foretold(posted, refusal)
            self.refusals.append(refusal)
            return refusal
        recorded_too = {type(mirror.fact).__name__ for mirror in events[1:]}
        assert recorded_too <= set(posted.fact.records_too), "what is recorded too is foretold"
        self.accepted.append(posted)
        self.events += events
        self.scenario = Scenario(books.record(events))
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
        return self.random.randint(1, 100) <= percent

    def amount(self, most: int = 200) -> Money:
        return Money(self.random.randint(1, max(most, 1)))

    def other_than(self, who: str) -> str:
        return self.pick([each for each in PEOPLE if each != who])

    def wait_until(self, day: date) -> None:
        self.day = max(self.day, day)

    # Living

    def live(self, steps: int) -> Iterator[bool]:
        """Take `steps` random steps, telling after each post whether it counted."""
        for step in range(steps):
            if self.fund.closed and self.chance(4):
                return
            self._let_time_pass()
            if posted := self._next(old=step >= self.old_at):
                yield self.try_(posted)

    def _bring_up(self, code: str) -> None:
        """Straight to the first awards of a project and on to a payment, else few lives would come that far."""
        for _ in range(40):
            project = self.books.project(code)
            step = advance if project.payments else request if project.awards else take_its_course
            self._let_time_pass()
            if made := step(self, project):
                self.try_(made if isinstance(made, Posted) else self._addressed(made, project))
            elif project.awards:
                return

    def _let_time_pass(self) -> None:
        self.day = max(self.day, min(self.day + timedelta(days=self.pick((0, 0, 0, 0, 1, 1, 3, 15))), LAST_DAY))

    def _next(self, *, old: bool) -> Posted | None:
        if old and self.chance(40):
            ways = ways_out(self)
            return self.pick(ways)() if ways else None
        for _ in range(6):
            project = self.books.project(self.pick(PROJECTS))
            if made := self._make(project):
                return made if isinstance(made, Posted) else self._addressed(made, project)
        return None

    def _addressed(self, fact: Fact, project: Project) -> Posted:
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

    # Beginning

    def _beginning(self) -> Iterator[Posted]:
        lines = [self._line(number, code) for number, code in enumerate(PROJECTS, 1)]
        asked = sum(each.total for each in lines)
        fund, first = f"fund/{FUNDS[0]}", date(2019, 1, 1)
        yield self.post(FundEstablished("专项资金", self.settings()), fund, on=first)
        yield self.post(FundEstablished("另一专项资金", self.settings()), f"fund/{FUNDS[1]}", on=first)
        yield self.post(AppropriationReceived(Money(asked + self.pick((0, 0, 150))), 2018), fund, on=first)
        drafted = lines[: self.pick((2, 3))]
        yield self.post(plan(*drafted), fund, on=first)
        yield self.post(PlanAdopted(draft=3), fund, on=first)
        if drafted != lines:
            whole = plan(*lines)
            revised = PlanRevised(whole.title, whole.total, whole.tasks, whole.batches, whole.lines)
            yield self.post(revised, fund, on=first)
        for code in PROJECTS:
            yield self.post(ProjectOpened(FUNDS[0]), f"project/{code}", on=first)

    def _line(self, number: int, code: str) -> Line:
        gates = (Gate.AWARD, *self.pick(((), tuple(Gate)[1:2], tuple(Gate)[2:], tuple(Gate)[1:])))
        amounts = [str(Money(10 * self.random.randint(3, 12))) for _ in gates]
        fixed = self.chance(45)
        return line(code, number, self.random.randint(1, 3), fixed=fixed, amounts=tuple(amounts), gates=gates)

    def settings(self) -> Settings:
        return Settings(
            notice_working_days=self.pick((1, 3, 5)),
            approvals=self.pick(((), ("审批",), ("审核", "审批"))),
            acceptance_tries=self.pick((1, 2)),
            notice_order=self.pick(tuple(NoticeOrder)),
            rectification_months=self.pick((None, 1)),
            quantum=self.pick((Money(1), Money(10))),
            years_to_spend=self.pick((1, 2)),
            period_close_days=self.pick((None, 10)),
        )
