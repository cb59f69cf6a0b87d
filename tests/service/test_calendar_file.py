"""The file of a year's calendar is read as it is written, or refused with the line, the field and the reason."""

import re
from datetime import date, timedelta
from pathlib import Path
from textwrap import dedent

import pytest

from service.calendar import calendar_file
from service.calendar.working_days import Calendar, packaged_working_days
from service.yaml_file.document import FileWrong
from tests.service.calendar_files import CALENDAR_2027, TEXT_2027, changed, plain, read

ROOT = Path(__file__).parents[2]


def test_a_file_gives_the_days_of_its_year_and_its_documents():
    file = read(TEXT_2027)
    assert file.calendar == CALENDAR_2027
    assert [each["number"] for each in file.documents] == ["示例发明电〔2026〕7号"]
    assert file.content == TEXT_2027


def test_a_file_may_name_days_of_the_december_before_its_year():
    new_year = "元旦, first_day: 2026-12-30, last_day: 2027-01-01"
    text = changed("元旦, first_day: 2027-01-01, last_day: 2027-01-03", new_year)
    text = text.replace("[2027-01-30", "[2026-12-26, 2027-01-30")
    days = read(text).calendar
    assert {str(day) for day in days.days_off if day.year == 2026} == {"2026-12-30", "2026-12-31"}
    assert {str(day) for day in days.working_weekends if day.year == 2026} == {"2026-12-26"}


WRONG = [
    ("format: suyuan-calendar/1", "format: suyuan-calendar/2", 1, "format", "须为", "suyuan-calendar/1"),
    ("year: 2027", "year: 二〇二七", 2, "year", "须为整数", "whole number"),
    ("year: 2027", "year: 1999", 2, "year", "2004", "2199"),
    ("year: 2027", "yeer: 2027", 2, "yeer", "没有此字段", "no such field"),
    ("year: 2027", "year: 2027\nyear: 2027", 3, "YAML", "名称重复", "twice"),
    ("kind: 通知, ", "", 4, "documents[1].kind", "缺少此字段", "missing"),
    ("name: 端午节, ", "", 10, "days_off[5].name", "缺少此字段", "missing"),
    ("  - {name: 端午节, first_day: 2027-06-09}\n", "", 5, "days_off", "缺少法定节日 端午", "端午 is missing"),
    ("first_day: 2027-06-09", "first_day: 2027-06-31", 10, "days_off[5].first_day", "须为日期", "a day such as"),
    ("first_day: 2027-06-09", "first_day: 6月9日", 10, "days_off[5].first_day", "须为日期", "a day such as"),
    ("first_day: 2027-06-09", "first_day: 2028-06-09", 10, "days_off[5]", "2026-12-01", "2027-12-31"),
    ("first_day: 2027-06-09", "first_day: 2026-11-30", 10, "days_off[5]", "2026-12-01", "within"),
    ("last_day: 2027-05-05", "last_day: 2027-04-30", 9, "days_off[4]", "止不早于起", "end before it begins"),
    ("last_day: 2027-05-05", "last_day: 2027-10-05", 9, "days_off[4]", "不超过 15 天", "at most 15 days"),
    ("first_day: 2027-06-09", "first_day: 2027-05-05", 10, "days_off[5]", "05-05 已写在", "already in days_off[4]"),
    ("2027-05-08", "2027-05-01", 13, "working_weekends[4]", "2027-05-01 已写在", "already in days_off[4]"),
    ("2027-05-08", "2027-04-25", 13, "working_weekends[4]", "已写在", "already in working_weekends[3]"),
    ("2027-05-08", "2027-05-07", 13, "working_weekends[4]", "不是周六或周日", "not a Saturday or Sunday"),
    ("2027-05-08", "2028-01-01", 13, "working_weekends[4]", "须在", "within"),
    ("working_weekends: [", "working_days: [", 13, "working_days", "没有此字段", "no such field"),
]
"""A part of the file, the text that replaces it, and the resulting error: its line, its field and its reasons."""


@pytest.mark.parametrize("wrong", WRONG)
def test_an_error_has_its_line_its_field_and_its_reason_in_both_languages(wrong):
    was, becomes, line, path, zh, en = wrong
    with pytest.raises(FileWrong) as refused:
        read(changed(was, becomes))
    found = [each for each in refused.value.wrong if (each.line, each.path) == (line, path)]
    assert found, refused.value
    assert zh in found[0].zh
    assert en in found[0].en
    assert f":{line}: {path}: " in str(refused.value)


def test_all_errors_of_a_file_are_reported_in_the_order_of_its_lines():
    text = changed("2027-05-08", "2027-05-07").replace("first_day: 2027-06-09", "first_day: 2027-05-05")
    with pytest.raises(FileWrong) as refused:
        read(text)
    assert [each.line for each in refused.value.wrong] == [10, 13]


def test_a_file_that_is_not_utf_8_or_not_yaml_is_refused(tmp_path):
    file = tmp_path / "calendar.yaml"
    for content in (TEXT_2027.encode("gbk"), b"year: [", b"", b"- 1"):
        file.write_bytes(content)
        with pytest.raises(FileWrong):
            calendar_file.read(file)


def test_a_year_without_working_weekends_says_so():
    assert read(plain(2031)).calendar.working_weekends == frozenset()
    with pytest.raises(FileWrong):
        read(plain(2031).replace("working_weekends: []\n", ""))


@pytest.mark.parametrize("page", ["docs/calendar-format.md", "docs/zh/calendar.md"])
def test_the_example_of_the_documentation_is_the_year_2026_as_the_package_has_it(page):
    [example] = re.findall(
        r"^ *```yaml\n(.*?)^ *```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    imported = Calendar().with_year(read(dedent(example)).calendar)
    for day in (date(2026, 1, 1) + timedelta(number) for number in range(365)):
        assert imported.working_days(day, day) == packaged_working_days(day, day), day
