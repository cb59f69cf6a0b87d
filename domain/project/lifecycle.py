"""A project's lifecycle: it is opened under a line of the adopted plan, receives allotments, and is closed."""

from __future__ import annotations

from typing import assert_never, get_args

from msgspec.structs import replace

from domain.decision_context import Context, Decision
from domain.event import Allowed, Fact, Recorded, Restored, Reversible
from domain.mirrors import AllotmentReceived, AllotmentReduced, FundsReturned
from domain.money import Money
from domain.posting import COMMITTED, IN_FLIGHT, LINE, PAYABLE, Accounts, move
from domain.rules.call import ObjectionOpen, RoundUnderWay
from domain.rules.every_post import UnknownStream
from domain.rules.fund import FundIsClosed, MoneyLeft, NotInPlan
from domain.rules.hold import StillHeld
from domain.rules.project import ProjectExists
from domain.rules.recovery import RecoveryOutstanding
from domain.state.entities import RoundStatus
from domain.state.project import Project

# Events ----------------------------------------------------------------------


class ProjectFact(Fact, frozen=True):
    streams = ("project",)


class ProjectOpened(ProjectFact, frozen=True):
    """A line of the plan in force was opened as a project of `fund`. The stream is `project/` plus the line's code."""

    zh = "项目设立"
    about_zh = "按已批准的计划开立项目，事件流为 project/代码。"
    allowed = Allowed.ALWAYS
    reversible = None
    refused_by = (UnknownStream, FundIsClosed, NotInPlan, ProjectExists)
    fund: str

    def also_reads(self) -> tuple[str, ...]:
        return (f"fund/{self.fund}",)


class ProjectClosed(ProjectFact, frozen=True):
    """The project was closed, with nothing left to pay. The rest of its line returns to the fund's pool.

    `awards_missing` is set by the ledger if the plan requires an exact number of awards and the project has fewer. It
    is the number of awards that are missing.
    """

    zh = "项目结项"
    about_zh = (
        "项目结项：不得有未付资金，剩余项目额度退回待分配资金。"
        "计划要求立项恰为若干个而未达到的，账簿以 awards_missing 记明缺少的个数。"
    )
    allowed = Allowed.WHILE_PROJECT_OPEN
    reversible = Reversible(restores=lambda project, _: (Restored("project", project.code),))
    records_too = ("FundsReturned",)
    cites = (("结项",),)
    refused_by = (RoundUnderWay, ObjectionOpen, StillHeld, RecoveryOutstanding, MoneyLeft)
    awards_missing: int | None = None


Posted = ProjectOpened | ProjectClosed
Event = Posted | AllotmentReceived | AllotmentReduced
FACTS: tuple[type[Fact], ...] = get_args(Event)

# Evolve ----------------------------------------------------------------------


def opened(event: Recorded) -> Project:
    """The state of a project after its first event, `event`: no rounds, no awards, no money."""
    code = event.stream.partition("/")[2]
    return Project(code, event.fund, Accounts("project", code))


def evolve(project: Project, fact: Event, event: Recorded) -> Project:
    match fact:
        case ProjectOpened() | AllotmentReceived() | AllotmentReduced():
            return project
        case ProjectClosed():
            return replace(project, closed_at=event.version, awards_missing=fact.awards_missing)
        case _:
            assert_never(fact)


# Decide ----------------------------------------------------------------------


def open_project(context: Context, project: Project | None, fact: ProjectOpened) -> Decision:
    fund = context.ledger.fund(fact.fund)
    if fund.closed:
        raise FundIsClosed(fund=fund.code)
    fund.line(context.code)
    # Checked last: a sender that may not know the project learns of it only if the fund's own plan has its code.
    if project is not None:
        raise ProjectExists(project=project.code)
    return context.allow()


def decide(context: Context, project: Project, fact: Posted) -> Decision:
    match fact:
        case ProjectOpened():
            return open_project(context, project, fact)
        case ProjectClosed():
            return _close(context, project, fact)
        case _:
            assert_never(fact)


def _close(context: Context, project: Project, fact: ProjectClosed) -> Decision:
    last = project.rounds.get(str(project.round))
    if last and last.status is RoundStatus.UNDER_WAY:
        raise RoundUnderWay(round=last.number)
    project.no_objection_open()
    if project.standing_holds:
        raise StillHeld(holds=", ".join(sorted(project.standing_holds)))
    for recovery, outstanding in project.all_demanded():
        raise RecoveryOutstanding(recovery=recovery, amount=Money(outstanding))
    unsettled = (COMMITTED, PAYABLE, *IN_FLIGHT)
    if left := {account: amount for account in unsettled if (amount := project.accounts.total((account,)))}:
        raise MoneyLeft(accounts=", ".join(left), amount=Money(sum(left.values())))
    places = sorted(at.place for at in project.accounts.holdings if at.account == LINE)
    moves = [move(project.accounts, "ProjectClosed", at, project.accounts.balance(LINE, at)) for at in places]
    returned = FundsReturned(project.code, project.accounts.total((LINE,)), closes=True)
    closed = replace(fact, awards_missing=_awards_missing(context, project))
    return context.allow(*moves, fact=closed, mirrors=((f"fund/{project.fund}", returned),))


def _awards_missing(context: Context, project: Project) -> int | None:
    line = context.ledger.fund(project.fund).lines.get(project.code)
    if context.header.edition == 1 or line is None or line.award_rule != "exact":
        return None
    return max(line.awards - project.places_taken(line), 0) or None
