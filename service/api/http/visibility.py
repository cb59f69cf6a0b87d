"""What a principal may read. Whether the tables can answer at all is decided in `held_funds.py`."""

from __future__ import annotations

from service.api.http.problems import Problem
from service.api.http.request_context import principal


def may_read(fund: str | None = None, project: str | None = None) -> bool:
    """Whether the principal may read this fund or project or, if neither is given, the whole ledger."""
    return principal().may("read", fund, project)


def must_find(fund: str, project: str | None = None) -> None:
    """Raise Problem `not-found` if the principal may not read this fund or project.

    The problem does not disclose whether the fund or the project exists.
    """
    if not may_read(fund, project):
        raise Problem("not-found")


def must_read(fund: str | None = None, project: str | None = None) -> None:
    """Raise Problem `out-of-limits` if the principal may not read this fund or project.

    With neither given, the principal must be allowed to read the whole ledger.
    """
    if not may_read(fund, project):
        raise Problem("out-of-limits", fund=fund, project=project)
