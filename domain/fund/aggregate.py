"""The fund aggregate: selects the chapter of each event, and does what all events of a fund have in common.

A chapter is one module, always in the same order: the events, their state changes (evolve), their rules (decide).
Source: DOMAIN, "Fund".
"""

from __future__ import annotations

from typing import Protocol, cast

from msgspec.structs import replace

from domain import finding, note
from domain.decision_context import Context, Decision
from domain.entry_reversed import EntryReversed
from domain.event import Allowed, Fact, Recorded
from domain.finding import FindingSettled
from domain.fund import funding, interest, lifecycle, plan, reconciliation
from domain.fund.funding import FundsReallocated
from domain.fund.lifecycle import FundEstablished, YearCarriedForward
from domain.fund.reconciliation import StatementReconciled
from domain.mirrors import MIRRORS
from domain.rules.fund import FundIsClosed
from domain.state.fund import Fund, after_moves, plan_after


class Chapter(Protocol):
    """The interface of a chapter: a module with one group of events, their state changes and their rules."""

    FACTS: tuple[type[Fact], ...]

    def evolve(self, fund: Fund, fact: Fact, event: Recorded) -> Fund: ...
    def decide(self, context: Context, fund: Fund, fact: Fact) -> Decision: ...


_CHAPTERS = {
    fact: cast(Chapter, chapter)
    for chapter in (lifecycle, funding, plan, interest, reconciliation, finding, note)
    for fact in chapter.FACTS
}
FACTS = tuple(fact for fact in _CHAPTERS if fact not in MIRRORS)
"""The event types that a sender may post to a fund's stream, except EntryReversed."""


def evolve(fund: Fund | None, event: Recorded) -> Fund:
    """The fund after `event`; `fund` is its state before the event, None before the first event.

    No rules are checked, because a recorded event is never refused.
    """
    fact = event.fact
    if fund is None:
        assert isinstance(fact, FundEstablished), "a fund's first event is FundEstablished"
        return lifecycle.established(event, fact)
    if event.moves:
        fund = after_moves(fund, event.moves)
    if isinstance(fact, EntryReversed):
        return _reverse(fund, fact, event)
    return _CHAPTERS[type(fact)].evolve(fund, fact, event)


def _reverse(fund: Fund, fact: EntryReversed, event: Recorded) -> Fund:
    fund = replace(fund, reversed=fact.noted(fund.reversed, event.moves))
    if fact.entry == YearCarriedForward.__name__:
        [restored] = fact.restored
        return _uncarried(fund, int(restored.name))
    if fact.entry == StatementReconciled.__name__:
        [restored] = fact.restored
        return reconciliation.unaccepted(fund, restored.name)
    if fact.entry == FindingSettled.__name__:
        [restored] = fact.restored
        return finding.unsettled(fund, restored.name)
    if fact.entry == FundsReallocated.__name__:
        return replace(fund, lines=plan_after(fund.lines, event.moves))
    return fund


def _uncarried(fund: Fund, version: int) -> Fund:
    """The fund without the last carry-forward of one appropriation.

    `version`: the version of the AppropriationReceived that recorded the appropriation.
    """
    appropriation = fund.appropriations[version]
    before = replace(appropriation, carried=appropriation.carried[:-1])
    return replace(fund, appropriations=fund.appropriations.set(version, before))


def decide(context: Context, fund: Fund | None, fact: Fact) -> Decision:
    """The decision to accept `fact`, with its moves and mirrors. Raises the rule that `fact` breaks.

    `fund` is the current state of the fund, None before its first event.
    """
    if fund is None:
        assert isinstance(fact, FundEstablished), "decide() has checked that the stream exists"
        return context.allow()
    if fund.closed and fact.allowed is not Allowed.ALWAYS:
        raise FundIsClosed(fund=fund.code)
    return _CHAPTERS[type(fact)].decide(context, fund, fact)
