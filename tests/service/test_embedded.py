"""The embedded PostgreSQL starts in any folder, is shared by commands, survives kills and leaves no process running."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psutil
import psycopg
import pytest

from service import supervisor
from service.postgres import embedded
from service.postgres.embedded import HomeInUse, PostgresFailed, embedded_postgres
from tests.conftest import open_folder

OWNER = """
import os, signal, sys
from pathlib import Path
from service.postgres.embedded import embedded_postgres
home, *options = sys.argv[1:]
with embedded_postgres(Path(home), join="join" in options) as url:
    if "fork" in options and os.fork() == 0:
        signal.pause()
    print(url, flush=True)
    sys.stdin.read()
"""


@contextmanager
def owned_by_another(home: Path, *options: str) -> Iterator[tuple[psutil.Popen, str]]:
    """Starts another process that owns the data folder `home`. Yields the process and the conninfo of its server."""
    command: list[str | Path] = [sys.executable, "-c", OWNER, home, *options]
    with psutil.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process, process.stdout.readline().strip()


def postgres_of(home: Path) -> list[psutil.Process]:
    data = str(home.resolve() / "postgres")
    return [p for p in psutil.process_iter(["name", "cwd"]) if p.info == {"name": "postgres", "cwd": data}]


def server_of(home: Path) -> psutil.Process:
    return psutil.Process(int((home / "postgres/postmaster.pid").read_text().partition("\n")[0]))


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A data folder that is shared by the tests that do not need a new folder."""
    with open_folder() as folder:
        yield folder
        for process in postgres_of(folder):
            process.kill()


def run(url: str, query: str) -> object:
    with psycopg.connect(url, autocommit=True) as conn:
        cursor = conn.execute(query)
        return next(cursor)[0] if cursor.description else None


@pytest.mark.parametrize("name", ["var", "my 溯元 “home”, $HOME's", "long" * 50])
def test_it_starts_in_a_folder_of_any_name_and_leaves_no_process(folder, name):
    home = folder / name
    with embedded_postgres(home) as url:
        assert run(url, "select current_database()") == "suyuan"
        assert postgres_of(home)
    assert not postgres_of(home)


def test_data_is_kept_and_the_server_log_contains_no_values(home):
    with embedded_postgres(home) as url:
        run(url, "create table payee (name text primary key)")
        run(url, "insert into payee values ('first')")
    with embedded_postgres(home) as url:
        assert run(url, "select name from payee") == "first"
        with pytest.raises(psycopg.errors.UniqueViolation), psycopg.connect(url) as conn:
            conn.execute("insert into payee select %s from payee", ["first"])
    written = (home / "postgres/postgres.log").read_text()
    assert "duplicate key" in written
    assert "first" not in written.partition("duplicate key")[2]


def test_commits_are_durable(home):
    with embedded_postgres(home) as url:
        assert run(url, "show fsync") == run(url, "show synchronous_commit") == "on"


def test_a_second_owner_is_refused_with_the_process_id_of_the_first(home):
    with owned_by_another(home) as (process, _):
        with pytest.raises(HomeInUse, match=str(process.pid)), embedded_postgres(home):
            pass
        process.communicate()
    assert not postgres_of(home)


def test_a_command_joins_the_owners_server_and_leaves_it_running(home):
    with owned_by_another(home) as (process, url):
        with embedded_postgres(home, join=True) as joined:
            assert joined == url
        assert run(url, "select 1") == 1
        process.communicate()


def test_the_last_command_to_leave_stops_the_server_that_another_has_started(home):
    with owned_by_another(home) as (process, _), embedded_postgres(home, join=True) as url:
        server = server_of(home)
        process.communicate()
        assert run(url, "select 1") == 1
        with owned_by_another(home, "join") as (third, _):
            third.communicate()
        assert server_of(home) == server
    assert not postgres_of(home)


def test_commands_that_begin_and_end_side_by_side_share_one_server(home):
    command = [sys.executable, "-c", OWNER, home, "join"]
    several = [subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) for _ in range(4)]
    for each in several:
        url, _ = each.communicate()
        assert (each.returncode, bool(url)) == (0, True)
    assert not postgres_of(home)


def test_a_kill_of_the_process_that_started_the_server_disturbs_no_other(home):
    with owned_by_another(home) as (process, _), embedded_postgres(home, join=True) as url:
        server = server_of(home)
        process.kill()
        process.wait()
        with owned_by_another(home, "join") as (third, joined):
            assert (joined, server_of(home)) == (url, server)
            third.kill()
            third.wait()
        assert run(url, "select 1") == 1
    assert not postgres_of(home)


def test_a_server_that_dies_is_started_again_for_those_who_joined(home):
    with owned_by_another(home) as (process, _), embedded_postgres(home, join=True) as url:
        process.communicate()
        server_of(home).kill()
        while True:
            with suppress(psycopg.OperationalError):
                assert run(url, "select 1") == 1
                break
            time.sleep(0.05)
    assert not postgres_of(home)


@pytest.fixture
def interrupts():
    """SIGINT raises KeyboardInterrupt, even if the tests run in the background of a shell that made them ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("moment", ["started", "recorded", "ready", "supervised"])
def test_an_interrupt_at_any_moment_of_the_start_leaves_no_server(home, monkeypatch, moment, interrupts):
    def interrupted_after(function):
        def call(*arguments, **options):
            result = function(*arguments, **options)
            signal.raise_signal(signal.SIGINT)
            return result

        return call

    owner, name = {
        "started": (subprocess, "Popen"),
        "recorded": (embedded, "_pid_file"),
        "ready": (embedded, "_await_ready"),
        "supervised": (threading.Thread, "start"),
    }[moment]
    with embedded_postgres(home):
        pass  # the cluster exists: the first process of the next start is the server, not initdb
    monkeypatch.setattr(owner, name, interrupted_after(getattr(owner, name)))
    with pytest.raises(KeyboardInterrupt), embedded_postgres(home):
        pass
    monkeypatch.undo()
    assert not postgres_of(home)


def test_a_server_that_is_left_to_a_command_that_has_not_joined_yet_is_stopped(home, monkeypatch):
    with owned_by_another(home) as (process, _):

        def interrupted(*_):
            process.communicate()
            raise KeyboardInterrupt

        monkeypatch.setattr(supervisor, "supervised", interrupted)
        with pytest.raises(KeyboardInterrupt), embedded_postgres(home, join=True):
            pass
    assert not postgres_of(home)


def test_a_command_without_an_owner_runs_the_server_itself(home):
    with embedded_postgres(home, join=True) as url:
        assert run(url, "select 1") == 1
    assert not postgres_of(home)


def test_data_survives_a_kill_of_the_owner(home):
    with owned_by_another(home) as (process, url):
        run(url, "create table kept_by_server ()")
        process.kill()
        process.wait()
    assert postgres_of(home)
    with embedded_postgres(home) as url:
        assert run(url, "select count(*) from kept_by_server") == 0
    assert not postgres_of(home)


def test_a_worker_forked_by_a_killed_owner_does_not_keep_the_home_in_use(home):
    with owned_by_another(home, "fork") as (process, _):
        [worker] = [child for child in process.children() if child.name() != "postgres"]
        process.kill()
        process.wait()
        try:
            with embedded_postgres(home) as url:
                assert run(url, "select 1") == 1
                assert worker.is_running()
        finally:
            worker.kill()


def test_data_survives_a_kill_of_the_server(home):
    with embedded_postgres(home) as url:
        run(url, "create table kept_by_files ()")
        server_of(home).kill()
    with embedded_postgres(home) as url:
        assert run(url, "select count(*) from kept_by_files") == 0
    assert not postgres_of(home)


def test_it_starts_after_a_kill_of_owner_and_server_during_a_query(home):
    with owned_by_another(home) as (process, url), closing(psycopg.connect(url)) as conn:
        conn.pgconn.send_query(b"select count(*) from generate_series(1, 3000000)")
        server_of(home).kill()
        process.kill()
        process.wait()
        with embedded_postgres(home) as again:
            assert run(again, "select 1") == 1


def test_it_starts_when_the_recorded_process_id_belongs_to_another_process(home):
    with embedded_postgres(home):
        pid_file = (home / "postgres/postmaster.pid").read_text()
        server = server_of(home)
        server.kill()
    other_pid = str(psutil.Process().pid)
    (home / "postgres/postmaster.pid").write_text(pid_file.replace(str(server.pid), other_pid))
    with embedded_postgres(home) as url:
        assert run(url, "select 1") == 1


def test_it_starts_after_a_kill_during_the_creation_of_the_data_folder(folder):
    (folder / "postgres.unfinished").mkdir()
    (folder / "postgres.unfinished/PG_VERSION").touch()
    with embedded_postgres(folder) as url:
        assert run(url, "select 1") == 1


def test_a_failed_start_reports_the_reason(folder):
    with embedded_postgres(folder):
        pass
    with (folder / "postgres/postgresql.conf").open("a") as settings:
        settings.write("no_such_setting = 1\n")
    with pytest.raises(PostgresFailed, match="no_such_setting"), embedded_postgres(folder):
        pass
