"""Migrate a database to the newest schema: apply the pending files of `migrations/` in order, each once.

yoyo-migrations is not used: it commits a migration before it records it, so that a kill in between makes every later
start fail, and it does not detect that an applied file was changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import sha256
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

import psycopg
from psycopg.rows import tuple_row

from service.config import OperatorError

ADVISORY_LOCK = 5_355_595_541  # arbitrary; no other advisory lock of this service has this number

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


def check_migrated(conn: psycopg.Connection[Any]) -> None:
    """Raises MigrationsPending if the database lacks a migration of this program. Changes nothing."""
    exists = conn.cursor(row_factory=tuple_row).execute("select to_regclass('migration') is not null").fetchone()
    assert exists is not None
    names = conn.cursor(row_factory=tuple_row).execute("select name from migration").fetchall() if exists[0] else []
    pending = _files(resources.files("migrations")).keys() - {name for (name,) in names}
    if pending:
        raise MigrationsPending(sorted(pending))


def migrate(url: str, folder: Traversable | None = None) -> list[str]:
    """Apply the pending migrations and return their names. Each is applied and recorded in one transaction.

    `url` has any form that libpq accepts. Concurrent callers wait for each other. Raises MigrationChanged if an applied
    file was edited.
    """
    files = _files(folder or resources.files("migrations"))
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("select pg_advisory_lock(%s)", [ADVISORY_LOCK])
        conn.execute(TABLE)
        applied: dict[str, str] = dict(conn.execute("select name, sha256 from migration").fetchall())
        for name, sql in files.items():
            if applied.get(name, _digest(sql)) != _digest(sql):
                raise MigrationChanged(name)
        pending = {name: sql for name, sql in files.items() if name not in applied}
        for name, sql in pending.items():
            _apply(conn, name, sql)
        return list(pending)


def _files(folder: Traversable) -> dict[str, str]:
    files = {file.name: file for file in folder.iterdir() if re.fullmatch(r"\d{4}_\w+\.sql", file.name)}
    return {name: files[name].read_text(encoding="utf-8") for name in sorted(files)}


def _digest(sql: str) -> str:
    return sha256(sql.encode()).hexdigest()


def _apply(conn: psycopg.Connection, name: str, sql: str) -> None:
    try:
        with conn.transaction():
            conn.execute(sql.encode())
            conn.execute("insert into migration (name, sha256) values (%s, %s)", [name, _digest(sql)])
    except psycopg.Error as error:
        error.add_note(f"in migration {name}")
        raise
