"""The Chinese working-day calendar, with 调休. A year whose calendar is not published yet is unknown, never guessed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import chinese_calendar

SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")
"""China has had no daylight saving time since 1991."""


def today() -> date:
    """The current date in Asia/Shanghai."""
    return datetime.now(UTC).astimezone(SHANGHAI).date()


def working_days(first: date, last: date) -> int | None:
    """The number of working days from `first` to `last`, both included; None if the calendar of a year is unknown."""
    try:
        return len(chinese_calendar.get_workdays(first, last))
    except NotImplementedError:  # the library's way to say that the calendar of a year is not published
        return None
