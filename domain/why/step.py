"""A step of an explanation: a post that would bring the money closer to being paid, with its conditions as of today."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from domain.decision import decide, rules_of
from domain.decision_context import Context
from domain.documents import Document
from domain.event import EDITION, Fact, Header, Posted
from domain.guard import Evidence, Guard
from domain.ledger_view import LedgerView
from domain.money import Money
from domain.rules import Refused
from domain.state.project import Project


class Sentence(NamedTuple):
    en: str
    zh: str


class Condition(Struct, frozen=True):
    """A guard (a condition of a post), and whether it is met today.

    `by`: the events that show that the guard is met. `missing`: the refusal that the guard raised; None if the guard is
    met.
    """

    guard: Guard
    by: Evidence
    missing: Refused | None


class Step(Struct, frozen=True):
    """A post of `fact` to `stream` that would bring money closer to being paid, with its conditions.

    Values in `fact` that nobody knows yet are "?".
    """

    stream: str
    fact: Fact
    conditions: tuple[Condition, ...]

    @property
    def may(self) -> bool:
        """Whether all conditions of the post are met today."""
        return all(condition.missing is None for condition in self.conditions)


class Answer(Struct, frozen=True):
    """Where the money of a batch is, and the posts that are needed before it is paid or awarded, in order.

    `accounts`: the amount in each account. `says`: a sentence that states these amounts.
    """

    accounts: dict[str, Money]
    says: Sentence
    steps: tuple[Step, ...] = ()


def guarded(ledger: LedgerView, project: Project, fact: Fact, guards: Iterable[Guard], about: Any = None) -> Step:
    """A post of `fact` to the project's stream, with one condition for each of `guards`, checked today.

    Each guard checks `about`, such as a payment. If `about` is omitted, it checks `fact`.
    """
    stream = f"project/{project.code}"
    context = Context(ledger, stream, fact, _today(ledger), ledger.today)
    return Step(stream, fact, tuple(_condition(guard, context, project, about or fact) for guard in guards))


def _today(ledger: LedgerView) -> Header:
    return Header(ledger.today, None, actor="", key="", source="", source_id="", edition=EDITION)


def _condition(guard: Guard, context: Context, project: Project, fact: Any) -> Condition:
    try:
        return Condition(guard, guard.check(context, project, fact), None)
    except Refused as refusal:
        return Condition(guard, (), refusal)


def decided(ledger: LedgerView, project: Project, fact: Fact, stream: str | None = None) -> Step:
    """A post of `fact` to `stream` (default: the project's), with one condition: that it would be accepted today."""
    stream = stream or f"project/{project.code}"
    documents = tuple(Document(choice[0], "?") for choice in fact.cites)
    context = Context(ledger, stream, fact, replace(_today(ledger), documents=documents), ledger.today)
    accepted = Guard("It would be accepted if posted today.", "今日提交即可入账。", rules_of(type(fact)), _is_accepted)
    return Step(stream, fact, (_condition(accepted, context, project, fact),))


def _is_accepted(context: Context, _: Project, fact: Fact) -> Evidence:
    decide(context.ledger, Posted(context.stream, fact, context.header))
    return ()
