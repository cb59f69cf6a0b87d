"""The port for health and metrics answers whatever is done to the main port, and only while the worker runs."""

import concurrent.futures
import errno
import http.client
import json
import os
import resource
import signal
import socket
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import psutil
import psycopg
import pytest
from psycopg.rows import dict_row

from service.auth import api_keys
from service.auth.grants import grant
from service.config import Config, ConfigWrong, ExitCode, from_environment
from service.server import startup
from service.server.probes import CONNECTION_SECONDS, MAX_CONNECTIONS
from tests.conftest import new_database
from tests.service.conftest import SECRET, build, close
from tests.service.test_gateway import Served, appropriation, founding
from tests.service.test_kill import free_port

MAX_ANSWER_SECONDS = 1.0
"""Most probes are answered within this time. Where the machine has other work, one may take longer, up to PATIENCE."""
PATIENCE = 5.0


class Probed(Served):
    """A server that has a port for health and metrics, `health_port`."""

    def __init__(self, api, **settings):
        self.health_port = free_port()
        super().__init__(api, HEALTH_PORT=str(self.health_port), **settings)

    def probe(self, path="/healthz", method="GET", key=None, timeout=PATIENCE):
        with closing(http.client.HTTPConnection("127.0.0.1", self.health_port, timeout=timeout)) as connection:
            connection.request(method, path, headers=self.api.headers(key))
            response = connection.getresponse()
            return response.status, response.headers, response.read()

    def worker(self):
        [worker] = psutil.Process(self.process.pid).children()
        return worker


@pytest.fixture
def served(api):
    server = Probed(api)
    yield server
    if server.process.poll() is None:
        server.stop()


@pytest.fixture(scope="module")
def shared_server(server_url, template):
    """A server that is shared by tests that record nothing."""
    with new_database(server_url, template) as url:
        api = build(url)
        server = Probed(api)
        yield server
        server.stop()
        close(api)


@contextmanager
def silent(port, how_many, beginning=b""):
    """Context manager: this many connections to the port, each of which sends `beginning` and nothing more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < how_many + 512:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, how_many + 512), hard))
    with ExitStack() as stack:
        for _ in range(how_many):
            connection = stack.enter_context(socket.socket())
            connection.settimeout(0)
            assert connection.connect_ex(("127.0.0.1", port)) in (0, errno.EINPROGRESS)
            with suppress(BlockingIOError):  # the connection is not accepted yet
                connection.sendall(beginning)
        yield


def test_health_and_metrics_and_nothing_else_are_answered(shared_server):
    assert json.loads(shared_server.probe("/healthz")[2])["status"] == "ok"
    assert json.loads(shared_server.probe("/readyz")[2])["status"] == "ready"
    assert shared_server.probe("/metrics")[0] == 401
    assert shared_server.probe("/metrics", key="auditor")[0] == 403
    status, headers, body = shared_server.probe("/metrics", key="operator")
    assert (status, b"suyuan_database_up 1.0" in body) == (200, True)
    assert headers["Connection"] == "close"
    for path in ("/", "/v1/funds", "/openapi.json", "/docs", "/%68ealthz"):
        assert shared_server.probe(path, key="operator")[0] == 404, path


def test_each_method_has_its_own_answer(shared_server):
    for method, status, empty in (("HEAD", 200, True), ("GET", 200, False), ("POST", 404, False), ("get", 405, False)):
        answered, _, body = shared_server.probe("/readyz", method)
        assert (method, answered, not body) == (method, status, empty)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /healthz HTTP/1.1\r\n\r\n", b"400"),
        (b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"400"),
        (b"GET /healthz HTTP/1.1\r\nHost: a/b\r\n\r\n", b"400"),
        (b"\x00\x01\r\n\r\n", b"400"),
        (b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 40_000 + b"\r\n\r\n", b"431"),
        (b"GET /healthz HTTP/1.0\r\n\r\n", b"200"),
        (b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\nGET /readyz HTTP/1.1\r\nHost: a\r\n\r\n", b"200"),
    ],
)
def test_a_malformed_request_is_refused_and_one_connection_answers_one_request(shared_server, request_, status):
    with socket.create_connection(("127.0.0.1", shared_server.health_port), timeout=5) as connection:
        connection.sendall(request_)
        answer = b""
        while part := connection.recv(65_536):
            answer += part
    assert (answer[9:12], answer.count(b"HTTP/1.1 ")) == (status, 1)


def test_the_main_port_goes_on_answering_the_same_checks(shared_server):
    assert [shared_server.call("GET", path)[0] for path in ("/healthz", "/readyz")] == [200, 200]
    assert shared_server.call("GET", "/metrics", None, "operator")[0] == 200


@pytest.mark.long("opens thousands of connections")
@pytest.mark.parametrize("how_many", [1_100, 4_200])
@pytest.mark.parametrize("beginning", [b"", b"GET /healthz HTTP/1.1\r\nHost:"])
def test_connections_that_occupy_the_main_port_keep_out_neither_probes_nor_posts_of_others(
    served, api, how_many, beginning
):
    posting = http.client.HTTPConnection("127.0.0.1", served.port, timeout=10)
    kind = {"Content-Type": "application/cloudevents+json", **api.headers("fund-office")}

    def post(event):
        posting.request("POST", "/v1/events", event, kind)
        response = posting.getresponse()
        response.read()
        return response.status

    assert post(founding(api)) == 201
    with silent(served.port, how_many, beginning):
        until, taken = time.monotonic() + 4, []
        while time.monotonic() < until:
            for path, key in (("/healthz", None), ("/readyz", None), ("/metrics", "operator")):
                begun = time.monotonic()
                assert served.probe(path, key=key)[0] == 200
                taken.append(time.monotonic() - begun)
            assert post(appropriation(api)) == 201
            time.sleep(0.1)
        assert statistics.median(taken) < MAX_ANSWER_SECONDS
        with pytest.raises(TimeoutError):
            served.raw(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", wait=0.5)
    posting.close()


def test_silent_clients_of_the_port_for_health_keep_out_no_probe(served):
    with silent(served.health_port, 1_000, b"GET /healthz HTTP/1.1\r\nHost:"):
        for _ in range(50):
            assert served.probe("/healthz")[0] == 200
        open_ones = [each for each in served.worker().net_connections("tcp") if each.laddr.port == served.health_port]
        established = [each for each in open_ones if each.status == psutil.CONN_ESTABLISHED]
        assert len(established) <= MAX_CONNECTIONS


@pytest.mark.long("waits for a limit")
def test_a_silent_client_is_disconnected_in_time(shared_server):
    with socket.create_connection(("127.0.0.1", shared_server.health_port), timeout=2 * CONNECTION_SECONDS) as client:
        begun = time.monotonic()
        client.sendall(b"GET")
        assert not client.recv(1)
        assert CONNECTION_SECONDS - 1 < time.monotonic() - begun < CONNECTION_SECONDS + 3


def test_floods_of_the_main_port_delay_no_probe(served, api):
    with psycopg.connect(api.url, autocommit=True, row_factory=dict_row) as conn:
        api.keys["watcher"] = api_keys.create(conn, SECRET, "watcher", grant(["admin"]))
    until = time.monotonic() + 3

    def flood(number):
        path, key = [("/healthz", None), ("/readyz", None), ("/metrics", "operator"), ("/v1/funds", "guess")][
            number % 4
        ]
        while time.monotonic() < until:
            served.call("GET", path, None, key)

    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        floods = [pool.submit(flood, number) for number in range(24)]
        taken = []
        while time.monotonic() < until:
            for path, key in (("/healthz", None), ("/readyz", None), ("/metrics", "watcher")):
                begun = time.monotonic()
                assert served.probe(path, key=key)[0] == 200
                taken.append(time.monotonic() - begun)
        assert statistics.median(taken) < MAX_ANSWER_SECONDS / 2, "a brake delays by a second"
        for each in floods:
            each.result()


def test_a_worker_that_hangs_or_dies_is_not_said_to_be_healthy(served):
    worker = served.worker()
    worker.send_signal(signal.SIGSTOP)
    try:
        with pytest.raises(TimeoutError):
            served.probe("/healthz", timeout=1)
    finally:
        worker.send_signal(signal.SIGCONT)
    assert served.probe("/healthz", timeout=5)[0] == 200
    worker.send_signal(signal.SIGKILL)
    served.process.wait(10)
    with pytest.raises(ConnectionRefusedError):
        served.probe("/healthz")


def test_a_server_that_is_started_again_has_the_port_again(served, api):
    with silent(served.health_port, 10):
        served.worker().send_signal(signal.SIGKILL)
        served.process.wait(10)
        again = Probed.__new__(Probed)
        again.health_port = served.health_port
        Served.__init__(again, api, HEALTH_PORT=str(served.health_port))
    assert again.probe("/healthz")[0] == 200
    again.stop()


def test_a_readiness_check_without_a_database_is_answered_with_503(served, api):
    with psycopg.connect(api.url, autocommit=True) as conn:
        assert served.probe("/readyz")[0] == 200
        conn.execute("revoke usage on schema public from public")
        conn.execute("alter table api_key rename to api_key_away")
        for _ in range(30):
            if served.probe("/readyz", timeout=6)[0] == 503:
                break
            time.sleep(0.1)
        assert served.probe("/readyz", timeout=6)[0] == 503
        assert served.probe("/healthz")[0] == 200


def test_a_port_for_health_that_is_taken_stops_the_start_with_its_variable(api):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = {"DATABASE_URL": api.url, "SUYUAN_SECRET": SECRET.decode(), "SUYUAN_HOME": "/nowhere"}
        ports = {"PORT": str(free_port()), "HEALTH_PORT": str(taken.getsockname()[1])}
        started = subprocess.run(
            [sys.executable, "-m", "service", "serve"], env={**os.environ, **settings, **ports}, capture_output=True,
            text=True, check=False, timeout=60,
        )  # fmt: skip
    assert started.returncode == ExitCode.NOT_DONE
    assert "set HEALTH_PORT" in started.stderr


def test_the_port_for_health_is_not_the_port_of_the_service():
    port = free_port()
    settings = Config(Path(), "127.0.0.1", port, None, SECRET, "/suyuan", health_port=port)
    with pytest.raises(ConfigWrong, match=f"HEALTH_PORT={port}"):
        startup.checked(settings)
    given = {"DATABASE_URL": "dbname=x", "SUYUAN_SECRET": SECRET.decode(), "PORT": "65535"}
    assert from_environment(given).health_port == 0, "there is no next port"
