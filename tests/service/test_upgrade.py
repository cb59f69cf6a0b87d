"""The ledger of every released version, as that version left it, is upgraded and answers the same."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest
from click.testing import CliRunner

import projections
from projections.rebuild import ONE_AT_A_TIME
from service.auth import api_keys
from service.check import check
from service.cli.commands import cli
from service.postgres.migrate import ADVISORY_LOCK, StillBusy
from service.workers import projector
from tests.conftest import PROGRAMS, new_database
from tests.folded import OWN_CURSOR
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


def settings(url, secret=SECRET):
    return {**os.environ, "DATABASE_URL": url, "SUYUAN_SECRET": secret.decode(), "SUYUAN_HOME": "/nowhere"}


def execute(url, statement, *parameters):
    with psycopg.connect(url, autocommit=True) as conn:
        cursor = conn.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []


def establish_a_fund(api):
    """Post and fold the beginning of the fund `n`. Returns the position."""
    settings_of_fund = {"notice_working_days": 5, "approvals": ["审核"], "acceptance_tries": 2}
    founding = api.event("FundEstablished", "fund/n", cites=["立项依据"], name="新", settings=settings_of_fund)
    response = api.post(founding, "fund-office")
    assert response.status_code == 201
    api.fold()
    return response.json["position"]


def test_the_ledger_of_a_release_is_migrated_rebuilt_and_answers_as_before(released):
    release, url = released
    migrated = run_command("migrate", env=settings(url))
    assert migrated.returncode == 0, migrated.stderr
    api = build_with_new_keys(url)
    try:
        api.fold()
        for address, before in answers(release).items():
            assert list(missing(before, api.get(address).json)) == [], address
        establish_a_fund(api)
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


def test_the_message_of_an_upgrade_that_found_differences_names_the_command_that_accepts_them(database_url):
    fold_with_an_earlier_balance(database_url)
    execute(database_url, "update movement set booked_on = booked_on + 1")
    message = run_command("migrate", env=settings(database_url)).stderr
    command = message[message.index("suyuan rebuild") :].split("\n")[0].split()
    assert run_command(*command[1:], env=settings(database_url)).returncode == 0
    assert run_command("migrate", env=settings(database_url)).stdout == "已是最新 up to date\n"


# Events that this version cannot fold ----------------------------------------

HELD = "demo-2025"


def surrender_twice(url):
    """Record that fen are surrendered a second time, and that the tables have folded it, as version 0.2.0 did."""
    [(position,)] = execute(url, "select max(position) + 1 from event")
    statement = "select stream, fact from event where type = 'SurplusSurrendered' order by position limit 1"
    [(stream, fact)] = execute(url, statement)
    [(version,)] = execute(url, "select max(version) + 1 from event where stream = %s", stream)
    again = json.dumps({**fact, "source_id": "twice", "documents": []})
    row = [position, stream, version, again]
    execute(url, "insert into event values (%s, %s, %s, 'SurplusSurrendered', now(), %s)", *row)
    execute(url, "insert into post values (%s, 'twice', sha256('twice'), %s, %s)", fact["source"], position, position)
    execute(url, "update balance set surrendered = surrendered * 2")
    execute(url, "update projection set position = %s", position)  # as that version kept it
    return position


@pytest.fixture
def surrendered_twice(server_url):
    """The URL of a database with the ledger of 0.2.0 whose fund HELD has surrendered fen twice; and the position."""
    with restored("0.2.0", server_url) as url:
        yield url, surrender_twice(url)


def test_an_upgrade_holds_the_fund_whose_event_cannot_be_folded_and_every_other_fund_goes_on(surrendered_twice):
    url, position = surrendered_twice
    upgraded = run_command("migrate", env=settings(url))
    assert upgraded.returncode == 0, upgraded.stderr
    assert "已重建 rebuilt lot" in upgraded.stdout
    assert f"专项资金 {HELD} 已暂停推算：日志第 {position} 号事件无法推算到表" in upgraded.stdout
    assert f"the fund {HELD} is held: the event at position {position} cannot be folded into" in upgraded.stdout
    assert "SuyuanFundHeld" in upgraded.stdout
    assert execute(url, "select fund, position from held_fund") == [(HELD, position)]
    api = build_with_new_keys(url)
    try:
        last = establish_a_fund(api)
        assert api.get(f"/v1/funds/n?min_position={last}").status_code == 200
        answer = api.get(f"/v1/funds/{HELD}/balances")
        assert (answer.status_code, answer.json["type"]) == (503, "/v1/problems/fund-held")
    finally:
        close(api)
    assert run_command("migrate", env=settings(url)).stdout == "已是最新 up to date\n"


def build_with_new_keys(url):
    execute(url, "truncate api_key cascade")  # their secrets are unknown; `build` makes others of the same names
    return build(url)


def test_after_such_an_upgrade_the_check_finds_the_held_fund_and_what_is_wrong_in_the_log(surrendered_twice):
    url, position = surrendered_twice
    run_command("migrate", env=settings(url))
    errors = [each for each in check(url).findings if each.severity == "error"]
    assert {each.kind for each in errors} == {"fund-held", "fen-misplaced"}
    assert {each.facts.get("position", position) for each in errors} == {position}


# Projections that are behind, or new -----------------------------------------


def positions(url):
    return {position for (position,) in execute(url, "select position from projected")}


def test_an_upgrade_rebuilds_everything_while_projections_are_at_different_positions(database_url):
    """The projector was stopped while it folded the citations. With changed SQL it would not go on."""
    fold_with_an_earlier_balance(database_url)
    execute(database_url, "delete from citation where position > 1")
    execute(database_url, OWN_CURSOR.format(name="citation", position=1))
    with pytest.raises(projections.Changed, match="suyuan migrate"):
        projector.catch_up(database_url)
    upgraded = run_command("migrate", env=settings(database_url))
    assert (upgraded.returncode, upgraded.stdout) == (0, "已重建 rebuilt balance\n"), upgraded.stderr
    assert len(positions(database_url)) == 1
    assert projector.catch_up(database_url) == 0
    assert check(database_url).findings == []


@pytest.mark.parametrize(
    ("new", "rebuilt"),
    [("movement", ("movement", "balance")), ("citation", ("balance", "citation"))],
    ids=["the changed projection reads the new one", "the new projection is read by none"],
)
def test_an_upgrade_rebuilds_a_new_projection_with_those_that_have_changed(database_url, new, rebuilt):
    fold_with_an_earlier_balance(database_url)
    execute(database_url, f"truncate {new}")
    execute(database_url, "delete from projection where name = %s", new)
    upgraded = run_command("migrate", env=settings(database_url))
    assert upgraded.returncode == 0, upgraded.stderr
    assert upgraded.stdout.splitlines() == [f"已重建 rebuilt {name}" for name in rebuilt]
    assert check(database_url).findings == []


# The secret ------------------------------------------------------------------


def test_a_wrong_secret_is_refused_before_the_first_migration(outdated):
    with psycopg.connect(outdated, autocommit=True, row_factory=psycopg.rows.dict_row) as conn:
        conn.execute("truncate secret")
        api_keys.claim_secret(conn, SECRET)
    before = execute(outdated, "select * from migration order by name"), versions(outdated)
    refused = run_command("migrate", env=settings(outdated, b"another secret of at least 32 bytes"))
    assert refused.returncode == 2
    assert "is not the secret this database was set up with" in refused.stderr
    assert (execute(outdated, "select * from migration order by name"), versions(outdated)) == before
    assert run_command("migrate", env=settings(outdated)).returncode == 0


# Several programs at once ----------------------------------------------------

WAITS = "another program upgrades or rebuilds this ledger: waiting for it"


def test_several_upgrades_at_once_wait_for_each_other_and_all_end_well(outdated):
    with ThreadPoolExecutor(4) as pool:
        upgrades = list(pool.map(lambda _: run_command("migrate", env=settings(outdated)), range(4)))
    assert [each.returncode for each in upgrades] == [0] * 4, [each.stderr for each in upgrades]
    assert {each.stderr.count(WAITS) for each in upgrades} <= {0, 1}, "each says at most once that it waits"
    said = "".join(each.stdout for each in upgrades)
    assert said.count("0033_held_fund.sql") == 1, "each migration is applied once"
    assert said.count("已重建 rebuilt lot") == 1, "and each projection rebuilt once"


@pytest.mark.parametrize("lock", [ADVISORY_LOCK, ONE_AT_A_TIME], ids=["migrates", "rebuilds"])
def test_an_upgrade_waits_for_another_program_that(database_url, lock):
    fold_with_an_earlier_balance(database_url)
    with psycopg.connect(database_url, autocommit=True) as conn, ThreadPoolExecutor(1) as pool:
        conn.execute("select pg_advisory_lock(%s)", [lock])
        upgrade = pool.submit(run_command, "migrate", env=settings(database_url))
        wait_until_it_waits(upgrade, conn)
        assert not upgrade.done()
        conn.execute("select pg_advisory_unlock(%s)", [lock])
        upgraded = upgrade.result()
    assert upgraded.returncode == 0
    assert WAITS in upgraded.stderr
    assert versions(database_url)["balance"] != "earlier"


def wait_until_it_waits(upgrade, conn):
    """Wait until the upgrade has tried to take the same lock three times."""
    tried = """
        select query, query_start from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and query ~ 'pg_try_advisory_lock'
    """
    seen = set()
    while not upgrade.done() and max(Counter(query for query, _ in seen).values(), default=0) < 3:
        seen |= set(conn.execute(tried).fetchall())
        time.sleep(0.01)


def test_an_upgrade_waits_no_longer_than_its_limit(database_url, monkeypatch):
    monkeypatch.setattr("service.postgres.migrate.MAX_WAIT_SECONDS", 0.3)
    for name, value in settings(database_url).items():
        monkeypatch.setenv(name, value)
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("select pg_advisory_lock(%s)", [ADVISORY_LOCK])
        ended = CliRunner().invoke(cli, ["migrate"])
    assert isinstance(ended.exception, StillBusy)
    assert "pg_stat_activity" in str(ended.exception)


# Errors of the database ------------------------------------------------------

FAILS = """
create function fail() returns event_trigger language plpgsql as $$
begin
    raise 'could not extend file "base/5/16384": No space left on device' using errcode = '{}';
end
$$;
create event trigger failing on ddl_command_start when tag in ('CREATE SCHEMA') execute function fail();
"""


@pytest.mark.parametrize(
    ("sqlstate", "message"),
    [
        ("53100", "数据库服务器磁盘已满，请腾出空间后重试 the disk of the database server is full"),
        ("57014", "the database canceled a statement"),
        ("53300", "the database has no connections left"),
        ("40P01", "the database reports an error"),
    ],
)
def test_an_upgrade_names_what_the_database_reports(database_url, sqlstate, message):
    fold_with_an_earlier_balance(database_url)
    execute(database_url, FAILS.format(sqlstate))
    upgraded = run_command("migrate", env=settings(database_url))
    assert upgraded.returncode == 2
    assert message in upgraded.stderr
    assert "No space left on device" in upgraded.stderr
    assert "cannot connect" not in upgraded.stderr
