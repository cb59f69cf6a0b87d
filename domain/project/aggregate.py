"""The project aggregate: selects the chapter of each event, and does what all events of a project have in common.

One aggregate covers a whole line of the plan, because the line's limits and totals must hold across all its calls,
awards and payments.
A chapter is one module, always in the same order: the events, their state changes (evolve), their rules (decide).
Source: DOMAIN, "Project".
"""

from __future__ import annotations

from typing import Protocol, cast

from msgspec.structs import replace

from domain import finding, note
from domain.decision_context import Context, Decision
from domain.entry_reversed import EntryReversed
from domain.event import Allowed, Fact, Poster, Recorded
from domain.mirrors import MIRRORS
from domain.project import (
    acceptance,
    amendment,
    award,
    call,
    hold,
    lifecycle,
    payment,
    recovery,
    rename,
    selection,
    unordered,
    waiver,
)
from domain.project.condition import OPEN
from domain.project.lifecycle import ProjectOpened
from domain.project.revert import reverted
from domain.state.project import Project, awarded_after


class Chapter(Protocol):
    """The interface of a chapter: a module with one group of events, their state changes and their rules."""

    FACTS: tuple[type[Fact], ...]

    def evolve(self, project: Project, fact: Fact, event: Recorded) -> Project: ...
    def decide(self, context: Context, project: Project, fact: Fact) -> Decision: ...


_CHAPTERS = {
    fact: cast(Chapter, chapter)
    for chapter in (
        lifecycle,
        call,
        selection,
        award,
        amendment,
        payment,
        acceptance,
        recovery,
        waiver,
        rename,
        hold,
        unordered,
        finding,
        note,
    )
    for fact in chapter.FACTS
}
FACTS = tuple(fact for fact in _CHAPTERS if fact not in MIRRORS)
"""The event types that a sender may post to a project's stream, except EntryReversed."""


def evolve(project: Project | None, event: Recorded) -> Project:
    """The project after `event`; `project` is its state before the event, None before the first event.

    No rules are checked, because a recorded event is never refused.
    """
    fact = event.fact
    if project is None:
        return lifecycle.opened(event)
    if event.moves:
        awarded = awarded_after(project.awarded, event.moves)
        project = replace(project, accounts=project.accounts.apply(event.moves), awarded=awarded)
    if isinstance(fact, EntryReversed):
        return reverted(project, fact, event)
    project = _CHAPTERS[type(fact)].evolve(project, fact, event)
    if event.header.irregular and event.mirrors is None:
        return finding.opened_by(project, event, *(each.rule for each in event.header.irregular))
    return project


def decide(context: Context, project: Project | None, fact: Fact) -> Decision:
    """The decision to accept `fact`, with its moves and mirrors. Raises the rule that `fact` breaks.

    `project` is the current state of the project, None before its first event.
    """
    if isinstance(fact, ProjectOpened):
        return lifecycle.open_project(context, project, fact)
    assert project is not None, "decide() has checked that the stream exists"
    if fact.allowed is Allowed.WHILE_PROJECT_OPEN:
        project.must_be_open()
    elif fact.allowed is Allowed.WHILE_OPEN:
        OPEN.check(context, project, fact)
    return _CHAPTERS[type(fact)].decide(context, project, fact)


def posters_before(project: Project, fact: Fact) -> tuple[Poster, ...]:
    """The posters of the earlier steps that `fact` follows. None of them may post `fact` as irregular.

    If `fact` names a payment, they posted its request and its approvals. If it names an award, they posted the award
    list. Otherwise they posted the call, the review and the last notice of the last round. Steps whose poster old logs
    did not keep are omitted.
    """
    if payment := project.payments.get(getattr(fact, "payment", "")):
        return (payment.by, *payment.approved_by)
    if award := project.awards.get(getattr(fact, "award", None) or ""):
        return (award.by,)
    current = project.rounds.get(str(project.round))
    of_round = (current.by, current.reviewed_by, current.notice and current.notice.by) if current else ()
    return tuple(each for each in of_round if each)
