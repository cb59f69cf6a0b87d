"""What may be reversed, and whether it still can be: its fen where it put them, its step the last, the books sound.

Source: DOMAIN, "EntryReversed". Rather than foreseeing every case, the books after the reversal are looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from domain import fund, project
from domain.case import Case, Decision, Mirror
from domain.fen import FenSet
from domain.fund.money import mirrors_of
from domain.mirrors import FundsReturnReversed
from domain.money import Money
from domain.posting import ACCOUNTS, RECOVERED, Move, back
from domain.project import acceptance, amendment, award, call, payment, recovery, selection, waiver
from domain.project.state import KINDS, Project
from domain.record import Fact, Recorded, Reference, claimed
from domain.reversal.fact import EntryReversed, Restored
from domain.reversal.soundness import must_be_sound
from domain.rules.call import AlreadyApplied, AlreadyReviewed
from domain.rules.every_post import UnknownEntry
from domain.rules.fund import FundIsClosed
from domain.rules.reversal import (
    AlreadyReversed,
    BeforeClosing,
    MoreThanLeft,
    MovedOn,
    NotInPart,
    NotReversible,
    NotTheLast,
    WouldUnsettle,
)

Restores = Callable[[Project, Fact], Iterable[Restored]]


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
"""What may be reversed. Plans, periods, a fund's closing and the answers to a payment's request never are."""


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
    case.not_before(name, entry.header.occurred_on)
    if isinstance(entry.fact, fund.FundsReallocated):
        _plan_can_change_back(_fund(case), entry.fact)
    moves, left = _moves_back(case, owner, entry, fact, in_part=how.in_part)
    restored: tuple[Restored, ...] = ()
    if isinstance(owner, Project) and how.restores:
        restored = tuple(how.restores(owner, entry.fact))
        _check_restorable(case, owner, entry, restored)
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


def _plan_can_change_back(of: fund.Fund, fact: fund.FundsReallocated) -> None:
    """Raises NotInPlan, BatchNotInPlan."""
    of.line(fact.from_project).batch(fact.from_batch)
    of.line(fact.to_project).batch(fact.to_batch)


def _mirrors(owner: fund.Fund | Project, entry: str, moves: tuple[Move, ...]) -> Iterator[Mirror]:
    """What the other streams see of money that goes back across."""
    if isinstance(owner, fund.Fund):
        yield from mirrors_of(*(each for each in moves if "line" in (each.source, each.target)))
        return
    crossing = sum(each.fen.total for each in moves if ACCOUNTS[each.source].owner == "fund")
    reopens = entry == project.ProjectClosed.__name__
    if crossing or reopens:
        yield f"fund/{owner.fund}", FundsReturnReversed(owner.code, Money(crossing), reopens)


# What it changed -------------------------------------------------------------


def _check_restorable(case: Case, owner: Project, entry: Recorded, restored: tuple[Restored, ...]) -> None:
    """The entry is the last step of all that it changed, and nothing has been built on it since."""
    for each in restored:
        if each.kind in KINDS:
            _check_last(owner, each, entry.version)
    match entry.fact:
        case project.ProjectClosed() if _fund(case).closed:
            raise FundIsClosed(fund=owner.fund)
        case call.CallPublished():
            _check_nobody_applied(owner, entry.fact.round, entry.version)
        case award.AwardListDecided():
            _check_nothing_waived(owner, entry.fact, entry.version)
        case call.ApplicationScreened():
            _check_not_reviewed(owner, entry.fact)
        case call.ApplicationWithdrawn():
            _check_no_other_applied(owner, entry.fact)
        case amendment.PayeeChanged():
            owner.none_in_flight(_fund(case).line(owner.code), entry.fact.award)
        case recovery.RecoveryOrdered() if received := owner.recovered.get(entry.fact.recovery):
            raise WouldUnsettle(account=RECOVERED, amount=Money(received))
        case _:
            pass


def _check_last(owner: Project, each: Restored, version: int) -> None:
    subject = owner.subjects(each.kind).get(each.name)
    last = subject.version if subject else 0
    if last != version:
        if last < version:
            raise AlreadyReversed(version=version)
        raise NotTheLast(kind=each.kind, name=each.name, last=last, version=version)


def _check_nobody_applied(owner: Project, number: int, version: int) -> None:
    for name, application in sorted(owner.applications.items()):
        if application.round == number:
            raise NotTheLast(kind="application", name=name, last=application.version, version=version)


def _check_nothing_waived(owner: Project, fact: award.AwardListDecided, version: int) -> None:
    for row in fact.awards:
        for name, granted in waiver.granted(owner, "award", row.award):
            raise NotTheLast(kind="waiver", name=name, last=granted.version, version=version)


def _check_not_reviewed(owner: Project, fact: call.ApplicationScreened) -> None:
    if owner.applications[fact.application].round == owner.round and owner.rounds[str(owner.round)].review:
        raise AlreadyReviewed(round=owner.round)


def _check_no_other_applied(owner: Project, fact: call.ApplicationWithdrawn) -> None:
    application = owner.applications[fact.application]
    if other := owner.applicants.get((application.round, application.uscc)):
        raise AlreadyApplied(uscc=application.uscc, application=other, round=application.round)
