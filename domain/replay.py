"""Replay: applies recorded events to a stream's state or to a view of the ledger. A recorded event is never refused."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from msgspec.structs import replace

from domain.documents import Claim
from domain.entry_reversed import EntryReversed
from domain.event import Fact, Recorded, Reference, claimed
from domain.fund import aggregate as fund
from domain.ledger_view import LedgerView, State, Stream
from domain.posting import TREASURY
from domain.project import aggregate as project
from domain.state.fund import Fund
from domain.state.project import Project


def after(stream: Stream, event: Recorded) -> Stream:
    """The stream as it is after `event`. The version of `event` must be the stream's next version."""
    state: State
    if event.stream.startswith("fund/"):
        assert not isinstance(stream.state, Project)
        state = fund.evolve(stream.state, event)
    else:
        assert not isinstance(stream.state, Fund)
        state = project.evolve(stream.state, event)
    return Stream(event.version, event.booked_on, state)


def advance(ledger: LedgerView, events: Iterable[Recorded]) -> LedgerView:
    """The view of the ledger after `events`. The version of each event must be the next version of its stream."""
    streams, claims, next_serial, entries = ledger.streams, ledger.claims, ledger.next_serial, ledger.entries
    for event in events:
        stream = streams.get(event.stream, Stream())
        assert event.version == stream.version + 1, "events are recorded in order"
        streams = streams.set(event.stream, after(stream, event))
        for claim in freed(event.fact, claims):
            claims = claims.remove(claim)
        for claim in claimed(event):
            claims = claims.add(claim, Reference(event.stream, event.version))
        next_serial = serial_after(event, next_serial)
        entries = entries.set(Reference(event.stream, event.version), event)
    return replace(ledger, streams=streams, claims=claims, next_serial=next_serial, entries=entries)


def freed(fact: Fact, claims: Collection[Claim]) -> list[Claim]:
    """The members of `claims` that may be claimed again after the event of `fact`.

    The result is empty unless `fact` is an EntryReversed. Before 2026-12, each number was claimed only once in the
    whole ledger, and the claims in `frees` had no source. Such a claim frees the number for all sources.
    """
    frees = fact.frees if isinstance(fact, EntryReversed) else ()
    without_source = {(claim.kind, claim.number) for claim in frees if not claim.source}
    if without_source:
        return [claim for claim in claims if (claim.kind, claim.number) in without_source]
    return [claim for claim in frees if claim in claims]


def serial_after(event: Recorded, next_serial: int) -> int:
    """The ledger's next unused serial after `event`. `next_serial` is the next unused serial before `event`.

    Only an event that moves fen out of the treasury uses new serials: an appropriation, or interest that was received.
    """
    return max([next_serial, *(hi for m in event.moves if m.source == TREASURY for _, hi in m.fen.ranges)])
