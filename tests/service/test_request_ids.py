"""Every answer, problem and log line of a request has the id of the request, and the trace context of its client."""

import concurrent.futures
import http.client
import json
import re
import time

import pytest

from service.observability import request_ids
from tests.conftest import new_database
from tests.service.conftest import build, close
from tests.service.test_gateway import FUND, Served, founding

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
MADE = re.compile("[0-9a-f]{32}")


@pytest.fixture(scope="module")
def logged(server_url, template, tmp_path_factory):
    """A server with the fund FUND, and a function that returns the log lines of a request by its id."""
    file = tmp_path_factory.mktemp("log") / "web.log"
    with new_database(server_url, template) as url, file.open("wb") as stream:
        api = build(url)
        server = Served(api, log=stream)

        def lines_of(request_id, count=1):
            deadline = time.monotonic() + 10
            while time.monotonic() < deadline:
                lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
                found = [line for line in lines if line.get("request_id") == request_id]
                if len(found) >= count:
                    return found
                time.sleep(0.05)
            pytest.fail(f"{len(found)} lines have the id {request_id}")

        assert server.call("POST", "/v1/events", founding(api), "fund-office")[0] == 201
        yield server, lines_of
        server.stop()
        close(api)


def test_every_answer_has_the_request_id_that_its_client_sent(logged):
    server, _ = logged
    for number, (method, path, key, body, status) in enumerate(
        [
            ("GET", "/healthz", None, None, 200),
            ("GET", "/openapi.json", None, None, 200),
            ("GET", "/v1/events/1", "auditor", None, 200),
            ("GET", "/v1/funds", None, None, 401),  # declined by the gateway
            ("GET", "/v1/keys", "auditor", None, 403),
            ("GET", "/nowhere", "auditor", None, 404),
            ("POST", "/v1/events", "fund-office", "{", 400),
            ("POST", "/v1/events", None, "{", 401),
            ("OPTIONS", "/v1/events", "auditor", None, 200),
            ("HEAD", "/v1/funds", "auditor", None, 200),
            ("GET", "/v1/events?after=1&timeout=1", "auditor", None, 200),  # waits, and is answered by the second run
        ]
    ):
        mine = f"my-{number}"
        answered, given, content = server.call(method, path, body, key, **{"X-Request-Id": mine})
        assert answered == status, (path, content)
        assert given.get_all("X-Request-Id") == [mine], path
        if status >= 400:
            assert json.loads(content)["request_id"] == mine


def test_an_answer_that_has_not_changed_has_the_id_of_its_own_request(logged):
    server, _ = logged
    _, headers, _ = server.call("GET", "/openapi.json")
    again = server.call("GET", "/openapi.json", None, None, **{"If-None-Match": headers["ETag"]})
    assert again[0] == 304
    assert MADE.fullmatch(again[1]["X-Request-Id"])
    assert again[1]["X-Request-Id"] != headers["X-Request-Id"]


def test_a_stream_of_events_has_the_request_id(logged):
    server, _ = logged
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    headers = {**server.api.headers("auditor"), "Accept": "text/event-stream", "X-Request-Id": "stream.1"}
    connection.request("GET", "/v1/events", headers=headers)
    assert connection.getresponse().headers.get_all("X-Request-Id") == ["stream.1"]
    connection.close()


@pytest.mark.parametrize("sent", ["", "x" * 65, "a b", "a,b", 'a"b', "é", "a\tb", "../a", "<b>"])
def test_an_id_that_is_long_or_has_other_characters_is_replaced(logged, sent):
    server, _ = logged
    for key in ("auditor", None):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        connection.request("GET", "/v1/funds", headers={**server.api.headers(key), "X-Request-Id": sent.encode()})
        answer = connection.getresponse()
        answer.read()
        assert MADE.fullmatch(answer.headers["X-Request-Id"])
        connection.close()


def test_an_id_that_was_sent_twice_is_replaced(logged):
    server, _ = logged
    request = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Request-Id: a\r\nX-Request-Id: b\r\nConnection: close\r\n\r\n"
    assert re.search(rb"\r\nx-request-id: [0-9a-f]{32}\r\n", server.raw(request), re.IGNORECASE)


def test_the_lines_of_a_post_have_its_id_and_trace_context(logged):
    server, lines_of = logged
    event = server.api.event("AppropriationReceived", FUND, cites=["上级指标文号"], amount="1.00", budget_year=2019)
    trace = {"X-Request-Id": "post-1", "traceparent": f"00-{TRACE}-{PARENT}-01"}
    assert server.call("POST", "/v1/events", json.dumps(event), "fund-office", **trace)[0] == 201
    [line] = lines_of("post-1")
    assert (line["event"], line["outcome"], line["id"]) == ("request", "recorded", event["id"])
    assert (line["trace_id"], line["parent_id"]) == (TRACE, PARENT)


def test_the_line_of_a_request_that_the_gateway_declines_has_its_id_and_trace_context(logged):
    server, lines_of = logged
    trace = {"X-Request-Id": "declined-1", "traceparent": f"00-{TRACE}-{PARENT}-00"}
    assert server.call("GET", "/v1/funds", **trace)[0] == 401
    [line] = lines_of("declined-1")
    assert (line["event"], line["problem"], line["trace_id"]) == ("request", "no-key", TRACE)


def test_posts_that_are_decided_together_do_not_mix_their_ids(logged):
    server, lines_of = logged

    def post(number):
        event = server.api.event("AppropriationReceived", FUND, cites=["上级指标文号"], amount="1.00", budget_year=2019)
        status, headers, _ = server.call(
            "POST", "/v1/events", json.dumps(event), "fund-office", **{"X-Request-Id": f"together-{number}"}
        )
        return number, status, headers["X-Request-Id"], event["id"]

    with concurrent.futures.ThreadPoolExecutor(16) as threads:
        for number, status, answered, id_ in threads.map(post, range(64)):
            assert (status, answered) == (201, f"together-{number}")
            [line] = lines_of(f"together-{number}")
            assert (line["event"], line["id"]) == ("request", id_)


@pytest.mark.parametrize(
    "valid",
    [
        f"00-{TRACE}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-ff",
        f"cc-{TRACE}-{PARENT}-01",
        f"cc-{TRACE}-{PARENT}-01-what-comes-later",
    ],
)
def test_a_valid_trace_context_is_kept(valid):
    fields = request_ids.fields_of("a", valid)
    assert fields == {"request_id": "a", "trace_id": TRACE, "parent_id": PARENT}


@pytest.mark.parametrize(
    "invalid",
    [
        "", "00", f"00-{TRACE}-{PARENT}", f"00-{TRACE}-{PARENT}-01-", f"00-{TRACE}-{PARENT}-01-more",
        f"00-{TRACE.upper()}-{PARENT}-01", f"00-{'0' * 32}-{PARENT}-01", f"00-{TRACE}-{'0' * 16}-01",
        f"ff-{TRACE}-{PARENT}-01", f"0-{TRACE}-{PARENT}-01", f"00-{TRACE[1:]}-{PARENT}-01", f"cc-{TRACE}-{PARENT}-01.x",
        f"00-{TRACE}-{PARENT}-01\n", f" 00-{TRACE}-{PARENT}-01", f"00-{TRACE}-{PARENT}-01,00-{TRACE}-{PARENT}-01",
        f"cc-{TRACE}-{PARENT}-01-a,b", f"00_{TRACE}_{PARENT}_01",
    ],
)  # fmt: skip
def test_an_invalid_trace_context_is_ignored(invalid):
    assert request_ids.fields_of("a", invalid) == {"request_id": "a"}


def test_a_browser_of_another_origin_is_given_no_permission(logged):
    server, _ = logged
    asks = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST"}
    preflight = {**asks, "Access-Control-Request-Headers": "authorization"}
    for method, path, key, headers, status in (
        ("GET", "/v1/funds", "auditor", asks, 200),
        ("GET", "/openapi.json", None, asks, 200),
        ("GET", "/v1/funds", None, asks, 401),
        ("OPTIONS", "/v1/events", None, preflight, 401),
        ("OPTIONS", "/v1/events", "auditor", preflight, 200),
        ("OPTIONS", "/openapi.json", None, preflight, 401),
    ):
        answered, given, content = server.call(method, path, None, key, **headers)
        assert answered == status, (method, path, content)
        assert not [name for name in given if name.lower().startswith("access-control-")]
