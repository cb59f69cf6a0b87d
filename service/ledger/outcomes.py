"""What is posted to the ledger, and what may become of it."""

from __future__ import annotations

from msgspec import Struct

from domain.event import Posted, Recorded
from domain.rules import Refused
from service.ledger.recorder import Identity


class Post(Struct, frozen=True):
    """A posted fact with its identity; `expected_version` is the stream's version the sender has seen, if it says."""

    posted: Posted
    identity: Identity
    expected_version: int | None = None


class Counted(Struct, frozen=True):
    """It is in the log from position `first` to `last`, and `version` is its stream's after the first of these.

    `replayed`: an earlier post of the same identity put it there.
    """

    first: int
    last: int
    version: int
    replayed: bool = False


class Decided(Struct, frozen=True):
    """It would count now, and these events would record it."""

    events: tuple[Recorded, ...]


class Conflicts(Struct, frozen=True):
    """The same identity was posted before with other content."""


class Overtaken(Struct, frozen=True):
    """The stream is not at the version that the sender expected."""

    stream: str
    expected: int
    actual: int


class Refusal(Struct, frozen=True):
    """A rule refuses it."""

    rule: Refused


class NotRecorded(Struct, frozen=True):
    """It broke no rule, but another of its bundle did."""


Outcome = Counted | Decided | Conflicts | Overtaken | Refusal | NotRecorded
