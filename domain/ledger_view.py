"""The input of a decision: the streams, today's date, the calendar, and the state that the whole ledger shares.

A view is a persistent value: a later view is a new value and does not change this one. A refused bundle therefore
needs no rollback.
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
    """An aggregate's state after its event `version`, and that event's booking date. Version 0: no event yet."""

    version: int = 0
    booked_on: date | None = None
    state: State | None = None


class LedgerView(Struct, frozen=True):
    """`working_days(first, last)` includes both days; it returns None if the calendar does not cover these years.

    `claims` maps a claimed number, such as a voucher, to the event that uses it; `next_serial` is the serial of the
    next new fen. `entries` are the recorded events that a decision may need: those that posts refer to, and the events
    of the same bundle.
    """

    today: date
    working_days: Callable[[date, date], int | None]
    valid_uscc: Callable[[str], bool]
    streams: Map[str, Stream] = Map()
    claims: Map[Claim, Reference] = Map()
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
        project = self.project(code)
        if project.fund != fund:
            raise ProjectOfOtherFund(project=code, fund=project.fund)
        project.must_be_open()
        return project

    def fund_of(self, stream: str) -> Fund | None:
        """The fund of a fund's or project's stream; None before the stream's first event."""
        state = self.stream(stream).state
        return self.fund(state.fund) if isinstance(state, Project) else state
