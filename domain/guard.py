"""Guards: conditions, each with one check that both refuses a post and explains to `why` what is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from domain.decision_context import Context
from domain.event import Reference
from domain.rules import Refused
from domain.state.project import Project

Evidence = tuple[Reference, ...]
"""The events that satisfy a condition."""


class Guard(NamedTuple):
    """A condition, described in two languages, and its check.

    `check` returns the events that satisfy the condition, or raises one of `rules`. The third argument of `check` is a
    fact, or an entity with the same fields as a fact, such as `award` and `batch`.
    """

    en: str
    zh: str
    rules: tuple[type[Refused], ...]
    check: Callable[[Context, Project, Any], Evidence]


def rules_of(guards: Iterable[Guard]) -> tuple[type[Refused], ...]:
    """The rules of all `guards`, each once."""
    return tuple(dict.fromkeys(rule for guard in guards for rule in guard.rules))


def require(guards: Iterable[Guard], context: Context, project: Project, fact: Any) -> None:
    """Checks `guards` in order. Raises the first rule that is broken."""
    for guard in guards:
        guard.check(context, project, fact)
