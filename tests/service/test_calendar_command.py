"""The command `suyuan calendar`, and the answers of the API before and after an import."""

import getpass
import json
import re
from datetime import date, timedelta
from itertools import count

import pytest

from domain.fund.lifecycle import SettingsChanged
from domain.state.fund import Settings
from service import calendar
from service.calendar.working_days import Calendar
from service.ledger.application import Ledger
from service.look_alikes import alike
from tests.lives import FUND, allotted, line, reviewed
from tests.posting import open_ledger, put
from tests.scenario import calendar_days, post
from tests.service.calendar_files import TEXT_2027, changed, plain
from tests.service.test_cli import chinese, run, without_database


@pytest.fixture
def write(tmp_path):
    def write_file(text, name="calendar.yaml"):
        file = tmp_path / name
        file.write_text(text, encoding="utf-8")
        return str(file)

    return write_file


def command(api, *arguments):
    return run(api, "calendar", *arguments)


def test_an_import_prints_what_the_operator_compares_with_the_notice_and_logs_a_line(api, write):
    done = command(api, "import", write(TEXT_2027), "--actor", "示例·张某")
    assert done.returncode == 0, done.stderr
    assert "已导入 imported" in done.stdout
    off, worked, days = re.search(r"off (\d+), .* weekends (\d+), .* days (\d+);", done.stdout).groups()
    weekdays = sum((date(2027, 1, 1) + timedelta(number)).weekday() < 5 for number in range(365))
    holidays = 28 - 10  # of the days off, ten are weekend days
    assert (int(off), int(worked), int(days)) == (28, 6, weekdays - holidays + 6)
    [logged] = [json.loads(row) for row in done.stderr.splitlines() if "calendar imported" in row]
    assert (logged["year"], logged["actor"], logged["position"]) == (2027, "示例·张某", 0)


def test_importing_again_says_that_nothing_changed_and_another_content_asks_for_replace(api, write):
    first, other = write(TEXT_2027), write(changed("first_day: 2027-06-09", "first_day: 2027-06-10"), "other.yaml")
    assert command(api, "import", first).returncode == 0
    again = command(api, "import", first)
    assert (again.returncode, "未作改动" in again.stdout, "nothing changed" in again.stdout) == (0, True, True)
    refused = command(api, "import", other)
    assert (refused.returncode, "--replace" in refused.stderr, chinese(refused.stderr)) == (2, True, True)
    assert "已更换 replaced" in command(api, "import", other, "--replace").stdout
    listed = json.loads(command(api, "list", "--json").stdout)
    assert [(each["year"], each["state"]) for each in listed] == [(2027, "replaced"), (2027, "in force")]
    assert {each["actor"] for each in listed} == {getpass.getuser()}, (
        "without --actor, the user of the operating system"
    )
    table = command(api, "list").stdout
    assert [state in table for state in ("replaced", "in force", "示例发明电〔2026〕7号")] == [True] * 3


def test_an_export_is_the_file_that_was_in_force_at_a_position(api, write):
    with open_ledger(api.url) as ledger:
        head = put(ledger, allotted(line()))
        assert command(api, "import", write(plain(2031, "03-03"))).returncode == 0
        put(ledger, reviewed())
    assert command(api, "import", write(plain(2031)), "--replace").returncode == 0
    assert command(api, "export", "2031").stdout == plain(2031)
    assert command(api, "export", "2031", "--at", str(head + 1)).stdout == plain(2031, "03-03")
    for arguments in (["2031", "--at", str(head)], ["2032"]):
        refused = command(api, "export", *arguments)
        assert (refused.returncode, chinese(refused.stderr)) == (2, True)


def test_an_auditor_reads_the_calendars_with_their_files_over_http(api, write):
    assert api.get("/v1/calendars").json == {"calendars": []}
    for text in (plain(2031, "03-03"), plain(2031)):
        assert command(api, "import", write(text), "--replace", "--actor", "甲").returncode == 0
    listed = api.get("/v1/calendars").json["calendars"]
    assert [(each["state"], each["content"], each["actor"]) for each in listed] == [
        ("replaced", plain(2031, "03-03"), "甲"),
        ("in force", plain(2031), "甲"),
    ]
    assert api.get("/v1/calendars", "operator").status_code == 403, "it needs the scope read"


def test_a_wrong_file_is_reported_by_line_and_imports_nothing(api, write):
    file = write(changed("2027-05-08", "2027-05-07"))
    refused = command(api, "import", file)
    assert refused.returncode == 1
    assert f"{file}:13: working_weekends[4]: 2027-05-07 不是周六或周日 2027-05-07 is not a Saturday or Sunday" in (
        refused.stderr
    )
    assert "Traceback" not in refused.stderr
    assert json.loads(command(api, "list", "--json").stdout) == []
    assert command(api, "import", write(TEXT_2027), "--actor", " ").returncode == 2


def test_a_file_is_checked_without_a_ledger(tmp_path, write):
    good = without_database(tmp_path / "home", "calendar", "import", "--check", write(TEXT_2027))
    assert (good.returncode, "放假安排有效" in good.stdout) == (0, True), good.stderr
    assert not (tmp_path / "home").exists()


def test_without_a_ledger_nothing_is_imported_or_created(tmp_path, write):
    refused = without_database(tmp_path / "home", "calendar", "import", write(TEXT_2027))
    assert (refused.returncode, "没有账簿" in refused.stderr) == (2, True)
    assert not (tmp_path / "home").exists()


# The service, which runs all the while


@pytest.fixture
def december(api):
    """The service on 28 December 2030, with a reviewed round. The calendar ends with 2030."""
    api.app.extensions["ledger"].close()
    today = date(2030, 12, 28)
    api.app.extensions["ledger"] = Ledger(
        api.url, today=lambda: today, working_days=calendar_days, valid_uscc=lambda _: True, alike=alike
    )
    with open_ledger(api.url) as ledger:
        put(ledger, (*allotted(line()), *reviewed()))
    api.fold()
    return api


def notice_step(api):
    steps = api.get("/v1/projects/p/why?batch=1").json["steps"]
    return next(each for each in steps if each["event"] == "NoticeStarted")


def test_why_proposes_no_days_until_the_next_year_is_imported_and_then_those_that_are_accepted(december, write):
    step = notice_step(december)
    [condition] = step["conditions"]
    assert not step["may_be_posted"]
    assert not {"first_day", "last_day"} & step["about"].keys()
    assert (condition["missing"]["rule"], condition["missing"]["facts"]["year"]) == ("CalendarUnknown", 2031)
    assert "suyuan calendar import" in condition["missing"]["remedy"]
    assert "suyuan calendar import" in condition["missing"]["remedy_zh"]
    assert command(december, "import", write(plain(2031))).returncode == 0
    step = notice_step(december)
    assert step["may_be_posted"]
    assert (step["about"]["first_day"], step["about"]["last_day"]) == ("2030-12-28", "2031-01-02")
    days = {name: step["about"][name] for name in ("first_day", "last_day")}
    listed = [{"application": "A-a", "amount": "1.00"}]
    event = december.event("NoticeStarted", "project/p", "2030-12-28", cites=["公示"], applications=listed, **days)
    assert december.post(event, "all").status_code == 201


def test_a_fund_has_the_alert_until_the_next_year_is_imported(december, write):
    def alerts():
        found = december.get("/v1/funds/f/alerts").json["alerts"]
        return [each for each in found if each["alert"] == "calendar-to-import"]

    [alert] = alerts()
    assert (alert["urgency"], alert["due_on"], alert["facts"], alert["events"]) == (
        "due", "2030-12-31", {"year": 2031}, [],
    )  # fmt: skip
    assert alert["rule"] == "CalendarUnknown"
    assert command(december, "import", write(plain(2031))).returncode == 0
    assert alerts() == []


def test_a_refused_notice_says_which_year_to_import(december):
    listed = [{"application": "A-a", "amount": "1.00"}]
    days = {"first_day": "2030-12-28", "last_day": "2031-01-10"}
    event = december.event("NoticeStarted", "project/p", "2030-12-28", cites=["公示"], applications=listed, **days)
    refused = december.post(event, "all")
    assert (refused.status_code, refused.json["rule"], refused.json["facts"]["year"]) == (422, "CalendarUnknown", 2031)
    assert "2031 年的放假安排" in refused.json["title_zh"] + refused.json.get("detail_zh", "")


def test_the_metrics_count_the_days_until_the_calendar_ends(api, write):
    def days():
        text = api.get("/metrics", "operator").text
        return int(float(re.search(r"^suyuan_calendar_days (\S+)$", text, re.MULTILINE)[1]))

    def last_day():
        return calendar.today() + timedelta(days())

    before = last_day()
    this_year = calendar.today().year
    unknown = next(
        year for year in count(this_year) if Calendar().working_days(date(year, 1, 1), date(year, 1, 1)) is None
    )
    assert command(api, "import", write(plain(unknown))).returncode == 0
    assert last_day() - before >= timedelta(364)


def test_settings_that_ask_for_more_days_than_the_calendar_has_get_no_proposal(december, write):
    assert command(december, "import", write(plain(2031))).returncode == 0
    with open_ledger(december.url) as ledger:
        put(ledger, [post(FUND, SettingsChanged(Settings(400, (), 1)), "3-1")])
    assert not {"first_day", "last_day"} & notice_step(december)["about"].keys()
