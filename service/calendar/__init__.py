"""The Chinese working-day calendar, with 调休. A year whose calendar is not published yet is unknown, never guessed.

`working_days` counts by it, `calendar_file` reads a year's calendar as an official writes it, `imports` keeps what was
imported.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")
"""China has had no daylight saving time since 1991."""


def today() -> date:
    """The current date in Asia/Shanghai."""
    return datetime.now(UTC).astimezone(SHANGHAI).date()
