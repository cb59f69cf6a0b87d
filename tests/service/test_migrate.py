"""Applying migrations from a folder to an empty database, and upgrading an older ledger."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from service import codec
from service.postgres import roles
from service.postgres.migrate import MigrationChanged, MigrationsPending, NotTheOwner, check_migrated, migrate
from service.workers import projector
from tests.conftest import as_role, new_database
from tests.lives import awarded, paid

PAYEE = """
create table payee (name text);
create function remember(name text) returns void language plpgsql as $$
begin
    insert into payee values (name);  -- 100 %; nothing here is a parameter
end
$$;
"""
REMEMBER = "select remember('示例企业');"


@pytest.fixture
def url(server_url: str) -> Iterator[str]:
    with new_database(server_url) as url:
        yield url


@pytest.fixture
def migrations(tmp_path: Path) -> Path:
    (tmp_path / "0002_remember.sql").write_text(REMEMBER, encoding="utf-8")
    (tmp_path / "0001_payee.sql").write_text(PAYEE, encoding="utf-8")
    (tmp_path / "notes.txt").write_text("not a migration")
    return tmp_path


def payees(url: str) -> list[str]:
    with psycopg.connect(url) as conn:
        return [name for (name,) in conn.execute("select name from payee")]


def test_pending_files_are_applied_in_order_and_only_once(url, migrations):
    assert migrate(url, migrations) == ["0001_payee.sql", "0002_remember.sql"]
    assert migrate(url, migrations) == []
    assert payees(url) == ["示例企业"]


def test_a_file_that_was_added_later_is_applied(url, migrations):
    migrate(url, migrations)
    (migrations / "0003_again.sql").write_text("select remember('again')")
    assert migrate(url, migrations) == ["0003_again.sql"]


def test_simultaneous_callers_wait_for_each_other(url, migrations):
    (migrations / "0003_slow.sql").write_text("select pg_sleep(0.2)")
    with ThreadPoolExecutor(4) as pool:
        applied = list(pool.map(lambda _: migrate(url, migrations), range(4)))
    assert sorted(map(len, applied)) == [0, 0, 0, 3]
    assert payees(url) == ["示例企业"]


def test_a_changed_file_is_refused_and_nothing_is_applied(url, migrations):
    migrate(url, migrations)
    (migrations / "0002_remember.sql").write_text("select remember('someone else')")
    (migrations / "0000_new.sql").write_text("select remember('new')")
    with pytest.raises(MigrationChanged, match=r"0002_remember\.sql"):
        migrate(url, migrations)
    assert payees(url) == ["示例企业"]


def started(url, command):
    """Run `suyuan` with `command` on this database. The command must fail by itself. Returns its error message."""
    environment = {**os.environ, "DATABASE_URL": url, "SUYUAN_SECRET": "a secret of at least 32 characters"}
    arguments = [sys.executable, "-m", "service", *command.split()]
    answer = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert answer.returncode != 0
    assert "Traceback" not in answer.stderr
    return answer.stderr


@pytest.mark.parametrize("command", ["serve", "projector", "keys list", "check", "migrate"])
def test_no_command_works_on_the_schema_of_a_newer_version(database_url, command):
    with psycopg.connect(database_url) as conn:
        conn.execute("insert into migration (name, sha256) values ('9999_future.sql', 'x')")
    assert "9999_future.sql" in started(database_url, command)


@pytest.mark.parametrize("command", ["serve", "projector", "keys list", "migrate"])
def test_no_command_works_on_an_edited_schema(database_url, command):
    with psycopg.connect(database_url) as conn:
        conn.execute("update migration set sha256 = 'x' where name = '0001_ledger.sql'")
    assert "0001_ledger.sql" in started(database_url, command)


@pytest.mark.parametrize("command", ["serve", "projector", "keys list"])
def test_no_command_works_on_a_database_whose_text_order_has_changed(server_url, command):
    """An upgrade of the library that orders text has this effect. An index would then no longer find recorded text."""
    name = f"suyuan_{uuid4().hex}"
    with psycopg.connect(server_url, autocommit=True) as admin:
        builtin = admin.info.server_version >= 170_000
        provider = "builtin builtin_locale 'C.UTF-8'" if builtin else "icu icu_locale 'en'"
        admin.execute(
            f"create database {name} encoding 'UTF8' locale 'C' locale_provider {provider} template template0"
        )
        try:
            url = make_conninfo(server_url, dbname=name)
            migrate(url)
            admin.execute("update pg_database set datcollversion = '0' where datname = %s", [name])
            assert "refresh collation version" in started(url, command)
        finally:
            admin.execute(f"drop database {name} with (force)")


def test_only_the_owner_of_the_tables_migrates_them(owned):
    with pytest.raises(NotTheOwner, match="suyuan_owner"):
        migrate(owned)
    assert migrate(as_role(owned, roles.OWNER)) == []


def test_a_role_without_privileges_is_asked_to_migrate_first(database_url):
    """Before migration 0038, the logins of the processes have none."""
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("revoke select on migration from suyuan_web")
    with psycopg.connect(as_role(database_url, roles.WEB)) as conn, pytest.raises(MigrationsPending):
        check_migrated(conn)


def test_a_failing_file_is_rolled_back_and_named(url, migrations):
    (migrations / "0003_fails.sql").write_text("select remember('half'); select 1 / 0")
    with pytest.raises(psycopg.errors.DivisionByZero) as failure:
        migrate(url, migrations)
    assert failure.value.__notes__ == ["in migration 0003_fails.sql"]
    assert payees(url) == ["示例企业"]
    (migrations / "0003_fails.sql").write_text("select remember('whole')")
    assert migrate(url, migrations) == ["0003_fails.sql"]


@pytest.mark.parametrize("form", ["host='{host}' port={port} user={user} dbname={dbname} sslmode=prefer"])
def test_a_conninfo_of_keys_and_values_is_accepted(url, migrations, form):
    assert migrate(form.format(**conninfo_to_dict(url)), migrations)


def test_the_ledgers_own_migrations_are_applied_already(database_url):
    assert migrate(database_url) == []


BEFORE = "0018"
OLD_ROWS = """
    insert into fund (fund, name, established_position) values ('f', '专项资金', 1);
    insert into project (fund, project, number, name, name_annex, tasks, award_rule, awards, fixed_total)
    values ('f', 'p', 1, '甲', '甲', '{一}', 'max', 2, false);
    insert into plan values ('f', 'p', 1, '第一批', 'award', 6000);
    insert into application values ('p', 'A-a', 'f', 1, '示例a', '9a', '2019-02-05', 'passed', '90', '{7}');
    insert into award values (
        'p', 'L-a', 'f', 'A-a', '示例a', '9a', '示例a', '9a', '0001', '90', 1, '2019-03-01', 'none', null, '{9}'
    );
    insert into payment (
        project, payment, fund, award, batch, amount, status, payee, payee_account, payee_differs, requested_on,
        returned, events
    ) values ('p', 'P1', 'f', 'L-a', 1, 3000, 'confirmed', '示例a', '0001', false, '2019-03-02', 0, '{10}');
    insert into citation values (1, 1, 'f', '立项依据', '第1号', '第1号');
    insert into projection (name, position)
    select unnest(array['fund', 'project', 'plan', 'application', 'award', 'payment', 'citation']), 10;
"""


def test_a_ledger_of_an_older_release_is_upgraded_with_its_data(url, tmp_path):
    """The log of the older ledger is unchanged, and every table is folded from the log again."""
    shipped = {file.name: file.read_text(encoding="utf-8") for file in resources.files("migrations").iterdir()}
    for name, text in shipped.items():
        if name.endswith(".sql") and name < BEFORE:
            (tmp_path / name).write_text(text, encoding="utf-8")
    migrate(url, tmp_path)
    recorded = awarded().given(*paid()).ledger.entries.values()
    with psycopg.connect(url) as conn:
        conn.execute(OLD_ROWS)
        for position, event in enumerate(sorted(recorded, key=lambda e: int(e.header.source_id)), 1):
            fact = json.loads(codec.encode(event))
            fact.pop("levels", None)  # earlier releases did not write it
            row = [position, event.stream, event.version, type(event.fact).__name__, json.dumps(fact)]
            conn.execute("insert into event values (%s, %s, %s, %s, now(), %s)", row)
        conn.execute("insert into claim values ('支付凭证号', '2019/示例❲2018❳7号—1/1', 'project/p', 1)")
        conn.execute("insert into claim values ('流水号', '示例❲2018❳012号', 'project/p', 1)")
        for key, scope, sources in (
            ("office", "post:fund", "{}"),
            ("new", "post:fund", "{}"),
            ("reader", "read", "{}"),
            ("bank", "post:payment", "{/bank}"),
        ):
            conn.execute("insert into api_key values (%s, %s, default, default, %s)", [key, [scope], sources])
    assert migrate(url)[0] > BEFORE
    projector.catch_up(url)
    with psycopg.connect(url) as conn:
        assert conn.execute("select source, kind, number, stream, version from claim order by kind").fetchall() == [
            ("", "fund", "f", "fund/f", 1),
            ("", "project", "p", "fund/f", 3),
            ("/test", "支付凭证号", "2019/示例❲2018❳7号-1/1", "project/p", 1),
            ("/test", "流水号", "示例〔2018〕12号", "project/p", 1),
        ]
        keys = dict(conn.execute("select name, sources from api_key"))
        assert keys == {"office": ["/test"], "new": [], "reader": [], "bank": ["/bank"]}
        changed = conn.execute("select key, action, detail -> 'sources' from access_change").fetchall()
        assert changed == [("office", "allowed", ["/test"])]
        assert conn.execute("select payment, status, returned, recovered from payment").fetchall() == [
            ("P1", "confirmed", 0, 0)
        ]
        assert conn.execute("select count(*), min(status) from award").fetchone() == (2, "live")
        assert conn.execute("select sum(planned) from plan_at('f', null, null)").fetchone() == (10_000,)
        assert conn.execute("select sum(paid), sum(committed) from balance").fetchone() == (3_000, 4_000)
