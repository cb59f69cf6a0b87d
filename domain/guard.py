"""A condition that can be asked about: the same function refuses a post and explains what is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from domain.decision_context import Context
from domain.event import Reference
from domain.rules import Refused
from domain.state.project import Project

Evidence = tuple[Reference, ...]
"""The events by which a condition is met."""


class Guard(NamedTuple):
    """A condition in two languages, the rules it refuses by, and `check`: it gives the evidence, or raises one of them.

    `check` reads the context, the project, and of the fact only the names that it has.
    """

    en: str
    zh: str
    rules: tuple[type[Refused], ...]
    check: Callable[[Context, Project, Any], Evidence]


def rules_of(guards: Iterable[Guard]) -> tuple[type[Refused], ...]:
    """All the rules of `guards`, each once."""
    return tuple(dict.fromkeys(rule for guard in guards for rule in guard.rules))


def require(guards: Iterable[Guard], context: Context, project: Project, fact: Any) -> None:
    """Raises the first rule that is broken."""
    for guard in guards:
        guard.check(context, project, fact)
