"""Migrate a database to the newest schema: apply the pending files of `migrations/` in order, each once.

yoyo-migrations is not used, for two reasons. It commits a migration before it records the migration, and a kill in
between makes every later start fail. And it does not detect that an applied file was changed.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

import psycopg
from psycopg.rows import tuple_row

from service.config import OperatorError, TemporaryError
from service.postgres import roles, session

ADVISORY_LOCK = 8_319_689_431_689_592_836  # `suyuan` in ASCII, and 4: no other program has this number
MAX_WAIT_SECONDS = 3_600.0
"""How long a program waits while another one migrates or rebuilds. Ten million events are rebuilt in some minutes."""
POLL_SECONDS = 0.2

TABLE = """
create table if not exists migration (
    name text primary key,
    sha256 text not null,
    applied_at timestamptz not null default now()
)
"""


class MigrationChanged(OperatorError):
    """A migration was edited after it had been applied."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} was changed after this database had applied it: restore it, and write a new migration.\n"
            f"{name} 在此数据库应用之后被改动：请恢复原文件，并另写新的迁移。"
        )


class MigrationsPending(OperatorError):
    """The database lacks migrations of this program."""

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__(f"run `suyuan migrate` first 请先运行 suyuan migrate: {', '.join(names)}")


class NotTheOwner(OperatorError):
    """Migrations must be run by the role that owns the tables: what they add would otherwise belong to another role."""

    def __init__(self, owner: str) -> None:
        super().__init__(
            f"the tables belong to {owner}: run `suyuan migrate` as this role\n请以 {owner} 角色运行 suyuan migrate"
        )


class SchemaNewer(OperatorError):
    """The database has migrations that this program does not know."""

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__(
            f"this database was migrated by a newer version: {', '.join(sorted(names))}. Run that version.\n"
            "此数据库已由更新的版本升级，请使用该版本。"
        )


class StillBusy(TemporaryError):
    """Another program migrates or rebuilds the ledger, and has not ended within MAX_WAIT_SECONDS."""

    def __init__(self) -> None:
        super().__init__(
            f"another program has been upgrading or rebuilding this ledger for {MAX_WAIT_SECONDS:g} s: see whether it"
            " still works (pg_stat_activity), then try again.\n"
            f"另一程序升级或重建此账簿已逾 {MAX_WAIT_SECONDS:g} 秒：请查看其是否仍在进行（pg_stat_activity），再重试。"
        )


class CollationChanged(OperatorError):
    """The library that orders text has another version now. An index may miss rows inserted under the old version."""

    def __init__(self, recorded: str | None, actual: str | None) -> None:
        super().__init__(
            f"the database's text order has changed from version {recorded} to {actual}: its indexes may miss recorded"
            " posts, which would then be recorded twice. Rebuild them, then start again:\n"
            "数据库的文字排序规则版本已改变，索引可能找不到已入账的提交，以致重复入账。请重建索引后再启动：\n"
            "  reindex database DATABASE; alter database DATABASE refresh collation version;"
        )


READABLE = "select has_table_privilege(to_regclass('migration'), 'select')"
COLLATION = """
select datcollversion, pg_database_collation_actual_version(oid) from pg_database where datname = current_database()
"""


def check_migrated(conn: psycopg.Connection[Any]) -> None:
    """Check that the database has exactly this program's migrations, and that its text order has not changed.

    Changes nothing. Raises MigrationsPending, SchemaNewer, MigrationChanged, CollationChanged.
    """
    cursor = conn.cursor(row_factory=tuple_row)
    files = _files(resources.files("migrations"))
    [readable] = cursor.execute(READABLE).fetchone() or [None]
    if readable is False:  # until 0.2.0, the role of this process had no privileges
        raise MigrationsPending(sorted(files))
    applied: dict[str, str] = dict(cursor.execute("select name, sha256 from migration").fetchall()) if readable else {}
    _check_known(files, applied)
    if pending := files.keys() - applied.keys():
        raise MigrationsPending(sorted(pending))
    [recorded, actual] = cursor.execute(COLLATION).fetchone() or ["?", "?"]
    if recorded != actual:
        raise CollationChanged(recorded, actual)


def _check_owner(conn: psycopg.Connection[Any]) -> None:
    """Raises NotTheOwner if the tables belong to another role than that of this session."""
    row = conn.cursor(row_factory=tuple_row).execute(OTHER_OWNER).fetchone()
    if row is not None:
        raise NotTheOwner(*row)


OTHER_OWNER = """
    select relowner::regrole::text from pg_class
    where oid = to_regclass('public.event') and relowner <> current_user::regrole
"""


def _check_known(files: Mapping[str, str], applied: Mapping[str, str]) -> None:
    """Compare the applied migrations with the files. `files`: the SQL by name. `applied`: the digest by name.

    Raises SchemaNewer if an applied migration has no file. Raises MigrationChanged if the digest of a file is not that
    of the applied migration.
    """
    if unknown := applied.keys() - files.keys():
        raise SchemaNewer(unknown)
    for name, digest in applied.items():
        if digest != _digest(files[name]):
            raise MigrationChanged(name)


def migrate(
    url: str,
    folder: Traversable | None = None,
    before: Callable[[], object] = lambda: None,
    on_wait: Callable[[], object] = lambda: None,
) -> list[str]:
    """Apply the pending migrations and return their names. Each migration is applied and recorded in one transaction.

    The transaction of the last one also sets the privileges of the roles, because migrations add and replace tables and
    functions. They are set if there is no pending migration too, because a role may be new.

    `url` has any form that libpq accepts. Concurrent callers wait for each other; `on_wait` is called once if this
    caller must wait. `before` is called before the first migration, when no other caller is migrating. Raises
    MigrationChanged if an applied file was edited, SchemaNewer if the database has migrations that this program does
    not know, NotTheOwner if the tables belong to another role, StillBusy if another caller is not done within
    MAX_WAIT_SECONDS.
    """
    files = _files(folder or resources.files("migrations"))
    with session.connect(url, session.COMMANDS) as conn:
        wait_until(lambda: _lock(conn), on_wait)
        _check_owner(conn)
        conn.execute(TABLE)
        applied: dict[str, str] = dict(conn.execute("select name, sha256 from migration").fetchall())
        _check_known(files, applied)
        before()
        pending = {name: sql for name, sql in files.items() if name not in applied}
        for name, sql in pending.items():
            _apply(conn, name, sql, is_last=name == max(pending))
        if not pending:
            with conn.transaction():
                roles.set_privileges(conn)
        return list(pending)


def wait_until(ready: Callable[[], bool], on_wait: Callable[[], object]) -> None:
    """Wait until `ready` returns true. Calls `on_wait` before it waits. Raises StillBusy after MAX_WAIT_SECONDS."""
    if ready():
        return
    on_wait()
    until = time.monotonic() + MAX_WAIT_SECONDS
    while not ready():
        if time.monotonic() > until:
            raise StillBusy
        time.sleep(POLL_SECONDS)


def _lock(conn: psycopg.Connection[Any]) -> bool:
    """Take the lock that allows one program at a time to migrate; whether it was free. The session keeps it."""
    [taken] = conn.execute("select pg_try_advisory_lock(%s)", [ADVISORY_LOCK]).fetchone() or [False]
    return bool(taken)


def _files(folder: Traversable) -> dict[str, str]:
    files = {file.name: file for file in folder.iterdir() if re.fullmatch(r"\d{4}_\w+\.sql", file.name)}
    return {name: files[name].read_text(encoding="utf-8") for name in sorted(files)}


def _digest(sql: str) -> str:
    return sha256(sql.encode()).hexdigest()


def _apply(conn: psycopg.Connection, name: str, sql: str, *, is_last: bool) -> None:
    try:
        with conn.transaction():
            conn.execute(sql.encode())
            conn.execute("insert into migration (name, sha256) values (%s, %s)", [name, _digest(sql)])
            if is_last:
                roles.set_privileges(conn)
    except psycopg.Error as error:
        error.add_note(f"in migration {name}")
        raise
