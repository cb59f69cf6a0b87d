"""Clients that do not read their answers hold neither much memory nor a connection for long."""

import http.client
import json
import socket
import time
from contextlib import ExitStack, closing, contextmanager

import psutil
import pytest

from service.server import unread
from service.server.gateway import MAX_FOLLOWERS_PER_SENDER
from tests.conftest import new_database
from tests.service.conftest import build, close
from tests.service.test_gateway import Served, appropriation, founding

EVENTS = 4_000
PAGE = "/v1/events?limit=20000"
ANSWER_BYTES = 2**20
"""The page of all events has at least so many bytes."""


@pytest.fixture(scope="module")
def served(server_url, template):
    """A server with EVENTS appropriations, more than the kernel takes of an answer at a time."""
    with new_database(server_url, template) as url:
        api = build(url)
        assert api.post(founding(api), "fund-office").status_code == 201
        for _ in range(EVENTS // 500):
            assert api.bundle([json.loads(appropriation(api)) for _ in range(500)], "fund-office").status_code == 201
        api.fold()
        server = Served(api)
        yield server
        server.stop()
        close(api)


def credentials(served, key):
    return "".join(f"{name}: {value}\r\n" for name, value in served.api.headers(key).items())


def asking(served, how_many, path=PAGE, key="auditor"):
    """Context manager: this many connections that ask for `path` and read nothing."""
    request = f"GET {path} HTTP/1.1\r\nHost: a\r\n{credentials(served, key)}\r\n"
    return unread_connections(served, how_many, request.encode())


@contextmanager
def unread_connections(served, how_many, request):
    """Context manager: this many connections that send `request` and read nothing."""
    with ExitStack() as stack:
        opened = [stack.enter_context(socket.socket()) for _ in range(how_many)]
        for each in opened:
            each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            each.connect(("127.0.0.1", served.port))
            each.sendall(request)
        yield opened


def worker(served):
    [process] = psutil.Process(served.process.pid).children()
    return process


def established(served):
    found = [each for each in worker(served).net_connections("tcp") if each.laddr.port == served.port]
    return sum(each.status == psutil.CONN_ESTABLISHED for each in found)


def wait_until(condition, seconds):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.1)


def test_a_large_answer_that_is_read_arrives_whole_and_ends_its_connection(served):
    for _ in range(40):  # more than one sender may have unread at a time
        status, headers, body = served.call("GET", PAGE, None, "auditor")
        assert (status, headers["Connection"], int(headers["Content-Length"])) == (200, "close", len(body))
    assert (len(body) > ANSWER_BYTES, len(json.loads(body)) > 1_000) == (True, True)


def test_a_journal_is_a_large_answer_too_although_it_names_the_last_event(served):
    status, headers, body = served.call("GET", "/v1/funds/f/journal.hledger", None, "auditor")
    assert (status, headers["Connection"], "Event-Position" in headers) == (200, "close", True)
    assert len(body) > unread.SMALL_ANSWER_BYTES


def test_small_answers_leave_their_connection_open(served):
    with closing(http.client.HTTPConnection("127.0.0.1", served.port, timeout=10)) as connection:
        for _ in range(3):
            connection.request("GET", "/v1/events?limit=10", headers=served.api.headers("auditor"))
            response = connection.getresponse()
            response.read()
            assert "Connection" not in response.headers
            port = connection.sock.getsockname()[1]
        assert connection.sock.getsockname()[1] == port


def test_a_key_that_reads_no_answer_is_declined_beyond_its_limit_and_others_are_answered(served):
    before = worker(served).memory_info().rss
    with asking(served, 40) as opened:
        kept = unread.MAX_UNREAD_PER_SENDER // ANSWER_BYTES
        wait_until(lambda: established(served) <= kept + 1, unread.STALLED_SECONDS - 5)  # then the first are closed
        answers = [connection.recv(12) for connection in opened]
        assert 0 < answers.count(b"HTTP/1.1 200") <= kept
        assert answers.count(b"HTTP/1.1 429") == 40 - answers.count(b"HTTP/1.1 200")
        assert worker(served).memory_info().rss - before < 2 * unread.MAX_UNREAD_PER_SENDER + 64 * 2**20
        assert served.call("GET", PAGE, None, "all")[0] == 200
        assert served.call("GET", PAGE, None, "auditor")[0] == 429
    wait_until(lambda: served.call("GET", PAGE, None, "auditor")[0] == 200, 10)


def test_a_bundle_is_answered_as_it_was_recorded_however_much_its_key_has_not_read(served):
    kind = {"Content-Type": "application/cloudevents-batch+json"}
    bundle = json.dumps([{**json.loads(appropriation(served.api)), "id": f"{n:0100}"} for n in range(1_000)])
    with asking(served, 60, key="all"):
        wait_until(lambda: served.call("GET", PAGE, None, "all")[0] == 429, 20)
        status, headers, body = served.call("POST", "/v1/events", bundle, "all", **kind)
    assert (status, len(json.loads(body)["outcomes"]), headers["Connection"]) == (201, 1_000, None)
    assert len(body) > unread.SMALL_ANSWER_BYTES


@pytest.mark.long("waits for a limit of 30 s")
def test_a_connection_whose_client_reads_nothing_is_closed_in_time(served):
    with asking(served, 3):
        wait_until(lambda: established(served) == 3, 10)
        begun = time.monotonic()
        wait_until(lambda: established(served) == 0, unread.STALLED_SECONDS + 15)
        assert time.monotonic() - begun > unread.STALLED_SECONDS / 2
    assert served.call("GET", PAGE, None, "auditor")[0] == 200


def test_clients_without_a_key_that_read_nothing_take_little_memory(served):
    before = worker(served).memory_info().rss
    with asking(served, 300, "/openapi.json", None):
        time.sleep(3)
        assert worker(served).memory_info().rss - before < 2 * unread.MAX_UNREAD_PER_SENDER + 64 * 2**20
        assert served.call("GET", "/v1/events?limit=1", None, "auditor")[0] == 200


def test_answers_to_posts_that_recorded_nothing_are_limited_too(served):
    bundle = json.dumps([{}] * 1_000).encode()
    head = "POST /v1/events HTTP/1.1\r\nHost: a\r\nContent-Type: application/cloudevents-batch+json\r\n"
    request = f"{head}{credentials(served, 'all')}Content-Length: {len(bundle)}\r\n\r\n".encode() + bundle
    with unread_connections(served, 40, request):
        wait_until(lambda: served.call("GET", PAGE, None, "all")[0] == 429, unread.STALLED_SECONDS - 5)
        assert served.call("GET", PAGE, None, "auditor")[0] == 200


@pytest.mark.long("waits for limits of several seconds")
def test_a_stream_keeps_its_place_until_its_client_has_read_it(served):
    stream = f"GET /v1/events HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n{credentials(served, 'auditor')}\r\n"
    with unread_connections(served, MAX_FOLLOWERS_PER_SENDER, stream.encode()) as opened:
        assert {each.recv(12) for each in opened} == {b"HTTP/1.1 200"}
        until = time.monotonic() + 8  # each stream has sent all that it may, and has ended
        while time.monotonic() < until:
            with unread_connections(served, 1, stream.encode()) as [further]:
                assert further.recv(12) == b"HTTP/1.1 503"
            time.sleep(0.5)
