"""The Chinese working-day calendar, with 调休. A year whose calendar is not published yet is unknown, never guessed.

`working_days` counts working days, `calendar_file` reads the file in which an official writes a year's calendar, and
`imports` stores the imported calendars.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")
"""The time zone of all dates. A fixed offset from UTC is enough, because China has had no daylight saving time since
1991."""


def today() -> date:
    """The current date in Asia/Shanghai."""
    return datetime.now(UTC).astimezone(SHANGHAI).date()
