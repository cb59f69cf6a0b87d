"""The format `suyuan-calendar/1`: the holidays of a year, as an official copies them from the State Council's notice.

Every error is reported with its line, its field, and what is allowed there. docs/calendar-format.md explains the
fields.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from msgspec import Struct

from service.calendar.working_days import SATURDAY, YearCalendar
from service.yaml_file.document import FileWrong, document_of, text_of
from service.yaml_file.kinds import DAY, TEXT, WHOLE, Reading, block, many, one_of, wrong_at

FIRST_YEAR, LAST_YEAR = 2004, 2199
"""The first and last year whose calendar can be imported; 2199 is also the last year that posts may name."""
MAX_HOLIDAY_DAYS = 15
"""A holiday with more days than this is rejected as a slip of the pen; the longest so far had ten days (2020)."""
STATUTORY = ("元旦", "春节", "清明", "劳动", "端午", "中秋", "国庆")
"""The statutory public holidays (全国年节及纪念日放假办法). A file that lacks one of them is incomplete."""

HOLIDAY = block({"name": TEXT, "first_day": DAY}, {"last_day": DAY})
DOCUMENT = block({"kind": TEXT, "number": TEXT, "title": TEXT}, {"issuer": TEXT, "date": DAY})
FILE = block(
    {
        "format": one_of("suyuan-calendar/1"),
        "year": WHOLE,
        "documents": many(DOCUMENT),
        "days_off": many(HOLIDAY),
        "working_weekends": many(DAY, min_items=0),
    }
)


class CalendarFile(Struct, frozen=True):
    """A year's calendar, the documents that it was taken from, and the file's text."""

    calendar: YearCalendar
    documents: list[dict[str, Any]]
    content: str


class _Days:
    """The days that a calendar file names, each with the path of its field, and the errors found so far."""

    def __init__(self, year: int) -> None:
        self.first, self.last = date(year - 1, 12, 1), date(year, 12, 31)
        self.days: dict[date, str] = {}
        self.wrong: list[tuple[str, str, str]] = []

    def add(self, first: date, last: date, path: str) -> None:
        if not self.first <= first <= last <= self.last:
            allowed = f"{self.first} … {self.last}"
            order = ("，且止不早于起", ", and not end before it begins") if first != last else ("", "")
            self._refuse(path, f"须在 {allowed} 内{order[0]}", f"it must be within {allowed}{order[1]}")
        elif (last - first).days >= MAX_HOLIDAY_DAYS:
            self._refuse(
                path, f"一个假期不超过 {MAX_HOLIDAY_DAYS} 天", f"a holiday has at most {MAX_HOLIDAY_DAYS} days"
            )
        else:
            for number in range((last - first).days + 1):
                self._add(first + timedelta(days=number), path)

    def _add(self, day: date, path: str) -> None:
        if day in self.days:
            self._refuse(path, f"{day} 已写在 {self.days[day]}", f"{day} is already in {self.days[day]}")
        elif path.startswith("working_weekends") and day.weekday() < SATURDAY:
            self._refuse(path, f"{day} 不是周六或周日", f"{day} is not a Saturday or Sunday")
        self.days.setdefault(day, path)

    def _refuse(self, path: str, zh: str, en: str) -> None:
        self.wrong.append((path, zh, en))


def read(file: Path) -> CalendarFile:
    """The calendar in `file`.

    Raises FileWrong if the file is not in the format, FileUnreadable if the file is too large, and OSError if the file
    cannot be opened or read.
    """
    content = text_of(file)
    document = document_of(file, content)
    reading = Reading()
    parsed = FILE(document, "", reading)
    if not reading.wrong:
        days, wrong = _days(parsed)
        reading.wrong += [wrong_at(document, *each) for each in wrong]
    if reading.wrong:
        raise FileWrong(file, reading.wrong)
    off = frozenset(day for day, path in days.items() if path.startswith("days_off"))
    calendar = YearCalendar(parsed["year"], off, frozenset(days) - off)
    return CalendarFile(calendar, parsed["documents"], content)


def _days(parsed: Mapping[str, Any]) -> tuple[dict[date, str], list[tuple[str, str, str]]]:
    """The days that the parsed calendar file names, and the errors found in them.

    Returns two values. The first maps each day to the path of the field that names the day. The second is the list of
    errors; each has the path of a field, the reason in Chinese, and the reason in English.
    """
    if not FIRST_YEAR <= parsed["year"] <= LAST_YEAR:
        allowed = f"{FIRST_YEAR} … {LAST_YEAR}"
        return {}, [("year", f"须在 {allowed} 内", f"it must be within {allowed}")]
    days = _Days(parsed["year"])
    for number, holiday in enumerate(parsed["days_off"], 1):
        first, last = holiday["first_day"], holiday.get("last_day", holiday["first_day"])
        days.add(date.fromisoformat(first), date.fromisoformat(last), f"days_off[{number}]")
    for number, day in enumerate(parsed["working_weekends"], 1):
        days.add(date.fromisoformat(day), date.fromisoformat(day), f"working_weekends[{number}]")
    return days.days, [*days.wrong, *_missing(parsed["days_off"])]


def _missing(holidays: list[dict[str, str]]) -> Iterator[tuple[str, str, str]]:
    names = " ".join(each["name"] for each in holidays)
    for name in STATUTORY:
        if name not in names:
            yield "days_off", f"缺少法定节日 {name}", f"the statutory holiday {name} is missing"
