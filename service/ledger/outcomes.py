"""What is posted to the ledger, and the possible outcomes of a post."""

from __future__ import annotations

from msgspec import Struct

from domain.event import Posted, Recorded
from domain.rules import Refused
from service.codec import NewerEvent
from service.ledger.recorder import Identity


class Post(Struct, frozen=True):
    """A posted fact with its identity.

    `expected_version`: the stream's version that the sender requires, if any. `fund`: the fund for which the sender's
    permission was checked, if the project was not in the log then: the post counts only if the project is in this fund.
    """

    posted: Posted
    identity: Identity
    expected_version: int | None = None
    fund: str | None = None


class Committed(Struct, frozen=True):
    """The post is recorded: its events have the positions `first` to `last`.

    `version`: the stream's version after the event at `first`. `replayed`: an earlier post of the same identity
    recorded these events.
    """

    first: int
    last: int
    version: int
    replayed: bool = False


class Decided(Struct, frozen=True):
    """Outcome of a dry run: the post would be recorded now, as these events."""

    events: tuple[Recorded, ...]


class IdentityConflict(Struct, frozen=True):
    """An earlier post has the same source and id, but other content."""


class VersionConflict(Struct, frozen=True):
    """The stream is not at the version that the sender expected."""

    stream: str
    expected: int
    actual: int


class Refusal(Struct, frozen=True):
    """A rule refuses the post."""

    rule: Refused


class NotRecorded(Struct, frozen=True):
    """The post was not recorded, because another post of the same atomic bundle failed."""


class NewerLog(Struct, frozen=True):
    """The post was not decided, because this version cannot read an event of a stream that the post needs."""

    error: NewerEvent


Outcome = Committed | Decided | IdentityConflict | VersionConflict | Refusal | NotRecorded | NewerLog
