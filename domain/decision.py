"""Deciding a post: the rules that every event obeys, then those of its own chapter.

`decide(books, posted)` gives the events to record, the leader first, or raises the rule that refuses them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta

from msgspec.structs import replace

from domain import fund, project
from domain.books import Books
from domain.case import Case, Decision
from domain.mirrors import MIRRORS
from domain.posting import ACCOUNTS
from domain.project.opening import ProjectOpened
from domain.record import Fact, Posted, Recorded, Reference, claimed
from domain.reversal import decide as reversal
from domain.reversal.fact import EntryReversed
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

FACTS: dict[str, type[Fact]] = {fact.__name__: fact for fact in (*fund.FACTS, *project.FACTS, EntryReversed, *MIRRORS)}
"""Every event type of the log, by its permanent name."""
TITLES: dict[str, str] = {name: fact.zh for name, fact in FACTS.items()}
"""Their Chinese names."""
POSTABLE: dict[str, type[Fact]] = {name: fact for name, fact in FACTS.items() if fact not in MIRRORS}
"""Those that a service may post."""


FIRST = (fund.FundEstablished, ProjectOpened)
"""The events that a stream begins with."""
EVERY_POST: tuple[type[Refused], ...] = (OccurredAfterBooked, BookedInFuture, BookedOutOfOrder, PeriodIsClosed)
"""The rules that may refuse a post of any type."""


def rules_of(fact: type[Fact]) -> tuple[type[Refused], ...]:
    """All the rules that may refuse a post of this type: its own first, those of every post last."""
    return () if fact in MIRRORS else tuple(dict.fromkeys((*fact.refused_by, *_shared(fact), *EVERY_POST)))


def _shared(fact: type[Fact]) -> Iterator[type[Refused]]:
    if fact not in (*FIRST, EntryReversed):
        if "fund" in fact.streams and fact not in fund.AFTER_CLOSING:
            yield FundIsClosed
        if "project" in fact.streams and fact not in project.AFTER_CLOSING:
            yield ProjectIsClosed
            if fact not in project.WINDING_UP:
                yield FundIsClosed
    if fact not in FIRST:
        yield UnknownStream
    if fact.cites:
        yield MissingCitation
    if fact.claims:
        yield DocumentAlreadyUsed


def refers_to(posted: Posted) -> tuple[Reference, ...]:
    """The entries that a decision looks at again."""
    match posted.fact:
        case EntryReversed(version=version):
            return (Reference(posted.stream, version),)
        case fund.StatementReconciled() as fact:
            return fact.references
        case _:
            return ()


def reads(posted: Posted, entries: Mapping[Reference, Recorded]) -> tuple[str, ...]:
    """The streams that a decision reads; a project's own fund is read besides. `entries`: what is referred to."""
    match posted.fact:
        case fund.FundsAllotted() | fund.AllotmentWithdrawn():
            return posted.stream, f"project/{posted.fact.project}"
        case fund.FundsReallocated():
            return posted.stream, f"project/{posted.fact.from_project}", f"project/{posted.fact.to_project}"
        case ProjectOpened():
            return posted.stream, f"fund/{posted.fact.fund}"
        case EntryReversed():
            entry = entries.get(Reference(posted.stream, posted.fact.version))
            return (posted.stream, *(_projects(entry) if entry else ()))
        case _:
            return (posted.stream,)


def _projects(entry: Recorded) -> Iterator[str]:
    """The projects that an entry moved money into or out of."""
    for moved in entry.moves:
        if "project" in (ACCOUNTS[moved.source].owner, ACCOUNTS[moved.target].owner):
            yield f"project/{moved.place.project}"


def decide(books: Books, posted: Posted) -> tuple[Recorded, ...]:
    """The events that record `posted`, their versions following the books'. Raises Refused."""
    if not isinstance(posted.fact, FIRST) and not books.stream(posted.stream).version:
        raise UnknownStream(stream=posted.stream)
    _check_documents(books, posted)
    booked_on = _book(books, posted, posted.stream)
    decision = _chapter(books, posted, booked_on)
    if decision.mirrors:
        later = _book(books, posted, posted.stream, *(stream for stream, _ in decision.mirrors))
        if later != booked_on:
            booked_on, decision = later, _chapter(books, posted, later)
    header = replace(posted.header, booked_on=booked_on)
    return books.recorded(posted.stream, _fund_of(books, posted), header, decision)


def _chapter(books: Books, posted: Posted, booked_on: date) -> Decision:
    case = Case(books, posted.stream, posted.fact, posted.header, booked_on)
    state = books.stream(posted.stream).state
    if isinstance(posted.fact, EntryReversed):
        assert state is not None, "the stream exists"
        return reversal.decide(case, state, posted.fact)
    if "fund" in posted.fact.streams:
        assert not isinstance(state, project.Project)
        return fund.decide(case, state, posted.fact)
    assert not isinstance(state, fund.Fund)
    return project.decide(case, state, posted.fact)


def _check_documents(books: Books, posted: Posted) -> None:
    cited = {document.kind for document in posted.header.documents}
    for choice in posted.fact.cites:
        if cited.isdisjoint(choice):
            raise MissingCitation(kinds=" / ".join(choice))
    for claim in claimed(posted.fact, posted.header):
        if used := books.taken.get(claim):
            raise DocumentAlreadyUsed(kind=claim.kind, number=claim.number, stream=used.stream, version=used.version)


def _book(books: Books, posted: Posted, *touched: str) -> date:
    """The booking date: as posted if the rules allow it, otherwise the earliest day that they allow."""
    header = posted.header
    floors = tuple(_floors(books, posted, touched))
    of = books.fund_of(f"fund/{posted.fact.fund}" if isinstance(posted.fact, ProjectOpened) else posted.stream)
    closed_through = of.closed_through if of else None
    reopens = [closed_through + timedelta(days=1)] if closed_through else []
    booked_on = header.booked_on or max([header.occurred_on, *reopens, *(day for _, day in floors)])
    if header.occurred_on > booked_on:
        raise OccurredAfterBooked(occurred_on=header.occurred_on, booked_on=booked_on)
    if booked_on > books.today:
        raise BookedInFuture(booked_on=booked_on, today=books.today)
    if closed_through and booked_on <= closed_through:
        raise PeriodIsClosed(booked_on=booked_on, closed_through=closed_through)
    for name, day in floors:
        if booked_on < day:
            raise BookedOutOfOrder(stream=name, booked_on=booked_on, last_booked_on=day)
    return booked_on


def _floors(books: Books, posted: Posted, touched: tuple[str, ...]) -> Iterator[tuple[str, date]]:
    for name in touched:
        if last := books.stream(name).booked_on:
            yield name, last
    if isinstance(posted.fact, ProjectOpened):
        of = books.fund(posted.fact.fund)
        if of.adopted_on:
            yield f"fund/{of.code}", of.adopted_on


def _fund_of(books: Books, posted: Posted) -> str:
    kind, _, code = posted.stream.partition("/")
    if kind == "fund":
        return code
    if isinstance(posted.fact, ProjectOpened):
        return posted.fact.fund
    return books.project(code).fund
