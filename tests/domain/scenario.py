"""given(posts).when(post).then(events) or .refused(rule, numbers): the whole test vocabulary of the domain."""

from __future__ import annotations

from datetime import date
from itertools import count
from typing import Any

import pytest
from immutables import Map
from msgspec import Struct
from msgspec.structs import fields, replace

from domain.decision import TITLES, decide, reads, rules_of
from domain.documents import Document
from domain.entry_reversed import EntryReversed
from domain.event import Fact, Header, Posted, Recorded, Reference
from domain.ledger_view import LedgerView
from domain.money import Money
from domain.replay import advance
from domain.rules import Refused
from domain.state.project import Project

TODAY = date(2026, 11, 23)
_ids = count(1)


def day(text: str) -> date:
    """`3-14` is in 2019, `2020-3-14` says its year."""
    parts = [int(part) for part in text.split("-")]
    return date(*parts) if len(parts) == 3 else date(2019, *parts)


def calendar_days(first: date, last: date) -> int | None:
    """A calendar without weekends, that ends with 2030."""
    return (last - first).days + 1 if last.year <= 2030 else None


def post(
    stream: str,
    fact: Fact,
    on: str,
    *,
    cites: tuple[str | Document, ...] | None = None,
    booked: str | None = None,
    actor: str = "经办人",
    key: str = "office",
) -> Posted:
    """A post of `fact`; unless told otherwise it cites one new document of each kind that it must."""
    number = next(_ids)
    kinds = [choice[0] for choice in fact.cites] if cites is None else cites
    documents = tuple(d if isinstance(d, Document) else Document(d, f"第{number}号") for d in kinds)
    header = Header(
        day(on),
        day(booked) if booked else None,
        actor,
        key,
        "/test",
        str(number),
        documents=documents,
    )
    return Posted(stream, fact, header)


def foretold(posted: Posted, refusal: Refused) -> None:
    """The rule is among those that the domain says may refuse such a post."""
    assert type(refusal) in rules_of(type(posted.fact)), (posted.fact, refusal)


def seen(ledger: LedgerView, posted: Posted) -> LedgerView:
    """The books as a service has them for this post: nothing but what the domain says that it reads."""
    asked = posted.fact.refers_to(posted.stream)
    entries = Map({each: ledger.entries[each] for each in asked if each in ledger.entries})
    names = set(reads(posted, entries))
    for state in [ledger.stream(name).state for name in names]:
        names |= {f"fund/{state.fund}"} if isinstance(state, Project) else set()
    return replace(ledger, streams=Map({n: s for n, s in ledger.streams.items() if n in names}), entries=entries)


class Scenario(Struct, frozen=True):
    ledger: LedgerView = LedgerView(TODAY, calendar_days, lambda code: not code.startswith("0"))
    posted: Posted | None = None

    def given(self, *posts: Posted) -> Scenario:
        """After these, each of which must be accepted."""
        ledger = self.ledger
        for each in posts:
            ledger = advance(ledger, decide(seen(ledger, each), each))
        return replace(self, ledger=ledger)

    def last(self, entry: type[Fact]) -> Reference:
        """Where the latest event of this type stands."""
        found = [at for at, event in self.ledger.entries.items() if type(event.fact) is entry]
        return max(found, key=lambda at: at.version)

    def reversing(self, entry: type[Fact], on: str, amount: Money | None = None) -> Posted:
        """The reversal of the latest event of this type, by another person."""
        at = self.last(entry)
        return post(at.stream, EntryReversed(at.version, "记错", amount), on, actor="会计主管", key="books")

    def when(self, posted: Posted) -> Scenario:
        return replace(self, posted=posted)

    def events(self) -> tuple[Recorded, ...]:
        """The events that record the post."""
        assert self.posted is not None
        return decide(seen(self.ledger, self.posted), self.posted)

    def then(self, *facts: Fact) -> None:
        assert tuple(event.fact for event in self.events()) == facts

    def counts(self) -> None:
        """It is accepted and recorded as it is; the ledger sets nothing but what it left at its default."""
        assert self.posted is not None
        [recorded, *_], posted = self.events(), self.posted.fact
        assert type(recorded.fact) is type(posted)
        for field in fields(posted):
            said = getattr(posted, field.name)
            assert said in (getattr(recorded.fact, field.name), field.default)

    def moves(self, *expected: tuple[str, str, str]) -> None:
        """Source, target and amount of each move."""
        assert [(m.source, m.target, str(m.amount)) for m in self.events()[0].moves] == list(expected)

    def refused(self, rule: type[Refused], /, **facts: Any) -> None:
        assert self.posted is not None
        with pytest.raises(rule) as refusal:
            self.events()
        foretold(self.posted, refusal.value)
        assert {name: refusal.value.facts[name] for name in facts} == facts
        assert str(refusal.value)
        assert refusal.value.chinese(TITLES)
