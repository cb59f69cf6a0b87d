"""The decision on EntryReversed: whether the entry may be reversed, and which fen move back.

Fen can move back only while they are in the account that the entry moved them to. `dependents.py` looks for later
events that depend on the entry; `invariants.py` checks the ledger as it would be after the reversal. Source: DOMAIN,
"EntryReversed".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from domain.decision_context import Context, Decision, Mirror
from domain.entry_reversed import EntryReversed
from domain.event import Allowed, Recorded, Reference, Restored, numbers_used
from domain.fen import FenSet
from domain.fund.funding import FundsReallocated, mirrors_of
from domain.mirrors import FundsReturned, FundsReturnReversed
from domain.money import Money
from domain.posting import ACCOUNTS, INTEREST, Accounts, Move, reversed_move
from domain.project.lifecycle import ProjectClosed
from domain.replay import advance
from domain.reversal.dependents import no_event_depends_on
from domain.reversal.invariants import must_hold
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
from domain.state.fund import Fund
from domain.state.project import Project


def decide(context: Context, owner: Fund | Project, fact: EntryReversed) -> Decision:
    """The decision to accept the reversal `fact`, with its moves and mirrors. Raises the rule that `fact` breaks.

    `owner` is the fund or project whose stream has the reversed entry.
    """
    entry = context.ledger.entries.get(Reference(context.stream, fact.version))
    if entry is None:
        raise UnknownEntry(stream=context.stream, version=fact.version)
    name, how = type(entry.fact).__name__, entry.fact.reversible
    if how is None:
        raise NotReversible(entry=name)
    if fact.amount is not None and not how.in_part:
        raise NotInPart(entry=name)
    if owner.closed_at is not None and fact.version < owner.closed_at:
        raise BeforeClosing(version=fact.version, closing=owner.closed_at)
    if isinstance(owner, Project) and _fund(context).closed and entry.fact.allowed is not Allowed.ALWAYS:
        raise FundIsClosed(fund=owner.fund)
    context.not_before(name, entry.header.occurred_on)
    if how.by_another and (same := context.same_as(entry.by)):
        raise SamePerson(who=same)
    if isinstance(entry.fact, FundsReallocated):
        # Raises NotInPlan or BatchNotInPlan: the money can only go back to a batch in the plan.
        _fund(context).line(entry.fact.from_project).batch(entry.fact.from_batch)
    moves, left = _moves_back(context, owner, entry, fact, in_part=how.in_part)
    restored = (*how.restores(owner, entry.fact), *(() if left else _findings(owner, fact.version)))
    no_event_depends_on(context, owner, entry, restored)
    frees = () if left else numbers_used(entry)
    decided = replace(fact, entry=name, restored=restored, frees=frees)
    decision = context.allow(*moves, fact=decided, mirrors=tuple(_mirrors(owner, name, moves)))
    fund = _fund(context).code
    later = advance(context.ledger, context.recorded(fund, decision))
    must_hold(context.ledger, later, fund, moves, restored, stream=context.stream)
    return decision


def _findings(owner: Fund | Project, version: int) -> Iterator[Restored]:
    """The findings that the event of this version opened. They disappear with it, if nothing of it is left."""
    for name, found in sorted(owner.findings.items()):
        if found.opened.version == version:
            yield Restored("finding", name)


# The fen ---------------------------------------------------------------------


def _moves_back(
    context: Context, owner: Fund | Project, entry: Recorded, fact: EntryReversed, *, in_part: bool
) -> tuple[tuple[Move, ...], FenSet]:
    """The moves of the reversal, and the fen of `entry` that are left to reverse after the reversal.

    The moves reverse `fact.amount`; if it is None, they reverse all fen of the entry that are not reversed yet.
    `in_part`: whether the entry's type can be reversed in part. Raises AlreadyReversed if the entry is reversed in
    full, and MoreThanLeft if less than `fact.amount` is left. Raises MovedOn if too few of the fen are still in the
    account that the entry moved them to.
    """
    moved = FenSet.of(span for each in entry.moves for span in each.fen.ranges)
    left = moved - owner.reversed.get(fact.version, FenSet())
    if not left and (entry.moves or fact.version in owner.reversed):
        raise AlreadyReversed(version=fact.version)
    wanted = fact.amount or Money(left.total)
    if wanted > left.total:
        raise MoreThanLeft(version=fact.version, left=Money(left.total), amount=wanted)
    to_reverse = _lowest(context, entry.moves, left, wanted) if in_part else left
    moves: list[Move] = []
    checked = FenSet()
    for each in reversed(entry.moves):
        fen = each.fen & to_reverse
        if fen.isdisjoint(checked):  # otherwise the reversal of a later move puts them back where this one moved them
            _lowest(context, (each,), fen, fen.total)
            checked = checked + fen
        if fen:
            moves.append(reversed_move(each, fen))
    return tuple(moves), left - to_reverse


def _lowest(context: Context, moves: Sequence[Move], fen: FenSet, amount: int) -> FenSet:
    """The `amount` fen with the lowest serials among those of `fen` that are still where `moves` left them.

    `moves` are in order; if several of them moved the same fen, the last one left them. Raises MovedOn if there are
    fewer than `amount` such fen.
    """
    present, seen = FenSet(), FenSet()
    for moved in reversed(moves):
        last = moved.fen - (moved.fen & seen)
        present += fen & last & _accounts(context, moved).fen(moved.target, moved.place)
        seen += last
    if present.total < amount:
        raise MovedOn(account=moves[-1].target, here=Money(present.total), amount=Money(amount))
    return present.take(amount)


def _accounts(context: Context, moved: Move) -> Accounts:
    if ACCOUNTS[moved.target].owner == "project":
        return context.ledger.project(moved.place.project or "").accounts
    return _fund(context).accounts


def _fund(context: Context) -> Fund:
    fund = context.ledger.fund_of(context.stream)
    assert fund is not None, "domain.decision.decide() has checked that the stream exists"
    return fund


def _mirrors(owner: Fund | Project, entry: str, moves: tuple[Move, ...]) -> Iterator[Mirror]:
    """The mirrors of a reversal with the moves `moves`, each with the name of the stream to record it on.

    `owner`: the fund or project of the reversed entry. `entry`: the event type of that entry. A mirror is needed if
    money moves back between a fund and a project, or if a project is reopened.
    """
    if isinstance(owner, Fund):
        yield from mirrors_of(*(each for each in moves if "line" in (each.source, each.target)))
        return
    back = sum(each.amount for each in moves if ACCOUNTS[each.target].owner == "fund")
    out = sum(each.amount for each in moves if ACCOUNTS[each.source].owner == "fund" and each.source != INTEREST)
    reopens = entry == ProjectClosed.__name__
    if back:
        yield f"fund/{owner.fund}", FundsReturned(owner.code, Money(back), closes=False)
    elif reopens or any(ACCOUNTS[each.source].owner == "fund" for each in moves):
        yield f"fund/{owner.fund}", FundsReturnReversed(owner.code, Money(out), reopens)
