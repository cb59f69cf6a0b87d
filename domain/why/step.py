"""A post that would bring money on its way, as it could be posted today, and what it would be answered."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from domain.decision import decide, rules_of
from domain.decision_context import Context
from domain.documents import Document
from domain.event import Fact, Header, Posted
from domain.guard import Evidence, Guard
from domain.ledger_view import LedgerView
from domain.money import Money
from domain.rules import Refused
from domain.state.project import Project


class Sentence(NamedTuple):
    en: str
    zh: str


class Condition(Struct, frozen=True):
    """A guard as it stands today: met `by` some events, or what it refuses with."""

    guard: Guard
    by: Evidence
    missing: Refused | None


class Step(Struct, frozen=True):
    """A post to `stream` that would bring the money further, as it could be posted today, and its conditions."""

    stream: str
    fact: Fact
    conditions: tuple[Condition, ...]

    @property
    def may(self) -> bool:
        """Whether all conditions are met."""
        return all(condition.missing is None for condition in self.conditions)


class Answer(Struct, frozen=True):
    """Where the money of a batch stands, by account and in a sentence, and the steps that it waits for, in turn."""

    accounts: dict[str, Money]
    says: Sentence
    steps: tuple[Step, ...] = ()


def guarded(ledger: LedgerView, project: Project, fact: Fact, guards: Iterable[Guard], about: Any = None) -> Step:
    """A step whose conditions are `guards`. `about`: what they look at, if not the fact itself."""
    stream = f"project/{project.code}"
    context = Context(ledger, stream, fact, _today(ledger), ledger.today)
    return Step(stream, fact, tuple(_condition(guard, context, project, about or fact) for guard in guards))


def _today(ledger: LedgerView) -> Header:
    return Header(ledger.today, None, actor="", key="", source="", source_id="")


def _condition(guard: Guard, context: Context, project: Project, fact: Any) -> Condition:
    try:
        return Condition(guard, guard.check(context, project, fact), None)
    except Refused as refusal:
        return Condition(guard, (), refusal)


def decided(ledger: LedgerView, project: Project, fact: Fact, stream: str | None = None) -> Step:
    """A step with one condition: that the ledger would let it count today."""
    stream = stream or f"project/{project.code}"
    papers = tuple(Document(choice[0], "?") for choice in fact.cites)
    context = Context(ledger, stream, fact, replace(_today(ledger), documents=papers), ledger.today)
    would_count = Guard("It would count if posted today.", "今日提交即可入账。", rules_of(type(fact)), _would_count)
    return Step(stream, fact, (_condition(would_count, context, project, fact),))


def _would_count(context: Context, _: Project, fact: Fact) -> Evidence:
    decide(context.ledger, Posted(context.stream, fact, context.header))
    return ()
