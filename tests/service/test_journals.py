"""hledger and beancount, which nobody here wrote, find that the journals add up to the balances that they state."""

import re
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

from bench import mixed_log
from service.export.journal import DIALECTS
from service.workers import projector
from tests.service.conftest import build, close

HLEDGER = shutil.which("hledger")
needs_hledger = pytest.mark.skipif(not HLEDGER, reason="hledger is a Debian package; .ci/run installs it")
CHECKERS = [pytest.param("hledger", marks=needs_hledger), "beancount"]
FUND = "yx-ip-2018"


def checked(form, text, folder):
    """What the program says of a journal; nothing if all is right."""
    file = folder / f"journal.{form}"
    file.write_text(text, encoding="utf-8")
    bean_check = Path(sys.executable).parent / "bean-check"
    command = [HLEDGER, "-f", file, "check"] if form == "hledger" else [bean_check, file]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return (answer.stdout + answer.stderr).strip() or ("" if answer.returncode == 0 else "it has failed")


@pytest.mark.parametrize("form", CHECKERS)
def test_the_example_s_journal_adds_up(played, form, tmp_path):
    answer = played.get(f"/v1/funds/{FUND}/journal.{form}")
    assert answer.mimetype == "text/plain"
    assert checked(form, answer.text, tmp_path) == ""
    assert len(re.findall(r"(?m)^\d{4}-\d\d-\d\d balance |= [\d.]+ CNY$", answer.text)) > 100


@pytest.mark.parametrize("form", CHECKERS)
def test_a_fen_too_much_is_found_by_the_program(played, form, tmp_path):
    text = played.get(f"/v1/funds/{FUND}/journal.{form}").text
    moves = list(re.finditer(r"-(\d+\.\d\d) CNY\n +\S+  (\d+\.\d\d) CNY", text))
    one = moves[40]
    more = one[0].replace(one[1], str(Decimal(one[1]) + Decimal("0.01")))
    assert checked(form, text[: one.start()] + more + text[one.end() :], tmp_path) != ""


@pytest.mark.parametrize("form", CHECKERS)
def test_a_balance_changed_by_hand_is_found_by_the_program(database_url, form, tmp_path):
    api = build(database_url)
    try:
        with psycopg.connect(database_url, autocommit=True) as conn:
            mixed_log.fill(database_url, conn, 500)
            projector.catch_up(database_url)
            [(fund,)] = conn.execute("select fund from balance where pool > 0 limit 1").fetchall()
            right = api.get(f"/v1/funds/{fund}/journal.{form}", "all").text
            assert checked(form, right, tmp_path) == ""
            conn.execute("update balance set pool = pool + 1 where fund = %s and pool > 0", [fund])
        assert checked(form, api.get(f"/v1/funds/{fund}/journal.{form}", "all").text, tmp_path) != ""
    finally:
        close(api)


@pytest.mark.long("ten thousand events of many lives")
@pytest.mark.parametrize("form", CHECKERS)
def test_the_journals_of_ten_thousand_events_add_up(database_url, form, tmp_path):
    api = build(database_url)
    try:
        with psycopg.connect(database_url, autocommit=True) as conn:
            assert mixed_log.fill(database_url, conn, 10_000) >= 10_000
            projector.catch_up(database_url)
            funds = [fund for (fund,) in conn.execute("select distinct fund from movement")]
        assert len(funds) > 50
        whole = "\n".join(api.get(f"/v1/funds/{fund}/journal.{form}", "all").text for fund in funds)
        assert checked(form, whole, tmp_path) == ""
    finally:
        close(api)


def test_names_that_people_chose_cannot_break_a_journal(api):
    settings = {"notice_working_days": 5, "approvals": ["审核"], "acceptance_tries": 2}
    name = 'A "fund" \\ with ; marks'
    event = api.event("FundEstablished", "fund/f", cites=["立项依据"], name=name, settings=settings)
    assert api.post(event, "fund-office").status_code == 201
    api.fold()
    for form in DIALECTS:
        first = api.get(f"/v1/funds/f/journal.{form}").text.splitlines()[0]
        assert first.startswith("; " if form == "hledger" else 'option "title" "')
        assert first.count(";") <= 1
    assert 'A \\"fund\\" \\\\ with' in api.get("/v1/funds/f/journal.beancount").text


@pytest.mark.parametrize(("path", "status"), [("none/journal.hledger", 404), (f"{FUND}/journal.csv", 404)])
def test_a_journal_that_is_not_there_is_a_problem(played, path, status):
    assert played.get(f"/v1/funds/{path}").status_code == status
