"""The forms of checks: what was asked for, and what was found."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from msgspec import Meta

from service.api.response_types.every import Position


class CheckAsked(TypedDict):
    """A check that is waiting to be run, and where to ask for its result."""

    id: int
    check: str


class CheckRun(TypedDict):
    """One check. `errors` is null until it is finished, and if it failed."""

    id: int
    asked_at: datetime
    asked_by: str
    status: Literal["waiting", "running", "finished", "failed"]
    started_at: datetime | None
    finished_at: datetime | None
    errors: int | None


class Checks(TypedDict):
    checks: list[CheckRun]


class Finding(TypedDict):
    """Something that is not as the log, or the rules, say."""

    kind: str
    severity: Literal["error", "note"]
    sentence: str
    sentence_zh: str
    facts: dict[str, Any]


class CheckReport(TypedDict):
    """What a check found, of the log up to `head`, of the tables up to `position`. All is counted, some is shown."""

    position: Position
    head: Position
    events: int
    rows: int
    errors: int
    counts: Annotated[dict[str, int], Meta(description="Findings by kind. 各类数量。")]
    findings: list[Finding]


class Check(CheckRun):
    report: NotRequired[CheckReport | None]
