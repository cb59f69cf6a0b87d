"""The recipe for a proxy, docs/operations/nginx.conf, in front of the running service."""

import http.client
import json
import re
import shutil
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import new_database, open_folder
from tests.service.conftest import build, close
from tests.service.test_gateway import Served, answered, appropriation, connections, founding, head
from tests.service.test_kill import free_port
from tests.service.test_probes import silent
from tests.service.test_unread import ANSWER_BYTES, PAGE, asking, established, wait_until

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
RECIPE = Path(__file__).parents[2] / "docs/operations/nginx.conf"
MAIN = """
daemon off;
error_log {folder}/error.log;
pid {folder}/pid;
{user}
events {{ worker_connections 8192; }}
http {{
    access_log off;
    client_body_temp_path {folder}/bodies;
    proxy_temp_path {folder}/answers;
    fastcgi_temp_path {folder}/unused;
    uwsgi_temp_path {folder}/unused;
    scgi_temp_path {folder}/unused;
    include {folder}/suyuan.conf;
}}
"""
MAX_PER_ADDRESS = int(re.findall(r"limit_conn suyuan_addresses (\d+);", RECIPE.read_text(encoding="utf-8"))[0])

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is a Debian package; .ci/run installs it")


class Proxied:
    """nginx with the recipe in front of the server `behind`; `port` is that of nginx, `api` that of the server.

    `log`: the file that the server logs to.
    """

    def __init__(self, behind, folder, log):
        self.behind, self.api, self.log, self.port = behind, behind.api, log, free_port()
        recipe = RECIPE.read_text(encoding="utf-8")
        for written, used in (("127.0.0.1:8000", f"127.0.0.1:{behind.port}"), ("listen 80;", f"listen {self.port};")):
            assert recipe.count(written) == 1
            recipe = recipe.replace(written, used)
        (folder / "suyuan.conf").write_text(recipe, encoding="utf-8")
        user = "user root;" if folder.owner() == "root" else ""
        (folder / "nginx.conf").write_text(MAIN.format(folder=folder, user=user), encoding="utf-8")
        self.process = subprocess.Popen([NGINX, "-c", folder / "nginx.conf", "-e", folder / "error.log"])
        wait_until(self._answers, 10)

    call, raw = Served.call, Served.raw

    def _answers(self):
        try:
            return self.call("GET", "/healthz")[0] == 200
        except OSError:
            return False

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


@pytest.fixture(scope="module")
def proxied(server_url, template):
    """The recipe in front of a server whose page of all events has more than ANSWER_BYTES."""
    with new_database(server_url, template) as url, open_folder() as folder:
        api = build(url)
        assert api.post(founding(api), "fund-office").status_code == 201
        for _ in range(8):
            assert api.bundle([json.loads(appropriation(api)) for _ in range(500)], "fund-office").status_code == 201
        with (folder / "service.log").open("wb") as log:
            behind = Served(api, log=log)
            proxy = Proxied(behind, folder, folder / "service.log")
            yield proxy
            proxy.stop()
            behind.stop()
        close(api)


def test_posts_and_reads_pass_with_the_ids_of_their_clients(proxied):
    trace = "0af7651916cd43dd8448eb211c80319c"
    ids = {"X-Request-Id": "from-the-client", "traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    status, headers, _ = proxied.call("POST", "/v1/events", appropriation(proxied.api), "fund-office", **ids)
    assert (status, headers["X-Request-Id"]) == (201, "from-the-client")
    wait_until(lambda: trace in proxied.log.read_text(), 5)
    status, headers, body = proxied.call("GET", PAGE, None, "auditor")
    assert (status, len(body) > ANSWER_BYTES) == (200, True)
    assert re.fullmatch("[0-9a-f]{32}", headers["X-Request-Id"]), "made by nginx"


def test_an_event_is_streamed_at_once(proxied):
    with closing(http.client.HTTPConnection("127.0.0.1", proxied.port, timeout=5)) as connection:
        last = json.loads(proxied.call("POST", "/v1/events", appropriation(proxied.api), "fund-office")[2])["position"]
        accepted = {"Accept": "text/event-stream", "Last-Event-ID": str(last), **proxied.api.headers("auditor")}
        connection.request("GET", "/v1/events", headers=accepted)
        stream = connection.getresponse()
        assert stream.readline() == b"retry: 1000\n"
        assert proxied.call("POST", "/v1/events", appropriation(proxied.api), "fund-office")[0] == 201
        begun = time.monotonic()
        while not stream.readline().startswith(b"id:"):
            pass
        assert time.monotonic() - begun < 2


def test_a_stream_of_events_turns_the_buffers_of_the_proxy_off(proxied):
    with closing(http.client.HTTPConnection("127.0.0.1", proxied.behind.port, timeout=5)) as connection:
        accepted = {"Accept": "text/event-stream", **proxied.api.headers("auditor")}
        connection.request("GET", "/v1/events", headers=accepted)
        assert connection.getresponse().headers["X-Accel-Buffering"] == "no"


def test_silent_clients_of_the_proxy_do_not_reach_the_service(proxied):
    with silent(proxied.port, 2_000, b"GET /v1/funds HTTP/1.1\r\nHost:"):
        for server in (proxied, proxied.behind):
            assert server.call("GET", "/healthz", timeout=2)[0] == 200
        assert established(proxied.behind) < 100


@pytest.mark.long("waits for a limit")
def test_unfinished_bodies_are_kept_by_the_proxy_and_disconnected_in_time(proxied):
    with connections(proxied, 100, head(proxied.api, 1_000) + b"{") as unfinished:
        time.sleep(1)
        assert established(proxied.behind) < 50
        assert proxied.call("POST", "/v1/events", appropriation(proxied.api), "fund-office")[0] == 201
        begun = time.monotonic()
        for each in unfinished:
            each.settimeout(20)
            with pytest.raises(ConnectionResetError):
                each.recv(1_000)
        assert time.monotonic() - begun < 20


def connections_with_unread(proxied):
    """The number of the service's connections on which bytes wait to be read."""
    sockets = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    local = f":{proxied.behind.port:04X}"
    return sum(line.split()[1].endswith(local) and not line.split()[4].startswith("00000000") for line in sockets)


def test_a_client_that_reads_nothing_occupies_the_proxy_and_not_the_service(proxied):
    with asking(proxied, 60):
        wait_until(lambda: not connections_with_unread(proxied), 30)
        # 429 while the service keeps answers: it learns within a quarter of a second that the proxy has read them.
        wait_until(lambda: proxied.behind.call("GET", PAGE, None, "auditor")[0] == 200, 10)
        assert proxied.call("GET", PAGE, None, "auditor")[0] == 200


def test_one_address_has_a_limit_of_requests_under_way(proxied):
    with connections(proxied, MAX_PER_ADDRESS + 20, head(proxied.api, 1_000) + b"{") as opened:
        wait_until(lambda: len(answered(opened)) >= 20, 5)
        assert [each.recv(12)[9:] for each in answered(opened)] == 20 * [b"429"]


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"get /healthz HTTP/1.1\r\nHost: a\r\n\r\n", b"400"),
        (b"GET /healthz HTTP/1.1\r\n\r\n", b"400"),
        (b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"400"),
        (b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", b"404"),
        (b"POST /v1/events HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n", b"413"),
        (b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 40_000 + b"\r\n\r\n", b"400"),
    ],
)
def test_what_the_proxy_refuses_does_not_reach_the_service(proxied, request_, status):
    assert proxied.raw(request_)[9:12] == status
