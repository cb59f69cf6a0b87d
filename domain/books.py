"""The books a decision sees: the streams it reads, today's date, the calendar, and what the whole ledger knows.

Persistent: recording an event gives new books and leaves the old as they were, so a refused bundle undoes itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date

from immutables import Map

from domain import fund, project
from domain.documents import Claim
from domain.posting import TREASURY
from domain.record import Recorded, Reference, claimed
from domain.rules.every_post import UnknownStream

State = fund.Fund | project.Project


@dataclass(frozen=True, slots=True)
class Stream:
    """An aggregate as the ledger sees it; at version 0 it does not exist."""

    version: int = 0
    booked_on: date | None = None
    state: State | None = None

    def record(self, event: Recorded) -> Stream:
        """The stream after `event`. Never refuses: what is recorded has happened."""
        state: State
        if event.fact.stream == "fund":
            assert not isinstance(self.state, project.Project)
            state = fund.evolve(self.state, event)
        else:
            assert not isinstance(self.state, fund.Fund)
            state = project.evolve(self.state, event)
        return Stream(event.version, event.booked_on, state)


@dataclass(frozen=True, slots=True)
class Books:
    """`working_days(first, last)` counts both ends, None if the calendar does not know the years.

    `taken` tells which event uses a voucher or a bank reference; `next_serial` is the ledger's next fen.
    """

    today: date
    working_days: Callable[[date, date], int | None]
    valid_uscc: Callable[[str], bool]
    streams: Map[str, Stream] = Map()
    taken: Map[Claim, Reference] = Map()
    next_serial: int = 0

    def stream(self, name: str) -> Stream:
        return self.streams.get(name, Stream())

    def fund(self, code: str) -> fund.Fund:
        """Raises UnknownStream."""
        state = self.stream(f"fund/{code}").state
        if not isinstance(state, fund.Fund):
            raise UnknownStream(stream=f"fund/{code}")
        return state

    def project(self, code: str) -> project.Project:
        """Raises UnknownStream."""
        state = self.stream(f"project/{code}").state
        if not isinstance(state, project.Project):
            raise UnknownStream(stream=f"project/{code}")
        return state

    def record(self, events: Iterable[Recorded]) -> Books:
        """The books after `events`, each the next of its stream."""
        streams, taken, next_serial = self.streams, self.taken, self.next_serial
        for event in events:
            stream = streams.get(event.stream, Stream())
            assert event.version == stream.version + 1, "events are recorded in order"
            streams = streams.set(event.stream, stream.record(event))
            for claim in claimed(event.fact, event.header):
                taken = taken.set(claim, Reference(event.stream, event.version))
            next_serial = issued_upto(event, next_serial)
        return replace(self, streams=streams, taken=taken, next_serial=next_serial)


def issued_upto(event: Recorded, next_serial: int) -> int:
    """The ledger's next serial after `event`: only an appropriation takes serials out of the treasury."""
    return max([next_serial, *(hi for m in event.moves if m.source == TREASURY for _, hi in m.fen.ranges)])
