"""The input and the result of a chapter's `decide`."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from msgspec import Struct, field
from msgspec.structs import replace

from domain.event import DistinguishedBy, Fact, Header, Poster, Recorded, Reference
from domain.ledger_view import LedgerView
from domain.posting import Move
from domain.recipient import Recipient
from domain.rules import Refused
from domain.rules.call import InvalidCode
from domain.rules.every_post import BeforeItsCause

Mirror = tuple[str, Fact]
"""The name of another stream and the fact to record on it, because the posted event moves money to or from it."""


class Decision(Struct, frozen=True):
    """The answer to a post that is accepted: the fact as it will be recorded, its moves of money, and its mirrors."""

    fact: Fact
    moves: tuple[Move, ...] = ()
    mirrors: tuple[Mirror, ...] = ()


class Context(Struct, frozen=True):
    """What a decision is given: the ledger, and the post with its stream, fact, header and booking date.

    Two sets collect results for the header of the event while rules are checked. `distinguished`: for each rule that
    requires another person, by what the two posters were distinguished. `left_out`: the names of the rules that the
    post breaks and names as irregular.
    """

    ledger: LedgerView
    stream: str
    fact: Fact
    header: Header
    booked_on: date
    distinguished: set[DistinguishedBy] = field(default_factory=set)
    left_out: set[str] = field(default_factory=set)

    @property
    def code(self) -> str:
        """The fund's or project's code: the stream's name without its kind."""
        return self.stream.partition("/")[2]

    @property
    def occurred_on(self) -> date:
        return self.header.occurred_on

    def same_as(self, other: Poster) -> str | None:
        """The person, name or key that `other` and the poster of this event share; None if they are two people."""
        self.distinguished.add(self.header.by.distinguished_by(other))
        return self.header.by.same_as(other, self.ledger.alike)

    def same_human_as(self, other: Poster) -> str | None:
        """As `same_as`, but never compares keys: it compares persons of one register, or otherwise typed names."""
        by_person = self.header.by.distinguished_by(other) is DistinguishedBy.PERSON
        self.distinguished.add(DistinguishedBy.PERSON if by_person else DistinguishedBy.NAME)
        return self.header.by.same_human_as(other, self.ledger.alike)

    def is_actor(self, name: str) -> bool:
        """Whether the typed `name` looks like that of the poster of this event."""
        self.distinguished.add(DistinguishedBy.NAME)
        return self.ledger.alike(name, self.header.actor)

    def improper(self, refusal: Refused, already: Collection[str] = ()) -> None:
        """Raises `refusal` unless its rule is in `already` or the post names the rule as irregular.

        `already`: the names of the rules that an earlier step of the same matter broke, such as the request of a
        payment. A rule that the post names as irregular is added to `left_out`.
        """
        name = type(refusal).__name__
        if name in already:
            return
        if all(each.rule != name for each in self.header.irregular):
            raise refusal
        self.left_out.add(name)

    def not_before(self, cause: str, day: date) -> None:
        """Raises BeforeItsCause if the posted event occurred before `day`, the date of `cause`.

        `cause` names the event or step that the posted event depends on.
        """
        if self.occurred_on < day:
            raise BeforeItsCause(occurred_on=self.occurred_on, cause=cause, cause_on=day)

    def must_be_valid(self, recipient: Recipient) -> None:
        """Raises InvalidCode if the recipient has a social credit code whose check digit is wrong."""
        if recipient.uscc is not None and not self.ledger.valid_uscc(recipient.uscc):
            raise InvalidCode(uscc=recipient.uscc)

    def allow(self, *moves: Move, fact: Fact | None = None, mirrors: tuple[Mirror, ...] = ()) -> Decision:
        """The decision to record the posted fact, or `fact` in its place, with these moves and mirrors."""
        return Decision(fact or self.fact, moves, mirrors)

    def recorded(self, fund: str, decision: Decision) -> tuple[Recorded, ...]:
        """The events that record `decision`: the leader, which has the decided fact, and then its mirrors.

        Each event has the next version of its stream. `fund` is the code of the fund that the events belong to.
        """
        weakest = max(self.distinguished, key=list(DistinguishedBy).index, default=None)
        header = replace(self.header, booked_on=self.booked_on, distinguished_by=weakest)
        version = self.ledger.stream(self.stream).version + 1
        leader = Recorded(self.stream, version, fund, header, decision.fact, decision.moves)
        leader_at = Reference(self.stream, version)
        mirrors = (
            Recorded(other, self.ledger.stream(other).version + 1, fund, header, fact, decision.moves, leader_at)
            for other, fact in decision.mirrors
        )
        return (leader, *mirrors)
