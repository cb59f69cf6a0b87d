"""The award list 立项: who is awarded how much of each batch."""

from __future__ import annotations

from decimal import Decimal

from immutables import Map
from msgspec import Struct
from msgspec.structs import replace

from domain.allocation import TIES
from domain.case import Case, Decision
from domain.fund.state import Gate, Line
from domain.guard import require, rules_of
from domain.money import Money
from domain.posting import COMMITTED, GATE_OPEN, GATE_SHUT, Move, Place, move
from domain.project.eligibility import LIST
from domain.project.opening import ProjectFact
from domain.project.state import Project
from domain.project.subjects import (
    Award,
    Payee,
    RoundStatus,
    stepped,
)
from domain.record import Fact, Recorded

# Events ----------------------------------------------------------------------


class BatchAmount(Struct, frozen=True):
    batch: int
    amount: Money


class Awarded(Struct, frozen=True):
    """One row of the award list. `rank` is its place in the list, 1 the first."""

    award: str
    application: str
    payee: Payee
    score: Decimal
    rank: int
    amounts: tuple[BatchAmount, ...]


class AwardListDecided(ProjectFact, frozen=True):
    """The meeting decides who is awarded how much of each batch.

    `review` and `notice` are the versions of the ReviewConcluded and the NoticeStarted it rests on; there is no notice
    where the fund's notices follow the decision. `by_score`: the amounts are those of the allocation by score, in
    multiples of `quantum`, and the ledger checks them; it then says `tie_order` itself. `shared_among` names the other
    applications of that calculation: those that it gave nothing.
    """

    zh = "立项决定"
    cites = (("纪要",), ("立项文号",))
    refused_by = rules_of(LIST)
    review: int
    method: str
    awards: tuple[Awarded, ...]
    notice: int | None = None
    quantum: Money | None = None
    tie_order: str | None = None
    by_score: bool = False
    shared_among: tuple[str, ...] = ()


Event = AwardListDecided
FACTS: tuple[type[Fact], ...] = (Event,)

# Evolve ----------------------------------------------------------------------


def evolve(project: Project, fact: Event, event: Recorded) -> Project:
    cause, on = event.cause, event.header.occurred_on
    with project.awards.mutate() as awards, project.applications.mutate() as applications:
        for row in fact.awards:
            gates = Map({Gate.AWARD: cause})
            awards[row.award] = Award(event.version, row.application, row.payee, cause, event.by, on, gates, cause)
            applications[row.application] = stepped(applications[row.application], event.version, award=row.award)
        changed = awards.finish(), applications.finish()
    current = project.rounds[str(project.round)]
    notice = replace(current.notice, decided=True) if current.notice else None
    project = replace(project, awards=changed[0], applications=changed[1])
    return project.step("round", str(current.number), event.version, status=RoundStatus.DECIDED, notice=notice)


# Decide ----------------------------------------------------------------------


def decide(case: Case, project: Project, fact: Event) -> Decision:
    require(LIST, case, project, fact)
    fund = case.books.fund(project.fund)
    moves = _award_moves(project, fund.line(project.code), fact)
    if fact.by_score:
        fact = replace(fact, quantum=fact.quantum or fund.settings.quantum, tie_order=TIES)
    return case.allow(*moves, fact=fact)


def _award_moves(project: Project, line: Line, fact: AwardListDecided) -> list[Move]:
    """Line by line in the list's order, each takes the lowest fen left."""
    moves: list[Move] = []
    accounts = project.accounts
    for row in fact.awards:
        for share in row.amounts:
            when = GATE_OPEN if line.batch(share.batch).gate is Gate.AWARD else GATE_SHUT
            place = Place(project.code, share.batch, row.award)
            moves.append(move(accounts, "AwardListDecided", place, share.amount, when))
            accounts = accounts.apply(moves[-1:])
    return moves


def opened(project: Project, line: Line, award: str, gate: Gate, event: str) -> list[Move]:
    """What `event` makes payable by opening `gate` for `award`: all that is committed behind it."""
    places = (Place(project.code, batch.batch, award) for batch in line.behind(gate))
    held = [(place, project.accounts.balance(COMMITTED, place)) for place in places]
    return [move(project.accounts, event, place, amount) for place, amount in held if amount]
