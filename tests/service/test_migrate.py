"""Migrations on a database of their own, with a folder of their own."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from service.migrate import MigrationChanged, migrate
from tests.conftest import new_database

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


def test_applies_pending_files_in_order_and_only_once(url, migrations):
    assert migrate(url, migrations) == ["0001_payee.sql", "0002_remember.sql"]
    assert migrate(url, migrations) == []
    assert payees(url) == ["示例企业"]


def test_applies_a_file_that_came_later(url, migrations):
    migrate(url, migrations)
    (migrations / "0003_again.sql").write_text("select remember('again')")
    assert migrate(url, migrations) == ["0003_again.sql"]


def test_callers_at_the_same_time_wait_for_each_other(url, migrations):
    (migrations / "0003_slow.sql").write_text("select pg_sleep(0.2)")
    with ThreadPoolExecutor(4) as pool:
        applied = list(pool.map(lambda _: migrate(url, migrations), range(4)))
    assert sorted(map(len, applied)) == [0, 0, 0, 3]
    assert payees(url) == ["示例企业"]


def test_refuses_a_changed_file_and_then_applies_nothing(url, migrations):
    migrate(url, migrations)
    (migrations / "0002_remember.sql").write_text("select remember('someone else')")
    (migrations / "0000_new.sql").write_text("select remember('new')")
    with pytest.raises(MigrationChanged, match=r"0002_remember\.sql"):
        migrate(url, migrations)
    assert payees(url) == ["示例企业"]


def test_a_failing_file_leaves_nothing_behind_and_is_named(url, migrations):
    (migrations / "0003_fails.sql").write_text("select remember('half'); select 1 / 0")
    with pytest.raises(psycopg.errors.DivisionByZero) as failure:
        migrate(url, migrations)
    assert failure.value.__notes__ == ["in migration 0003_fails.sql"]
    assert payees(url) == ["示例企业"]
    (migrations / "0003_fails.sql").write_text("select remember('whole')")
    assert migrate(url, migrations) == ["0003_fails.sql"]


@pytest.mark.parametrize("form", ["host='{host}' port={port} user={user} dbname={dbname} sslmode=prefer"])
def test_takes_a_conninfo_of_keys_and_values(url, migrations, form):
    assert migrate(form.format(**conninfo_to_dict(url)), migrations)


def test_the_ledgers_own_migrations_are_applied_already(database_url):
    assert migrate(database_url) == []
