"""Authorization: what a principal may do (scopes), and in which funds, in which projects and for which sources."""

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
    "post:irregular",
    "post:finding",
    "post:note",
    "read",
    "admin",
)
POSTING = frozenset(SCOPES) - {"read", "admin"}
"""The scopes that allow to post events."""


@dataclass(frozen=True, slots=True)
class Grant:
    """Scopes, and the limits within which they are granted.

    The scopes hold in each of `funds` and each of `projects`, or everywhere if both are empty. Events can be posted
    with one of `sources` only: what a sender has posted, and the numbers that it has used up, are identified by its
    source, so nobody may use the source of another.
    """

    scopes: frozenset[str]
    funds: frozenset[str] = frozenset()
    projects: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()

    @property
    def limited(self) -> bool:
        return bool(self.funds or self.projects)

    def covers(self, scope: str, fund: str | None, project: str | None, source: str | None) -> bool:
        """Whether this grant allows `scope` in `fund`, or in `project` of that fund, for `source`.

        If `source` is None, the sources are not checked.
        """
        in_limits = not self.limited or fund in self.funds or project in self.projects
        return scope in self.scopes and in_limits and (source is None or source in self.sources)


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated client. Its name is recorded in the events that it posts, and so is the person, if it names one.

    `person`: who uses the key, as its operator has named them, or a token's subject with its issuer (`ISSUER#SUBJECT`).
    None if the key names nobody, such as that of a program which several people use.
    """

    name: str
    grants: tuple[Grant, ...]
    person: str | None = None

    def has(self, scope: str) -> bool:
        """Whether some grant has this scope, whatever its limits."""
        return any(scope in grant.scopes for grant in self.grants)

    @property
    def may_post(self) -> bool:
        """Whether some grant allows to post some type of event."""
        return any(grant.scopes & POSTING for grant in self.grants)

    def may(self, scope: str, fund: str | None = None, project: str | None = None, source: str | None = None) -> bool:
        """Whether a single grant allows `scope` in `fund` or `project`, for `source`. Grants are not combined.

        If `fund` and `project` are both None, the grant must allow `scope` everywhere in the ledger.
        """
        return any(grant.covers(scope, fund, project, source) for grant in self.grants)


def grant(
    scopes: Collection[str],
    funds: Collection[str] = (),
    projects: Collection[str] = (),
    sources: Collection[str] = (),
) -> Grant:
    """A Grant with these parts. They may be lists, because files and tables contain lists."""
    return Grant(frozenset(scopes), frozenset(funds), frozenset(projects), frozenset(sources))


class NotAuthenticated(Exception):
    """The client could not be authenticated; `kind` is the problem type."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind
