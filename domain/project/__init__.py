"""A project: one line of the plan, with its calls, applications, awards, acceptances and payments.

One aggregate, so that caps and totals are one aggregate's business; one file for each chapter of its life.
"""

from __future__ import annotations

from typing import Protocol, cast

from msgspec.structs import replace

from domain.case import Case, Decision
from domain.mirrors import MIRRORS
from domain.project import acceptance, amendment, award, call, opening, payment, recovery, selection, waiver
from domain.project.call import CallClosed, CallFailed
from domain.project.condition import OPEN
from domain.project.opening import ProjectClosed, ProjectOpened
from domain.project.payment import PaymentReturned
from domain.project.selection import ObjectionResolved
from domain.project.state import Project
from domain.project.undoing import undone
from domain.record import Fact, Recorded
from domain.reversal.fact import EntryReversed


class Chapter(Protocol):
    """What each chapter's file gives."""

    FACTS: tuple[type[Fact], ...]

    def evolve(self, project: Project, fact: Fact, event: Recorded) -> Project: ...
    def decide(self, case: Case, project: Project, fact: Fact) -> Decision: ...


_CHAPTERS = {
    fact: cast(Chapter, chapter)
    for chapter in (opening, call, selection, award, amendment, payment, acceptance, recovery, waiver)
    for fact in chapter.FACTS
}
FACTS = tuple(fact for fact in _CHAPTERS if fact not in MIRRORS)
"""The event types of a project that a service may post."""
AFTER_CLOSING: tuple[type[Fact], ...] = (PaymentReturned, *recovery.FACTS)
"""What may still happen on a closed project, and under a closed fund."""
WINDING_UP: tuple[type[Fact], ...] = (CallClosed, ObjectionResolved, CallFailed, ProjectClosed)
"""What may still happen under a closed fund on a project that it never allotted to."""


def evolve(project: Project | None, event: Recorded) -> Project:
    """The project after `event`. Never refuses: what is recorded has happened."""
    fact = event.fact
    if project is None:
        return opening.begun(event)
    if event.moves:
        project = replace(project, accounts=project.accounts.apply(event.moves))
    if isinstance(fact, EntryReversed):
        return undone(project, fact, event)
    return _CHAPTERS[type(fact)].evolve(project, fact, event)


def decide(case: Case, project: Project | None, fact: Fact) -> Decision:
    """The moves and mirrors that `fact` would record. Raises the rule it breaks."""
    if isinstance(fact, ProjectOpened):
        return opening.open_project(case, project, fact)
    assert project is not None, "decide() has seen to it that the stream exists"
    if not isinstance(fact, AFTER_CLOSING):
        if isinstance(fact, WINDING_UP):
            project.must_be_open()
        else:
            OPEN.check(case, project, fact)
    return _CHAPTERS[type(fact)].decide(case, project, fact)


__all__ = ["AFTER_CLOSING", "FACTS", "WINDING_UP", "Project", "ProjectClosed", "ProjectOpened", "decide", "evolve"]
