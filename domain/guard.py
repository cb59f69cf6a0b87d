"""Guards: conditions, each with one check that both refuses a post and explains to `why` what is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from domain.decision_context import Context
from domain.event import Reference
from domain.rules import Refused
from domain.state.project import Project

Evidence = tuple[Reference, ...]
"""References to the events that show that a condition is satisfied; empty if no event shows it."""


class Guard(NamedTuple):
    """A condition that a post must satisfy, described in two languages, and its check.

    `check` returns references to the events that show that the condition is satisfied, or raises one of `rules`. Its
    third argument is the posted fact, or an entity that has the fields that `check` reads. For example, a check that
    reads only `award` and `batch` accepts a payment.
    """

    en: str
    zh: str
    rules: tuple[type[Refused], ...]
    check: Callable[[Context, Project, Any], Evidence]


def rules_of(guards: Iterable[Guard]) -> tuple[type[Refused], ...]:
    """The rules that any of `guards` may raise, each once."""
    return tuple(dict.fromkeys(rule for guard in guards for rule in guard.rules))


def require(guards: Iterable[Guard], context: Context, project: Project, fact: Any) -> None:
    """Passes `fact` to the check of each of `guards`, in their order. Raises the first rule that is broken."""
    for guard in guards:
        guard.check(context, project, fact)
