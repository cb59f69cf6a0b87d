"""The response types of checks of the ledger: the answer to a request for a check, and a check's status and report."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from msgspec import Meta

from service.api.response_types.every import Position


class CheckAsked(TypedDict):
    """A check that waits to be run; `check` is the URL of its result."""

    id: int
    check: str


class CheckRun(TypedDict):
    """A check of the ledger.

    `errors`: the number of findings of severity `error`, null unless `status` is `finished`.
    """

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
    """A difference between the stored data and what follows from the log or the rules."""

    kind: str
    severity: Literal["error", "note"]
    sentence: str
    sentence_zh: str
    facts: dict[str, Any]


class CheckReport(TypedDict):
    """The findings of a check of the log up to `head` and of the tables up to `position`.

    `counts` counts all findings; `findings` lists only the first few of each kind and table.
    """

    position: Position
    head: Position
    events: int
    rows: int
    errors: int
    counts: Annotated[dict[str, int], Meta(description="Findings by kind. 各类数量。")]
    findings: list[Finding]


class Check(CheckRun):
    """A check with its report. `report` is null unless `status` is `finished`."""

    report: NotRequired[CheckReport | None]
