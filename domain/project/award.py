"""The award list 立项: who is awarded how much of each batch, and the agreement that follows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import assert_never, get_args

from immutables import Map

from domain.case import Case, Decision
from domain.fund import Gate, Line
from domain.money import Money
from domain.posting import COMMITTED, LINE, Accounts, Move, Place, move
from domain.project.opening import ProjectFact
from domain.project.state import Award, Payee, Project, Round, no_name_twice
from domain.record import Fact, Recorded
from domain.rules.award import (
    BasisMismatch,
    FixedTotalNotUsed,
    LineNotAllotted,
    NoPlacesLeft,
    NotInNotice,
    ScoreMismatch,
)
from domain.rules.call import NoNotice, NoRoundUnderWay, NotStanding
from domain.rules.every_post import BalanceTooSmall, BeforeItsCause, NameTaken, UnknownName, WindowEmpty
from domain.rules.fund import BatchNotInPlan

# Events ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BatchAmount:
    batch: int
    amount: Money


@dataclass(frozen=True, slots=True)
class Awarded:
    """One row of the award list. `rank` is its place in the list, 1 the first."""

    award: str
    application: str
    payee: Payee
    score: Decimal
    rank: int
    amounts: tuple[BatchAmount, ...]


@dataclass(frozen=True, slots=True)
class AwardListDecided(ProjectFact):
    """The meeting decides who is awarded how much of each batch.

    `review` and `notice` are the versions of the ReviewConcluded and the NoticeStarted it rests on.
    """

    zh = "立项决定"
    cites = (("纪要",), ("立项文号",))
    refused_by = (
        NoRoundUnderWay,
        NoNotice,
        BasisMismatch,
        BeforeItsCause,
        NameTaken,
        UnknownName,
        NotStanding,
        NotInNotice,
        ScoreMismatch,
        NoPlacesLeft,
        LineNotAllotted,
        BatchNotInPlan,
        BalanceTooSmall,
        FixedTotalNotUsed,
    )
    review: int
    notice: int
    method: str
    awards: tuple[Awarded, ...]
    quantum: Money | None = None
    tie_order: str | None = None


@dataclass(frozen=True, slots=True)
class AgreementSigned(ProjectFact):
    """The agreement on an award is signed: what is committed behind the gate `agreement` becomes payable."""

    zh = "合同签订"
    cites = (("合同号",),)
    refused_by = (UnknownName, BeforeItsCause, WindowEmpty)
    award: str
    starts_on: date
    ends_on: date


Event = AwardListDecided | AgreementSigned
FACTS: tuple[type[Fact], ...] = get_args(Event)

# Evolve ----------------------------------------------------------------------


def evolve(project: Project, fact: Event, event: Recorded) -> Project:
    match fact:
        case AwardListDecided():
            return _award(project, fact, event.header.occurred_on)
        case AgreementSigned():
            award = project.awards[fact.award]
            first = award.gates.get(Gate.AGREEMENT, event.header.occurred_on)
            signed = replace(award, gates=award.gates.set(Gate.AGREEMENT, first))
            return replace(project, awards=project.awards.set(fact.award, signed))
        case _:
            assert_never(fact)


def _award(project: Project, fact: AwardListDecided, on: date) -> Project:
    with project.awards.mutate() as awards, project.applications.mutate() as applications:
        for row in fact.awards:
            awards[row.award] = Award(row.application, row.payee, on, since=on, gates=Map({Gate.AWARD: on}))
            applications[row.application] = replace(applications[row.application], award=row.award)
        changed = awards.finish(), applications.finish()
    current = replace(project.current_round(), decided=True)
    return replace(project, awards=changed[0], applications=changed[1], round=current)


# Decide ----------------------------------------------------------------------


def decide(case: Case, project: Project, fact: Event) -> Decision:
    match fact:
        case AwardListDecided():
            return _decide_list(case, project, fact)
        case AgreementSigned():
            return _sign(case, project, fact)
        case _:
            assert_never(fact)


def _decide_list(case: Case, project: Project, fact: AwardListDecided) -> Decision:
    line = case.books.fund(project.fund).line(project.code)
    current = project.current_round()
    _check_basis(case, current, fact)
    _check_rows(project, current, fact)
    taken, asked = len(project.awards), len(fact.awards)
    if taken + asked > line.awards:
        raise NoPlacesLeft(limit=line.awards, taken=taken, asked=asked)
    if line.fixed_total and not project.awards:
        _check_allotted(project, line)
    moves = _award_moves(project, line, fact)
    if line.fixed_total:
        _check_used_up(project, line, moves)
    return case.allow(*moves)


def _check_basis(case: Case, current: Round, fact: AwardListDecided) -> None:
    notice = current.notice
    if notice is None or notice.completed_on is None:
        raise NoNotice(wanted="completed")
    for what, cited, in_force in (
        ("review", fact.review, current.review),
        ("notice", fact.notice, notice.version),
    ):
        if cited != in_force:
            raise BasisMismatch(what=what, cited=cited, current=in_force)
    case.not_before("NoticeCompleted", notice.completed_on)


def _check_rows(project: Project, current: Round, fact: AwardListDecided) -> None:
    assert current.notice is not None
    no_name_twice("award", (row.award for row in fact.awards))
    no_name_twice("application", (row.application for row in fact.awards))
    no_name_twice("rank", (row.rank for row in fact.awards))
    for row in fact.awards:
        no_name_twice("batch", (share.batch for share in row.amounts))
        project.unused("award", row.award)
        application = project.application(row.application)
        if application.round != current.number or not application.standing:
            raise NotStanding(application=row.application)
        if row.application not in current.notice.applications:
            raise NotInNotice(application=row.application)
        if row.score != application.score:
            raise ScoreMismatch(application=row.application, score=row.score, reviewed=application.score or Decimal(0))


def _check_allotted(project: Project, line: Line) -> None:
    for batch in line.batches:
        allotted = project.accounts.balance(LINE, Place(project.code, batch.batch))
        if allotted != batch.amount:
            raise LineNotAllotted(batch=batch.batch, allotted=allotted, planned=batch.amount)


def _award_moves(project: Project, line: Line, fact: AwardListDecided) -> list[Move]:
    """Line by line in the list's order, each takes the lowest fen left. Raises BalanceTooSmall."""
    moves: list[Move] = []
    accounts = project.accounts
    for row in fact.awards:
        for share in row.amounts:
            planned = line.batch(share.batch)
            if planned is None:
                raise BatchNotInPlan(project=project.code, batch=share.batch)
            when = "gate open" if planned.gate is Gate.AWARD else "gate shut"
            place = Place(project.code, share.batch, row.award)
            moves.append(move(accounts, "AwardListDecided", place, share.amount, when))
            accounts = accounts.apply(moves[-1:])
    return moves


def _check_used_up(project: Project, line: Line, moves: list[Move]) -> None:
    after: Accounts = project.accounts.apply(moves)
    for batch in line.batches:
        if left := after.balance(LINE, Place(project.code, batch.batch)):
            raise FixedTotalNotUsed(batch=batch.batch, left=left)


def _sign(case: Case, project: Project, fact: AgreementSigned) -> Decision:
    award = project.award(fact.award)
    case.not_before("AwardListDecided", award.decided_on)
    if fact.ends_on < fact.starts_on:
        raise WindowEmpty(first_day=fact.starts_on, last_day=fact.ends_on)
    line = case.books.fund(project.fund).line(project.code)
    return case.allow(*opened(project, line, fact.award, Gate.AGREEMENT, "AgreementSigned"))


def opened(project: Project, line: Line, award: str, gate: Gate, event: str) -> list[Move]:
    """What `event` makes payable by opening `gate` for `award`: all that is committed behind it."""
    places = (Place(project.code, batch.batch, award) for batch in line.behind(gate))
    held = [(place, project.accounts.balance(COMMITTED, place)) for place in places]
    return [move(project.accounts, event, place, amount) for place, amount in held if amount]
