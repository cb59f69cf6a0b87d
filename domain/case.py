"""One post before the rules, and what they allow."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from msgspec import Struct

from domain.posting import Move
from domain.record import Fact, Header, Poster
from domain.rules.every_post import BeforeItsCause

if TYPE_CHECKING:
    from domain.books import Books


Mirror = tuple[str, Fact]


class Decision(Struct, frozen=True):
    """The fact as it will stand in the log, its moves, and its mirrors: each a stream and the fact recorded there."""

    fact: Fact
    moves: tuple[Move, ...] = ()
    mirrors: tuple[Mirror, ...] = ()


class Case(Struct, frozen=True):
    """The books, the stream the post is addressed to, its fact and circumstances, and the day it will be booked on."""

    books: Books
    stream: str
    fact: Fact
    header: Header
    booked_on: date

    @property
    def code(self) -> str:
        """The fund's or project's own code: its stream name without the kind."""
        return self.stream.partition("/")[2]

    @property
    def occurred_on(self) -> date:
        return self.header.occurred_on

    def not_before(self, cause: str, day: date) -> None:
        """Raises BeforeItsCause if the event occurred before `day`, when what it depends on did."""
        if self.occurred_on < day:
            raise BeforeItsCause(occurred_on=self.occurred_on, cause=cause, cause_on=day)

    @property
    def by(self) -> Poster:
        """Who posts it."""
        return Poster(self.header.actor, self.header.key)

    def allow(self, *moves: Move, fact: Fact | None = None, mirrors: tuple[Mirror, ...] = ()) -> Decision:
        """The rules allow it, with these moves."""
        return Decision(fact or self.fact, moves, mirrors)
