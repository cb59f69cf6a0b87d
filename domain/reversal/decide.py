"""What may be reversed, and whether it still can be: its fen where it put them, its step the last, the books sound.

Source: DOMAIN, "EntryReversed". `dependents.py` looks at what was built on the entry since; what must hold of money,
gates, places and plan is asked of the books after the reversal (`soundness.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from msgspec.structs import replace

from domain import fund, project
from domain.case import Case, Decision, Mirror
from domain.fen import FenSet
from domain.fund.money import mirrors_of
from domain.mirrors import FundsReturnReversed
from domain.money import Money
from domain.posting import ACCOUNTS, Move, back
from domain.project import acceptance, amendment, award, call, payment, recovery, selection, waiver
from domain.project.state import Project
from domain.record import Fact, Recorded, Reference, claimed
from domain.reversal.dependents import nothing_rests_on
from domain.reversal.fact import EntryReversed, Restored
from domain.reversal.soundness import must_be_sound
from domain.rules.every_post import UnknownEntry
from domain.rules.fund import FundIsClosed
from domain.rules.reversal import (
    AlreadyReversed,
    BeforeClosing,
    MoreThanLeft,
    MovedOn,
    NotInPart,
    NotReversible,
)
from domain.rules.waiver import SamePerson

Restores = Callable[[Any, Fact], Iterable[Restored]]


class Reversible(NamedTuple):
    """How an entry of one type is reversed: in part too or only whole, and what is then as before."""

    in_part: bool
    restores: Restores | None


def _whole(restores: Restores) -> Reversible:
    return Reversible(in_part=False, restores=restores)


def _in_part(restores: Restores | None = None) -> Reversible:
    return Reversible(in_part=True, restores=restores)


def _of(kind: str, field: str) -> Restores:
    return lambda _, fact: (Restored(kind, str(getattr(fact, field))),)


def _round(of: Project, _: Fact) -> tuple[Restored, ...]:
    return (Restored("round", str(of.round)),)


def _resolved(of: Project, fact: Fact) -> Iterator[Restored]:
    assert isinstance(fact, selection.ObjectionResolved)
    yield Restored("objection", fact.objection)
    objection = of.objections.get(fact.objection)
    if fact.upheld and objection:
        named = objection.application
        yield Restored("application", named) if named else Restored("round", str(objection.round))


def _decided(of: Project, fact: Fact) -> Iterator[Restored]:
    assert isinstance(fact, award.AwardListDecided)
    yield from _round(of, fact)
    for row in fact.awards:
        yield Restored("award", row.award)
        yield Restored("application", row.application)


def _waived(_: Project, fact: Fact) -> tuple[Restored, ...]:
    assert isinstance(fact, waiver.WaiverGranted)
    kind, name = fact.target
    return (Restored("waiver", waiver.key(fact.rule, kind, name or "")),)


OF_ROUND, OF_AWARD, OF_PAYMENT = _whole(_round), _whole(_of("award", "award")), _whole(_of("payment", "payment"))
REVERSIBLE: dict[type[Fact], Reversible] = {
    fund.AppropriationReceived: _in_part(),
    fund.FundsAllotted: _in_part(),
    fund.AllotmentWithdrawn: _in_part(),
    fund.FundsReallocated: _in_part(),
    fund.FundsReinstated: _in_part(),
    fund.SurplusSurrendered: _in_part(),
    fund.YearCarriedForward: _whole(_of("appropriation", "appropriation")),
    fund.StatementReconciled: _whole(_of("statement", "statement")),
    call.CallPublished: OF_ROUND,
    call.CallExtended: OF_ROUND,
    call.CallClosed: OF_ROUND,
    call.CallFailed: OF_ROUND,
    call.ApplicationReceived: _whole(_of("application", "application")),
    call.ApplicationWithdrawn: _whole(_of("application", "application")),
    call.ApplicationScreened: _whole(_of("application", "application")),
    selection.ReviewConcluded: OF_ROUND,
    selection.NoticeStarted: OF_ROUND,
    selection.NoticeCompleted: OF_ROUND,
    selection.ObjectionReceived: _whole(_of("objection", "objection")),
    selection.ObjectionResolved: _whole(_resolved),
    award.AwardListDecided: _whole(_decided),
    amendment.AgreementSigned: OF_AWARD,
    amendment.ExtensionGranted: OF_AWARD,
    amendment.AwardAmended: _in_part(),
    amendment.PayeeChanged: OF_AWARD,
    amendment.AwardDeclined: OF_AWARD,
    amendment.AwardRevoked: OF_AWARD,
    amendment.AwardTerminated: OF_AWARD,
    acceptance.AcceptanceRequested: OF_AWARD,
    acceptance.AcceptancePassed: OF_AWARD,
    acceptance.AcceptanceFailed: OF_AWARD,
    acceptance.RectificationOrdered: OF_AWARD,
    payment.PaymentInstructed: OF_PAYMENT,
    payment.PaymentConfirmed: OF_PAYMENT,
    payment.PaymentFailed: OF_PAYMENT,
    payment.PaymentReturned: _in_part(),
    recovery.RecoveryOrdered: _whole(_of("recovery", "recovery")),
    recovery.RecoveryReceived: _in_part(_of("recovered", "recovery")),
    recovery.RecoveryWaived: _whole(_of("recovery", "recovery")),
    waiver.WaiverGranted: _whole(_waived),
    project.ProjectClosed: _whole(lambda of, _: (Restored("project", of.code),)),
}
"""What may be reversed. Plans, settings, periods, a fund's closing and the answers to a payment's request never are."""


TWO_PEOPLE = (recovery.RecoveryOrdered, amendment.PayeeChanged, waiver.WaiverGranted)
"""What was done by one person or allowed by two is not undone by who posted it."""


def decide(case: Case, owner: fund.Fund | Project, fact: EntryReversed) -> Decision:
    """The reversal's moves and mirrors. Raises the rule it breaks."""
    entry = case.books.entries.get(Reference(case.stream, fact.version))
    if entry is None:
        raise UnknownEntry(stream=case.stream, version=fact.version)
    name = type(entry.fact).__name__
    how = REVERSIBLE.get(type(entry.fact))
    if how is None:
        raise NotReversible(entry=name)
    if fact.amount is not None and not how.in_part:
        raise NotInPart(entry=name)
    if owner.closed_at is not None and fact.version < owner.closed_at:
        raise BeforeClosing(version=fact.version, closing=owner.closed_at)
    if isinstance(owner, Project) and _fund(case).closed and not isinstance(entry.fact, project.AFTER_CLOSING):
        raise FundIsClosed(fund=owner.fund)
    case.not_before(name, entry.header.occurred_on)
    if isinstance(entry.fact, TWO_PEOPLE) and (same := case.by.same_as(entry.by)):
        raise SamePerson(who=same)
    if isinstance(entry.fact, fund.FundsReallocated):
        _fund(case).line(entry.fact.from_project).batch(entry.fact.from_batch)  # must be planned to get it back
    moves, left = _moves_back(case, owner, entry, fact, in_part=how.in_part)
    restored = tuple(how.restores(owner, entry.fact)) if how.restores else ()
    nothing_rests_on(case, owner, entry, restored)
    frees = () if left else claimed(entry.fact, entry.header)
    decided = replace(fact, entry=name, restored=restored, frees=frees)
    decision = case.allow(*moves, fact=decided, mirrors=tuple(_mirrors(owner, name, moves)))
    events = case.books.recorded(
        case.stream, _fund(case).code, replace(case.header, booked_on=case.booked_on), decision
    )
    must_be_sound(case.books, case.books.record(events), _fund(case).code, moves, restored, stream=case.stream)
    return decision


# The fen ---------------------------------------------------------------------


def _moves_back(
    case: Case, owner: fund.Fund | Project, entry: Recorded, fact: EntryReversed, *, in_part: bool
) -> tuple[tuple[Move, ...], FenSet]:
    """The moves that undo the entry, or a part of it; and the fen that are then still left to reverse."""
    moved = FenSet.of(span for each in entry.moves for span in each.fen.ranges)
    left = moved - owner.reversed.get(fact.version, FenSet())
    if not left and (entry.moves or fact.version in owner.reversed):
        raise AlreadyReversed(version=fact.version)
    wanted = fact.amount or Money(left.total)
    if wanted > left.total:
        raise MoreThanLeft(version=fact.version, left=Money(left.total), amount=wanted)
    going = _lowest(case, entry.moves[-1], left, wanted) if in_part else left
    moves: list[Move] = []
    gone = FenSet()
    for each in reversed(entry.moves):
        fen = each.fen & going
        if fen.isdisjoint(gone):  # else they have just come back to where this move began
            _lowest(case, each, fen, fen.total)
            gone = gone + fen
        moves.append(back(each, fen))
    return tuple(moves), left - going


def _lowest(case: Case, moved: Move, fen: FenSet, amount: int) -> FenSet:
    """The lowest of `fen` that still stand where they were moved. Raises MovedOn if there are not so many."""
    if ACCOUNTS[moved.target].owner == "project":
        accounts = case.books.project(moved.place.project or "").accounts
    else:
        accounts = _fund(case).accounts
    here = fen & accounts.fen(moved.target, moved.place)
    if here.total < amount:
        raise MovedOn(account=moved.target, here=Money(here.total), amount=Money(amount))
    return here.take(amount)


def _fund(case: Case) -> fund.Fund:
    found = case.books.fund_of(case.stream)
    assert found is not None, "decide() has seen to it that the stream exists"
    return found


def _mirrors(owner: fund.Fund | Project, entry: str, moves: tuple[Move, ...]) -> Iterator[Mirror]:
    """What the other streams see of money that goes back across."""
    if isinstance(owner, fund.Fund):
        yield from mirrors_of(*(each for each in moves if "line" in (each.source, each.target)))
        return
    crossing = sum(each.fen.total for each in moves if ACCOUNTS[each.source].owner == "fund")
    reopens = entry == project.ProjectClosed.__name__
    if crossing or reopens:
        yield f"fund/{owner.fund}", FundsReturnReversed(owner.code, Money(crossing), reopens)
