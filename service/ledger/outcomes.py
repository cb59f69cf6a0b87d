"""What is posted to the ledger, and what may become of it."""

from __future__ import annotations

from dataclasses import dataclass

from domain.record import Posted, Recorded
from domain.rules import Refused
from service.ledger.recorder import Identity


@dataclass(frozen=True, slots=True)
class Post:
    """A posted fact with its identity; `expected_version` is the stream's version the sender has seen, if it says."""

    posted: Posted
    identity: Identity
    expected_version: int | None = None


@dataclass(frozen=True, slots=True)
class Counted:
    """It is in the log from position `first` to `last`, and `version` is its stream's after the first of these.

    `replayed`: an earlier post of the same identity put it there.
    """

    first: int
    last: int
    version: int
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Decided:
    """It would count now, and these events would record it."""

    events: tuple[Recorded, ...]


@dataclass(frozen=True, slots=True)
class Conflicts:
    """The same identity was posted before with other content."""


@dataclass(frozen=True, slots=True)
class Overtaken:
    """The stream is not at the version that the sender expected."""

    stream: str
    expected: int
    actual: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """A rule refuses it."""

    rule: Refused


@dataclass(frozen=True, slots=True)
class NotRecorded:
    """It broke no rule, but another of its bundle did."""


Outcome = Counted | Decided | Conflicts | Overtaken | Refusal | NotRecorded
