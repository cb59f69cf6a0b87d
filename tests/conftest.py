"""A real PostgreSQL for every test that asks: a server per worker, migrated once, cloned for each test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import DictRow, dict_row

from service.postgres import embedded
from service.postgres.migrate import migrate

NOTHING_TO_LOSE = {"fsync": "off", "full_page_writes": "off", "max_wal_size": "4GB"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs the server below, so that `-m database` repeats it on another PostgreSQL."""
    for item in items:
        if "server_url" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.database)


MEMORY = Path("/dev/shm")
ROOM_BYTES = 4 * 2**30


def in_memory() -> Path | None:
    """Where files cost no disk: a database for each test makes and removes some hundred. None if there is no room."""
    roomy = MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM_BYTES
    return MEMORY if roomy else None


@contextmanager
def open_folder(above: Path | None = None) -> Iterator[Path]:
    """A temporary folder that PostgreSQL's own user may enter when root runs the tests, unlike `tmp_path`."""
    with TemporaryDirectory(prefix="suyuan-", dir=above) as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder


@contextmanager
def new_database(server_url: str, template: str = "template1") -> Iterator[str]:
    name = f"suyuan_{uuid4().hex}"
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(f"create database {name} template {template} strategy file_copy")
        try:
            yield make_conninfo(server_url, dbname=name)
        finally:
            admin.execute(f"drop database {name} with (force)")


@pytest.fixture
def folder() -> Iterator[Path]:
    with open_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """The server at SUYUAN_TEST_DATABASE_URL, or one of SUYUAN_TEST_POSTGRES_BIN's programs, or embedded."""
    if url := os.environ.get("SUYUAN_TEST_DATABASE_URL"):
        yield url
        return
    programs = Path(os.environ.get("SUYUAN_TEST_POSTGRES_BIN") or embedded.programs())
    with open_folder(in_memory()) as folder, embedded.serve(folder / "postgres", programs, NOTHING_TO_LOSE) as url:
        yield url


@pytest.fixture(scope="session")
def template(server_url: str) -> Iterator[str]:
    """The name of a migrated database, to clone."""
    with new_database(server_url) as url:
        migrate(url)
        yield str(conninfo_to_dict(url)["dbname"])


@pytest.fixture
def database_url(server_url: str, template: str) -> Iterator[str]:
    """A migrated database of the test's own, to connect to from several sides."""
    with new_database(server_url, template) as url:
        yield url


@pytest.fixture(scope="session")
def shared_conn(server_url: str, template: str) -> Iterator[psycopg.Connection[DictRow]]:
    with (
        new_database(server_url, template) as url,
        psycopg.connect(url, autocommit=True, row_factory=dict_row) as conn,
    ):
        yield conn


@pytest.fixture
def conn(shared_conn: psycopg.Connection[DictRow]) -> Iterator[psycopg.Connection[DictRow]]:
    """A migrated database on one connection, rolled back after the test: cheaper than `database_url`."""
    with shared_conn.transaction(force_rollback=True):
        yield shared_conn
