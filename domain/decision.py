"""Whether a post is accepted: checks the rules that apply to every event, then the rules of the event's own chapter.

`decide(ledger, posted)` returns the events to record, or raises the rule that refuses the post. The first event, the
leader, has the posted fact. The other events are the leader's mirrors: they repeat its moves on the other streams that
the moves affect.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta

from msgspec.structs import replace

from domain.decision_context import Context, Decision
from domain.entry_reversed import EntryReversed
from domain.event import Allowed, Fact, Posted, Recorded, Reference, cites_slip_of_nobody, numbers_used
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
from domain.rules.finding import NotIrregular
from domain.rules.fund import FundIsClosed
from domain.rules.project import ProjectIsClosed
from domain.rules.waiver import SamePerson
from domain.state.fund import Fund
from domain.state.project import Project

FACTS: dict[str, type[Fact]] = {fact.__name__: fact for fact in (*fund.FACTS, *project.FACTS, EntryReversed, *MIRRORS)}
"""All event types of the log, by name; the names never change."""
TITLES: dict[str, str] = {name: fact.zh for name, fact in FACTS.items()}
"""The Chinese name of each event type, by the type's permanent name."""
POSTABLE: dict[str, type[Fact]] = {name: fact for name, fact in FACTS.items() if fact not in MIRRORS}
"""The event types that a sender may post, by name: all except the mirrors, which the ledger adds by itself."""

FIRST = (FundEstablished, ProjectOpened)
"""The event types that may be the first event of a stream."""
EVERY_POST: tuple[type[Refused], ...] = (
    OccurredAfterBooked,
    BookedInFuture,
    BookedOutOfOrder,
    PeriodIsClosed,
    NotIrregular,
)
"""The rules that may refuse a post of any type."""


def rules_of(fact: type[Fact]) -> tuple[type[Refused], ...]:
    """All rules that may refuse a post of the event type `fact`: the type's own rules first, EVERY_POST last.

    The result is empty for the type of a mirror, because mirrors are not posted.
    """
    return () if fact in MIRRORS else tuple(dict.fromkeys((*fact.refused_by, *_shared(fact), *EVERY_POST)))


def left_out_for(fact: type[Fact]) -> tuple[type[Refused], ...]:
    """The improper rules that an irregular event of the type `fact` may have broken. A reversal breaks none."""
    return tuple(rule for rule in fact.refused_by if rule.improper) if fact.streams == ("project",) else ()


def apart_from(fact: type[Fact]) -> tuple[str, ...]:
    """The types of events whose poster may not post an event of the type `fact` in the same matter."""
    if fact is not EntryReversed:
        return fact.apart_from
    return tuple(name for name, each in FACTS.items() if each.reversible and each.reversible.by_another)


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
    if left_out_for(fact):
        yield SamePerson


def reads(posted: Posted, entries: Mapping[Reference, Recorded]) -> tuple[str, ...]:
    """The names of the streams that the decision of `posted` reads, except the stream of a project's fund.

    If `posted` is a reversal, the names include the stream of each project whose accounts the reversed entry changed.
    `entries` has the recorded entries that the post refers to.
    """
    streams = (posted.stream, *posted.fact.also_reads())
    if isinstance(posted.fact, EntryReversed):
        entry = entries.get(Reference(posted.stream, posted.fact.version))
        return (*streams, *(_projects(entry) if entry else ()))
    return streams


def _projects(entry: Recorded) -> Iterator[str]:
    """Yields the name of the project's stream for each move of `entry` into or out of a project's account.

    A name may occur more than once.
    """
    for moved in entry.moves:
        if "project" in (ACCOUNTS[moved.source].owner, ACCOUNTS[moved.target].owner):
            yield f"project/{moved.place.project}"


def decide(ledger: LedgerView, posted: Posted) -> tuple[Recorded, ...]:
    """The events to record for `posted`: the event posted, then its mirrors, each with the next version of its stream.

    If a rule refuses the post, raises this rule, which is a subclass of Refused.
    """
    if not isinstance(posted.fact, FIRST) and not ledger.stream(posted.stream).version:
        raise UnknownStream(stream=posted.stream)
    posted = _with_own_bank(ledger, posted)
    _check_documents(ledger, posted)
    if posted.header.irregular:
        _check_irregular(ledger, posted)
    context = _context(ledger, posted, _booking_date(ledger, posted, posted.stream))
    decision = _chapter(context)
    for each in posted.header.irregular:
        if each.rule not in context.left_out:
            raise NotIrregular(rule=each.rule)
    if decision.mirrors:
        later = _booking_date(ledger, posted, posted.stream, *(stream for stream, _ in decision.mirrors))
        if later != context.booked_on:
            context = _context(ledger, posted, later)
            decision = _chapter(context)
    return context.recorded(_fund_of(ledger, posted), decision)


def _check_irregular(ledger: LedgerView, posted: Posted) -> None:
    """Checks the rules that an irregular post names, and that its poster did not post the steps before it.

    Raises NotIrregular if the post names a rule twice, or a rule that an event of its type cannot break. Raises
    SamePerson if the poster also posted one of the earlier steps: see `posters_before`.
    """
    unnamed = {rule.__name__ for rule in left_out_for(type(posted.fact))}
    for each in posted.header.irregular:
        if each.rule not in unnamed:
            raise NotIrregular(rule=each.rule)
        unnamed.remove(each.rule)
    state = ledger.stream(posted.stream).state
    for before in project.posters_before(state, posted.fact) if isinstance(state, Project) else ():
        if same := posted.header.by.same_as(before, ledger.alike):
            raise SamePerson(who=same)


def _context(ledger: LedgerView, posted: Posted, booked_on: date) -> Context:
    return Context(ledger, posted.stream, posted.fact, posted.header, booked_on)


def _chapter(context: Context) -> Decision:
    state, fact = context.ledger.stream(context.stream).state, context.fact
    if isinstance(fact, EntryReversed):
        assert state is not None, "the stream exists"
        return reversal.decide(context, state, fact)
    if context.stream.startswith("fund/"):
        assert not isinstance(state, Project)
        return fund.decide(context, state, fact)
    assert not isinstance(state, Fund)
    return project.decide(context, state, fact)


def _with_own_bank(ledger: LedgerView, posted: Posted) -> Posted:
    """`posted` with the fund's own bank in its header, if it cites a bank's slip without the bank's name."""
    bank = None
    if posted.header.edition > 1 and cites_slip_of_nobody(posted):
        fund = ledger.fund_of(posted.stream)
        bank = fund.settings.bank if fund else None
    if bank == posted.header.own_bank:
        return posted
    return replace(posted, header=replace(posted.header, own_bank=bank))


def _check_documents(ledger: LedgerView, posted: Posted) -> None:
    cited = {document.kind for document in posted.header.documents}
    for choice in posted.fact.cites:
        if cited.isdisjoint(choice):
            raise MissingCitation(kinds=" / ".join(choice))
    for claim in numbers_used(posted):
        if used := ledger.claims.same_as(claim):
            raise DocumentAlreadyUsed(kind=claim.kind, number=claim.number, stream=used.stream, version=used.version)


def _booking_date(ledger: LedgerView, posted: Posted, *touched: str) -> date:
    """The booking date in `posted`; if the post has none, the earliest day that the rules allow.

    `touched`: the names of the streams that the post adds events to. Raises OccurredAfterBooked, BookedInFuture,
    PeriodIsClosed or BookedOutOfOrder if the booking date is not allowed.
    """
    header = posted.header
    bounds = tuple(_lower_bounds(ledger, posted, touched))
    owner = ledger.fund_of(f"fund/{posted.fact.fund}" if isinstance(posted.fact, ProjectOpened) else posted.stream)
    closed_through = owner.closed_through if owner else None
    first_open = [closed_through + timedelta(days=1)] if closed_through else []
    booked_on = header.booked_on or max([header.occurred_on, *first_open, *(day for _, day in bounds)])
    if header.occurred_on > booked_on:
        raise OccurredAfterBooked(occurred_on=header.occurred_on, booked_on=booked_on)
    if booked_on > ledger.today:
        raise BookedInFuture(booked_on=booked_on, today=ledger.today)
    if closed_through and booked_on <= closed_through:
        raise PeriodIsClosed(booked_on=booked_on, closed_through=closed_through)
    for name, day in bounds:
        if booked_on < day:
            raise BookedOutOfOrder(stream=name, booked_on=booked_on, last_booked_on=day)
    return booked_on


def _lower_bounds(ledger: LedgerView, posted: Posted, touched: tuple[str, ...]) -> Iterator[tuple[str, date]]:
    """For each stream that limits the booking date of `posted`: its name, and the earliest booking date allowed.

    For a stream in `touched`, this is the booking date of the stream's last event. If `posted` opens a project, the
    only limit is the booking date of the event that put the plan in force, on the fund's stream.
    """
    if isinstance(posted.fact, ProjectOpened):
        owner = ledger.fund(posted.fact.fund)
        if owner.adopted_on:
            yield f"fund/{owner.code}", owner.adopted_on
        return
    for name in touched:
        if last := ledger.stream(name).booked_on:
            yield name, last


def _fund_of(ledger: LedgerView, posted: Posted) -> str:
    kind, _, code = posted.stream.partition("/")
    if kind == "fund":
        return code
    if isinstance(posted.fact, ProjectOpened):
        return posted.fact.fund
    return ledger.project(code).fund
