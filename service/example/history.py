"""What the invented histories of all examples have in common: the fund that the plan file's events set up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from service.example.steps import EventPoster, Post, Project, days, source_of

WorkingDays = Callable[[date, date], int | None]
"""The number of working days from one day to another, both inclusive; None if the calendar does not have them."""


def poster_of(post: Post, setup: Sequence[Mapping[str, Any]], series: str = "示例") -> EventPoster:
    """The poster of the history of the fund that the events `setup` established.

    `post` posts one CloudEvent and returns the new version of its stream. `series`: the beginning of the numbers of
    its documents.
    """
    return EventPoster(post, source_of(_fund(setup).partition("/")[2]), series)


def _fund(setup: Sequence[Mapping[str, Any]]) -> str:
    """The stream of the fund."""
    return str(setup[0]["subject"])


class History:
    """A part of the history of the fund that the events `setup` established. All parts are posted by one `poster`."""

    def __init__(self, poster: EventPoster, setup: Sequence[Mapping[str, Any]], working_days: WorkingDays) -> None:
        data = {event["type"]: event["data"] for event in setup}
        self._poster, self._working_days = poster, working_days
        self._fund = _fund(setup)
        self._drafted = data["PlanDrafted"]
        self._settings = data["FundEstablished"]["settings"]
        self._appropriated = data["AppropriationReceived"]
        self._received = [event["type"] for event in setup].index("AppropriationReceived") + 1
        self._established = date.fromisoformat(data["FundEstablished"]["occurred_on"])
        self._start = max(date.fromisoformat(event["data"]["occurred_on"]) for event in setup)
        self._projects = [self._project(line) for line in self._drafted["lines"]]

    def _project(self, line: Mapping[str, Any]) -> Project:
        return Project(line, self._fund.partition("/")[2])

    def _notice_ends(self, first: date) -> date:
        """The last day of a public notice from the day `first`, as short as the settings allow."""
        last = first
        while (self._working_days(first, last) or 0) < self._settings["notice_working_days"]:
            last += days(1)
        return last
