"""What the running service answers to unusual requests: each is understood in one way, or refused."""

import json
import socket

import pytest

from service.api.http.limits import MAX_HEAD_BYTES
from tests.conftest import new_database
from tests.service.conftest import build, close
from tests.service.test_gateway import Served


@pytest.fixture(scope="module")
def served(server_url, template):
    with new_database(server_url, template) as url:
        api = build(url)
        server = Served(api)
        yield server
        server.stop()
        close(api)


def exchange(served, request):
    """Send the bytes `request`. Returns all that the server sends until it closes, or pauses for half a second."""
    answer = b""
    with socket.create_connection(("127.0.0.1", served.port), timeout=20) as connection:
        connection.sendall(request)
        try:
            while part := connection.recv(65_536):
                answer += part
                connection.settimeout(0.5)
        except TimeoutError:
            pass
    return answer


def status(answer):
    return int(answer[9:12]) if answer else None


def get(*lines, path="/healthz", version="1.1"):
    return "\r\n".join([f"GET {path} HTTP/{version}", *lines, "", ""]).encode("latin-1")


def post(*lines):
    return "\r\n".join(["POST /v1/events HTTP/1.1", "Host: a", *lines, "", ""]).encode()


@pytest.mark.parametrize(
    "hosts",
    [
        [],
        ["Host: a", "Host: b"],
        ["Host: a", "Host: a"],
        ["Host:"],
        ["Host: a/b"],
        ["Host: u@a"],
        ["Host: a b"],
        ["Host: a,b"],
        ["Host: a\xe9"],
        ["Host: a:b"],
    ],
)
def test_a_request_that_does_not_name_one_host_is_answered_with_400(served, hosts):
    answer = exchange(served, get(*hosts))
    assert status(answer) == 400
    problem = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert (problem["type"], problem["header"]) == ("/v1/problems/bad-header", "Host")


def test_http_1_0_needs_no_host_and_may_not_name_two(served):
    assert status(exchange(served, get(version="1.0"))) == 200
    assert status(exchange(served, get("Host: a", "Host: b", version="1.0"))) == 400


@pytest.mark.parametrize("host", ["a", "A.example:8000", "127.0.0.1:8000", "[::1]:8000", "suyuan_web"])
def test_names_and_addresses_with_and_without_a_port_are_hosts(served, host):
    assert status(exchange(served, get(f"Host: {host}"))) == 200


def test_a_target_with_a_host_must_name_the_host_of_the_header(served):
    assert status(exchange(served, get("Host: a", path="http://A/healthz"))) == 200
    for target in ("http://b/healthz", "http://u@a/healthz", "http://a:80/healthz", "a:80"):
        assert status(exchange(served, get("Host: a", path=target))) == 400, target


@pytest.mark.parametrize(
    ("path", "allowed"),
    [("/healthz", {"GET", "HEAD"}), ("/v1/events", {"GET", "HEAD", "POST", "OPTIONS"}), ("/no/such", set())],
)
@pytest.mark.parametrize("method", ["get", "Get", "post", "options"])
def test_methods_are_case_sensitive(served, path, allowed, method):
    answer = exchange(served, get("Host: a", path=path).replace(b"GET", method.encode(), 1))
    head, _, body = answer.partition(b"\r\n\r\n")
    headers = dict(line.lower().split(": ", 1) for line in head.decode().split("\r\n")[1:])
    assert status(answer) == 405
    assert json.loads(body)["type"] == "/v1/problems/method-not-allowed"
    assert {each for each in headers["allow"].upper().split(", ") if each} == allowed


@pytest.mark.parametrize("method", ["PUT", "PATCH", "TRACE", "BREW"])
def test_other_methods_are_answered_with_405_to_a_key(served, method):
    key = f"Authorization: Bearer {served.api.keys['auditor']}"
    answer = exchange(served, get("Host: a", key, path="/v1/funds").replace(b"GET", method.encode(), 1))
    assert status(answer) == 405


def of_size(size):
    """A request whose head has `size` bytes, as the limit counts them."""
    empty = get("Host: a", "X: ")
    counted = len("/healthz") + len("hosta") + 4 + len("x") + 4
    return empty.replace(b"X: ", b"X: " + b"a" * (size - counted), 1)


def test_a_head_of_the_documented_size_is_accepted_and_one_byte_more_is_answered_with_431(served):
    assert status(exchange(served, of_size(MAX_HEAD_BYTES))) == 200
    answer = exchange(served, of_size(MAX_HEAD_BYTES + 1))
    assert (status(answer), b"/v1/problems/headers-too-large" in answer) == (431, True)
    long_path = "/healthz?" + "a" * MAX_HEAD_BYTES
    assert status(exchange(served, get("Host: a", path=long_path))) == 431


REFUSED_BY_THE_WEB_SERVER = {
    "a head far beyond the limit": (431, of_size(3 * MAX_HEAD_BYTES)),
    "more than 100 headers": (431, get("Host: a", *100 * ["X: a"])),
    "a folded header": (400, get("Host: a", "X: a", " b")),
    "a space before the colon": (400, get("Host : a")),
    "a control character in a header": (400, get("Host: a", "X: a\0b")),
    "another version": (400, get("Host: a", version="1.2")),
    "HTTP/0.9": (400, b"GET /healthz\r\n"),
    "two lengths": (400, post("Content-Length: 2", "Content-Length: 3") + b"{}"),
    "a list of lengths": (400, post("Content-Length: 2, 2") + b"{}"),
    "a signed length": (400, post("Content-Length: +2") + b"{}"),
    "a coding that is not chunked": (400, post("Transfer-Encoding: gzip")),
    "HTTP/2": (None, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"),
}
"""Requests that granian refuses before the gateway sees them, with the status; None if it only closes."""


@pytest.mark.parametrize("name", REFUSED_BY_THE_WEB_SERVER)
def test_what_the_web_server_refuses_has_an_empty_answer_and_ends_the_connection(served, name):
    expected, request = REFUSED_BY_THE_WEB_SERVER[name]
    answer = exchange(served, request + get("Host: a"))
    assert status(answer) == expected
    head, _, body = answer.partition(b"\r\n\r\n")
    assert not body
    assert expected is None or b"\r\nconnection: close" in head


def test_a_length_next_to_a_transfer_encoding_is_refused_and_nothing_after_it_is_answered(served):
    both = "Content-Length: 5", "Transfer-Encoding: chunked"
    for lines in (both, reversed(both)):
        answer = exchange(served, post(*lines) + b"0\r\n\r\n" + get("Host: a"))
        assert (status(answer), answer.count(b"HTTP/1.1 ")) == (411, 1)


def test_a_client_that_waits_to_be_asked_for_its_body_is_asked_only_if_it_may_send_it(served):
    expecting = "Content-Length: 2", "Expect: 100-continue", "Content-Type: application/cloudevents+json"
    assert status(exchange(served, post(*expecting))) == 401
    key = f"Authorization: Bearer {served.api.keys['fund-office']}"
    assert status(exchange(served, post(*expecting, key))) == 100


def test_an_offer_to_upgrade_to_http_2_is_ignored(served):
    offer = "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"
    assert status(exchange(served, get("Host: a", *offer))) == 200
