"""The file of an invented calendar of 2027, as an official would write it, and functions that change the file."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from service.calendar import calendar_file
from service.calendar.calendar_file import CalendarFile
from service.calendar.working_days import YearCalendar

TEXT_2027 = """\
format: suyuan-calendar/1
year: 2027
documents:
  - {kind: 通知, number: 示例发明电〔2026〕7号, title: 关于2027年部分节假日安排的通知（示例）}
days_off:
  - {name: 元旦, first_day: 2027-01-01, last_day: 2027-01-03}
  - {name: 春节, first_day: 2027-02-04, last_day: 2027-02-11}
  - {name: 清明节, first_day: 2027-04-03, last_day: 2027-04-05}
  - {name: 劳动节, first_day: 2027-05-01, last_day: 2027-05-05}
  - {name: 端午节, first_day: 2027-06-09}
  - {name: 中秋节, first_day: 2027-09-15}
  - {name: 国庆节, first_day: 2027-10-01, last_day: 2027-10-07}
working_weekends: [2027-01-30, 2027-02-20, 2027-04-25, 2027-05-08, 2027-09-26, 2027-10-09]
"""


def _span(first: date, days: int) -> set[date]:
    return {first + timedelta(number) for number in range(days)}


CALENDAR_2027 = YearCalendar(
    2027,
    frozenset(
        _span(date(2027, 1, 1), 3)
        | _span(date(2027, 2, 4), 8)
        | _span(date(2027, 4, 3), 3)
        | _span(date(2027, 5, 1), 5)
        | _span(date(2027, 6, 9), 1)
        | _span(date(2027, 9, 15), 1)
        | _span(date(2027, 10, 1), 7)
    ),
    frozenset(date(2027, month, day) for month, day in ((1, 30), (2, 20), (4, 25), (5, 8), (9, 26), (10, 9))),
)
"""The calendar that the file TEXT_2027 describes."""


def changed(was: str, becomes: str) -> str:
    """The text of the file with `was` replaced by `becomes`."""
    assert TEXT_2027.count(was) == 1, was
    return TEXT_2027.replace(was, becomes)


def plain(year: int, *more_days_off: str) -> str:
    """The file of a calendar of `year` in which only the first of January and `more_days_off` (`MM-DD`) are off."""
    days = "".join(f"  - {{name: 另行放假, first_day: {year}-{day}}}\n" for day in more_days_off)
    return f"""\
format: suyuan-calendar/1
year: {year}
documents: [{{kind: 通知, number: 示例〔{year}〕1号, title: 示例}}]
days_off:
  - {{name: 元旦春节清明劳动端午中秋国庆, first_day: {year}-01-01}}
{days}working_weekends: []
"""


def read(text: str) -> CalendarFile:
    """The calendar that a file with this text describes."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "calendar.yaml"
        file.write_text(text, encoding="utf-8")
        return calendar_file.read(file)
