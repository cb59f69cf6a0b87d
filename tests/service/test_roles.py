"""Each process works with its role and needs all of it, also on an upgraded, an older and an embedded ledger."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row, tuple_row
from structlog.testing import capture_logs

import projections
from projections.held_fund import hold
from service import example
from service.api.contract.event_types import LIFE
from service.api.contract.examples import FIRST, FUND
from service.app import close as close_app
from service.app import create_app, open_ledger
from service.auth import api_keys
from service.auth.grants import SCOPES, grant
from service.check import check
from service.config import Config
from service.ledger import states
from service.ledger.recorder import Identity, LastEvent, NewPost
from service.postgres import embedded, roles
from service.postgres.migrate import migrate
from service.workers import projector
from tests.conftest import PROGRAMS, as_role, new_database
from tests.lives import awarded
from tests.service.commands import run_command
from tests.service.conftest import SECRET, build, close, live, with_keys
from tests.service.test_kill import free_port
from tests.service.test_privileges import WANTED, is_permitted


class Uses:
    """What was done with each table and function of a database, from PostgreSQL's counters."""

    def __init__(self, url):
        self._url = url
        with psycopg.connect(url, autocommit=True) as conn:
            conn.execute(f"alter database {conn.info.dbname} set track_functions = 'all'")  # in new sessions

    def count(self):
        with psycopg.connect(self._url, autocommit=True) as conn:
            return Counter({(name, what): times for name, what, times in conn.execute(COUNTERS)})

    def __enter__(self):
        self._before = self.count()
        return self

    def __exit__(self, *_):
        with psycopg.connect(self._url, autocommit=True) as conn:
            while conn.execute(SESSIONS).fetchone():  # a session reports what it has counted when it ends
                time.sleep(0.01)
        self._used = {key for key, times in (self.count() - self._before).items() if times}

    def lacking(self, conn, role):
        """The declared privileges of `role` that were not used."""
        declared = {
            (object_.partition(" public.")[2].partition("(")[0], privilege)
            for object_, of, privilege, _ in conn.execute(WANTED + " select * from wanted").fetchall()
            if of == role
        }
        return declared - UNCOUNTED - self._used


SESSIONS = "select from pg_stat_activity where datname = current_database() and usename like 'suyuan%login'"
COUNTERS = """
    select relname, what, times from pg_stat_user_tables cross join lateral (values
        ('select', coalesce(seq_scan, 0) + coalesce(idx_scan, 0)), ('insert', n_tup_ins), ('update', n_tup_upd)
    ) as counted (what, times)
    union all
    select funcname, 'execute', calls from pg_stat_user_functions
"""
UNCOUNTED = {
    ("refusal", "delete"),  # of what is too much, or too old (test_refusals.py)
    ("refusal", "update"),  # the projector locks the rows that it deletes; test_refusals.py
    ("ledger_events", "select"),  # a view, which the library reads (test_library.py)
    ("projected", "select"),  # a view
    ("lock_appends", "execute"),  # inlined, as every function of one SQL statement may be
    ("reconciliation", "update"),  # needed for `on conflict do update`; this life has no reversal that updates a row
    ("waiver", "update"),  # the same
    ("recipient_rename", "update"),  # the same
    ("recipient", "update"),  # the same
    ("origin_change", "update"),  # the same; no appropriation but the first has money that moves twice
}
"""What PostgreSQL does not count, or what this life does not need, and another test does with the process' login."""


@pytest.fixture
def lived(server_url, template):
    """The service on a ledger that the owner's role owns, with a life in which every event type occurs, not folded."""
    with new_database(server_url, template) as url:
        with psycopg.connect(url, autocommit=True, row_factory=dict_row) as admin:
            roles.hand_over(admin)
            api_keys.claim_secret(admin, SECRET)
        api = build(url)
        live(api, LIFE)
        close(api)
        yield api


def environment(url, role):
    return {**os.environ, "DATABASE_URL": as_role(url, role), "SUYUAN_SECRET": SECRET.decode(), "LOGNAME": "tests"}


def suyuan(url, role, *arguments, code=0):
    answer = run_command(*arguments, env=environment(url, role))
    assert answer.returncode == code, answer.stderr
    return answer.stdout


def run_until(url, role, arguments, query):
    """Run a command that does not end by itself until the query has a row."""
    process = subprocess.Popen([sys.executable, "-m", "service", *arguments], env=environment(url, role))
    deadline = time.monotonic() + 60
    with psycopg.connect(url, autocommit=True) as conn:
        while conn.execute(query).fetchone() is None:
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.1)
    process.terminate()
    assert process.wait(20) == 0


ADDRESSES = (
    "/readyz", "/v1/events", "/v1/events/1", f"/v1/funds/{FUND}/events", f"/v1/projects/{FIRST}/events",
    "/v1/events/digest?upto=100", "/v1/funds", *(
        f"/v1/funds/{FUND}{each}"
        for each in (
            "", "/balances", "/balances?position=50", "/balances?by=award",
            "/balances?by=source", "/balances?by=appropriation", "/balances?by=month", "/recoveries",
            "/movements", "/plan", "/alerts",
            "/journal.hledger", "/journal.beancount", "/appropriations", "/missing-evidence",
        )
    ),
    "/v1/projects", f"/v1/projects/{FIRST}", f"/v1/projects/{FIRST}/why?batch=1", "/v1/payments", "/v1/awards",
    "/v1/applications", "/v1/notes",
    "/v1/fen/1", "/v1/checks", f"/v1/reconciliations?fund={FUND}", "/v1/refusals", "/v1/calendars", "/v1/keys",
    "/v1/findings", "/v1/holds", f"/v1/funds/{FUND}/interest", "/metrics",
)  # fmt: skip


def use_the_service(api, admin):
    """Read every address, post what is recorded and what is refused, request a check, and meet a damaged snapshot."""
    number = api.get("/v1/payments", "all").json["payments"][0]["voucher"]
    for address in (*ADDRESSES, f"/v1/documents/{number}"):
        answer = api.get(address, "all")
        assert answer.status_code == 200, (address, answer.text)
    assert [api.post({**LIFE[0], "id": "again"}, "all").status_code for _ in range(2)] == [422, 422]
    assert admin.execute("select times from refusal").fetchall() == [(2,)]
    [voucher] = [each for each in LIFE if each["type"] == "PaymentInstructed"][:1]
    assert api.post({**voucher, "id": "used"}, "all").status_code == 422
    for state in ("whole", "damaged"):
        admin.execute(
            "update snapshot set state = 'damaged' where stream = %s and %s = 'damaged'", [f"fund/{FUND}", state]
        )
        ledger = open_ledger(as_role(api.url, roles.WEB))
        ledger.view(f"fund/{FUND}")
        ledger.close()
    assert ledger.unreadable_snapshots() == 1
    assert api.post("", "all", "/v1/checks").status_code == 202


STARTED = "select from pg_stat_activity where datname = current_database() and usename = 'suyuan_projector_login'"


REPORTED = "select from check_run where report is not null"


def fold_and_hold(url):
    """Fold one table alone, and then event by event, so that rows change; then hold a fund, and at an earlier event."""
    with psycopg.connect(url, autocommit=True, row_factory=tuple_row) as conn:
        projections.advance(conn, 1)
        projections.advance(conn, names=["citation"])
        while projector.fold(conn, 1):
            pass
        for position in (2, 1):
            assert hold(conn, position, "plan", "a finding of the test") == FUND


def test_each_process_works_with_its_role_and_needs_every_privilege_of_it(lived, tmp_path, monkeypatch):
    url, uses = lived.url, Uses(lived.url)
    with psycopg.connect(url, autocommit=True) as admin:
        with uses:
            fold_and_hold(as_role(url, roles.PROJECTOR))
            run_until(url, roles.PROJECTOR, ["projector", "--no-checks"], STARTED)
        assert uses.lacking(admin, roles.PROJECTOR) == set()
        admin.execute("truncate held_fund")

        with uses:
            for command in (
                f"create bank --scope read --project {FIRST}",
                "rotate bank",
                "revoke bank",
                "list",
                "history",
            ):
                suyuan(url, roles.KEYS, "keys", *command.split())
        assert uses.lacking(admin, roles.KEYS) == set()

        with uses:
            monkeypatch.setattr(states, "SNAPSHOT_AFTER", 10)
            api = with_keys(lived.keys, url)
            use_the_service(api, admin)
            close(api)
            suyuan(url, roles.WEB, "load-plan", example.PLAN, "--actor", "测试")
        assert uses.lacking(admin, roles.WEB) == set()

        lived.fold()
        with uses:
            run_until(url, roles.CHECKER, ["checker"], REPORTED)
            admin.execute("update check_run set asked_at = asked_at - interval '2 days'")
            admin.execute("update plan set batch_name = 'another' where batch = 1 and project = %s", [FIRST])
            run_until(url, roles.CHECKER, ["checker"], f"{REPORTED} and asked_by = 'schedule'")
            suyuan(url, roles.CHECKER, "reconcile", example.STATEMENT, "--fund", example.FUND, code=1)
            suyuan(url, roles.CHECKER, "archive", "--to", tmp_path / "archive")
            suyuan(url, roles.CHECKER, "replay", "--from", tmp_path / "archive")
            suyuan(url, roles.CHECKER, "calendar", "list")
        assert uses.lacking(admin, roles.CHECKER) == set()
        checks = admin.execute("select asked_by, errors from check_run order by id").fetchall()
        assert checks == [("all", 0), ("schedule", 2)]

        suyuan(url, roles.OWNER, "rebuild", "--accept-differences", "plan")
        assert roles.differences(admin) == [], "the rebuilt tables have the privileges of those that they replace"


PSQL = shutil.which("psql", path=f"{PROGRAMS}:/usr/lib/postgresql/15/bin:{os.environ['PATH']}")
ROLES_SQL = (Path(__file__).parents[2] / "docs/operations/roles.sql").read_text(encoding="utf-8")
MADE = """
    select rolname, rolcanlogin, rolinherit, rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls, array(
        select roleid::regrole::text from pg_auth_members where member = r.oid
    ), has_database_privilege(rolname, 'suyuan', 'connect'), has_database_privilege(rolname, 'suyuan', 'temporary')
    from pg_roles as r where rolname like 'suyuan%' order by 1
"""


@pytest.mark.skipif(
    PSQL is None, reason="psql is not among the embedded programs: PostgreSQL's client is not installed"
)
def test_the_script_for_operators_makes_the_same_roles_as_the_embedded_server(folder):
    """It can be run again, and it completes a server that has the two roles of version 0.2.0."""
    secrets = folder / "secrets"
    secrets.mkdir()
    for name in (roles.OWNER, *roles.PROCESSES):
        (secrets / name).write_text(f"[suyuan]\nuser={roles.login(name)}\npassword=of'{name}\n", encoding="utf-8")
    (folder / "home").mkdir()
    with embedded.embedded_postgres(folder / "home"), superuser(folder / "home") as conn:
        expected = conn.execute(MADE).fetchall()
        assert len(expected) == 9
    (folder / "roles.sql").write_text(ROLES_SQL.replace("/run/secrets", str(secrets)), encoding="utf-8")
    with embedded.serve(folder / "postgres", PROGRAMS) as server, psycopg.connect(server, autocommit=True) as conn:
        for statement in OF_0_2_0:
            conn.execute(statement)
        for _ in range(2):
            script = [PSQL, "-X", "-v", "ON_ERROR_STOP=1", "-d", server, "-f", folder / "roles.sql"]
            subprocess.run(script, check=True, capture_output=True)
        assert [row for row in conn.execute(MADE) if row[0] != roles.LEGACY] == expected
        stored = "select rolname from pg_authid where rolpassword like 'SCRAM%' order by 1"
        assert len(conn.execute(stored).fetchall()) == 4, "and suyuan_owner keeps its own"


OF_0_2_0 = (
    "create role suyuan_owner login", "create role suyuan login", "create database suyuan owner suyuan_owner",
    "revoke all on database suyuan from public", "grant connect, temporary on database suyuan to suyuan",
)  # fmt: skip


def superuser(home):
    return psycopg.connect(embedded._conninfo(home / "postgres"), autocommit=True)


@pytest.fixture
def legacy(server_url, template):
    """The URL of the role of version 0.2.0 on a ledger that was upgraded, with what that version had granted to it."""
    with new_database(server_url, template) as url, psycopg.connect(url, autocommit=True) as admin:
        roles.hand_over(admin)
        admin.execute("create role suyuan login")
        try:
            admin.execute(f"grant connect, temporary on database {admin.info.dbname} to suyuan")
            admin.execute(
                "alter default privileges for role suyuan_owner in schema public"
                " grant select, insert, update, delete on tables to suyuan"
            )
            admin.execute("grant select, insert, update, delete on all tables in schema public to suyuan")
            assert migrate(as_role(url, roles.OWNER)) == []
            yield make_conninfo(url, user="suyuan")
        finally:
            admin.execute("drop owned by suyuan")
            admin.execute("drop role suyuan")


def test_the_one_role_of_version_0_2_0_still_runs_everything_but_writes_the_log_by_the_function_only(legacy):
    with psycopg.connect(make_conninfo(legacy, user=roles.OWNER), autocommit=True, row_factory=dict_row) as owner:
        api_keys.claim_secret(owner, SECRET)
        key = api_keys.create(owner, SECRET, "all", grant(SCOPES, sources=["/example/sender"]))
    config = Config(Path(), "127.0.0.1", 8000, legacy, SECRET, "/suyuan")
    app = create_app(config)
    headers = {"Authorization": f"Bearer {key}"}
    try:
        sent = app.test_client().post(
            "/v1/events", data=json.dumps(LIFE[0]), content_type="application/cloudevents+json", headers=headers
        )
        assert sent.status_code == 201, sent.text
    finally:
        close_app(app)
    assert projector.catch_up(legacy) == 1
    assert check(legacy).findings == []
    with psycopg.connect(legacy, autocommit=True) as conn:
        for statement in ("insert into event (stream) values ('x')", "update serial set next = 7", "delete from claim"):
            assert not is_permitted(conn, statement)


def test_a_temporary_table_of_the_caller_does_not_take_the_place_of_a_table_of_the_log(legacy):
    """The name `event` means the caller's temporary table wherever the search path does not say otherwise."""
    [event, *_] = sorted(awarded().ledger.entries.values(), key=lambda each: int(each.header.source_id))
    ledger = open_ledger(legacy)
    try:
        with psycopg.connect(legacy, autocommit=True, row_factory=dict_row) as conn:
            for table in ("event", "post", "claim", "serial", "calendar_import"):
                conn.execute(f"create temporary table {table} (like public.{table} including all)")
            recorder = cast("Any", ledger.recorder)
            identity = Identity("/test", "1", b"digest")
            assert recorder.append(conn, [event], {event.stream: LastEvent()}, [NewPost(identity, 1, 1)]).first == 1
            counted = "select (select count(*) from public.event) as logged, (select count(*) from event) as temporary"
            assert conn.execute(counted).fetchone() == {"logged": 1, "temporary": 0}
    finally:
        ledger.close()


def test_an_older_home_gets_the_roles_when_it_starts_and_nothing_is_left_to_the_superuser(folder):
    with embedded.serve(folder / "postgres", embedded.programs()) as server:
        with psycopg.connect(server, autocommit=True) as conn:
            conn.execute("create database suyuan")
        migrate(make_conninfo(server, dbname="suyuan"))
    with embedded.embedded_postgres(folder) as url, superuser(folder) as conn:
        owners = """
            select relowner::regrole::text from pg_class where relnamespace = 'public'::regnamespace
            union select proowner::regrole::text from pg_proc where pronamespace = 'public'::regnamespace
            union select typowner::regrole::text from pg_type where typnamespace = 'public'::regnamespace
        """
        assert conn.execute(owners).fetchall() == [(roles.OWNER,)]
        assert migrate(url) == []
        assert roles.differences(conn) == []
        with psycopg.connect(as_role(url, roles.WEB)) as web:
            assert not is_permitted(web, "update serial set next = 0")


def test_each_process_of_run_connects_to_the_embedded_server_as_its_own_login(folder):
    given = {name: text for name, text in os.environ.items() if name != "DATABASE_URL"}
    with (folder / "log").open("wb") as log:
        command = [sys.executable, "-m", "service", "run"]
        env = {**given, "SUYUAN_HOME": str(folder), "PORT": str(free_port())}
        process = subprocess.Popen(command, env=env, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 120
        seen = set()
        while seen != {roles.login(each) for each in (roles.WEB, roles.PROJECTOR, roles.CHECKER)}:
            assert time.monotonic() < deadline, (seen, (folder / "log").read_text())
            time.sleep(0.2)
            with suppress(psycopg.OperationalError), superuser(folder) as conn:
                sessions = "select usename from pg_stat_activity where datname = 'suyuan' and pid <> pg_backend_pid()"
                seen = {name for (name,) in conn.execute(sessions)}
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0


@pytest.mark.parametrize(("login", "others"), [
    (roles.WEB, None), ("postgres", [*sorted({roles.OWNER, *roles.PROCESSES} - {roles.WEB})])
])  # fmt: skip
def test_a_process_whose_role_may_do_more_than_it_needs_says_so_when_it_starts(owned, login, others):
    user = login if login == "postgres" else roles.login(login)
    with psycopg.connect(make_conninfo(owned, user=user)) as conn, capture_logs() as logs:
        roles.warn_if_more_than(roles.WEB, conn)
    assert [each["may_act_as"] for each in logs] == ([others] if others else [])


def test_a_projector_whose_role_may_not_check_does_not_start_without_no_checks(owned):
    with psycopg.connect(owned, row_factory=dict_row) as admin:
        api_keys.claim_secret(admin, SECRET)
    answer = run_command("projector", env=environment(owned, roles.PROJECTOR))
    assert (answer.returncode, "--no-checks" in answer.stderr) == (3, True)
    assert "无权执行核查" in answer.stderr


def test_a_ledger_without_a_secret_gets_one_from_its_owner_only(database_url):
    answer = run_command("load-plan", example.PLAN, "--actor", "测试", env=environment(database_url, roles.WEB))
    assert (answer.returncode, "suyuan migrate" in answer.stderr) == (2, True)
    assert "尚未登记密钥" in answer.stderr
