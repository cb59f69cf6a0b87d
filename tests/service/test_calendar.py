"""The working days of China, by the State Council's notice of each year. A notice is imported or in the package."""

from datetime import date, timedelta
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from service.calendar.working_days import Calendar, YearCalendar, packaged_working_days
from tests.service.calendar_files import CALENDAR_2027

PACKAGE = Calendar()
WITH_2027 = PACKAGE.with_year(CALENDAR_2027)


def test_a_public_holiday_is_no_working_day_and_its_make_up_weekend_day_is_one():
    assert PACKAGE.working_days(date(2019, 5, 1), date(2019, 5, 4)) == 0, "the holiday of 1 to 4 May"
    assert PACKAGE.working_days(date(2019, 5, 5), date(2019, 5, 5)) == 1, "a Sunday that was worked instead"
    assert PACKAGE.working_days(date(2019, 4, 26), date(2019, 5, 6)) == 6, (
        "one Sunday of each of the two weekends was worked"
    )
    assert PACKAGE.working_days(date(2024, 2, 10), date(2024, 2, 18)) == 1


def test_the_working_days_of_a_year_that_is_neither_published_nor_imported_are_unknown():
    assert PACKAGE.working_days(date(2003, 12, 30), date(2004, 1, 5)) is None
    assert PACKAGE.working_days(date(2030, 12, 30), date(2031, 1, 5)) is None
    assert WITH_2027.working_days(date(2027, 12, 31), date(2028, 1, 1)) is None


def test_an_imported_year_has_its_days_off_and_working_weekends_and_weekends_else():
    assert WITH_2027.working_days(date(2027, 2, 4), date(2027, 2, 11)) == 0, "the Spring Festival"
    assert WITH_2027.working_days(date(2027, 1, 30), date(2027, 1, 31)) == 1, "a Saturday that is worked"
    assert WITH_2027.working_days(date(2027, 3, 1), date(2027, 3, 7)) == 5, "an ordinary week"


def test_an_imported_year_wins_over_the_package():
    day = date(2026, 5, 20)
    amended = PACKAGE.with_year(YearCalendar(2026, frozenset({day}), frozenset()))
    assert (PACKAGE.working_days(day, day), amended.working_days(day, day)) == (1, 0)


def test_the_notice_of_a_year_may_name_days_of_the_december_before_it():
    named = YearCalendar(2031, frozenset({date(2030, 12, 31)}), frozenset({date(2030, 12, 28)}))
    plain = PACKAGE.with_year(YearCalendar(2030, frozenset({date(2030, 1, 1)}), frozenset({date(2030, 12, 29)})))
    both = plain.with_year(named)
    week = date(2030, 12, 23), date(2030, 12, 31)
    assert plain.working_days(*week) == 8, "seven weekdays, and the Sunday that the notice of 2030 names"
    assert both.working_days(*week) == 8, "the Saturday of the later notice is worked too, the 31st is not"
    assert both.working_days(date(2030, 12, 31), date(2030, 12, 31)) == 0
    of_2027 = YearCalendar(2027, frozenset({date(2026, 12, 31)}), frozenset())
    assert PACKAGE.with_year(of_2027).working_days(date(2026, 12, 31), date(2026, 12, 31)) == 0, "also over the package"
    assert PACKAGE.working_days(date(2026, 12, 31), date(2026, 12, 31)) == 1


def of_the_package(year):
    """The calendar of `year` that the package contains, in the form of an imported calendar."""
    days = [date(year, 1, 1) + timedelta(number) for number in range(366)]
    worked = {day: packaged_working_days(day, day) for day in days if day.year == year}
    off = frozenset(day for day, is_worked in worked.items() if day.weekday() < 5 and not is_worked)
    return YearCalendar(year, off, frozenset(day for day in worked if day.weekday() >= 5 and worked[day]))


@cache
def imported_from_the_package():
    imported = PACKAGE
    for year in range(2018, 2027):
        imported = imported.with_year(of_the_package(year))
    return imported


@settings(max_examples=100, deadline=None)
@given(st.dates(date(2018, 1, 1), date(2025, 12, 31)), st.integers(0, 400))
def test_years_imported_as_the_package_has_them_give_the_same_working_days(first, length):
    imported = imported_from_the_package()
    last = min(first + timedelta(length), date(2026, 12, 31))
    assert imported.working_days(first, last) == PACKAGE.working_days(first, last) == packaged_working_days(first, last)
