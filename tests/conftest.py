"""PostgreSQL fixtures: one server per test worker, one migrated template database, and a clone of it per test."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import hypothesis
import psycopg
import pytest
import structlog
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import DictRow, dict_row

from service.postgres import embedded, roles
from service.postgres.migrate import migrate

hypothesis.settings.register_profile("fixed", derandomize=True, database=None, deadline=None, print_blob=True)
hypothesis.settings.register_profile("explore", derandomize=False, deadline=None, print_blob=True)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))
"""The profile `fixed` draws the same examples on every machine; the profile `explore` draws new ones in every run.

The environment variable HYPOTHESIS_PROFILE selects the profile.
"""

os.environ.setdefault("HEALTH_PORT", "0")
"""The servers of the tests have no port of their own for health, which would be the next one after a free port."""

PROGRAMS = Path(os.environ.get("SUYUAN_TEST_POSTGRES_BIN") or embedded.programs())
"""The folder of PostgreSQL's programs that the tests run."""
NOT_DURABLE = {"fsync": "off", "full_page_writes": "off", "max_wal_size": "4GB"}
"""PostgreSQL settings for speed: the data of a test server need not survive a crash."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that need PostgreSQL, so that `-m database` can repeat them on another PostgreSQL version.

    Tests that are marked as long get a longer timeout.
    """
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(pytest.mark.timeout(1_800))
        if "server_url" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.database)


@pytest.fixture(autouse=True)
def default_logging() -> Iterator[None]:
    """Undo the configuration of loggers by commands that a test runs in its own process."""
    yield
    structlog.reset_defaults()


SHARED_MEMORY = Path("/dev/shm")
MIN_FREE_BYTES = 4 * 2**30


def memory_folder() -> Path | None:
    """A folder in memory; None if there is no such folder, or if it has too little space.

    Each test's database creates and removes some hundred files, which is slow on a disk.
    """
    writable = SHARED_MEMORY.is_dir() and os.access(SHARED_MEMORY, os.W_OK)
    return SHARED_MEMORY if writable and shutil.disk_usage(SHARED_MEMORY).free > MIN_FREE_BYTES else None


@contextmanager
def open_folder(parent: Path | None = None) -> Iterator[Path]:
    """A temporary folder that PostgreSQL's user may enter, even if root runs the tests.

    If root runs the tests, only root may enter `tmp_path`.
    """
    with TemporaryDirectory(prefix="suyuan-", dir=parent) as name:
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


def as_role(url: str, role: str) -> str:
    """The URL of the same database for the login of `role`, with which that process connects."""
    return make_conninfo(url, user=roles.login(role))


def end_sessions(url: str) -> None:
    """End every other session of this database, all at the same moment, and wait until they are gone."""
    others = "select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
    with psycopg.connect(url, autocommit=True) as admin:
        pids = [pid for (pid,) in admin.execute(others)]
        admin.execute("select pg_terminate_backend(pid) from unnest(%s::int[]) as ended (pid)", [pids])
        until = time.monotonic() + 10
        while admin.execute("select from pg_stat_activity where pid = any(%s)", [pids]).fetchone() is not None:
            assert time.monotonic() < until, "a session does not end"
            time.sleep(0.01)


@pytest.fixture
def folder() -> Iterator[Path]:
    with open_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """The URL of the server for the tests.

    It is SUYUAN_TEST_DATABASE_URL if that is set. Otherwise the tests run a server with the programs in
    SUYUAN_TEST_POSTGRES_BIN or, by default, with the embedded programs. The server gets the roles of the processes, and
    must let their logins in without a password.
    """
    with ExitStack() as stack:
        url = os.environ.get("SUYUAN_TEST_DATABASE_URL")
        if not url:
            folder = stack.enter_context(open_folder(memory_folder()))
            url = stack.enter_context(embedded.serve(folder / "postgres", PROGRAMS, NOT_DURABLE))
        with psycopg.connect(url) as admin:
            admin.execute("select pg_advisory_xact_lock(1)")  # several workers may use the server
            roles.create(admin)
        yield url


@pytest.fixture(scope="session")
def template(server_url: str) -> Iterator[str]:
    """The name of a migrated database that other databases are cloned from."""
    with new_database(server_url) as url:
        migrate(url)
        yield str(conninfo_to_dict(url)["dbname"])


@pytest.fixture
def database_url(server_url: str, template: str) -> Iterator[str]:
    """The URL of a new migrated database for one test. It is for tests that need several connections."""
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
    """A connection to a migrated database that tests share. What the test writes is rolled back after the test.

    This is cheaper than `database_url`.
    """
    with shared_conn.transaction(force_rollback=True):
        yield shared_conn
