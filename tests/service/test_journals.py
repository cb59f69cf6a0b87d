"""Two independent programs, hledger and beancount, check that the journals add up to their asserted balances."""

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
from tests.conftest import new_database
from tests.service.conftest import build, close
from tests.service.newer_events import record_newer

HLEDGER = shutil.which("hledger")
needs_hledger = pytest.mark.skipif(not HLEDGER, reason="hledger is a Debian package; .ci/run installs it")
CHECKERS = [pytest.param("hledger", marks=needs_hledger), "beancount"]
FUND = "yx-ip-2018"


def checked(form, text, folder):
    """The errors that the program for the format `form` reports for the journal `text`; empty if there are none."""
    file = folder / f"journal.{form}"
    file.write_text(text, encoding="utf-8")
    bean_check = Path(sys.executable).parent / "bean-check"
    command = [HLEDGER, "-f", file, "check"] if form == "hledger" else [bean_check, file]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return (answer.stdout + answer.stderr).strip() or ("" if answer.returncode == 0 else "it failed")


@pytest.mark.parametrize("form", CHECKERS)
def test_the_example_s_journal_adds_up(sample, form, tmp_path):
    answer = sample.get(f"/v1/funds/{FUND}/journal.{form}")
    assert answer.mimetype == "text/plain"
    assert checked(form, answer.text, tmp_path) == ""
    assert len(re.findall(r"(?m)^\d{4}-\d\d-\d\d balance |= [\d.]+ CNY$", answer.text)) > 100


@pytest.mark.parametrize("form", CHECKERS)
def test_the_program_finds_one_fen_too_much(sample, form, tmp_path):
    text = sample.get(f"/v1/funds/{FUND}/journal.{form}").text
    moves = list(re.finditer(r"-(\d+\.\d\d) CNY\n +\S+  (\d+\.\d\d) CNY", text))
    one = moves[40]
    more = one[0].replace(one[1], str(Decimal(one[1]) + Decimal("0.01")))
    assert checked(form, text[: one.start()] + more + text[one.end() :], tmp_path) != ""


@pytest.fixture(scope="module")
def right_and_wrong(server_url, template):
    """The journals of one fund in every format, before and after one of its balances was changed by hand."""
    with new_database(server_url, template) as url, psycopg.connect(url, autocommit=True) as conn:
        api = build(url)
        mixed_log.fill(url, conn, 500)
        projector.catch_up(url)
        [(fund,)] = conn.execute("select fund from balance where pool > 0 limit 1").fetchall()
        right = {form: api.get(f"/v1/funds/{fund}/journal.{form}", "all").text for form in DIALECTS}
        conn.execute("update balance set pool = pool + 1 where fund = %s and pool > 0", [fund])
        yield right, {form: api.get(f"/v1/funds/{fund}/journal.{form}", "all").text for form in DIALECTS}
        close(api)


@pytest.mark.parametrize("form", CHECKERS)
def test_the_program_finds_a_balance_that_was_changed_by_hand(right_and_wrong, form, tmp_path):
    right, wrong = right_and_wrong
    assert checked(form, right[form], tmp_path) == ""
    assert checked(form, wrong[form], tmp_path) != ""


@pytest.mark.long("records ten thousand events")
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


def test_special_characters_in_names_are_escaped_in_journals(api):
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
def test_a_journal_of_an_unknown_fund_or_format_is_answered_with_404(sample, path, status):
    assert sample.get(f"/v1/funds/{path}").status_code == status


def test_the_reversal_of_an_entry_of_a_newer_type_is_described_by_the_name_of_the_type(sample_copy):
    accounts = sample_copy.app.extensions["ledger"].view(f"fund/{FUND}").fund(FUND).accounts
    fen = str(accounts.fen("pool").take(1))
    moves = [{"from": "pool", "to": "surrendered", "fen": fen, "amount": "0.01"}]
    back = [{"from": "surrendered", "to": "pool", "fen": fen, "amount": "0.01"}]
    record_newer(sample_copy.url, f"fund/{FUND}", "SurplusLevied", moves=moves)
    record_newer(sample_copy.url, f"fund/{FUND}", "EntryReversed", entry="SurplusLevied", moves=back)
    sample_copy.fold()
    for form in DIALECTS:
        assert "红字冲销 SurplusLevied" in sample_copy.get(f"/v1/funds/{FUND}/journal.{form}").text, form
