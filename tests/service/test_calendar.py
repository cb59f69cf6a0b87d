"""The working days of China, as published by the State Council."""

from datetime import date

from service import calendar


def test_a_public_holiday_is_no_working_day_and_its_make_up_weekend_day_is_one():
    assert calendar.working_days(date(2019, 5, 1), date(2019, 5, 4)) == 0, "the holiday of 1 to 4 May"
    assert calendar.working_days(date(2019, 5, 5), date(2019, 5, 5)) == 1, "a Sunday that was worked instead"
    assert calendar.working_days(date(2019, 4, 26), date(2019, 5, 6)) == 6, (
        "one Sunday of each of the two weekends was worked"
    )
    assert calendar.working_days(date(2024, 2, 10), date(2024, 2, 18)) == 1


def test_the_working_days_of_an_unpublished_year_are_unknown():
    assert calendar.working_days(date(2003, 12, 30), date(2004, 1, 5)) is None
    assert calendar.working_days(date(2026, 12, 30), date(2031, 1, 5)) is None
