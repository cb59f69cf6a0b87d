"""The parts of an event: the fact that a sender posts, the header that every event has, and the event in the log."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from enum import Enum, StrEnum
from typing import Any, ClassVar

from msgspec import Struct

from domain.documents import BY_BANK_AND_DAY, Citing, Claim, Document, claims
from domain.event_part import EventPart
from domain.normalise import normalized
from domain.posting import Move
from domain.rules import Refused


class Allowed(Enum):
    """Whether an event may be recorded after its project or its fund is closed."""

    WHILE_OPEN = "neither its project nor its fund is closed"
    WHILE_PROJECT_OPEN = "its project is open; the fund may be closed"
    ALWAYS = "after a closing too, unless its own chapter refuses it"


class Restored(EventPart, frozen=True):
    """An award, payment, round or the like that a reversal returns to its state before the reversed entry.

    For example: kind `award`, name `L02`.
    """

    kind: str
    name: str


class Reversible(Struct, frozen=True):
    """How an entry is reversed: whether it can be reversed in part, and which entities the reversal restores.

    `restores(state, fact)` returns the entities (awards, rounds …) that get back their state before the entry. `state`
    is the fund or project, and `fact` is the fact of the entry. If `by_another` is true, the person who posts the
    reversal must not be the person who posted the entry, and must use another API key.
    """

    in_part: bool = False
    restores: Callable[[Any, Any], Iterable[Restored]] = lambda _, __: ()
    by_another: bool = False


def restores(kind: str, by_another: bool = False) -> Reversible:
    """A Reversible for an entry that can be reversed only as a whole, whose reversal restores one entity.

    `kind` is the kind of this entity, such as `award`. It is also the name of the fact's field that contains the
    entity's name: for the kind `award`, the field is `fact.award`.
    """
    return Reversible(restores=lambda _, fact: (Restored(kind, str(getattr(fact, kind))),), by_another=by_another)


class Fact(Struct, frozen=True):
    """The content of an event. The class name is the event type's permanent name in the log.

    Each subclass declares all properties of its event type in one place:

    `streams`: the kinds of stream that the event may be recorded on.
    `zh`: the event's Chinese name; `about_zh`: a Chinese sentence that describes the event. The docstring is the
    English description that the API publishes.
    `cites`: the documents that the event must cite; each item lists document kinds, and one of them is enough.
    `claims`: the kinds of cited documents whose numbers may be used only once for each purpose.
    `claims_for`: the purpose for which the event uses these numbers; empty for the usual purpose.
    `records_too`: the types of the mirrors that may be recorded with the event, because it moves money to or from
    another stream.
    `apart_from`: the types of earlier events whose poster may not post this event, because two people must act; for the
    reversal of an event, `Reversible.by_another` says so.
    `refused_by`: the rules by which the event's own chapter (the module that decides it) may refuse the event.
    `allowed`: whether the event may be recorded after its project or its fund is closed.
    `reversible`: how EntryReversed reverses the event; None if the event cannot be reversed.
    """

    streams: ClassVar[tuple[str, ...]]
    zh: ClassVar[str]
    about_zh: ClassVar[str] = ""
    cites: ClassVar[tuple[tuple[str, ...], ...]] = ()
    claims: ClassVar[tuple[str, ...]] = ()
    claims_for: ClassVar[str] = ""
    records_too: ClassVar[tuple[str, ...]] = ()
    apart_from: ClassVar[tuple[str, ...]] = ()
    refused_by: ClassVar[tuple[type[Refused], ...]] = ()
    allowed: ClassVar[Allowed] = Allowed.WHILE_OPEN
    reversible: ClassVar[Reversible | None] = None

    def also_reads(self) -> tuple[str, ...]:
        """The names of the streams that the decision reads besides the event's own stream and its fund's stream."""
        return ()

    def reserves(self, stream: str) -> tuple[Claim, ...]:
        """The codes that belong to the fund from this event on. `stream` is the stream that the event is posted to."""
        return ()

    def looks_up(self) -> tuple[Claim, ...]:
        """The codes whose owners the decision must know, besides those that the event reserves."""
        return ()

    def takes_serials(self) -> bool:
        """Whether the event takes new serials out of the treasury."""
        return False

    def refers_to(self, stream: str) -> tuple[Reference, ...]:
        """The recorded entries that the decision must read, such as the one to reverse.

        `stream` is the stream that the event is posted to.
        """
        return ()


EDITION = 2
"""The edition of the rules that new posts are decided by. The second one added AboveNotice, PayeeNotApplicant,
ApproverTwice, what waivers must name, and what tells apart documents with the same number."""


class DistinguishedBy(StrEnum):
    """On what the ledger rests that an event and an earlier step were posted by two people, the surest first."""

    PERSON = "person"
    NAME_AND_KEY = "name_and_key"
    NAME = "name"


class FoundBy(StrEnum):
    """How it was found that an event broke a rule."""

    AUDIT = "audit"
    INSPECTION = "inspection"
    SELF = "self"


class Irregularity(EventPart, frozen=True):
    """A rule that an event broke and that is left out for it. `basis`: the document that says that it happened."""

    rule: str
    found_by: FoundBy
    basis: Document


class Header(Struct, frozen=True):
    """The part of a post that is the same for all event types.

    Dates are days in Asia/Shanghai; `key` is the API key's name. `booked_on` may be None only in a post: the decision
    then sets the earliest day that the rules allow. `content_sha256` is the digest in the post's identity, in
    hexadecimal; None in events that were recorded before 2026-12.

    `person` is whom the key or token names as the person who uses it; None if it names nobody, and in events that were
    recorded before 2026-12. `distinguished_by` is set by the decision if a rule required another person than the poster
    of an earlier step: the weakest of what these rules rested on. None if no rule did, and in events before 2026-12.
    `edition` is the edition of the rules by which the event was decided; 1 in events that were recorded before it was
    kept. Later rules do not apply to an event of an earlier edition that is decided again. `irregular`: the rules that
    the event broke; it has happened all the same.
    `own_bank` is set by the decision if the event uses up the number of a bank's slip whose citation names no bank: the
    fund's own bank, as its settings name it; None if they name none, or in other events.
    """

    occurred_on: date
    booked_on: date | None
    actor: str
    key: str
    source: str
    source_id: str
    role: str | None = None
    documents: tuple[Document, ...] = ()
    content_sha256: str | None = None
    person: str | None = None
    distinguished_by: DistinguishedBy | None = None
    edition: int = 1
    irregular: tuple[Irregularity, ...] = ()
    own_bank: str | None = None

    @property
    def by(self) -> Poster:
        return Poster(self.actor, self.key, self.person)


class Poster(Struct, frozen=True):
    """Who posted an event: the name that was typed, the API key that was used, and the person that the key names."""

    actor: str
    key: str
    person: str | None = None

    def same_as(self, other: Poster, alike: Callable[[str, str], bool]) -> str | None:
        """What shows that both posters are one: the person, else the typed name, else the key; None if they are two.

        A step that needs two people is refused in all three cases. Typed names are compared only where the persons
        cannot be: two people may have the same name. `alike` says whether two names look alike.
        """
        if self.person and other.person and alike(self.person, other.person):
            return other.person
        if self.distinguished_by(other) is DistinguishedBy.NAME_AND_KEY and alike(self.actor, other.actor):
            return other.actor
        return other.key if normalized(self.key) == normalized(other.key) else None

    def same_human_as(self, other: Poster, alike: Callable[[str, str], bool]) -> str | None:
        """What shows that both posters are one human: the person of one register, else the typed name; None if two.

        Keys are not compared: several people may use that of a system in which payments are approved.
        """
        if self.distinguished_by(other) is DistinguishedBy.PERSON:
            return self.person if alike(str(self.person), str(other.person)) else None
        return other.actor if alike(self.actor, other.actor) else None

    def distinguished_by(self, other: Poster) -> DistinguishedBy:
        """On what it rests that the posters are two people: on their persons, if both are known in one register."""
        known = self.person and other.person and _register(self.person) == _register(other.person)
        return DistinguishedBy.PERSON if known else DistinguishedBy.NAME_AND_KEY


def _register(person: str) -> str:
    """The register that a person is known by, before `#`: a token's issuer. Empty for a person in the ledger's own.

    Two registers may name one human in two ways, so that persons of different registers are not distinguished.
    """
    register, separator, _ = person.partition("#")
    return register if separator else ""


class Cause(Struct, frozen=True):
    """The event that brought a state about: its version in the stream, and the day it occurred."""

    version: int
    on: date


def numbers_used(event: Posted | Recorded) -> tuple[Claim, ...]:
    """The numbers of cited documents that an event uses up; its sender can use each of them only once."""
    fact, header = event.fact, event.header
    if not fact.claims:
        return ()
    citing = Citing(header.source, header.occurred_on, header.own_bank, by_issuer=header.edition > 1)
    return claims(fact.claims, header.documents, citing, fact.claims_for)


def cites_slip_of_nobody(event: Posted | Recorded) -> bool:
    """Whether the event uses up the number of a bank's slip whose citation names no bank."""
    by_bank = BY_BANK_AND_DAY.intersection(event.fact.claims)
    return any(each.kind in by_bank and not each.issuer for each in event.header.documents) if by_bank else False


def claimed(event: Posted | Recorded) -> tuple[Claim, ...]:
    """The numbers that an event uses up, and the codes that it reserves for its fund."""
    return (*numbers_used(event), *event.fact.reserves(event.stream))


def codes_to_read(posted: Posted) -> tuple[Claim, ...]:
    """The codes whose owners the decision of `posted` must know."""
    return (*posted.fact.reserves(posted.stream), *posted.fact.looks_up())


def claims_to_read(posted: Posted) -> tuple[Claim, ...]:
    """The claims on which the decision of `posted` depends: numbers used up, and codes reserved or looked up.

    The caller reads from the database which of them were made before.
    """
    return (*numbers_used(posted), *codes_to_read(posted))


def subject(fact: type[Fact]) -> str:
    """The form of the names of the streams that an event of the type `fact` can be posted to, such as `fund/…`.

    If there are two forms, they are joined: `fund/… | project/…`.
    """
    return " | ".join(f"{kind}/…" for kind in fact.streams)


class Posted(Struct, frozen=True):
    """A fact to be decided, addressed to a stream such as `project/yx-ip-2018-03`."""

    stream: str
    fact: Fact
    header: Header


class Reference(EventPart, frozen=True):
    """The identity of an event: its stream and version.

    Both are known when the event is decided. The event's position in the log is known only when it is recorded.
    """

    stream: str
    version: int


class Recorded(Struct, frozen=True):
    """An event as the log stores it.

    `mirrors`: if this event is a mirror, the identity of its leader; otherwise None. The leader is the event of the
    posted fact. A mirror repeats the leader's moves on the other stream that these moves affect.
    """

    stream: str
    version: int
    fund: str
    header: Header
    fact: Fact
    moves: tuple[Move, ...] = ()
    mirrors: Reference | None = None

    @property
    def cause(self) -> Cause:
        """The event's version and the day it occurred, to be kept in the state that the event brings about."""
        return Cause(self.version, self.header.occurred_on)

    @property
    def by(self) -> Poster:
        return self.header.by

    @property
    def booked_on(self) -> date:
        """The booking date; a recorded event always has one."""
        assert self.header.booked_on is not None
        return self.header.booked_on
