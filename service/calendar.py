"""The Chinese working-day calendar, 调休 included. A year that is not published yet is unknown, never guessed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import chinese_calendar

SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")
"""China keeps one time all year since 1991."""


def today() -> date:
    """The day it is in Asia/Shanghai."""
    return datetime.now(UTC).astimezone(SHANGHAI).date()


def working_days(first: date, last: date) -> int | None:
    """How many working days lie between two days, both included; None if a year of them is unknown."""
    try:
        return len(chinese_calendar.get_workdays(first, last))
    except NotImplementedError:  # so the library says that a year is not published
        return None
