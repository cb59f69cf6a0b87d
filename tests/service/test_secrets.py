"""Secrets are neither in the environment of child processes nor in a core dump."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from service import supervisor
from service.config import Config, from_environment
from tests.service.commands import run_command
from tests.service.conftest import SECRET
from tests.service.test_gateway import Served
from tests.service.test_kill import free_port

PASSWORD, OTHER_PASSWORD = "the-password-in-the-url", "the-password-for-libpq"
MARKS = (SECRET, PASSWORD.encode(), OTHER_PASSWORD.encode())


def environ_of(process):
    """The environment with which a process was started; empty if the process has ended."""
    with suppress(OSError):
        return Path(f"/proc/{process.pid}/environ").read_bytes()
    return b""


def exposed(process):
    return [mark for mark in MARKS if mark in environ_of(process)]


def core_limit(process):
    lines = Path(f"/proc/{process.pid}/limits").read_text().splitlines()
    return next(line.split()[4:6] for line in lines if line.startswith("Max core file size"))


class Run:
    """A running `suyuan run`, with these environment variables.

    `environments`: the environments of all its child processes, by their arguments. They are read again and again,
    because a check ends soon, and the web server overwrites its arguments where the package setproctitle is installed.
    """

    def __init__(self, api, home, variables):
        self.api, self.port, self.environments = api, free_port(), {}
        environment = {**os.environ, **variables, "SUYUAN_HOME": str(home), "PORT": str(self.port)}
        command = [sys.executable, "-m", "service", "run"]
        self.log = home / "run.log"
        with self.log.open("wb") as log:
            self.process = psutil.Popen(command, env=environment, stdout=log, stderr=log)
        self.call = Served.call.__get__(self)

    def until(self, found):
        """Wait until `found()` is true, and return its value."""
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text()
            self.note_environments()
            with suppress(OSError):
                if value := found():
                    return value
            time.sleep(0.05)
        return pytest.fail(self.log.read_text())

    def note_environments(self):
        for child in self.process.children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                self.environments.setdefault(" ".join(child.cmdline()[3:]), set()).add(environ_of(child))


@contextmanager
def running(api, home, variables):
    run = Run(api, home, variables)
    try:
        run.until(lambda: run.call("GET", "/readyz")[0] == 200)
        yield run
    finally:
        run.process.send_signal(signal.SIGINT)
        run.process.wait(60)


@pytest.mark.long("starts every command")
@pytest.mark.parametrize("given", ["in the environment", "in files"])
def test_no_process_has_a_secret_in_its_environment_that_the_operator_did_not_put_there(api, tmp_path, given):
    """The first process has what its environment was started with. The checker runs in a process of its own."""
    url = make_conninfo(api.url, password=PASSWORD)
    if given == "in files":
        services, secret = tmp_path / "services", tmp_path / "secret"
        parts = psycopg.conninfo.conninfo_to_dict(url)
        services.write_text("[ledger]\n" + "".join(f"{name}={value}\n" for name, value in parts.items()))
        secret.write_bytes(SECRET)
        variables = {
            "DATABASE_URL": "service=ledger", "PGSERVICEFILE": str(services), "SUYUAN_SECRET_FILE": str(secret)
        }  # fmt: skip
    else:
        variables = {"DATABASE_URL": url, "SUYUAN_SECRET": SECRET.decode(), "PGPASSWORD": OTHER_PASSWORD}
    with running(api, tmp_path, variables) as run:
        assert exposed(run.process) == ([] if given == "in files" else list(MARKS))
        address = json.loads(run.call("POST", "/v1/checks", key="all")[2])["check"]
        run.until(lambda: json.loads(run.call("GET", address, key="all")[2])["status"] == "finished")
        assert all(
            any(run.environments[name]) for name in ("projector --no-checks", "checker", "serve", "check --json")
        )
        run.environments.pop("run", None)  # a child before it begins its own program: a copy of the first process
        for arguments, environments in run.environments.items():
            assert not [mark for mark in MARKS for each in environments if mark in each], arguments


def test_no_process_of_run_serve_or_projector_dumps_its_memory_when_it_crashes(api, tmp_path):
    variables = {"DATABASE_URL": api.url, "SUYUAN_SECRET": SECRET.decode()}
    with running(api, tmp_path, variables) as run:
        assert len(run.process.children(recursive=True)) >= 3
        for each in [run.process, *run.process.children(recursive=True)]:
            assert core_limit(each) == ["0", "0"], each.cmdline()
    for command in ("serve", "projector"):
        environment = {**os.environ, **variables, "PORT": str(free_port())}
        with subprocess.Popen(
            [sys.executable, "-m", "service", command], env=environment, stderr=subprocess.DEVNULL
        ) as process:
            deadline = time.monotonic() + 30
            while core_limit(process) != ["0", "0"]:
                assert time.monotonic() < deadline, command
                time.sleep(0.05)
            process.terminate()


def test_a_command_removes_the_secret_from_its_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("SUYUAN_SECRET", SECRET.decode())
    monkeypatch.setenv("DATABASE_URL", "host=/nowhere")
    assert from_environment().secret == SECRET
    assert "SUYUAN_SECRET" not in os.environ


def test_a_child_process_works_with_the_secrets_that_were_handed_over(api, tmp_path):
    config = Config(tmp_path, "127.0.0.1", 8000, make_conninfo(api.url, password=PASSWORD), SECRET, "/suyuan")
    process = supervisor.start(config, "keys", "list", "--json", stdout=subprocess.PIPE)
    assert exposed(process) == []
    output, _ = process.communicate(timeout=60)
    assert "auditor" in {key["name"] for key in json.loads(output)}
    assert process.returncode == 0


def test_a_secret_that_is_not_text_is_read_from_its_file_by_a_child_process_too(api, tmp_path):
    secret = b"\xff" * 40
    (tmp_path / "secret").write_bytes(secret)
    with psycopg.connect(api.url) as conn:
        conn.execute("delete from secret")
    variables = {"DATABASE_URL": api.url, "SUYUAN_HOME": str(tmp_path)}
    made = run_command("keys", "create", "bank", "--scope", "read", env={**os.environ, **variables})
    assert made.returncode == 0, made.stderr
    config = Config(tmp_path, "127.0.0.1", 8000, api.url, secret, "/suyuan")
    process = supervisor.start(config, "keys", "list", "--json", stdout=subprocess.PIPE)
    assert b'"bank"' in process.communicate(timeout=60)[0]
