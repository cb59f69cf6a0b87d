"""What the invented histories of all examples have in common: the fund that the plan file's events set up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from service.example.steps import EventPoster, Post, Project, days, source_of

WorkingDays = Callable[[date, date], int | None]
"""The number of working days from one day to another, both inclusive; None if the calendar does not have them."""


class History:
    """The history of the fund that the events `setup` established. `post` posts one event, as EventPoster needs it.

    `series`: the beginning of the numbers of its documents.
    """

    def __init__(
        self, post: Post, setup: Sequence[Mapping[str, Any]], working_days: WorkingDays, series: str = "示例"
    ) -> None:
        data = {event["type"]: event["data"] for event in setup}
        self._fund = str(setup[0]["subject"])
        code = self._fund.partition("/")[2]
        self._poster = EventPoster(post, source_of(code), series)
        self._working_days = working_days
        self._settings = data["FundEstablished"]["settings"]
        self._appropriated = data["AppropriationReceived"]
        self._received = [event["type"] for event in setup].index("AppropriationReceived") + 1
        self._established = date.fromisoformat(data["FundEstablished"]["occurred_on"])
        self._start = max(date.fromisoformat(event["data"]["occurred_on"]) for event in setup)
        self._projects = [Project(line, code) for line in data["PlanDrafted"]["lines"]]

    def _notice_ends(self, first: date) -> date:
        """The last day of a public notice from the day `first`, as short as the settings allow."""
        last = first
        while (self._working_days(first, last) or 0) < self._settings["notice_working_days"]:
            last += days(1)
        return last
