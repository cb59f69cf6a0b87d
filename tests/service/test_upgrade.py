"""The ledger of every released version, as that version left it, is upgraded and answers the same."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager

import psycopg
import pytest

from projections.rebuild import ONE_AT_A_TIME
from service.check import check
from service.workers import projector
from tests.conftest import PROGRAMS, new_database
from tests.lives import founded, line
from tests.posting import open_ledger, put
from tests.service.commands import run_command
from tests.service.conftest import SECRET, build, close
from tests.service.test_released_logs import RELEASES, ROOT, answers, missing


@contextmanager
def restored(release, server_url):
    """The URL of a database with the ledger of this release."""
    dump = ROOT / "released" / release / "ledger.dump"
    with new_database(server_url, "template0") as url:
        subprocess.run([PROGRAMS / "pg_restore", "--exit-on-error", "--no-owner", f"--dbname={url}", dump], check=True)
        yield url


@pytest.fixture(params=RELEASES)
def released(request, server_url):
    """A release, and the URL of a database with its ledger."""
    with restored(request.param, server_url) as url:
        yield request.param, url


@pytest.fixture
def outdated(server_url):
    """The URL of a database with a ledger whose schema and projections have changed since."""
    with restored("0.1.0", server_url) as url:
        yield url


def settings(url):
    return {**os.environ, "DATABASE_URL": url, "SUYUAN_SECRET": SECRET.decode(), "SUYUAN_HOME": "/nowhere"}


def test_the_ledger_of_a_release_is_migrated_rebuilt_and_answers_as_before(released):
    release, url = released
    migrated = run_command("migrate", env=settings(url))
    assert migrated.returncode == 0, migrated.stderr
    with psycopg.connect(url) as conn:
        conn.execute("truncate api_key cascade")  # their secrets are unknown; `build` makes others of the same names
    api = build(url)
    try:
        api.fold()
        for address, before in answers(release).items():
            assert list(missing(before, api.get(address).json)) == [], address
        settings_of_fund = {"notice_working_days": 5, "approvals": ["审核"], "acceptance_tries": 2}
        founding = api.event("FundEstablished", "fund/n", cites=["立项依据"], name="新", settings=settings_of_fund)
        assert api.post(founding, "fund-office").status_code == 201
        api.fold()
        assert api.get("/v1/funds/n").status_code == 200
        assert [finding for finding in check(url).findings if finding.severity == "error"] == []
    finally:
        close(api)


def test_a_second_upgrade_changes_nothing(released):
    _, url = released
    run_command("migrate", env=settings(url))
    again = run_command("migrate", env=settings(url))
    assert again.stdout == "已是最新 up to date\n"


def versions(url):
    with psycopg.connect(url) as conn:
        return dict(conn.execute("select name, version from projection").fetchall())


def test_the_service_refuses_the_tables_of_an_earlier_release(outdated):
    assert run_command("serve", env=settings(outdated)).returncode == 3


def test_an_upgrade_rebuilds_the_projections_whose_sql_has_changed(outdated):
    before = versions(outdated)
    assert "已重建 rebuilt" in run_command("migrate", env=settings(outdated)).stdout
    after = versions(outdated)
    assert {name for name in before if before[name] != after[name]}


def fold_with_an_earlier_balance(url):
    """Fold some posts, as if the SQL of the projection `balance` had changed since."""
    with open_ledger(url) as ledger:
        put(ledger, founded(line()))
    projector.catch_up(url)
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("update projection set version = 'earlier' where name = 'balance'")


def test_an_upgrade_rebuilds_nothing_and_says_so_if_another_projection_differs_from_the_log(database_url):
    """Somebody has changed that projection by hand: its rows must not be replaced unseen."""
    fold_with_an_earlier_balance(database_url)
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("update movement set booked_on = booked_on + 1")
    upgraded = run_command("migrate", env=settings(database_url))
    assert upgraded.returncode == 2
    assert "nothing was switched: movement differs" in upgraded.stderr
    assert "rebuilt" not in upgraded.stdout
    assert versions(database_url)["balance"] == "earlier"


def test_an_upgrade_beside_another_rebuild_says_so(database_url):
    fold_with_an_earlier_balance(database_url)
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute(f"select pg_advisory_lock({ONE_AT_A_TIME})")
        upgraded = run_command("migrate", env=settings(database_url))
    assert upgraded.returncode == 2
    assert "Traceback" not in upgraded.stderr
