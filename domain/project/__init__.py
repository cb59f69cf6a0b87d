"""A project: one line of the plan, with its calls, applications, awards, acceptances and payments.

One aggregate, so that caps and totals are one aggregate's business; one file for each chapter of its life.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol, cast

from domain.case import Case, Decision
from domain.mirrors import AllotmentReceived
from domain.project import acceptance, award, call, opening, payment
from domain.project.opening import ProjectClosed, ProjectOpened
from domain.project.payment import PaymentReturned
from domain.project.state import Project
from domain.record import Fact, Recorded


class Chapter(Protocol):
    """What each chapter's file gives."""

    FACTS: tuple[type[Fact], ...]

    def evolve(self, project: Project, fact: Fact, event: Recorded) -> Project: ...
    def decide(self, case: Case, project: Project, fact: Fact) -> Decision: ...


_CHAPTERS = {
    fact: cast(Chapter, chapter) for chapter in (opening, call, award, payment, acceptance) for fact in chapter.FACTS
}
FACTS = tuple(fact for fact in _CHAPTERS if fact is not AllotmentReceived)
"""The event types of a project that a service may post."""
AFTER_CLOSING = (PaymentReturned,)


def evolve(project: Project | None, event: Recorded) -> Project:
    """The project after `event`. Never refuses: what is recorded has happened."""
    fact = event.fact
    if project is None:
        return Project(code=event.stream.partition("/")[2], fund=event.fund)
    project = replace(project, accounts=project.accounts.apply(event.moves))
    return _CHAPTERS[type(fact)].evolve(project, fact, event)


def decide(case: Case, project: Project | None, fact: Fact) -> Decision:
    """The moves and mirrors that `fact` would record. Raises the rule it breaks."""
    if isinstance(fact, ProjectOpened):
        return opening.open_project(case, project, fact)
    assert project is not None, "decide() has seen to it that the stream exists"
    if not isinstance(fact, AFTER_CLOSING):
        project.must_be_open()
    return _CHAPTERS[type(fact)].decide(case, project, fact)


__all__ = ["FACTS", "Project", "ProjectClosed", "ProjectOpened", "decide", "evolve"]
