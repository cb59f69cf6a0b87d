"""What a principal may read. Whether the tables can answer at all is decided in `held_funds.py`."""

from __future__ import annotations

from flask import g

from service.api.http.problems import Problem
from service.api.http.request_context import principal, reader


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


def can_read(stream: str) -> bool:
    """Whether the principal may read the stream of a fund or project."""
    return may_read(fund_of(stream), project_of(stream))


def project_of(stream: str) -> str | None:
    """The code of the project whose stream this is; None if it is the stream of a fund."""
    kind, _, code = stream.partition("/")
    return code if kind == "project" else None


def fund_of(stream: str) -> str | None:
    """The fund of the stream of a fund or project. None if the log has no such project. Cached for the request."""
    project = project_of(stream)
    if project is None:
        return stream.partition("/")[2]
    cache: dict[str, str | None] = g.setdefault("funds_of_streams", {})
    if stream not in cache:
        cache[stream] = _look_up_fund(stream)
    return cache[stream]


def _look_up_fund(stream: str) -> str | None:
    with reader().at() as snapshot:
        row = snapshot.one("stream_fund", stream=stream)
    return row["fund"] if row else None


def limits() -> tuple[list[str], list[str]] | None:
    """The funds and the projects that the principal may read; None if it may read the whole ledger."""
    if may_read():
        return None
    grants = [grant for grant in principal().grants if "read" in grant.scopes]
    return sorted({each for grant in grants for each in grant.funds}), sorted(
        {each for grant in grants for each in grant.projects}
    )


def is_limited() -> bool:
    """Whether every grant of the principal is limited to some funds or projects."""
    return all(grant.limited for grant in principal().grants)


def is_within_limits(stream: str) -> bool:
    """Whether some grant of the principal covers the stream of a fund or project, whatever its scopes."""
    if not is_limited():
        return True
    grants, project = principal().grants, project_of(stream)
    if any(project in grant.projects for grant in grants):
        return True
    fund = fund_of(stream)
    return any(fund in grant.funds for grant in grants)
