"""A project's two ends: it opens under a line of the adopted plan, receives allotments, and closes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, assert_never, get_args

from domain.case import Case, Decision
from domain.mirrors import AllotmentReceived, FundsReturned
from domain.posting import COMMITTED, IN_FLIGHT, LINE, PAYABLE, Place, move
from domain.project.state import Project
from domain.record import Fact, Recorded
from domain.rules.call import RoundUnderWay
from domain.rules.every_post import UnknownStream
from domain.rules.fund import FundIsClosed, MoneyLeft, NotInPlan
from domain.rules.project import ProjectExists

# Events ----------------------------------------------------------------------


class ProjectFact(Fact):
    __slots__ = ()
    stream: ClassVar[str] = "project"


@dataclass(frozen=True, slots=True)
class ProjectOpened(ProjectFact):
    """A line of the adopted plan opens as a project; its code is that of the stream and of the line."""

    zh = "项目设立"
    refused_by = (ProjectExists, UnknownStream, FundIsClosed, NotInPlan)
    fund: str


@dataclass(frozen=True, slots=True)
class ProjectClosed(ProjectFact):
    """The project ends, nothing of it still to be paid. What is left in its line goes back to the pool."""

    zh = "项目结项"
    records_too = "FundsReturned"
    cites = (("结项",),)
    refused_by = (RoundUnderWay, MoneyLeft)


Posted = ProjectOpened | ProjectClosed
Event = Posted | AllotmentReceived
FACTS: tuple[type[Fact], ...] = get_args(Event)

# Evolve ----------------------------------------------------------------------


def evolve(project: Project, fact: Event, _: Recorded) -> Project:
    match fact:
        case ProjectOpened() | AllotmentReceived():
            return project
        case ProjectClosed():
            return replace(project, closed=True)
        case _:
            assert_never(fact)


# Decide ----------------------------------------------------------------------


def open_project(case: Case, project: Project | None, fact: ProjectOpened) -> Decision:
    if project is not None:
        raise ProjectExists(project=project.code)
    fund = case.books.fund(fact.fund)
    if fund.closed:
        raise FundIsClosed(fund=fund.code)
    fund.line(case.code)
    return case.allow()


def decide(case: Case, project: Project, _: ProjectClosed) -> Decision:
    if project.round and not project.round.decided:
        raise RoundUnderWay(round=project.round.number)
    unsettled = (COMMITTED, PAYABLE, *IN_FLIGHT)
    if left := project.accounts.total(unsettled):
        raise MoneyLeft(accounts=", ".join(unsettled), amount=left)
    line = case.books.fund(project.fund).line(project.code)
    places = (Place(project.code, batch.batch) for batch in line.batches)
    left_in = [(place, project.accounts.balance(LINE, place)) for place in places]
    moves = [move(project.accounts, "ProjectClosed", place, left) for place, left in left_in if left]
    returned = FundsReturned(project.code, project.accounts.total((LINE,)), closes=True)
    return case.allow(*moves, mirror=(f"fund/{project.fund}", returned))
