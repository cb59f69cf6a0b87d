"""Deciding a post: the rules that every event obeys, then those of its own chapter.

`decide(ledger, posted)` gives the events to record, the leader first, or raises the rule that refuses them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta

from domain.decision_context import Context, Decision
from domain.entry_reversed import EntryReversed
from domain.event import Allowed, Fact, Posted, Recorded, Reference, claimed
from domain.fund import aggregate as fund
from domain.fund.lifecycle import FundEstablished
from domain.ledger_view import LedgerView
from domain.mirrors import MIRRORS
from domain.posting import ACCOUNTS
from domain.project import aggregate as project
from domain.project.lifecycle import ProjectOpened
from domain.reversal import decide as reversal
from domain.rules import Refused
from domain.rules.every_post import (
    BookedInFuture,
    BookedOutOfOrder,
    DocumentAlreadyUsed,
    MissingCitation,
    OccurredAfterBooked,
    PeriodIsClosed,
    UnknownStream,
)
from domain.rules.fund import FundIsClosed
from domain.rules.project import ProjectIsClosed
from domain.state.fund import Fund
from domain.state.project import Project

FACTS: dict[str, type[Fact]] = {fact.__name__: fact for fact in (*fund.FACTS, *project.FACTS, EntryReversed, *MIRRORS)}
"""Every event type of the log, by its permanent name."""
TITLES: dict[str, str] = {name: fact.zh for name, fact in FACTS.items()}
"""Their Chinese names."""
POSTABLE: dict[str, type[Fact]] = {name: fact for name, fact in FACTS.items() if fact not in MIRRORS}
"""Those that a service may post."""


FIRST = (FundEstablished, ProjectOpened)
"""The events that a stream begins with."""
EVERY_POST: tuple[type[Refused], ...] = (OccurredAfterBooked, BookedInFuture, BookedOutOfOrder, PeriodIsClosed)
"""The rules that may refuse a post of any type."""


def rules_of(fact: type[Fact]) -> tuple[type[Refused], ...]:
    """All the rules that may refuse a post of this type: its own first, those of every post last."""
    return () if fact in MIRRORS else tuple(dict.fromkeys((*fact.refused_by, *_shared(fact), *EVERY_POST)))


def _shared(fact: type[Fact]) -> Iterator[type[Refused]]:
    if fact.allowed is not Allowed.ALWAYS:
        if "fund" in fact.streams:
            yield FundIsClosed
        if "project" in fact.streams:
            yield ProjectIsClosed
            if fact.allowed is Allowed.WHILE_OPEN:
                yield FundIsClosed
    if fact not in FIRST:
        yield UnknownStream
    if fact.cites:
        yield MissingCitation
    if fact.claims:
        yield DocumentAlreadyUsed


def reads(posted: Posted, entries: Mapping[Reference, Recorded]) -> tuple[str, ...]:
    """The streams that a decision reads, besides a project's own fund; `entries` are those that the post refers to."""
    streams = (posted.stream, *posted.fact.also_reads())
    if isinstance(posted.fact, EntryReversed):
        entry = entries.get(Reference(posted.stream, posted.fact.version))
        return (*streams, *(_projects(entry) if entry else ()))
    return streams


def _projects(entry: Recorded) -> Iterator[str]:
    """The projects that an entry moved money into or out of."""
    for moved in entry.moves:
        if "project" in (ACCOUNTS[moved.source].owner, ACCOUNTS[moved.target].owner):
            yield f"project/{moved.place.project}"


def decide(ledger: LedgerView, posted: Posted) -> tuple[Recorded, ...]:
    """The events that record `posted`, each the next of its stream. Raises Refused."""
    if not isinstance(posted.fact, FIRST) and not ledger.stream(posted.stream).version:
        raise UnknownStream(stream=posted.stream)
    _check_documents(ledger, posted)
    context = _context(ledger, posted, _booking_date(ledger, posted, posted.stream))
    decision = _chapter(context)
    if decision.mirrors:
        later = _booking_date(ledger, posted, posted.stream, *(stream for stream, _ in decision.mirrors))
        if later != context.booked_on:
            context = _context(ledger, posted, later)
            decision = _chapter(context)
    return context.recorded(_fund_of(ledger, posted), decision)


def _context(ledger: LedgerView, posted: Posted, booked_on: date) -> Context:
    return Context(ledger, posted.stream, posted.fact, posted.header, booked_on)


def _chapter(context: Context) -> Decision:
    state, fact = context.ledger.stream(context.stream).state, context.fact
    if isinstance(fact, EntryReversed):
        assert state is not None, "the stream exists"
        return reversal.decide(context, state, fact)
    if "fund" in fact.streams:
        assert not isinstance(state, Project)
        return fund.decide(context, state, fact)
    assert not isinstance(state, Fund)
    return project.decide(context, state, fact)


def _check_documents(ledger: LedgerView, posted: Posted) -> None:
    cited = {document.kind for document in posted.header.documents}
    for choice in posted.fact.cites:
        if cited.isdisjoint(choice):
            raise MissingCitation(kinds=" / ".join(choice))
    for claim in claimed(posted.fact, posted.header):
        if used := ledger.taken.get(claim):
            raise DocumentAlreadyUsed(kind=claim.kind, number=claim.number, stream=used.stream, version=used.version)


def _booking_date(ledger: LedgerView, posted: Posted, *touched: str) -> date:
    """The booking date: as posted if the rules allow it, otherwise the earliest day that they allow."""
    header = posted.header
    floors = tuple(_floors(ledger, posted, touched))
    of = ledger.fund_of(f"fund/{posted.fact.fund}" if isinstance(posted.fact, ProjectOpened) else posted.stream)
    closed_through = of.closed_through if of else None
    reopens = [closed_through + timedelta(days=1)] if closed_through else []
    booked_on = header.booked_on or max([header.occurred_on, *reopens, *(day for _, day in floors)])
    if header.occurred_on > booked_on:
        raise OccurredAfterBooked(occurred_on=header.occurred_on, booked_on=booked_on)
    if booked_on > ledger.today:
        raise BookedInFuture(booked_on=booked_on, today=ledger.today)
    if closed_through and booked_on <= closed_through:
        raise PeriodIsClosed(booked_on=booked_on, closed_through=closed_through)
    for name, day in floors:
        if booked_on < day:
            raise BookedOutOfOrder(stream=name, booked_on=booked_on, last_booked_on=day)
    return booked_on


def _floors(ledger: LedgerView, posted: Posted, touched: tuple[str, ...]) -> Iterator[tuple[str, date]]:
    for name in touched:
        if last := ledger.stream(name).booked_on:
            yield name, last
    if isinstance(posted.fact, ProjectOpened):
        of = ledger.fund(posted.fact.fund)
        if of.adopted_on:
            yield f"fund/{of.code}", of.adopted_on


def _fund_of(ledger: LedgerView, posted: Posted) -> str:
    kind, _, code = posted.stream.partition("/")
    if kind == "fund":
        return code
    if isinstance(posted.fact, ProjectOpened):
        return posted.fact.fund
    return ledger.project(code).fund
