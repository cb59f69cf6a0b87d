"""The ledger of every released version, as that version left it, is upgraded and answers the same."""

from __future__ import annotations

import os
import subprocess

import psycopg
import pytest

from service.check import check
from tests.conftest import PROGRAMS, new_database
from tests.service.commands import run_command
from tests.service.conftest import SECRET, build, close
from tests.service.test_released_logs import RELEASES, ROOT, answers, missing


@pytest.fixture(params=RELEASES)
def released(request, server_url):
    """A release, and the URL of a database with its ledger."""
    dump = ROOT / "released" / request.param / "ledger.dump"
    with new_database(server_url, "template0") as url:
        subprocess.run([PROGRAMS / "pg_restore", "--exit-on-error", "--no-owner", f"--dbname={url}", dump], check=True)
        yield request.param, url


def settings(url):
    return {**os.environ, "DATABASE_URL": url, "SUYUAN_SECRET": SECRET.decode(), "SUYUAN_HOME": "/nowhere"}


def test_the_ledger_of_a_release_is_migrated_rebuilt_and_answers_as_before(released):
    release, url = released
    assert run_command("serve", env=settings(url)).returncode == 3, "the tables are those of the release"
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


def test_upgrade_rebuilds_the_projections_whose_sql_has_changed(released):
    _, url = released
    with psycopg.connect(url, autocommit=True) as conn:
        before = dict(conn.execute("select name, version from projection").fetchall())
        assert "已重建 rebuilt" in run_command("migrate", env=settings(url)).stdout
        after = dict(conn.execute("select name, version from projection").fetchall())
    assert {name for name in before if before[name] != after[name]}
