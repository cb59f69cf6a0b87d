"""The web server over real sockets. Slow or broken clients block no others, and accepted requests are finished."""

import concurrent.futures
import http.client
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

import psutil
import psycopg
import pytest
from psycopg.rows import dict_row

from bench.isolation import addresses
from projections import ORDER
from service.api.http import work
from service.api.http.limits import MAX_BODY_BYTES
from service.auth import api_keys
from service.auth.grants import grant
from service.config import ExitCode
from service.server import gateway
from tests.conftest import new_database
from tests.service.conftest import SECRET, build, close
from tests.service.test_kill import free_port

FUND = "fund/f"


class Served:
    """A running `suyuan serve` on the database of `api`.

    `database_url` may be another URL of this database. `log`: the file that the server logs to. `settings`: further
    environment variables.
    """

    def __init__(self, api, port=None, database_url=None, log=subprocess.DEVNULL, **settings):
        self.api, self.port = api, port or free_port()
        own = {"DATABASE_URL": database_url or api.url, "SUYUAN_SECRET": SECRET.decode(), "PORT": str(self.port)}
        environment = {**os.environ, **own, "SUYUAN_RATE": "100000", "SUYUAN_HOME": "/nowhere", **settings}
        self.process = subprocess.Popen([sys.executable, "-m", "service", "serve"], env=environment, stderr=log)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                if self.call("GET", "/readyz")[0] == 200:
                    return
            except OSError:
                time.sleep(0.05)
        pytest.fail("the server did not become ready")

    def call(self, method, path, body=None, key=None, timeout=30, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        kind = {"Content-Type": "application/cloudevents+json"} if body else {}
        connection.request(method, path, body, {**kind, **self.api.headers(key), **headers})
        response = connection.getresponse()
        answer = response.status, response.headers, response.read()
        connection.close()
        return answer

    def raw(self, request, wait=5):
        """Send the bytes `request` unchanged. Returns the first bytes of the answer."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=wait) as connection:
            connection.sendall(request)
            return connection.recv(65_536)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


@pytest.fixture
def served(api):
    server = Served(api)
    yield server
    if server.process.poll() is None:
        server.stop()


@pytest.fixture(scope="module")
def shared_server(server_url, template):
    """A server that is shared by tests that record nothing."""
    with new_database(server_url, template) as url:
        api = build(url)
        server = Served(api)
        yield server
        server.stop()
        close(api)


def founding(api):
    settings = {"notice_working_days": 5, "approvals": ["审核"], "acceptance_tries": 2}
    return json.dumps(api.event("FundEstablished", FUND, cites=["立项依据"], name="专项资金", settings=settings))


def appropriation(api):
    event = api.event("AppropriationReceived", FUND, cites=["上级指标文号"], amount="1.00", budget_year=2019)
    return json.dumps(event)


def head(api, length, key="fund-office"):
    lines = [
        "POST /v1/events HTTP/1.1", "Host: x", f"Content-Length: {length}",
        "Content-Type: application/cloudevents+json", f"Authorization: Bearer {api.keys.get(key, key)}",
    ]  # fmt: skip
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


@contextmanager
def connections(served, how_many, beginning):
    with ExitStack() as stack:
        opened = [
            stack.enter_context(socket.create_connection(("127.0.0.1", served.port), timeout=30))
            for _ in range(how_many)
        ]
        for each in opened:
            each.sendall(beginning)
        yield opened


def answered(opened):
    """The connections of `opened` that were answered or closed."""
    return select.select(opened, [], [], 0)[0]


def test_three_hundred_unfinished_bodies_block_no_other_client(served, api):
    with connections(served, 300, head(api, 1_000) + b"{") as unfinished:
        assert served.call("POST", "/v1/events", founding(api), "fund-office")[0] == 201
        assert served.call("GET", "/v1/events", key="auditor")[0] == 200
        assert not answered(unfinished), "the others were not waited for"


def test_a_hundred_connections_with_unfinished_headers_block_no_other_client(served, api):
    with connections(served, 100, b"POST /v1/events HTTP/1.1\r\nHost:"):
        assert served.call("POST", "/v1/events", founding(api), "fund-office")[0] == 201


@pytest.mark.long("waits for a limit")
def test_a_late_body_is_answered_with_408_and_late_headers_close_the_connection(shared_server):
    with (
        connections(shared_server, 1, head(shared_server.api, 100) + b"{") as [body],
        connections(shared_server, 1, b"GET / HT") as [headers],
    ):
        answer = body.recv(65_536)
        assert answer.startswith(b"HTTP/1.1 408"), answer[:100]
        assert b"/v1/problems/slow-request" in answer
        headers.settimeout(20)
        assert headers.recv(1_000).partition(b" ")[2][:3] in (b"", b"408")


def test_large_bodies_of_one_key_leave_room_for_bodies_of_other_keys(served, api):
    with connections(served, 8, head(api, 8 * 1024 * 1024, "treasury")):
        padded = founding(api) + " " * 200_000
        assert served.call("POST", "/v1/events", padded, "fund-office")[0] == 201
        assert served.call("POST", "/v1/events", appropriation(api), "fund-office")[0] == 201


def test_a_large_body_occupies_memory_until_its_request_is_answered(served, api):
    largest = (founding(api) + " " * MAX_BODY_BYTES)[:MAX_BODY_BYTES]
    with psycopg.connect(api.url) as conn, concurrent.futures.ThreadPoolExecutor(1) as pool:
        with conn.transaction(force_rollback=True):
            conn.execute("lock table event in access exclusive mode")
            hanging = pool.submit(served.call, "POST", "/v1/events", largest, "fund-office")
            time.sleep(2)  # until the body has arrived
            assert not hanging.done()
            status, _, body = served.call("POST", "/v1/events", founding(api) + " " * 200_000, "fund-office")
            assert (status, json.loads(body)["type"]) == (429, "/v1/problems/too-much-at-once")
        assert hanging.result()[0] == 201
    assert served.call("POST", "/v1/events", appropriation(api) + " " * 200_000, "fund-office")[0] == 201


def test_a_body_that_is_too_large_is_refused_before_it_is_sent(shared_server):
    answer = shared_server.raw(head(shared_server.api, 9 * 1024 * 1024))
    assert answer.startswith(b"HTTP/1.1 413"), answer[:100]
    for length in ("1e3", "-1", "9" * 40):
        assert shared_server.raw(head(shared_server.api, length))[9:12] in (b"400", b"413"), length


@pytest.mark.parametrize("length", [10, 1024 * 1024])
def test_a_body_is_received_only_with_a_valid_key(shared_server, length):
    answer = shared_server.raw(head(shared_server.api, length, "suyuan_guess"))
    assert answer.startswith(b"HTTP/1.1 401"), answer[:100]
    assert b"/v1/problems/no-key" in answer


def test_a_body_without_a_length_is_answered_with_411(shared_server):
    chunked = (
        head(shared_server.api, 0).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
        + b"2\r\n{}\r\n0\r\n\r\n"
    )
    assert shared_server.raw(chunked).startswith(b"HTTP/1.1 411")


@pytest.mark.parametrize(
    "request_",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /v1/funds HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff\xfe\r\n\r\n",
        b"GET /v1/funds/%ff%00 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /v1/funds HTTP/1.1\r\nHost: x\r\nBad\x01: x\r\n\r\n",
        b"GET /v1/funds?" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /v1/funds HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 1_000_000 + b"\r\n\r\n",
        b"GET /v1/funds HTTP/1.1\r\nHost: x\r\n" + b"X: a\r\n" * 500 + b"\r\n",
        b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"BREW /pot HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
def test_a_malformed_request_is_refused_and_the_next_one_served(shared_server, request_):
    try:
        answer = shared_server.raw(request_)
    except OSError:
        answer = b""  # the server closed the connection while the request was being sent
    assert answer == b"" or answer[9:10] == b"4", answer[:200]
    assert b"granian" not in answer.lower()
    assert shared_server.call("GET", "/healthz")[0] == 200


def test_a_header_with_an_underscore_is_not_taken_for_the_one_with_a_hyphen(shared_server):
    key = shared_server.api.keys["auditor"]
    request = f"GET /v1/funds HTTP/1.1\r\nHost: x\r\nIf_None_Match: x\r\nAuthorization_: Bearer {key}\r\n\r\n"
    assert shared_server.raw(request.encode()).startswith(b"HTTP/1.1 401")


def test_percent_encoded_chinese_paths_and_parameters_are_decoded(shared_server):
    answer = shared_server.call("GET", "/v1/documents/%E7%A9%97%E8%B4%A2%E3%80%94", key="auditor")
    assert json.loads(answer[2])["number"] == "穗财〔"
    answer = shared_server.call("GET", "/v1/payments?payee=%E7%94%B2", key="auditor")
    assert answer[0] == 200


def test_chinese_in_a_query_without_percent_encoding_is_accepted(shared_server):
    key = shared_server.api.keys["auditor"]
    request = f"GET /v1/payments?payee=某公司 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\r\n"
    assert shared_server.raw(request.encode()).startswith(b"HTTP/1.1 200")


def test_paths_are_decoded_once(shared_server):
    assert shared_server.call("GET", "/%2568ealthz")[0] == 401
    assert json.loads(shared_server.call("GET", "/v1/documents/50%2525", key="auditor")[2])["number"] == "50%25"


def test_a_header_that_is_slow_to_parse_is_answered(shared_server):
    answer = shared_server.raw(
        b"GET /v1/problems/no-key HTTP/1.1\r\nHost: x\r\nAccept: text/html" + b" " * 30_000 + b"y\r\n\r\n", wait=30
    )
    assert answer[9:12] in (b"200", b"431"), "a parser that tries every split of the spaces takes minutes"


def test_aborted_bodies_do_not_affect_the_next_request(shared_server):
    for _ in range(20):
        with connections(shared_server, 1, head(shared_server.api, 100) + b"{"):
            pass
    assert shared_server.call("GET", "/healthz")[0] == 200


def test_a_post_with_thousands_of_errors_is_answered_before_the_client_gives_up(shared_server):
    lines = [{"batches": [{}] * 20}] * 2_000
    event = {**shared_server.api.event("PlanDrafted", FUND), "data": {"lines": lines}}
    for key, status in (("auditor", 403), ("fund-office", 422)):
        assert shared_server.call("POST", "/v1/events", json.dumps(event), key, timeout=30)[0] == status


def test_posts_of_a_key_beyond_its_queue_get_429_with_retry_after_and_later_posts_are_recorded(served, api):
    served.call("POST", "/v1/events", founding(api), "fund-office")
    with psycopg.connect(api.url) as conn, concurrent.futures.ThreadPoolExecutor(200) as pool:
        with conn.transaction(force_rollback=True):
            conn.execute("select lock_appends()")
            posts = [
                pool.submit(served.call, "POST", "/v1/events", appropriation(api), "fund-office", 60)
                for _ in range(200)
            ]
            done, _ = concurrent.futures.wait(posts, timeout=5, return_when=concurrent.futures.FIRST_COMPLETED)
            assert done
        answers = [post.result() for post in posts]
    assert {status for status, _, _ in answers} <= {201, 429, 503}
    refused = [(headers, body) for status, headers, body in answers if status == 429]
    assert refused
    assert all(b"too-much-at-once" in body for _, body in refused)
    assert all(headers["Retry-After"] for headers, _ in refused)
    assert served.call("POST", "/v1/events", appropriation(api), "fund-office")[0] == 201


def test_a_key_whose_reads_of_all_addresses_hang_keeps_no_other_key_from_posting_and_reading(served, api):
    served.call("POST", "/v1/events", founding(api), "fund-office")
    samples = dict.fromkeys(("position", "batch", "serial", "number", "upto"), 1) | {"fund": "f", "project": "p"}
    samples |= dict.fromkeys(("payment", "source", "id", "type_", "kind", "rule"), "x")
    paths = [path for path in addresses(samples) if path.startswith("/v1/")]
    assert len(paths) > 30
    with psycopg.connect(api.url, autocommit=True, row_factory=dict_row) as conn:
        api.keys["other"] = api_keys.create(conn, SECRET, "other", grant(["read"]))
    with psycopg.connect(api.url) as conn, concurrent.futures.ThreadPoolExecutor(3 * len(paths)) as pool:
        with conn.transaction(force_rollback=True):
            conn.execute(f"lock table {', '.join(ORDER)}, refusal, check_run in access exclusive mode".encode())
            hanging = [pool.submit(served.call, "GET", path, None, "auditor", 60) for path in 3 * paths]
            concurrent.futures.wait(hanging, timeout=1)
            assert served.call("POST", "/v1/events", appropriation(api), "fund-office")[0] == 201
            assert served.call("GET", "/v1/events", None, "other")[0] == 200
            assert served.call("GET", "/readyz")[0] == 200
            assert not all(each.done() for each in hanging), "some still hang"
        statuses = {each.result()[0] for each in hanging}
    assert not statuses & {500, 502}


def test_a_readiness_check_is_answered_by_its_own_method(shared_server):
    for method, status, empty in (
        ("DELETE", 405, False),
        ("GET", 200, False),
        ("HEAD", 200, True),
        ("GET", 200, False),
    ):
        answered, _, body = shared_server.call(method, "/readyz", None, "auditor")
        assert (method, answered, not body) == (method, status, empty)


@pytest.mark.parametrize(
    ("key", "size", "status"), [(None, 8, 401), ("auditor", 8, 403), ("fund-office", 9, 413), (None, 40, 413)]
)
def test_a_declined_large_body_gets_its_answer_and_not_a_broken_pipe(shared_server, key, size, status):
    answered, _, body = shared_server.call("POST", "/v1/events", b"[" * (size * 2**20), key)
    assert (answered, json.loads(body)["status"]) == (status, status)


@pytest.mark.parametrize("value", [b"[],", b'{"a":0},', b'"ab",', b"0,"])
def test_bodies_of_many_small_values_take_little_memory_which_is_given_back(shared_server, value):
    def resident():
        process = psutil.Process(shared_server.process.pid)
        return max(each.memory_info().rss for each in process.children(recursive=True)) / 2**20

    before, peak = resident(), []
    body = b"[" + value * ((8 * 2**20 - 100) // len(value)) + b"0]"
    kind = {"Content-Type": "application/cloudevents-batch+json"}
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        sent = [pool.submit(shared_server.call, "POST", "/v1/events", body, "fund-office", **kind) for _ in range(8)]
        while not all(each.done() for each in sent):
            peak.append(resident())
            time.sleep(0.01)
    assert {each.result()[0] for each in sent} <= {400, 429}
    assert max(peak) - before < 150
    for _ in range(100):
        if resident() - before < 75:
            break
        time.sleep(0.1)
    assert resident() - before < 75


def gauge(served, name):
    _, _, body = served.call("GET", "/metrics", None, "operator")
    [line] = [line for line in body.decode().splitlines() if line.startswith(f"{name} ")]
    return int(float(line.split()[1]))


def in_work(served):
    """The number of requests that are being answered. The request that reads this number is not counted."""
    return gauge(served, "suyuan_requests_active") - 1


def received(served):
    """The number of requests that are being answered or wait."""
    return in_work(served) + gauge(served, "suyuan_requests_waiting")


def test_each_of_many_simultaneous_posts_gets_its_own_answer(served, api):
    """The posts are valid, refused, malformed, forbidden, dry runs or repeated. Each is on its own connection."""
    served.call("POST", "/v1/events", founding(api), "fund-office")

    def posted(number):
        kind, key, query = [
            ("recorded", "fund-office", ""),
            ("refused", "fund-office", ""),
            ("malformed", "fund-office", ""),
            ("forbidden", "treasury", ""),
            ("would_record", "fund-office", "?dry_run=true"),
            ("replayed", "fund-office", ""),
        ][number % 6]
        event = json.loads(founding(api) if kind == "refused" else appropriation(api))
        if kind == "malformed":
            event["data"]["amount"] = number
        if kind == "replayed":
            assert served.call("POST", "/v1/events", json.dumps(event), key)[0] == 201
        status, _, body = served.call("POST", f"/v1/events{query}", json.dumps(event), key)
        return kind, event["id"], status, json.loads(body)

    with concurrent.futures.ThreadPoolExecutor(48) as pool:
        answers = list(pool.map(posted, range(96)))
    expected = {
        "recorded": 201, "refused": 422, "malformed": 422, "forbidden": 403, "would_record": 200, "replayed": 200,
    }  # fmt: skip
    assert [(kind, status) for kind, _, status, _ in answers] == [(kind, expected[kind]) for kind, _, _, _ in answers]
    with psycopg.connect(api.url) as conn:
        for kind, id_, _, body in answers:
            recorded = conn.execute("select first_position from post where id = %s", [id_]).fetchall()
            if kind in ("recorded", "replayed"):
                assert (body["id"], body["outcome"], [(body["position"],)]) == (id_, kind, recorded)
            else:
                assert recorded == []
    assert {body["rule"] for kind, _, _, body in answers if kind == "refused"} == {"FundExists"}
    assert (in_work(served), gauge(served, "suyuan_requests_waiting")) == (0, 0)


def test_the_same_refusal_many_times_at_once_is_stored_once_with_its_count(served, api):
    served.call("POST", "/v1/events", founding(api), "fund-office")
    again = founding(api)
    with psycopg.connect(api.url) as conn, concurrent.futures.ThreadPoolExecutor(17) as pool:
        with conn.transaction():
            conn.execute("lock table refusal")
            refused = [pool.submit(served.call, "POST", "/v1/events", again, "fund-office") for _ in range(16)]
            while received(served) < 16:
                time.sleep(0.05)
        assert [each.result()[0] for each in refused] == [422] * 16
        assert conn.execute("select count(*), sum(times) from refusal").fetchone() == (1, 16)


def test_refusals_that_cannot_be_stored_yet_do_not_delay_recorded_posts(served, api):
    served.call("POST", "/v1/events", founding(api), "fund-office")
    with psycopg.connect(api.url) as conn, concurrent.futures.ThreadPoolExecutor(17) as pool:
        with conn.transaction():
            conn.execute("lock table refusal")
            refused = [pool.submit(served.call, "POST", "/v1/events", founding(api), "fund-office") for _ in range(16)]
            while received(served) < 16:
                time.sleep(0.05)
            assert served.call("POST", "/v1/events", appropriation(api), "fund-office", timeout=5)[0] == 201
            assert not any(each.done() for each in refused)
        assert [each.result()[0] for each in refused] == [422] * 16
        stored = conn.execute("select count(*), sum(times) from refusal").fetchone()
    assert stored == (16, 16)


def test_a_server_that_is_stopped_finishes_the_requests_it_accepted(served, api):
    served.call("POST", "/v1/events", founding(api), "fund-office")
    with psycopg.connect(api.url) as conn, concurrent.futures.ThreadPoolExecutor(5) as pool:
        with conn.transaction(force_rollback=True):
            conn.execute("select lock_appends()")
            posts = [
                pool.submit(served.call, "POST", "/v1/events", appropriation(api), "fund-office") for _ in range(5)
            ]
            while received(served) < 5:
                time.sleep(0.05)
            served.process.send_signal(signal.SIGTERM)
            time.sleep(0.5)
        assert [post.result()[0] for post in posts] == [201] * 5
    assert served.process.wait(30) == 0


def test_a_database_without_the_current_schema_is_not_served(server_url):
    with new_database(server_url) as url:
        environment = {**os.environ, "DATABASE_URL": url, "SUYUAN_SECRET": SECRET.decode(), "SUYUAN_HOME": "/nowhere"}
        served = subprocess.run(
            [sys.executable, "-m", "service", "serve"], env=environment, capture_output=True, text=True, check=False
        )
    assert served.returncode == ExitCode.PERMANENT
    assert "suyuan migrate" in served.stderr
    assert "Traceback" not in served.stderr


JUNK = {
    "single": ("{}", "application/cloudevents+json", 80),
    "bundle": ("[" + ",".join(["{}"] * 1_000) + "]", "application/cloudevents-batch+json", 25),
    "bundle of numbers": ("[" + ",".join(["1"] * 1_000) + "]", "application/cloudevents-batch+json", 25),
}
"""Posts that record nothing, and at most how many of them are answered in 4.5 s beside another key's posts.

A share of 1 % and the tenth of a second that may be saved up are enough for 29 single posts and a few bundles.
"""


@pytest.mark.parametrize(("posted", "kind", "at_most"), JUNK.values(), ids=JUNK)
def test_a_key_whose_posts_record_nothing_waits_while_another_key_posts(api, posted, kind, at_most):
    served = Served(api, SUYUAN_SHARE="1")
    served.call("POST", "/v1/events", founding(api), "fund-office")
    ended, answered = threading.Event(), []

    def post_junk():
        while not ended.is_set():
            answered.append(served.call("POST", "/v1/events", posted, "treasury", **{"Content-Type": kind})[0])

    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        try:
            for _ in range(8):
                threads.submit(post_junk)
            for _ in range(15):
                assert served.call("POST", "/v1/events", appropriation(api), "fund-office")[0] == 201
                time.sleep(0.3)
            so_far = len(answered)
        finally:
            ended.set()
            served.stop()
    assert set(answered) <= {400, 422, 429, 503}
    assert so_far < at_most


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_body_is_not_received_with_a_method_that_gives_it_no_meaning(shared_server, method):
    connection = http.client.HTTPConnection("127.0.0.1", shared_server.port, timeout=10)
    connection.request(method, "/v1/funds", b"x" * 100_000, shared_server.api.headers("auditor"))
    response = connection.getresponse()
    assert response.status == 400
    assert method == "HEAD" or json.loads(response.read())["type"] == "/v1/problems/bad-request"
    connection.close()


def test_a_body_with_a_method_that_the_address_lacks_is_answered_405(shared_server):
    address = "/v1/projects/p/allocations"
    status, headers, _ = shared_server.call("GET", address, "{}", "auditor")
    assert (status, "GET" in headers["Allow"]) == (405, False)


def test_a_post_is_a_dry_run_if_the_parameter_is_true_and_not_if_it_is_named(served, api):
    assert served.call("POST", "/v1/events?dry_run=false", founding(api), "fund-office")[0] == 201
    for query in ("dry_run=true", "dry%5Frun=true"):
        status, _, answer = served.call("POST", f"/v1/events?{query}", appropriation(api), "fund-office")
        assert (status, json.loads(answer)["outcome"]) == (200, "would_record")


def test_each_of_several_readiness_checks_has_the_id_of_its_own_request(shared_server):
    def ask(name):
        return shared_server.call("GET", "/readyz", **{"X-Request-Id": name})[1].get_all("X-Request-Id")

    names = [f"mine-{number}" for number in range(10)]
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        assert list(pool.map(ask, names)) == [[name] for name in names]


LONG_LIST = b'{"rows":[' + b",".join([b"1"] * 200) + b"]}"
POSTED = {
    "a short event": (b' {"id":"1"}', "", work.POST),
    "a bundle": (b'[{"id":"1"}]', "", work.BUNDLE),
    "a long event": (LONG_LIST, "", work.BUNDLE),
    "a large body": (b'{"id":"' + b"x" * 65_536 + b'"}', "", work.BULK),
    "a trial": (LONG_LIST, "dry_run=true", work.READ),
    "a large trial": (b'{"id":"' + b"x" * 65_536 + b'"}', "dry_run=true", work.EXPENSIVE),
    "no trial": (b'{"id":"1"}', "dry_run=false", work.POST),
}


class Scope(NamedTuple):
    query_string: str


@pytest.mark.parametrize(("body", "query", "expected"), POSTED.values(), ids=POSTED)
def test_a_post_is_done_in_the_places_for(body, query, expected):
    assert gateway._kind_of_post(Scope(query), body) is expected


def test_a_key_above_the_rate_limit_gets_429_with_retry_after_whatever_it_asks_for(api):
    served = Served(api, SUYUAN_RATE="5")
    try:
        asked = [("GET", "/v1/funds", None), ("POST", "/v1/events", founding(api))] * 6
        answers = [served.call(method, path, body, "fund-office") for method, path, body in asked]
        refused = [(headers, json.loads(body)) for status, headers, body in answers if status == 429]
        assert len(answers) - len(refused) <= 10, "the limit is five a second, and the test may span two seconds"
        assert refused
        assert all(int(headers["Retry-After"]) == 1 for headers, _ in refused)
        assert {body["type"] for _, body in refused} == {"/v1/problems/too-many-requests"}
        assert served.call("GET", "/v1/funds", key="auditor")[0] == 200, "each key has its own count"
    finally:
        served.stop()


def test_a_second_content_type_is_refused_and_not_ignored(served, api):
    body = founding(api).encode()
    head_ = head(api, len(body)).replace(
        b"Content-Type:", b"Content-Type: application/cloudevents+json\r\nContent-Type:"
    )
    assert served.raw(head_ + body).startswith(b"HTTP/1.1 415")
    assert served.raw(head(api, len(body)) + body).startswith(b"HTTP/1.1 201")
