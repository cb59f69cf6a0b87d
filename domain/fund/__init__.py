"""A special fund: its appropriations, its plan, and what is allotted to each project's batch.

One file for each chapter of its life, each in the same order: what may happen (events), what each event changes
(evolve), what is allowed (decide). Source: DOMAIN, "Fund".
"""

from __future__ import annotations

from typing import Protocol, cast

from msgspec.structs import replace

from domain.case import Case, Decision
from domain.fund import life, money, plan, reconciliation
from domain.fund.life import FundClosed, FundEstablished, PeriodClosed, SettingsChanged, YearCarriedForward
from domain.fund.money import (
    AllotmentWithdrawn,
    AppropriationReceived,
    FundsAllotted,
    FundsReallocated,
    FundsReinstated,
    SurplusSurrendered,
)
from domain.fund.plan import PlanAdopted, PlanDrafted, PlanRevised
from domain.fund.reconciliation import StatementReconciled
from domain.fund.state import (
    Fund,
    Gate,
    Line,
    LineBatch,
    NoticeOrder,
    PlannedBatch,
    Settings,
    Task,
    allotted_after,
    plan_after,
)
from domain.mirrors import MIRRORS
from domain.record import Fact, Recorded
from domain.reversal.fact import EntryReversed
from domain.rules.fund import FundIsClosed

__all__ = [
    "AllotmentWithdrawn", "AppropriationReceived", "Fund", "FundClosed", "FundEstablished", "FundsAllotted",
    "FundsReallocated", "FundsReinstated", "Gate", "Line", "LineBatch", "NoticeOrder", "PeriodClosed", "PlanAdopted",
    "PlanDrafted", "PlanRevised", "PlannedBatch", "Settings", "SettingsChanged", "StatementReconciled",
    "SurplusSurrendered", "Task", "YearCarriedForward",
]  # fmt: skip


class Chapter(Protocol):
    """What each chapter's file gives."""

    FACTS: tuple[type[Fact], ...]

    def evolve(self, fund: Fund, fact: Fact, event: Recorded) -> Fund: ...
    def decide(self, case: Case, fund: Fund, fact: Fact) -> Decision: ...


_CHAPTERS = {fact: cast(Chapter, chapter) for chapter in (life, money, plan, reconciliation) for fact in chapter.FACTS}
FACTS = tuple(fact for fact in _CHAPTERS if fact not in MIRRORS)
"""The event types of a fund that a service may post."""
AFTER_CLOSING = (SurplusSurrendered, StatementReconciled, PeriodClosed)


def evolve(fund: Fund | None, event: Recorded) -> Fund:
    """The fund after `event`. Never refuses: what is recorded has happened."""
    fact = event.fact
    if fund is None:
        assert isinstance(fact, FundEstablished), "a fund's first event is FundEstablished"
        return life.begun(event, fact)
    if event.moves:
        allotted = allotted_after(fund.allotted, event.moves)
        fund = replace(fund, accounts=fund.accounts.apply(event.moves), allotted=allotted)
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
    if fact.entry == FundsReallocated.__name__:
        return replace(fund, lines=plan_after(fund.lines, event.moves))
    return fund


def _uncarried(fund: Fund, version: int) -> Fund:
    appropriation = fund.appropriations[version]
    before = replace(appropriation, carried=appropriation.carried[:-1])
    return replace(fund, appropriations=fund.appropriations.set(version, before))


def decide(case: Case, fund: Fund | None, fact: Fact) -> Decision:
    """The moves and mirrors that `fact` would record. Raises the rule it breaks."""
    if fund is None:
        assert isinstance(fact, FundEstablished), "decide() has seen to it that the stream exists"
        return case.allow()
    if fund.closed and not isinstance(fact, (*AFTER_CLOSING, FundEstablished)):
        raise FundIsClosed(fund=fund.code)
    return _CHAPTERS[type(fact)].decide(case, fund, fact)
