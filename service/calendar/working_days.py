"""The calendar by which working days are counted: imported years, and the chinesecalendar package for the others."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

import chinese_calendar
from immutables import Map
from msgspec import Struct
from msgspec.structs import replace

WorkingDays = Callable[[date, date], int | None]
"""A function that takes two days, and returns the number of working days from the first to the second, both included.
It returns None if the year of a day in this span has no known calendar."""
SATURDAY = 5


def packaged_working_days(first: date, last: date) -> int | None:
    """The number of working days from `first` to `last`, both included, by the chinesecalendar package.

    None if the package lacks the year of one of these days. The package has the years from 2004 to the last one whose
    calendar was published before the package's release.
    """
    try:
        return len(chinese_calendar.get_workdays(first, last))
    except NotImplementedError:  # the library's way to say that the calendar of a year is not published
        return None


class YearCalendar(Struct, frozen=True):
    """What the State Council's notice of a year says: the days off, and the weekend days that are worked (调休上班).

    New Year's holiday can begin in December, so a notice may also name days of the December before its year.
    """

    year: int
    days_off: frozenset[date]
    working_weekends: frozenset[date]

    def worked(self, day: date) -> bool | None:
        """Whether `day` is a working day by the State Council's notice; None if the notice does not name `day`."""
        return False if day in self.days_off else True if day in self.working_weekends else None


class Calendar(Struct, frozen=True):
    """The calendar of a ledger, identified by the time of its last import, `imported_at`."""

    packaged: WorkingDays = packaged_working_days
    years: Map[int, YearCalendar] = Map()
    imported_at: datetime | None = None

    def with_year(self, calendar: YearCalendar) -> Calendar:
        """The ledger's calendar after the import of `calendar`, which replaces an earlier import of the same year."""
        return replace(self, years=self.years.set(calendar.year, calendar))

    def working_days(self, first: date, last: date) -> int | None:
        """The number of working days from `first` to `last`, both included.

        None if the calendar of the year of one of these days is unknown.
        """
        total = 0
        for number in range((last - first).days + 1):
            worked = self._worked(first + timedelta(days=number))
            if worked is None:
                return None
            total += worked
        return total

    def _worked(self, day: date) -> int | None:
        """1 for a working day, 0 for a day off, None if the year is unknown.

        For a day in December, the next year's notice takes precedence, because it is published later.
        """
        for year in (day.year + 1, day.year):
            worked = self.years[year].worked(day) if year in self.years else None
            if worked is not None:
                return int(worked)
        return int(day.weekday() < SATURDAY) if day.year in self.years else self.packaged(day, day)
