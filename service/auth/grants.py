"""What a principal may do: scopes, and the funds, projects and sources they are limited to."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

SCOPES = (
    "post:fund",
    "post:call",
    "post:award",
    "post:acceptance",
    "post:payment",
    "approve:payment",
    "post:waiver",
    "post:reversal",
    "read",
    "admin",
)


@dataclass(frozen=True, slots=True)
class Grant:
    """What may be done (`scopes`), and where: in these funds or projects, for these sources. None named: no limit."""

    scopes: frozenset[str]
    funds: frozenset[str] = frozenset()
    projects: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()

    @property
    def limited(self) -> bool:
        return bool(self.funds or self.projects)

    def covers(self, scope: str, fund: str | None, project: str | None, source: str | None) -> bool:
        """Whether it allows this, in that fund or that project of it, in the name of that source."""
        within = not self.limited or fund in self.funds or project in self.projects
        return scope in self.scopes and within and (source is None or not self.sources or source in self.sources)


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking. The name stands in the events that they post."""

    name: str
    grants: tuple[Grant, ...]

    def has(self, scope: str) -> bool:
        """Whether they may do this at all, somewhere."""
        return any(scope in grant.scopes for grant in self.grants)

    def may(self, scope: str, fund: str | None = None, project: str | None = None, source: str | None = None) -> bool:
        """Whether one of their grants allows this there; with nothing named: everywhere.

        One grant must cover all of it: limits of one never lend to another.
        """
        return any(grant.covers(scope, fund, project, source) for grant in self.grants)


def grant(
    scopes: Collection[str],
    funds: Collection[str] = (),
    projects: Collection[str] = (),
    sources: Collection[str] = (),
) -> Grant:
    """A grant from lists, as files and tables keep them."""
    return Grant(frozenset(scopes), frozenset(funds), frozenset(projects), frozenset(sources))


class NotAuthenticated(Exception):
    """The credentials are invalid; `kind` is the problem type."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind
