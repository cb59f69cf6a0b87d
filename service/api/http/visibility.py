"""How far a reader's key reaches: all of the books, or the funds and projects that it names."""

from __future__ import annotations

from service.api.http.problems import Problem
from service.api.http.request_context import principal


def may_read(fund: str | None = None, project: str | None = None) -> bool:
    """Whether the reader may see this fund or project; with nothing named: all of the books."""
    return principal().may("read", fund, project)


def must_find(fund: str, project: str | None = None) -> None:
    """Raises Problem if what was looked up lies outside the reader's limits: as if it were not there."""
    if not may_read(fund, project):
        raise Problem("not-found")


def must_read(fund: str | None = None, project: str | None = None) -> None:
    """Raises Problem if the reader may not see this fund or project, or, with nothing named, all of the books."""
    if not may_read(fund, project):
        raise Problem("out-of-limits", fund=fund, project=project)
