"""What is posted and what is recorded: a fact, and the circumstances that every event carries."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from msgspec import Struct

from domain.documents import Claim, Document, claims
from domain.names import plain
from domain.posting import Move
from domain.rules import Refused


class Fact(Struct, frozen=True):
    """What a post says happened. Its class name is its permanent name in the log.

    `streams` are the kinds of stream it may belong to. `cites` lists what the event must cite, each entry a choice of
    document kinds; the numbers of cited documents of the kinds in `claims` may stand in the ledger only once, or only
    once for the purpose `claims_for`. `zh` is its Chinese name. `records_too` names what may be recorded with it on
    other streams. `refused_by` lists the rules that its own chapter may refuse it by.
    """

    streams: ClassVar[tuple[str, ...]]
    cites: ClassVar[tuple[tuple[str, ...], ...]] = ()
    claims: ClassVar[tuple[str, ...]] = ()
    claims_for: ClassVar[str] = ""
    zh: ClassVar[str]
    records_too: ClassVar[tuple[str, ...]] = ()
    refused_by: ClassVar[tuple[type[Refused], ...]] = ()


class Header(Struct, frozen=True):
    """The circumstances of a post. Dates are days in Asia/Shanghai; `key` is the API key's name.

    `booked_on` is None only before the decision: the ledger then books on the earliest day allowed.
    """

    occurred_on: date
    booked_on: date | None
    actor: str
    key: str
    source: str
    source_id: str
    role: str | None = None
    documents: tuple[Document, ...] = ()


class Poster(Struct, frozen=True):
    """Who posted an event: a person, and the key it was done with."""

    actor: str
    key: str

    def same_as(self, other: Poster) -> str | None:
        """What these two have in common, which four eyes may not: the person, else the key; None if nothing."""
        if plain(self.actor) == plain(other.actor):
            return other.actor
        return other.key if plain(self.key) == plain(other.key) else None


class Cause(Struct, frozen=True):
    """The event that brought something about: its version in the stream, and the day it occurred."""

    version: int
    on: date


def claimed(fact: Fact, header: Header) -> tuple[Claim, ...]:
    """The numbers that an event takes for itself, once in the whole ledger."""
    return claims(fact.claims, header.documents, header.occurred_on.year, fact.claims_for)


def subject(fact: type[Fact]) -> str:
    """How the address of a post of this type begins: `fund/…`, or `fund/… | project/…`."""
    return " | ".join(f"{kind}/…" for kind in fact.streams)


class Posted(Struct, frozen=True):
    """A fact on its way in, addressed to a stream such as `project/yx-ip-2018-03`."""

    stream: str
    fact: Fact
    header: Header


class Reference(Struct, frozen=True):
    """An event by its place in its stream: known when it is decided, unlike its position in the log."""

    stream: str
    version: int


class Recorded(Struct, frozen=True):
    """An event as the log keeps it. A mirror repeats its leader's moves for the other stream they touch."""

    stream: str
    version: int
    fund: str
    header: Header
    fact: Fact
    moves: tuple[Move, ...] = ()
    mirrors: Reference | None = None

    @property
    def cause(self) -> Cause:
        """The event as the cause of what follows from it."""
        return Cause(self.version, self.header.occurred_on)

    @property
    def by(self) -> Poster:
        return Poster(self.header.actor, self.header.key)

    @property
    def booked_on(self) -> date:
        """The booking date, which every recorded event has."""
        assert self.header.booked_on is not None
        return self.header.booked_on
