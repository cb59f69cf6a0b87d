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
    """An entity, such as an award or a round, that a reversal returns to its state before the reversed entry.

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
    """A Reversible of an entry that can be reversed only as a whole, and whose reversal restores one entity.

    `kind` is the kind of this entity, such as `award`. It is also the name of the fact's field that contains the
    entity's name: for the kind `award`, the field is `fact.award`. `by_another` is as in Reversible.
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
"""The edition of the rules that new posts are decided by.

The second edition added AboveNotice, PayeeNotApplicant, ApproverTwice, the fields that a waiver must have, and the
fields of Claim that distinguish documents with the same number.
"""


class DistinguishedBy(StrEnum):
    """By what the ledger distinguishes the poster of an event from the poster of an earlier step, the surest first."""

    PERSON = "person"
    NAME_AND_KEY = "name_and_key"
    NAME = "name"


class FoundBy(StrEnum):
    """How it was found that an event broke a rule."""

    AUDIT = "audit"
    INSPECTION = "inspection"
    SELF = "self"


class Irregularity(EventPart, frozen=True):
    """A rule that an event broke, and that was not enforced for it. `basis`: the document that proves the event."""

    rule: str
    found_by: FoundBy
    basis: Document


class Header(Struct, frozen=True):
    """The part of a post that is the same for all event types.

    Dates are days in Asia/Shanghai. `key` is the name of the API key. `booked_on` may be None only in a post: the
    decision then sets the earliest day that the rules allow. `content_sha256` is the digest of the post's content, in
    hexadecimal, by which a repeated post is recognised; None in events that were recorded before 2026-12.

    `person` is the person whom the key or token names as its user; None if it names nobody, and in events that were
    recorded before 2026-12. `distinguished_by` is set by the decision if a rule required that the poster is not the
    poster of an earlier step. It says by what the two were distinguished; for several rules, the least sure one. It is
    None if no rule required this, and in events that were recorded before 2026-12.

    `edition` is the edition of the rules by which the event was decided; 1 in events that were recorded before this
    field existed. If an event of an earlier edition is decided again, later rules do not apply. `irregular` has the
    rules that the event broke and in spite of which it was recorded. `own_bank` is set by the decision if the event
    uses up the number of a bank slip that is cited without an issuer: it is the fund's bank in its settings. It is None
    if the settings name no bank, and in all other events.
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
    """The poster of an event: the name that was typed, the API key that was used, and the person that the key names."""

    actor: str
    key: str
    person: str | None = None

    def same_as(self, other: Poster, alike: Callable[[str, str], bool]) -> str | None:
        """The person, name or key that shows that both posters are one person; None if they are two people.

        Returns the person if the persons look alike; else the typed name, if the typed names look alike; else the key,
        if both used one key. Typed names are compared only if the persons cannot be compared, because two people may
        have one name. `alike` says whether two names look alike.
        """
        if self.person and other.person and alike(self.person, other.person):
            return other.person
        if self.distinguished_by(other) is DistinguishedBy.NAME_AND_KEY and alike(self.actor, other.actor):
            return other.actor
        return other.key if normalized(self.key) == normalized(other.key) else None

    def same_human_as(self, other: Poster, alike: Callable[[str, str], bool]) -> str | None:
        """The person or typed name that shows that both posters are one human; None if they are two.

        Persons are compared if both are known in one register, otherwise typed names. Keys are not compared, because
        several people may use the key of one approval system. `alike` says whether two names look alike.
        """
        if self.distinguished_by(other) is DistinguishedBy.PERSON:
            return self.person if alike(str(self.person), str(other.person)) else None
        return other.actor if alike(self.actor, other.actor) else None

    def distinguished_by(self, other: Poster) -> DistinguishedBy:
        """By what the two posters can be distinguished: by their persons if both are known in one register.

        Otherwise by their typed names and keys.
        """
        known = self.person and other.person and _register(self.person) == _register(other.person)
        return DistinguishedBy.PERSON if known else DistinguishedBy.NAME_AND_KEY


def _register(person: str) -> str:
    """The register in which `person` is known: the part before `#`, which is the issuer of a token.

    Empty for a person in the ledger's own register. Two registers may name one human differently, so persons of
    different registers cannot be distinguished.
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

    The caller reads from the database which of these claims an earlier event made.
    """
    return (*numbers_used(posted), *codes_to_read(posted))


def subject(fact: type[Fact]) -> str:
    """The form of the names of the streams that an event of the type `fact` can be posted to, such as `fund/…`.

    If the type has two kinds of stream, the forms are joined: `fund/… | project/…`.
    """
    return " | ".join(f"{kind}/…" for kind in fact.streams)


class Posted(Struct, frozen=True):
    """A fact to be decided, addressed to a stream such as `project/yx-ip-2018-03`."""

    stream: str
    fact: Fact
    header: Header


class Reference(EventPart, frozen=True):
    """The identity of an event: its stream and version.

    Both are known when the event is decided. The position of the event in the log is known only once it is recorded.
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
