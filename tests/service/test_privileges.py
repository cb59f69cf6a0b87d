"""Each database role may do what migrations/privileges.sql says and nothing else, and its process needs all of that."""

from __future__ import annotations

from importlib import resources
from itertools import product

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from service.postgres import roles
from service.postgres.migrate import migrate
from tests.conftest import as_role

DECLARED = roles.PRIVILEGES.decode().partition("\n\n-- The tables and functions of the ledger")[0].removesuffix(",")
WANTED = roles.PRIVILEGES.decode().partition("\n\ngranted (")[0].removesuffix(",")
"""The beginnings of privileges.sql that have its two tables, and the privileges in single rows."""
FILE = "migrations/privileges.sql"


@pytest.fixture
def admin(owned):
    with psycopg.connect(owned, autocommit=True) as conn:
        yield conn


def outcome(conn, statement):
    """The error of the statement, which is rolled back; None if it has none."""
    try:
        with conn.transaction(force_rollback=True):
            conn.execute(statement.encode())
    except psycopg.Error as error:
        return error
    return None


def is_permitted(conn, statement, refusal=("permission denied for", "must be owner of")):
    """Whether the role may run the statement, as far as privileges go: it may fail for another reason.

    The triggers of the log have the same SQLSTATE, so PostgreSQL's own message is needed: it begins with `refusal`.
    """
    error = outcome(conn, statement)
    return not (isinstance(error, InsufficientPrivilege) and str(error).startswith(refusal))


def test_every_table_and_function_has_its_row_in_the_file_and_every_row_its_table_or_function(admin):
    tables = "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'v')"
    functions = "select proname from pg_proc where pronamespace = 'public'::regnamespace"
    for names, rows in ((tables, "select relation from on_table"), (functions, "select routine from on_function")):
        existing, declared = ({name for (name,) in admin.execute(each)} for each in (names, DECLARED + rows))
        assert existing - declared == set(), f"{FILE} lacks a row: what may each role do?"
        assert declared - existing == set(), f"{FILE} has a row too many"


def test_every_column_in_the_file_exists(admin):
    given = "select relation, web || projector || checker || keys from on_table"
    columns = "select column_name from information_schema.columns where table_schema = 'public' and table_name = %s"
    for table, cells in admin.execute(DECLARED + given).fetchall():
        named = {name for part in cells.split("(")[1:] for name in part.partition(")")[0].split(",")}
        assert named <= {name for (name,) in admin.execute(columns, [table])}, f"{FILE}: {table}"


TRIED = {
    "select": "select {column} from {table} where false",
    "insert": "insert into {table} ({column}) overriding system value select null where false",
    "update": "update {table} set {column} = default where false",
    "delete": "delete from {table} where false",
    "truncate": "truncate {table}",
    "trigger": "create trigger nosy before insert on {table} execute function suppress_redundant_updates_trigger()",
    "drop": "drop table {table}",
    "alter": "alter table {table} disable trigger all",
    "owner": "alter table {table} owner to current_user",
    "rule": "create rule nosy as on insert to {table} do nothing",
}  # fmt: skip
"""What is tried on each table, and on each column where the statement names one."""
BY_COLUMN = ("select", "insert", "update")
OF_VIEW = {"ledger_events": (*BY_COLUMN, "delete", "owner", "rule"), "projected": ("select", "owner", "rule")}
"""What is possible on each view at all. PostgreSQL does not write through a view of a join."""


@pytest.mark.parametrize("role", roles.PROCESSES)
def test_a_role_may_do_on_each_table_what_the_file_says_and_nothing_else(owned, admin, role):
    columns = """
        select table_name, column_name from information_schema.columns
        where
            table_schema = 'public'
            and (is_updatable = 'YES' or table_name = 'projected')
            and is_generated = 'NEVER'
        order by 1, 2
    """
    by_table: dict[str, list[str]] = {}
    for table, column in admin.execute(columns).fetchall():
        by_table.setdefault(table, []).append(f'"{column}"')
    declared = set()
    for object_, of, privilege, column in admin.execute(WANTED + " select * from wanted").fetchall():
        kind, _, table = object_.partition(" public.")
        if (kind, of) == ("table", role):
            of_all = by_table[table] if privilege in BY_COLUMN else ["*"]
            declared |= {(table, privilege, each) for each in ([f'"{column}"'] if column else of_all)}
    with psycopg.connect(as_role(owned, role), autocommit=True) as conn:
        permitted = {
            (table, privilege, column)
            for table, privilege in product(by_table, TRIED)
            if privilege in OF_VIEW.get(table, TRIED)
            for column in (by_table[table] if privilege in BY_COLUMN else ["*"])
            if is_permitted(conn, TRIED[privilege].format(table=f"public.{table}", column=column))
        }
    assert permitted == declared


@pytest.mark.parametrize("role", roles.PROCESSES)
def test_a_role_may_call_the_functions_that_the_file_names_and_no_other(owned, admin, role):
    functions = """
        select p.proname, format('select public.%I(%s)', p.proname, (
            select string_agg(
                case when a.n = cardinality(p.proargtypes) and p.provariadic <> 0 then 'variadic ' else '' end
                || format('null::%s', format_type(a.type, null)), ', ' order by a.n
            )
            from unnest(p.proargtypes) with ordinality as a (type, n)
        ))
        from pg_proc as p
        where p.pronamespace = 'public'::regnamespace
    """
    callers = ("everybody", role.removeprefix("suyuan_"))
    declared = admin.execute(DECLARED + " select routine, callers from on_function").fetchall()
    with psycopg.connect(as_role(owned, role), autocommit=True) as conn:
        permitted = {
            name
            for name, call in admin.execute(functions).fetchall()
            if is_permitted(conn, call, "permission denied for function")
        }
    assert permitted == {name for name, each in declared if each in callers}


ATTACKS = (
    "set role suyuan_owner", "set role postgres", "set session authorization postgres",
    "create table public.mine ()", "create schema mine", "create view public.mine as select 1",
    "create function public.random_nonce() returns bigint language sql as 'select 1'",
    "create function public.random_nonce(int) returns bigint language sql as 'select 1'",
    "create or replace function public.lock_appends() returns void language sql as ''",
    "create function pg_catalog.now(int) returns bigint language sql as 'select 1'",
    "alter function public.lock_appends() security definer", "drop function public.lock_appends()",
    "alter function public.refuse_change() owner to current_user", "alter function public.ask_check reset search_path",
    "grant suyuan_owner to current_user", "reassign owned by suyuan_owner to current_user",
    "alter table public.event disable trigger append_only", "drop trigger append_only on public.event",
    "set session_replication_role = replica", "copy public.event to program 'true'",
    "copy public.serial from '/dev/null'",
    "select pg_read_file('/etc/passwd')", "select pg_ls_dir('/')", "select lo_import('/etc/passwd')",
    "alter role current_user superuser", "alter role current_user createrole", "alter role current_user bypassrls",
    "alter role current_user connection limit -1", "alter role current_user nosuperuser valid until 'infinity'",
    "alter role suyuan_owner password 'x'", "create role mine", "drop role suyuan_keys", "alter system set fsync = off",
    "alter role all set search_path = pg_temp", "load '/tmp/nosy.so'",
    "create event trigger nosy on ddl_command_end execute function public.refuse_change()",
    "set log_parameter_max_length = -1", "set log_statement = 'all'", "checkpoint",
    "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'suyuan_owner'",
    "select pg_reload_conf()", "select pg_switch_wal()", "select rolpassword from pg_authid",
    "create publication nosy for all tables", "create foreign data wrapper nosy",
)  # fmt: skip
"""Statements that no process needs. Each is refused to every role."""


@pytest.mark.parametrize("role", roles.PROCESSES)
def test_a_role_can_neither_become_another_nor_change_the_schema_nor_reach_the_server(owned, admin, role):
    database = admin.info.dbname
    others = [f"set role {other}" for other in roles.PROCESSES if other != role]
    of_database = [
        f"alter database {database} set search_path = pg_temp", f"alter database {database} owner to current_user",
    ]  # fmt: skip
    if role not in roles.WITH_TEMPORARY_TABLES:
        of_database += ["create temp table event ()", "create function pg_temp.now() returns int language sql as ''"]
    with (
        psycopg.connect(as_role(owned, role), autocommit=True) as conn,
        psycopg.connect(as_role(owned, roles.OWNER), autocommit=True),
    ):
        for attack in (*ATTACKS, *others, *of_database):
            with pytest.raises(InsufficientPrivilege):  # in no transaction: some may not run in one
                print(attack, conn.execute(attack.encode()))
        conn.execute("grant all on public.event to public")  # PostgreSQL only warns that nothing was granted
    assert roles.differences(admin) == []


def test_nothing_is_left_to_everybody(owned, admin):
    assert outcome(admin, "create role nosy") is None
    with admin.transaction(force_rollback=True):
        admin.execute("create role nosy")
        admin.execute("set local role nosy")
        for table in ("event", "secret", "refusal"):
            assert not is_permitted(admin, f"select from public.{table}")
        assert not is_permitted(admin, "select lock_appends()")
        assert is_permitted(admin, "select yuan(1)")


def test_the_functions_that_run_with_the_owners_rights_are_those_of_the_file_and_have_a_fixed_search_path(admin):
    definers = "select proname, proconfig from pg_proc where pronamespace = 'public'::regnamespace and prosecdef"
    settings = dict(admin.execute(definers).fetchall())
    declared = {name for (name,) in admin.execute(DECLARED + " select routine from on_function where definer")}
    assert set(settings) == declared
    assert all("search_path=pg_catalog, public, pg_temp" in each for each in settings.values())


def test_a_migration_that_replaces_a_function_loses_neither_its_rights_nor_its_callers(database_url, tmp_path):
    """`create or replace function` makes a function run with the caller's rights again."""
    with psycopg.connect(database_url, autocommit=True) as conn:
        text, = conn.execute("select pg_get_functiondef('append_events'::regproc)").fetchone()  # fmt: skip
        replaced = text.replace(" SECURITY DEFINER", "").replace("calendar_at timestamp", "imported_at timestamp")
        renamed = replaced.replace("calendar_at is distinct", "imported_at is distinct")
        signature = conn.execute("select 'append_events'::regproc::oid::regprocedure::text").fetchone()[0]
        names = [row[0] for row in conn.execute("select name from migration order by name")]
        files = {name: (resources.files("migrations") / name).read_text(encoding="utf-8") for name in names}
        for name, sql in files.items():
            (tmp_path / name).write_text(sql, encoding="utf-8")
        (tmp_path / "9999_replaced.sql").write_text(f"drop function {signature};\n{renamed};\ncreate table new_one ()")
        assert migrate(database_url, tmp_path) == ["9999_replaced.sql"]
        assert conn.execute("select prosecdef from pg_proc where proname = 'append_events'").fetchone() == (True,)
        assert roles.differences(conn) == []
    with psycopg.connect(as_role(database_url, roles.WEB), autocommit=True) as web:
        assert not is_permitted(web, "select from new_one"), "a new table is closed until the file has its row"


LOSING = (
    "grant insert on event to suyuan_web", "grant update (times, key) on refusal to suyuan_checker",
    "revoke select on post from suyuan_web", "grant execute on function append_events to public",
    "alter function append_events security invoker", "alter function ask_check reset search_path",
    "grant select on secret to public", "grant create on schema public to public",
    "revoke execute on function yuan from public",
    "revoke update (last_used_at) on api_secret from suyuan_web", "grant update on serial to suyuan_web_login",
)  # fmt: skip


@pytest.mark.parametrize("change", LOSING)
def test_migrate_restores_the_privileges_that_somebody_has_changed(database_url, change):
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute(change)
        assert len(roles.differences(conn)) > 0
        assert migrate(database_url) == []
        assert roles.differences(conn) == []
