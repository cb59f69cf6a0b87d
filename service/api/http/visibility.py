"""What a principal may read, and which answers the tables have: none about a fund that is held.

A view opens the tables by `tables()`, and names the funds and projects that its answer is about by `must_read` or
`must_find`, before or after it. A view that reads only the log or the ledger's states opens `reader().at()` instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import g

from service.api.http.problems import Problem
from service.api.http.request_context import principal, reader
from service.postgres.snapshots import Snapshot


def may_read(fund: str | None = None, project: str | None = None) -> bool:
    """Whether the principal may read this fund or project; with neither given, the whole ledger."""
    return principal().may("read", fund, project)


def must_find(fund: str, project: str | None = None) -> None:
    """Raises Problem `not-found` if the principal may not read this fund or project, to hide that it exists.

    Raises Problem `fund-held` if the answer is from the tables and the fund is held.
    """
    if not may_read(fund, project):
        raise Problem("not-found")
    _is_about(fund, project)


def must_read(fund: str | None = None, project: str | None = None) -> None:
    """Raises Problem `out-of-limits` if the principal may not read this fund or project (or, without either, all).

    Raises Problem `fund-held` if the answer is from the tables and the fund is held.
    """
    if not may_read(fund, project):
        raise Problem("out-of-limits", fund=fund, project=project)
    _is_about(fund, project)


def mentions(fund: str) -> None:
    """Raises Problem `fund-held` if the answer is from the tables and the fund is held."""
    _is_about(fund, None)


@contextmanager
def tables(min_position: int | None = None) -> Iterator[Snapshot]:
    """A snapshot of the tables that have folded `min_position`. Raises Problem `fund-held`; see also Reader.at."""
    with reader().at(min_position or 0) as snapshot:
        for fund, project in g.get("about", ()):
            _must_not_be_held(snapshot, fund, project)
        g.tables = snapshot
        try:
            yield snapshot
        finally:
            del g.tables


def as_of(snapshot: Snapshot) -> dict[str, Any]:
    """The `as_of` of an answer from the tables. A list over several funds names those that are held."""
    named = any(fund or project for fund, project in g.get("about", ()))
    held = [] if named else _held(snapshot)
    return {"position": snapshot.position, **({"held": held} if held else {})}


def absent(snapshot: Snapshot, **facts: Any) -> Problem:
    """The problem of a resource that is not in the tables: `not-found`, or `fund-held` if it may be in a held fund."""
    for each in _held(snapshot):
        return Problem("fund-held", **each)
    return Problem("not-found", **facts)


def _is_about(fund: str | None, project: str | None) -> None:
    g.setdefault("about", []).append((fund, project))
    if "tables" in g:
        _must_not_be_held(g.tables, fund, project)


def _must_not_be_held(snapshot: Snapshot, fund: str | None, project: str | None) -> None:
    if not snapshot.held:
        return
    of_project = snapshot.rows("funds_of_project", project=project) if project and not fund else ()
    for each in (fund, *(row["fund"] for row in of_project)):
        if each in snapshot.held:
            raise Problem("fund-held", fund=each, position=snapshot.held[each]["position"])


def _held(snapshot: Snapshot) -> list[dict[str, Any]]:
    """The held funds that the principal may read, or of which it may read a project."""
    if not snapshot.held:
        return []
    projects = {project for grant in principal().grants for project in grant.projects if may_read(project=project)}
    in_part = {row["fund"] for each in projects for row in snapshot.rows("funds_of_project", project=each)}
    return [
        {"fund": fund, "position": event["position"]}
        for fund, event in snapshot.held.items()
        if fund in in_part or may_read(fund)
    ]
