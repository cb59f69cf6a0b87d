"""Undoes what a reversed entry changed in the state of its project: the inverse of each chapter's `evolve`."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from domain.entry_reversed import EntryReversed
from domain.event import Recorded
from domain.posting import INTEREST
from domain.project import hold
from domain.project.call import reindexed, unindexed
from domain.project.payment import PaymentConfirmed, unconfirmed
from domain.project.recovery import received
from domain.project.unordered import UnorderedPaymentFound
from domain.state.entities import AwardStatus
from domain.state.project import Project


def reverted(project: Project, fact: EntryReversed, event: Recorded) -> Project:
    """The project after the reversal `event`, whose fact is `fact`: what the reversed entry changed is undone.

    The moves of `event` must already be applied to `project`.
    """
    if fact.entry in (PaymentConfirmed.__name__, UnorderedPaymentFound.__name__):
        for each in fact.restored:
            if each.kind == "payment":
                project = unconfirmed(project, each.name)
    for each in fact.restored:
        project = RESTORE[each.kind](project, each.name, event)
    return replace(project, reversed=fact.noted(project.reversed, event.moves))


def _project(project: Project, _: str, __: Recorded) -> Project:
    return replace(project, closed_at=None, awards_missing=None)


def _recovered(project: Project, name: str, event: Recorded) -> Project:
    interest = sum(moved.amount for moved in event.moves if moved.source == INTEREST)
    return received(project, name, -sum(moved.amount for moved in event.moves) + interest, -interest)


def _round(project: Project, name: str, _: Recorded) -> Project:
    project = project.undo("round", name)
    return project if name in project.rounds else replace(project, round=int(name) - 1)


def _application(project: Project, name: str, _: Recorded) -> Project:
    each = project.applications[name]
    project = project.undo("application", name)
    if name not in project.applications or not project.applications[name].renamed:
        project = replace(project, renamed=project.renamed - {name})
    if name in project.applications:
        return reindexed(project, name)
    return unindexed(project, (each.round, each.identity), name)


def _objection(project: Project, name: str, _: Recorded) -> Project:
    project = project.undo("objection", name)
    is_open = name in project.objections and not project.objections[name].resolved
    others = project.open_objections - {name}
    return replace(project, open_objections=others | {name} if is_open else others)


def _award(project: Project, name: str, _: Recorded) -> Project:
    project = project.undo("award", name)
    if name in project.awards and project.awards[name].status is not AwardStatus.LIVE:
        return project
    return replace(project, ended=project.ended - {name})


def _recovery(project: Project, name: str, _: Recorded) -> Project:
    payment = project.recoveries[name].payment
    project = project.undo("recovery", name)
    left = tuple(each for each in project.recoveries_of[payment] if each in project.recoveries)
    return replace(project, recoveries_of=project.recoveries_of.set(payment, left))


def _payment(project: Project, name: str, _: Recorded) -> Project:
    project = project.undo("payment", name)
    return project if name in project.payments else replace(project, apart=project.apart - {name})


def _hold(project: Project, name: str, _: Recorded) -> Project:
    return hold.reindexed(project.undo("hold", name), name)


RESTORE: dict[str, Callable[[Project, str, Recorded], Project]] = {
    "project": _project,
    "recovered": _recovered,
    "round": _round,
    "application": _application,
    "objection": _objection,
    "award": _award,
    "payment": _payment,
    "hold": _hold,
    "recovery": _recovery,
    "waiver": lambda project, name, _: project.undo("waiver", name),
    "finding": lambda project, name, _: project.undo("finding", name),
}
"""For each kind of entity, a function that returns the project with one entity of this kind restored.

The function gets the project, the entity's name, and the reversal, whose moves are already applied. The kinds
"project" and "recovered" stand for the project's closing and for the amount received on a recovery.
"""
