"""The examples of `suyuan run --example`: each loads into a ledger beside others, balances to the fen and is sound."""

import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from domain.money import Money
from service import example
from service.app import open_ledger
from service.check import KINDS, check
from service.cli import plan_table
from service.cli.run import _examples_of, _is_loaded
from service.config import Config
from service.example import units
from service.example.catalogue import DEFAULT, EXAMPLES
from service.plans import plan_file
from tests.conftest import new_database
from tests.service.commands import run_command
from tests.service.conftest import SECRET, build, close
from tests.service.test_kill import free_port

ACTOR = "示例·资金科赵某"
THREE, MANY = "three-levels-2022", "many-projects-2021"
NEW = [THREE, pytest.param(MANY, marks=pytest.mark.long("loads 6 000 posts"))]
HELD = (
    "pool", "line", "committed", "payable", "in_approval", "in_transit", "paid", "recovered", "surrendered",
)  # fmt: skip
"""The accounts of a total, which add up to what was appropriated."""


def load(ledger, name, on_post=lambda: None):
    """Record the whole example. Returns the number of its posts."""
    posts = 0

    def count():
        nonlocal posts
        posts += 1
        on_post()

    setup = list(plan_file.posts(plan_file.read(EXAMPLES[name].plan), ACTOR))
    post = example.poster(ledger, SECRET, count)
    for event in setup:
        post(event)
    EXAMPLES[name].play(post, setup, ledger.view().working_days)
    return posts


def log(url):
    """The content of all events in their order, without the time at which they were recorded."""
    with psycopg.connect(url) as conn:
        return conn.execute("select position, stream, version, type, fact from event order by position").fetchall()


def is_to_the_fen(total):
    return sum(Money.parse(total[account]) for account in HELD) == Money.parse(total["appropriated"])


@pytest.mark.parametrize("name", NEW)
def test_an_example_beside_others_is_recorded_once_balances_to_the_fen_and_is_sound(sample_copy, name):
    ledger = sample_copy.app.extensions["ledger"]
    if name == MANY:
        load(ledger, THREE)
    posts = load(ledger, name)
    assert posts == (EXAMPLES[name].posts or posts)
    before = log(sample_copy.url)
    assert load(ledger, name) == posts
    assert log(sample_copy.url) == before, "it was recorded again"
    sample_copy.fold()
    for fund in (DEFAULT, name):
        total = sample_copy.get(f"/v1/funds/{fund}/balances").json["total"]
        assert is_to_the_fen(total), total
        by_source = sample_copy.get(f"/v1/funds/{fund}/balances?by=source").json["rows"]
        assert all(is_to_the_fen(row) for row in by_source)
    found = check(sample_copy.url).findings
    assert [each for each in found if KINDS[each.kind].severity == "error"] == []
    assert raised(sample_copy, name) == ALERTS[name]
    assert {"number-shared", "account-shared", "recipient-twice"}.isdisjoint(raised(sample_copy, DEFAULT))
    answers_the_first_post(sample_copy, json.loads(EXAMPLES[name].confirmation.read_text(encoding="utf-8")))
    assert "in_transit" not in nonzero(sample_copy, name)


ALERTS = {
    THREE: {"unspent": 1, "source-behind": 1},
    MANY: {"unspent": 1, "never-paid": 1},
}
"""How many alerts of each kind an example raises: about its payment in transit, and about the money that is behind."""


def raised(api, fund):
    """How many alerts of each kind the fund raises, without the one that depends on the day of the test."""
    kinds = [each["alert"] for each in api.get(f"/v1/funds/{fund}/alerts").json["alerts"]]
    return {kind: kinds.count(kind) for kind in kinds if kind != "calendar-to-import"}


def answers_the_first_post(api, event):
    """The confirmation that `suyuan run` prints is recorded once, by the key for payments and with the right amount."""
    wrong = {**event, "data": {**event["data"], "amount": "1.00"}}
    assert api.post(event, "auditor").status_code == 403
    refused = api.post(wrong, "treasury")
    assert (refused.status_code, refused.json["rule"]) == (422, "AmountMismatch")
    assert [api.post(event, "treasury").status_code for _ in range(2)] == [201, 200]
    api.fold()


def nonzero(api, fund):
    total = api.get(f"/v1/funds/{fund}/balances").json["total"]
    return {account for account in HELD if Money.parse(total[account])}


@pytest.fixture(scope="module")
def three(server_url, template):
    """The service on a ledger with the example THREE alone, which tests only read."""
    with new_database(server_url, template) as url:
        api = build(url)
        load(api.app.extensions["ledger"], THREE)
        api.fold()
        yield api
        close(api)


def test_the_money_of_three_levels_arrives_over_two_years_and_is_followed_by_source(three):
    def rows(query=""):
        answer = three.get(f"/v1/funds/{THREE}/balances?by=source{query}").json["rows"]
        return [(row["source"], row["planned"], row["appropriated"], row["paid"]) for row in answer]

    assert [row[:3] for row in rows("&booked_on=2022-03-31")] == [
        ("中央", "6000000.00", "4000000.00"), ("省", "3000000.00", "0.00"), ("区", "3000000.00", "0.00"),
    ]  # fmt: skip
    assert rows("&booked_on=2022-12-31") == [
        ("中央", "6000000.00", "4000000.00", "4000000.00"),
        ("省", "3000000.00", "3000000.00", "2883686.25"),
        ("区", "3000000.00", "1000000.00", "961228.75"),
    ]
    assert rows() == [
        ("中央", "6000000.00", "6000000.00", "6000000.00"),
        ("省", "3000000.00", "3000000.00", "3000000.00"),
        ("区", "3000000.00", "2500000.00", "2300000.00"),
    ]
    requests = [each["data"] for each in three.get("/v1/events?type=PaymentRequested&limit=1000").json]
    named = {(each["batch"], each.get("funding_source")) for each in requests}
    assert named == {(1, "中央"), (2, "省"), (2, "区"), (3, "中央"), (3, "区")}
    carried = [each["data"] for each in three.get("/v1/events?type=YearCarriedForward").json]
    assert [each["amount"] for each in carried] == ["116313.75", "38771.25"]
    projects = three.get("/v1/projects").json["projects"]
    assert [each["status"] for each in projects] == ["closed", "open", "closed", "closed", "open"]


def test_the_console_names_a_document_and_a_year_of_the_fund_that_it_shows(three):
    page = three.get("/", key=None).text
    assert "/v1/documents/示例中央财〔2022〕8号" in page
    assert "booked_on=2023-12-31" in page
    assert three.get("/v1/documents/示例中央财〔2022〕8号").json["citations"]


def test_the_console_says_that_its_data_is_an_example_only_if_it_is(three, monkeypatch):
    assert "示例数据，承担单位均为虚构" in three.get("/", key=None).text
    monkeypatch.setitem(three.app.config, "EXAMPLE", None)
    page = three.get("/", key=None).text
    assert "示例数据" not in page
    assert "demo-keys" not in page


class Stopped(Exception):
    """The loading of an example was interrupted by the test."""


def test_an_example_whose_loading_is_interrupted_is_continued_to_the_same_log(server_url, template, three):
    with new_database(server_url, template) as url:
        for after in (1, 13, 14, 150, 413, 1_000):
            ledger = open_ledger(url)
            left = iter(range(after))

            def count():
                if next(left, None) is None:  # noqa: B023 - called in the same turn
                    raise Stopped

            with suppress(Stopped):
                load(ledger, THREE, count)
            ledger.close()
        assert log(url) == log(three.url)


@pytest.mark.long("starts `suyuan run` twice for each example")
@pytest.mark.parametrize("name", [THREE, MANY])
def test_an_example_whose_loading_is_killed_is_continued_to_the_same_log(server_url, template, tmp_path, name):
    with new_database(server_url, template) as whole, new_database(server_url, template) as url:
        ledger = open_ledger(whole)
        load(ledger, name)
        ledger.close()
        expected, some = log(whole), len(log(whole)) // 3
        with started(url, tmp_path, free_port(), "--example", name) as killed:
            while events(url) < some:
                assert killed.poll() is None, printed(tmp_path)
                time.sleep(0.02)
            killed.kill()
        assert some <= events(url) < len(expected)
        with started(url, tmp_path, port := free_port()) as again:
            while "停止 stop" not in printed(tmp_path):
                assert again.poll() is None, printed(tmp_path)
                time.sleep(0.05)
            again.terminate()
        assert log(url) == expected
    shown = printed(tmp_path)
    assert f"--data-binary @{EXAMPLES[name].confirmation} http://127.0.0.1:{port}/v1/events" in shown
    assert f"{name}: {EXAMPLES[name].about_zh}" in shown
    assert not set(shown) & set("\x1b⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"), "a spinner is shown in a file"


def started(url, home, port, *arguments):
    """A running `suyuan run` with these arguments, whose output is added to a file in `home`."""
    settings = {"DATABASE_URL": url, "SUYUAN_SECRET": SECRET.decode(), "SUYUAN_HOME": str(home), "PORT": str(port)}
    with (home / "printed").open("a", encoding="utf-8") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "service", "run", *arguments], env={**os.environ, **settings},
            stdout=file, stderr=subprocess.STDOUT,
        )  # fmt: skip


def printed(home):
    return (home / "printed").read_text(encoding="utf-8")


def events(url):
    with psycopg.connect(url) as conn, suppress(psycopg.errors.UndefinedTable):
        return conn.execute("select count(*) from event").fetchone()[0]
    return 0


def loads(url, name=None):
    return _examples_of(Config(Path(), "127.0.0.1", 0, url, SECRET, "/suyuan"), name)


def test_an_empty_ledger_gets_one_example_and_one_with_examples_keeps_them_and_may_get_another(api):
    assert loads(api.url) == {DEFAULT: False}
    assert loads(api.url, MANY) == {MANY: False}
    for event in list(plan_file.posts(plan_file.read(EXAMPLES[THREE].plan), ACTOR))[:1]:
        example.poster(api.app.extensions["ledger"], SECRET, lambda: None)(event)
    assert loads(api.url) == {THREE: False}
    assert loads(api.url, DEFAULT) == {THREE: False, DEFAULT: False}
    assert loads(api.url, THREE) == {THREE: False}


def test_a_ledger_of_other_data_gets_no_example(api):
    settings = {"notice_working_days": 5, "approvals": [], "acceptance_tries": 1}
    founded = api.event("FundEstablished", "fund/f", cites=("立项依据",), name="甲", settings=settings)
    assert api.post(founded, "all").status_code == 201
    assert loads(api.url) == loads(api.url, THREE) == {}


def test_an_example_with_the_code_of_another_fund_is_refused_with_the_reason_and_the_rest_goes_on(api, capsys):
    ledger = api.app.extensions["ledger"]
    setup = list(plan_file.posts(plan_file.read(EXAMPLES[THREE].plan), ACTOR))
    example.poster(ledger, SECRET, lambda: None)({**setup[0], "source": "/other"})
    assert not _is_loaded(ledger, SECRET, THREE)
    said = capsys.readouterr().out
    assert "示例未载入 the example is not loaded: three-levels-2022, established:" in said


def test_an_unknown_example_is_refused_in_both_languages_with_the_names_of_all(tmp_path):
    answer = run_command("run", "--example", "none", env={**os.environ, "SUYUAN_HOME": str(tmp_path / "home")})
    assert answer.returncode == 2
    for said in (*EXAMPLES, "须为", "is not one of"):
        assert said in answer.stderr
    assert not (tmp_path / "home").exists()


def test_the_help_of_run_says_what_each_example_is():
    shown = run_command("run", "--help", env=os.environ).stdout
    for name, each in EXAMPLES.items():
        assert f"{name:20} {each.about_zh} {each.about}" in shown


def test_everything_of_the_new_examples_is_marked_as_invented():
    for name in (THREE, MANY):
        plan = plan_file.read(EXAMPLES[name].plan).plan
        assert plan["fund"]["name"].startswith("示例")
        assert all(line["name"].startswith("示例") for line in plan["plan"]["projects"])
    assert len(plan["plan"]["projects"]) == 200


def test_the_invented_units_have_names_and_codes_of_their_own():
    invented = [each for place, region in (("三级", 1), ("群", 2)) for each in units.invent(place, region)]
    assert len({each.uscc for each in invented}) == len({each.name for each in invented}) == len(invented) == 1_920
    assert all(len(each.uscc) == 18 and each.name.startswith("示例") for each in invented)


def test_a_long_plan_is_printed_by_its_first_lines_and_its_total():
    cells = [{"batch": 1, "planned": "10000.00", "paid": "0.00", "name": "第一批"}]
    rows = [{"number": n, "name_annex": f"项目{n}", "awarded_count": 0, "award_rule": "exact", "awards": 1,
             "batches": cells} for n in range(1, 201)]  # fmt: skip
    shown = plan_table.table({"title": "计划", "rows": rows, "total": {"batches": cells}})
    names = list(shown.columns[1].cells)
    assert (names[49:], len(names)) == (["项目50", "另有 150 个项目 150 more projects", "合计 total"], 52)
