"""The state of a finding 问题, which funds and projects have alike."""

from __future__ import annotations

from datetime import date

from msgspec import Struct

from domain.event import Cause


class Finding(Struct, frozen=True):
    """A finding. `opened`: the event that recorded it, or that broke a rule. `due_on`: to be put right by then."""

    version: int
    opened: Cause
    due_on: date | None = None
    settled: bool = False
    steps: int = 0
    past: tuple[Finding, ...] = ()
