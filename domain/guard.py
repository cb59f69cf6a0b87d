"""A condition that can be asked about: the same function refuses a post and explains what is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from domain.case import Case
from domain.record import Reference
from domain.rules import Refused

if TYPE_CHECKING:
    from domain.project.state import Project

Evidence = tuple[Reference, ...]
"""The events by which a condition is met."""


class Guard(NamedTuple):
    """A condition in two languages, the rules it refuses by, and `check`: it gives the evidence, or raises one of them.

    `check` reads the case, the project, and of the fact only the names that it has.
    """

    en: str
    zh: str
    rules: tuple[type[Refused], ...]
    check: Callable[[Case, Project, Any], Evidence]


def rules_of(guards: Iterable[Guard]) -> tuple[type[Refused], ...]:
    """All the rules of `guards`, each once."""
    return tuple(dict.fromkeys(rule for guard in guards for rule in guard.rules))


def require(guards: Iterable[Guard], case: Case, project: Project, fact: Any) -> None:
    """Raises the first rule that is broken."""
    for guard in guards:
        guard.check(case, project, fact)
