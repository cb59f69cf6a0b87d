"""What a decision reads: the streams, today's date, the calendar, and the facts that hold for the whole ledger.

Persistent: a later view is a new value and leaves this one as it was, so a refused bundle undoes itself.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from immutables import Map
from msgspec import Struct

from domain.documents import Claim
from domain.event import Recorded, Reference
from domain.rules.every_post import UnknownStream
from domain.rules.project import ProjectOfOtherFund
from domain.state.fund import Fund
from domain.state.project import Project

State = Fund | Project


class Stream(Struct, frozen=True):
    """The state of an aggregate after its event `version`; at version 0 it does not exist."""

    version: int = 0
    booked_on: date | None = None
    state: State | None = None


class LedgerView(Struct, frozen=True):
    """`working_days(first, last)` counts both ends; None if the calendar does not know these years.

    `taken` maps a voucher or bank reference to the event that uses it; `next_serial` is the serial of the next new fen.
    `entries` are recorded events that a decision may look at again: those that posts refer to, and those of the same
    bundle.
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
        """The fund that a stream is, or belongs to; None before the stream's first event."""
        state = self.stream(stream).state
        return self.fund(state.fund) if isinstance(state, Project) else state
