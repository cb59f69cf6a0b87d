"""What is posted and what is recorded: a fact, and the header that every event carries."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from enum import Enum
from typing import Any, ClassVar

from msgspec import Struct

from domain.documents import Claim, Document, claims
from domain.normalise import normalized
from domain.posting import Move
from domain.rules import Refused


class Allowed(Enum):
    """When an event may be recorded, as far as closings are concerned."""

    WHILE_OPEN = "neither its project nor its fund is closed"
    WHILE_PROJECT_OPEN = "its project is open; the fund may be closed"
    ALWAYS = "after the closing too, or its own chapter decides"


class Restored(Struct, frozen=True):
    """Something that is as it was before a reversed entry: `kind` is what a project keeps it under."""

    kind: str
    name: str


class Reversible(Struct, frozen=True):
    """How an entry is reversed: whether a part of it can be, and what is then as it was before.

    `restores(state, fact)` names it, given the fund or project and the entry's fact. `by_another`: the person who
    posted the entry may not reverse it.
    """

    in_part: bool = False
    restores: Callable[[Any, Any], Iterable[Restored]] = lambda _, __: ()
    by_another: bool = False


def restores(kind: str, by_another: bool = False) -> Reversible:
    """Reversed as a whole; the thing of this kind that the fact names in its field of the same name is restored."""
    return Reversible(restores=lambda _, fact: (Restored(kind, str(getattr(fact, kind))),), by_another=by_another)


class Fact(Struct, frozen=True):
    """What a post says happened. The class name is its permanent name in the log.

    Each subclass states what is known of the event type, so that it stands in one place:

    `streams`: the kinds of stream it belongs to.
    `zh`: its Chinese name; `about_zh`: what it means, in one Chinese sentence. The docstring says it in English.
    `cites`: what the event must cite; each entry is a choice of document kinds.
    `claims`: the kinds of cited documents whose numbers may be used only once, or only once for `claims_for`.
    `records_too`: the mirrors that may be recorded with it on other streams.
    `refused_by`: the rules that its own chapter may refuse it by.
    `allowed`: whether it may follow a closing.
    `reversible`: how EntryReversed undoes it; None if it cannot.
    """

    streams: ClassVar[tuple[str, ...]]
    zh: ClassVar[str]
    about_zh: ClassVar[str] = ""
    cites: ClassVar[tuple[tuple[str, ...], ...]] = ()
    claims: ClassVar[tuple[str, ...]] = ()
    claims_for: ClassVar[str] = ""
    records_too: ClassVar[tuple[str, ...]] = ()
    refused_by: ClassVar[tuple[type[Refused], ...]] = ()
    allowed: ClassVar[Allowed] = Allowed.WHILE_OPEN
    reversible: ClassVar[Reversible | None] = None

    def also_reads(self) -> tuple[str, ...]:
        """The streams that a decision reads besides the event's own and its fund's."""
        return ()

    def refers_to(self, stream: str) -> tuple[Reference, ...]:
        """The recorded entries that a decision looks at again; `stream` is the event's own."""
        return ()


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
        if normalized(self.actor) == normalized(other.actor):
            return other.actor
        return other.key if normalized(self.key) == normalized(other.key) else None


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
