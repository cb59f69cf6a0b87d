"""Opens the tables of the projections for an answer, unless the answer is about a held fund.

A view calls `tables()` with the fund and the project that its answer is about. If the view learns the fund or the
project only from a row of the tables, it then calls `must_not_be_held()`. A view that reads only the log or the
ledger's states opens `reader().at()`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from service.api.http.problems import Problem
from service.api.http.request_context import principal, reader
from service.api.http.visibility import may_read
from service.postgres.snapshots import Snapshot


@contextmanager
def tables(min_position: int | None, fund: str | None = None, project: str | None = None) -> Iterator[Snapshot]:
    """Context manager: a snapshot of the tables for an answer about `fund` or `project`.

    In the snapshot, the tables are folded at least up to `min_position`. Raises Problem `fund-held` if `fund`
    is held or, without `fund`, if a fund that has `project` is held. If the principal may not read `fund`, its being
    held counts only if it has `project`. Raises NotInTheLog if the log has not reached `min_position`, and NotYet if
    the tables have not.
    """
    with reader().at(min_position or 0) as snapshot:
        if fund is None or may_read(fund) or has_project(snapshot, fund, project):
            must_not_be_held(snapshot, fund, project)
        yield snapshot


def must_not_be_held(snapshot: Snapshot, fund: str | None, project: str | None = None) -> None:
    """Raise Problem `fund-held` if `fund` is held.

    If `fund` is None, every fund that has `project` is checked instead.
    """
    if not snapshot.held:
        return
    of_project = snapshot.rows("funds_of_project", project=project) if project and not fund else ()
    for each in (fund, *(row["fund"] for row in of_project)):
        if each in snapshot.held:
            raise Problem("fund-held", fund=each, position=snapshot.held[each]["position"])


def has_project(snapshot: Snapshot, fund: str, project: str | None) -> bool:
    """Whether `project` is open in this fund or, before it is opened anywhere, is in the fund's plan."""
    return project is not None and {"fund": fund} in snapshot.rows("funds_of_project", project=project)


def existing_fund(snapshot: Snapshot, fund: str, project: str | None = None) -> dict[str, Any]:
    """The fund's row in the projections. Raises Problem `not-found` if there is no such fund.

    A principal who may read only `project` gets the same answer if the project is in another fund.
    """
    row = snapshot.one("funds", fund=fund)
    if row is None or (project and not may_read(fund) and not has_project(snapshot, fund, project)):
        raise Problem("not-found", fund=fund)
    return row


def as_of(snapshot: Snapshot, fund: str | None = None, project: str | None = None) -> dict[str, Any]:
    """The member `as_of` of a list that was read from the tables.

    If the list is limited to neither a fund nor a project, `as_of` also names the held funds.
    """
    held = [] if fund or project else _held(snapshot)
    return {"position": snapshot.position, **({"held": held} if held else {})}


def absent(snapshot: Snapshot, **facts: Any) -> Problem:
    """The problem to report for a resource that is not in the tables.

    If the principal may read a held fund, completely or in part, the problem is `fund-held`, because that fund may have
    the resource. Otherwise the problem is `not-found`, with `facts` as extra members.
    """
    for each in _held(snapshot):
        return Problem("fund-held", **each)
    return Problem("not-found", **facts)


def _held(snapshot: Snapshot) -> list[dict[str, Any]]:
    """The held funds that the principal may read, either completely or in at least one project."""
    if not snapshot.held:
        return []
    projects = {project for grant in principal().grants for project in grant.projects if may_read(project=project)}
    in_part = {row["fund"] for each in projects for row in snapshot.rows("funds_of_project", project=each)}
    return [
        {"fund": fund, "position": event["position"]}
        for fund, event in snapshot.held.items()
        if fund in in_part or may_read(fund)
    ]
