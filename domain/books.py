"""The books a decision sees: the streams it reads, today's date, the calendar, and what the whole ledger knows.

Persistent: recording an event gives new books and leaves the old as they were, so a refused bundle undoes itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date

from immutables import Map
from msgspec import Struct

from domain import fund, project
from domain.case import Decision
from domain.documents import Claim
from domain.fund import Fund
from domain.posting import TREASURY
from domain.project import Project
from domain.record import Fact, Header, Recorded, Reference, claimed
from domain.reversal.fact import EntryReversed
from domain.rules.every_post import UnknownStream
from domain.rules.project import ProjectOfOtherFund

State = Fund | Project


class Stream(Struct, frozen=True):
    """An aggregate as the ledger sees it; at version 0 it does not exist."""

    version: int = 0
    booked_on: date | None = None
    state: State | None = None

    def record(self, event: Recorded) -> Stream:
        """The stream after `event`. Never refuses: what is recorded has happened."""
        state: State
        if event.stream.startswith("fund/"):
            assert not isinstance(self.state, Project)
            state = fund.evolve(self.state, event)
        else:
            assert not isinstance(self.state, Fund)
            state = project.evolve(self.state, event)
        return Stream(event.version, event.booked_on, state)


class Books(Struct, frozen=True):
    """`working_days(first, last)` counts both ends, None if the calendar does not know the years.

    `taken` tells which event uses a voucher or a bank reference; `next_serial` is the ledger's next fen. `entries` are
    the recorded events that a decision may want to look at again: those that posts refer to, and those of this bundle.
    """

    today: date
    working_days: Callable[[date, date], int | None]
    valid_uscc: Callable[[str], bool]
    streams: Map[str, Stream] = Map()
    taken: Map[Claim, Reference] = Map()
    next_serial: int = 0
    entries: Map[Reference, Recorded] = Map()

    def stream(self, name: str) -> Stream:
        return self.streams.get(name, Stream())

    def fund(self, code: str) -> Fund:
        """Raises UnknownStream."""
        state = self.stream(f"fund/{code}").state
        if not isinstance(state, Fund):
            raise UnknownStream(stream=f"fund/{code}")
        return state

    def project(self, code: str) -> Project:
        """Raises UnknownStream."""
        state = self.stream(f"project/{code}").state
        if not isinstance(state, Project):
            raise UnknownStream(stream=f"project/{code}")
        return state

    def open_project(self, code: str, fund: str) -> Project:
        """Raises UnknownStream, ProjectOfOtherFund, ProjectIsClosed."""
        found = self.project(code)
        if found.fund != fund:
            raise ProjectOfOtherFund(project=code, fund=found.fund)
        found.must_be_open()
        return found

    def fund_of(self, stream: str) -> Fund | None:
        """The fund that a stream is, or belongs to; None before its first event."""
        state = self.stream(stream).state
        return self.fund(state.fund) if isinstance(state, Project) else state

    def recorded(self, stream: str, of: str, header: Header, decision: Decision) -> tuple[Recorded, ...]:
        """The events that record a decision for the fund `of`, the leader first; their versions follow the books'."""
        version = self.stream(stream).version + 1
        leader, at = Recorded(stream, version, of, header, decision.fact, decision.moves), Reference(stream, version)
        mirrors = (
            Recorded(other, self.stream(other).version + 1, of, header, fact, decision.moves, at)
            for other, fact in decision.mirrors
        )
        return (leader, *mirrors)

    def record(self, events: Iterable[Recorded]) -> Books:
        """The books after `events`, each the next of its stream."""
        streams, taken, next_serial, entries = self.streams, self.taken, self.next_serial, self.entries
        for event in events:
            stream = streams.get(event.stream, Stream())
            assert event.version == stream.version + 1, "events are recorded in order"
            streams = streams.set(event.stream, stream.record(event))
            for claim in claimed(event.fact, event.header):
                taken = taken.set(claim, Reference(event.stream, event.version))
            for claim in freed(event.fact):
                taken = taken.delete(claim) if claim in taken else taken
            next_serial = issued_upto(event, next_serial)
            entries = entries.set(Reference(event.stream, event.version), event)
        return Books(self.today, self.working_days, self.valid_uscc, streams, taken, next_serial, entries)


def freed(fact: Fact) -> tuple[Claim, ...]:
    """The numbers that an event gives free again."""
    return fact.frees if isinstance(fact, EntryReversed) else ()


def issued_upto(event: Recorded, next_serial: int) -> int:
    """The ledger's next serial after `event`: only an appropriation takes serials out of the treasury."""
    return max([next_serial, *(hi for m in event.moves if m.source == TREASURY for _, hi in m.fen.ranges)])
