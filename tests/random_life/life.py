"""A random life: opening posts and then random steps, which may lead to the closing of the fund."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from domain.event import Fact, Posted
from domain.state.project import Project
from tests.random_life.base import PROJECTS, Life, Observer
from tests.random_life.closing_steps import closing_posts
from tests.random_life.opening_steps import advance_to_payment, exceed_undo_limit, opening_posts
from tests.random_life.table import INVALID_STEPS, STEPS, STEPS_AFTER_CLOSING


class RandomLife(Life):
    """A life that takes random steps. With `start=False`, the opening posts are not made yet."""

    def __init__(self, random: Random, *observers: Observer, start: bool = True) -> None:
        super().__init__(random, *observers)
        self.winding_up_step = random.choice((120, 200, 300, 10_000))
        for _ in self.begin() if start else ():
            pass

    def begin(self) -> Iterator[bool]:
        """Make the opening posts. Yields after each post whether it was accepted."""
        yield from map(self.try_, opening_posts(self))
        for code in self.pick(((), PROJECTS[:1], PROJECTS[:2])):
            yield from advance_to_payment(self, code)
        if self.chance(10):
            yield from exceed_undo_limit(self, PROJECTS[2])

    def live(self, steps: int) -> Iterator[bool]:
        """Take up to `steps` random steps. Yields after each post whether it was accepted."""
        for step in range(steps):
            if self.fund.closed and self.chance(4):
                return
            self.let_time_pass()
            if posted := self._next(winding_up=step >= self.winding_up_step):
                yield self.try_(posted)

    def _next(self, *, winding_up: bool) -> Posted | None:
        if winding_up and self.chance(40):
            makers = closing_posts(self)
            return self.pick(makers)() if makers else None
        for _ in range(6):
            project = self.ledger.project(self.pick(PROJECTS))
            if result := self._take_step(project):
                return result if isinstance(result, Posted) else self.addressed(result, project)
        return None

    def _take_step(self, project: Project) -> Fact | Posted | None:
        if self.chance(15):
            return self.pick(INVALID_STEPS)(self, project)
        if project.closed and self.chance(95):
            return self.pick(STEPS_AFTER_CLOSING)(self, project)
        return self.pick(STEPS)(self, project)
