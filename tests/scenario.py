"""The vocabulary of the domain tests: given(posts).when(post).then(facts), .accepted() or .refused(rule, values)."""

from __future__ import annotations

import dataclasses
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
from domain.event import EDITION, Fact, Header, Irregularity, Posted, Reference, claims_to_read
from domain.ledger_view import LedgerView
from domain.money import Money
from domain.replay import advance
from domain.rules import Refused
from domain.state.project import Project
from service.look_alikes import alike

TODAY = date(2026, 11, 23)
_ids = count(1)


def day(text: str) -> date:
    """The date that `text` means: `3-14` is a day of 2019, and `2020-3-14` names its year."""
    parts = [int(part) for part in text.split("-")]
    return date(*parts) if len(parts) == 3 else date(2019, *parts)


def calendar_days(first: date, last: date) -> int | None:
    """The number of working days from `first` to `last`, by a calendar without weekends; None after 2030."""
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
    source: str = "/test",
    person: str | None = None,
    edition: int = EDITION,
    irregular: tuple[Irregularity, ...] = (),
) -> Posted:
    """A post of `fact` to `stream`. By default, the post cites one new document of each required kind."""
    number = next(_ids)
    kinds = [choice[0] for choice in fact.cites] if cites is None else cites
    documents = tuple(d if isinstance(d, Document) else Document(d, f"第{number}号") for d in kinds)
    header = Header(
        day(on),
        day(booked) if booked else None,
        actor,
        key,
        source,
        str(number),
        documents=documents,
        person=person,
        edition=edition,
        irregular=irregular,
    )
    return Posted(stream, fact, header)


def check_rule_is_declared(posted: Posted, refusal: Refused) -> None:
    """Check that the domain declares the rule of `refusal` for this type of post, and that no fact of it is missing."""
    assert type(refusal) in rules_of(type(posted.fact)), (posted.fact, refusal)
    missing = [
        f.name for f in dataclasses.fields(refusal) if getattr(refusal, f.name) is None and "None" not in str(f.type)
    ]
    assert not missing, (posted.fact, refusal)


def view_for(ledger: LedgerView, posted: Posted) -> LedgerView:
    """The ledger as a service loads it for this post: only what the domain says that the decision of the post reads."""
    referred = posted.fact.refers_to(posted.stream)
    entries = Map({each: ledger.entries[each] for each in referred if each in ledger.entries})
    names = set(reads(posted, entries))
    for state in [ledger.stream(name).state for name in names]:
        names |= {f"fund/{state.fund}"} if isinstance(state, Project) else set()
    claims = ledger.claims.with_number_of(claims_to_read(posted))
    streams = {name: stream for name, stream in ledger.streams.items() if name in names}
    return replace(ledger, streams=Map(streams), claims=claims, entries=entries)


class Scenario(Struct, frozen=True):
    ledger: LedgerView = LedgerView(TODAY, calendar_days, lambda code: not code.startswith("0"), alike)
    posted: Posted | None = None

    def given(self, *posts: Posted) -> Scenario:
        """The scenario after these posts; each must be accepted."""
        ledger = self.ledger
        for each in posts:
            ledger = advance(ledger, decide(view_for(ledger, each), each))
        return replace(self, ledger=ledger)

    def last(self, entry: type[Fact]) -> Reference:
        """The stream and version of the latest event of this type."""
        places = [at for at, event in self.ledger.entries.items() if type(event.fact) is entry]
        return max(places, key=lambda at: at.version)

    def reversing(self, entry: type[Fact], on: str, amount: Money | None = None) -> Any:
        """The reversal of the latest event of this type, by another person."""
        at = self.last(entry)
        return post(at.stream, EntryReversed(at.version, "记错", amount), on, actor="会计主管", key="books")

    def when(self, posted: Posted) -> Scenario:
        return replace(self, posted=posted)

    def events(self) -> tuple[Any, ...]:
        """The events that record the post."""
        assert self.posted is not None
        return decide(view_for(self.ledger, self.posted), self.posted)

    def then(self, *facts: Fact) -> None:
        """Check that the post is recorded as exactly these facts."""
        assert tuple(event.fact for event in self.events()) == facts

    def accepted(self) -> None:
        """Check that the post is accepted; the ledger may set only fields that the post left at their defaults."""
        assert self.posted is not None
        [recorded, *_], posted = self.events(), self.posted.fact
        assert type(recorded.fact) is type(posted)
        for field in fields(posted):
            value = getattr(posted, field.name)
            assert value in (getattr(recorded.fact, field.name), field.default)

    def moves(self, *expected: tuple[str, str, str]) -> None:
        """Check the source, target and amount of each move."""
        assert [(m.source, m.target, str(m.amount)) for m in self.events()[0].moves] == list(expected)

    def refused(self, rule: type[Refused], /, **facts: Any) -> None:
        """Check that `rule` refuses the post with these facts, and that the refusal has messages in both languages."""
        assert self.posted is not None
        with pytest.raises(rule) as refusal:
            self.events()
        check_rule_is_declared(self.posted, refusal.value)
        assert {name: refusal.value.facts[name] for name in facts} == facts
        assert str(refusal.value)
        assert refusal.value.chinese(TITLES)
