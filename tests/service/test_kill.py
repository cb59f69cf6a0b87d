"""`suyuan run` loses nothing if its processes are killed with SIGKILL at random moments while events are posted."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from random import Random

import psutil
import psycopg
import pytest

from service.postgres.embedded import _conninfo
from tests.folded import differing_from_a_fold

TIMEOUT_SECONDS = 60


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def command_words(process):
    return " ".join(process.cmdline()).split()


class Service:
    """A running `suyuan run` with the home folder `home`."""

    def __init__(self, home):
        self.home, self.port = home, free_port()
        self.start()

    def start(self):
        environment = {k: v for k, v in os.environ.items() if k != "DATABASE_URL"}
        environment |= {"SUYUAN_HOME": str(self.home), "PORT": str(self.port)}
        with (self.home / "run.log").open("ab") as log:
            self.process = psutil.Popen(
                [sys.executable, "-m", "service", "run"], env=environment, stdout=log, stderr=log
            )
        self.await_ready()

    def call(self, method, path, body=None, key=None, kind="application/cloudevents+json"):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        headers = {"Content-Type": kind} if body else {}
        if key:
            headers["Authorization"] = f"Bearer {self.keys()[key]}"
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def keys(self):
        return json.loads((self.home / "demo-keys.json").read_text())

    def await_ready(self):
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            assert self.process.poll() is None, (self.home / "run.log").read_text()
            try:
                status, _ = self.call("GET", "/readyz")
            except (OSError, http.client.HTTPException):
                status = 0
            if status == 200:
                return
            time.sleep(0.05)
        pytest.fail((self.home / "run.log").read_text())

    def await_folded(self):
        """Wait until the projections have reached the end of the log. Errors of killed processes are ignored."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            with suppress(OSError, http.client.HTTPException, ValueError):
                status, answer = self.call("GET", "/readyz")
                positions = json.loads(answer)
                if status == 200 and positions["log_position"] == positions["projected_position"]:
                    return
            time.sleep(0.05)
        pytest.fail("the projections did not catch up")

    def parts(self):
        """The processes by name: the supervisor, the web server and its workers, the projector and PostgreSQL."""
        children = self.process.children()
        # If setproctitle is installed, granian sets the titles of its processes.
        titles = {"projector": ("projector",), "serve": ("serve", "granian")}
        named = {name: [c for c in children if {*given} & {*command_words(c)}] for name, given in titles.items()}
        postgres = [c for c in children if c.name() == "postgres"]
        workers = [worker for server in named["serve"] for worker in server.children()]
        return {"run": [self.process], "worker": workers, "postgres": postgres, **named}

    def kill(self, name):
        """Kill the processes of this name. If they are not restarted yet after an earlier kill, wait for them first."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            with suppress(psutil.NoSuchProcess):
                processes = self.parts()[name]
                for process in processes:
                    process.kill()
                if processes:
                    return
            time.sleep(0.02)
        pytest.fail(f"{name} was not restarted")

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(TIMEOUT_SECONDS)


@contextmanager
def running(folder):
    service = Service(folder)
    processes = service.process.children(recursive=True)
    try:
        yield service
        processes += service.process.children(recursive=True)
    except BaseException:
        lines = (folder / "run.log").read_text().splitlines()
        print(*[line for line in lines if '"event": "request"' not in line], sep="\n")
        raise
    finally:
        if service.process.is_running():
            service.stop()
    psutil.wait_procs(processes, 10)
    assert [p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE] == []


def event(number):
    documents = [{"kind": "上级指标文号", "number": f"示例〔2020〕{number}号"}]
    data = {"occurred_on": "2020-07-01", "actor": "测试", "documents": documents, "budget_year": 2020}
    return {
        "specversion": "1.0",
        "id": f"kill-{number}",
        "source": "/example/sender",
        "type": "AppropriationReceived",
        "subject": "fund/yx-ip-2018",
        "data": {**data, "amount": "0.01"},
    }


def test_run_serves_a_browser_and_leaves_no_processes_behind(folder):
    home = folder / "home[red]"
    home.mkdir(mode=0o711)
    with running(home) as service:
        status, page = service.call("GET", "/")
        assert status == 200
        assert "支持高价值专利(组合)创造及运用项目" in page
        status, answer = service.call("GET", "/v1/funds/yx-ip-2018/balances?by=batch", key="auditor")
        assert [row["planned"] for row in json.loads(answer)["rows"]] == ["6170000.00", "4110000.00"]
        assert service.call("GET", "/v1/funds")[0] == 401
        head = json.loads(service.call("GET", "/readyz")[1])["log_position"]
        assert service.stop() == 0
        service.start()
        assert json.loads(service.call("GET", "/readyz")[1])["log_position"] == head, "a second start adds nothing"
        for _ in range(600):  # the block is printed some time after the service is ready
            if "停止 stop" in (printed := (home / "run.log").read_text()):
                break
            time.sleep(0.05)
        assert "Traceback" not in printed
        assert f"账簿 ledger  {home}\n" in printed, "a name in square brackets is shown as it is"


def test_operator_commands_work_while_the_service_runs(folder):
    with running(folder) as service:
        environment = {**os.environ, "SUYUAN_HOME": str(folder)}
        command = [sys.executable, "-m", "service", "keys", "create", "clerk", "--scope", "read"]
        created = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=10)
        connection.request("GET", "/v1/funds", headers={"Authorization": f"Bearer {created.stdout.strip()}"})
        assert connection.getresponse().status == 200
        connection.close()
        second = subprocess.run(
            [sys.executable, "-m", "service", "run"], env=environment, capture_output=True, text=True, check=False
        )
        assert second.returncode == 2
        assert "SUYUAN_HOME" in second.stderr


class Sender(threading.Thread):
    """A thread that posts events one after another. Each event is posted again until it is acknowledged."""

    def __init__(self, service):
        super().__init__(daemon=True)
        self.service, self.acknowledged, self.enough = service, {}, threading.Event()
        self.wrong = []

    def run(self):
        number = 0
        while not self.enough.is_set():
            try:
                status, answer = self.service.call("POST", "/v1/events", json.dumps(event(number)), "fund-office")
            except (OSError, http.client.HTTPException):
                time.sleep(0.05)
                continue
            if status in (200, 201):
                self.acknowledged[number] = json.loads(answer)["position"]
                number += 1
            elif status == 503:
                time.sleep(0.05)
            else:
                self.wrong.append((status, answer))
                return


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.long("kills the processes in another order"))])
def test_killing_any_process_loses_no_acknowledged_event(folder, seed):
    random = Random(seed)
    with running(folder) as service:
        sender = Sender(service)
        sender.start()
        victims = ["worker", "projector", "postgres", "run", "serve", "worker"]
        random.shuffle(victims)
        for victim in victims:
            time.sleep(random.uniform(0.2, 0.8))
            service.kill(victim)
            if victim == "run":
                service.process.wait()
                service.start()
        before = len(sender.acknowledged)
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while len(sender.acknowledged) < before + 20 and time.monotonic() < deadline and not sender.wrong:
            time.sleep(0.05)
        sender.enough.set()
        sender.join()
        assert sender.wrong == []
        assert len(sender.acknowledged) >= before + 20
        service.await_folded()
        check(_conninfo(folder / "postgres"), sender.acknowledged)


def check(url, acknowledged):
    with psycopg.connect(url, autocommit=True) as conn:
        positions = [row[0] for row in conn.execute("select position from event order by position")]
        assert positions == list(range(1, len(positions) + 1))
        recorded = dict(
            conn.execute(
                "select fact ->> 'source_id', position from event where fact ->> 'source' = '/example/sender'"
            ).fetchall()
        )
        for number, position in acknowledged.items():
            assert recorded[f"kill-{number}"] == position
        assert len(recorded) <= len(acknowledged) + 1, "at most the last event was recorded but not acknowledged"
        assert differing_from_a_fold(conn) == []
