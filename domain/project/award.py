"""The award list 立项: the awards and their amounts per batch."""

from __future__ import annotations

from collections.abc import Iterator

from immutables import Map
from msgspec.structs import replace

from domain.allocation import TIES
from domain.decision_context import Context, Decision
from domain.event import Cause, Recorded, Restored, Reversible
from domain.guard import require, rules_of
from domain.origin import OF_ORIGIN, of_origin
from domain.posting import COMMITTED, GATE_OPEN, GATE_SHUT, Move, Place, move
from domain.project.eligibility import LIST, AwardList
from domain.state.entities import Award, RoundStatus, stepped
from domain.state.fund import Fund, Gate, Line
from domain.state.project import Project

# Events ----------------------------------------------------------------------


def _decided(project: Project, fact: AwardListDecided) -> Iterator[Restored]:
    """The entities that a reversal of `fact` restores: the round, and the award and the application of each row."""
    yield Restored("round", str(project.round))
    for row in fact.awards:
        yield Restored("award", row.award)
        yield Restored("application", row.application)


class AwardListDecided(AwardList, frozen=True):
    """The meeting decided the award list: `awards` has one row per award, with its payee and its amount per batch.

    Each payee must be the applicant, or a payee whom a waiver for the application allows. If the list cites a notice
    and the fund's setting `notice_binds_amounts` is not false, no row may have more than this notice proposed for its
    application.

    `review` and `notice` are the versions of the ReviewConcluded and NoticeStarted events that the list is based on.
    Omit `notice` if the fund's notices follow the decision. If `by_score` is true, the amounts must equal the
    allocation by score in multiples of `quantum` (default: the fund's setting), and the ledger sets `tie_order`.
    `shared_among` names the applications that took part in that allocation and received nothing.
    """

    zh = "立项决定"
    about_zh = "作出立项决定：资金从项目额度转为应付（拨付条件已具备）或立项承诺。"
    reversible = Reversible(restores=_decided)
    cites = (("纪要",), ("立项文号",))
    apart_from = ("WaiverGranted", "RecipientRenamed")
    refused_by = (*rules_of(LIST), *OF_ORIGIN)


Event = AwardListDecided
FACTS = (Event,)

# Evolve ----------------------------------------------------------------------


def evolve(project: Project, fact: Event, event: Recorded) -> Project:
    cause = event.cause
    with project.awards.mutate() as awards, project.applications.mutate() as applications:
        for row in fact.awards:
            gates = Map[str, Cause]({Gate.AWARD: cause})
            awards[row.award] = Award(event.version, row.application, row.payee, cause, event.by, gates, cause)
            applications[row.application] = stepped(applications[row.application], event.version, award=row.award)
        changed = awards.finish(), applications.finish()
    current = project.rounds[str(project.round)]
    project = replace(project, awards=changed[0], applications=changed[1])
    return project.step("round", str(current.number), event.version, status=RoundStatus.DECIDED)


# Decide ----------------------------------------------------------------------


def decide(context: Context, project: Project, fact: Event) -> Decision:
    require(LIST, context, project, fact)
    fund = context.ledger.fund(project.fund)
    moves = _award_moves(project, fund, fact)
    if fact.by_score:
        fact = replace(fact, quantum=fact.quantum or fund.settings.quantum, tie_order=TIES)
    return context.allow(*moves, fact=fact)


def _award_moves(project: Project, fund: Fund, fact: AwardListDecided) -> list[Move]:
    """The moves that the award list makes, one for each award and batch.

    Each move takes money of the line for the batch: the fen with the lowest serials that no earlier move of the list
    has taken. The rows that name an appropriation come first, then the rows that name only a source, then the other
    rows, which can take any fen. Rows of the same kind keep the order of the list. Raises BalanceTooSmall, and the
    rules in OF_ORIGIN.
    """
    moves: list[Move] = []
    accounts, line = project.accounts, fund.line(project.code)
    for row in sorted(fact.awards, key=lambda row: (row.appropriation is None, row.funding_source is None)):
        origin = of_origin(fund, row)
        for share in row.amounts:
            when = GATE_OPEN if line.gate_of(line.batch(share.batch)) == Gate.AWARD else GATE_SHUT
            place = Place(project.code, share.batch, row.award)
            moves.append(move(accounts, "AwardListDecided", place, share.amount, when, origin=origin))
            accounts = accounts.apply(moves[-1:])
    return moves


def opened(project: Project, line: Line, award: str, gate: str, event: str) -> list[Move]:
    """The moves that an event of the type `event` makes when it opens `gate` for `award`.

    In each batch of `line` that has this gate, all money that is committed to the award becomes payable.
    """
    places = (Place(project.code, batch.batch, award) for batch in line.behind(gate))
    held = [(place, project.accounts.balance(COMMITTED, place)) for place in places]
    return [move(project.accounts, event, place, amount) for place, amount in held if amount]
