"""The feed as pages, as JSON lines, by long polling and as event streams, all with one cursor; digests of ranges."""

import hashlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path

import psutil
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.rows import dict_row

from service.auth import api_keys
from service.auth.grants import grant
from tests.service.conftest import SECRET
from tests.service.test_gateway import Served, founding, shared_server  # noqa: F401 - a fixture
from tests.service.test_lost_history import lose

FUND, PROJECT = "yx-ip-2018", "yx-ip-2018-07"
FOLLOWER = Path(__file__).parents[2] / "docs" / "follower.py"
LINES, STREAM = {"Accept": "application/x-ndjson"}, {"Accept": "text/event-stream"}
WAYS = [
    "",
    f"fund={FUND}",
    f"project={PROJECT}",
    "type=PaymentConfirmed,FundsAllotted",
    f"fund={FUND}&type=PlanAdopted",
]


def pages(api, query="", key="auditor", headers=None):
    """Every page of the feed. The links of the pages are followed up to the empty page."""
    address = f"/v1/events?limit=50&{query}"
    while address:
        answer = api.client.get(address, headers={**api.headers(key), **(headers or {})})
        assert answer.status_code == 200, answer.text
        yield answer
        link = answer.headers.get("Link")
        address = link[1 : link.index(">")] if link else None


def events_of(answer):
    return [json.loads(line) for line in answer.text.splitlines()] if "ndjson" in answer.mimetype else answer.json


def canonical(event):
    return json.dumps(event, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def hashed(events):
    return hashlib.sha256(b"".join(hashlib.sha256(b"\0" + canonical(e)).digest() for e in events)).hexdigest()


def all_events(api):
    return [event for answer in pages(api) for event in events_of(answer)]


def test_full_pages_are_cached_as_immutable_and_the_last_page_is_not_cached(sample):
    *full, last, end = pages(sample)
    assert len(full) >= 8
    for answer in full:
        assert answer.headers["Cache-Control"] == "private, max-age=31536000, immutable"
        address = answer.request.url.removeprefix("http://localhost")
        again = sample.client.get(
            address, headers={**sample.headers("auditor"), "If-None-Match": answer.headers["ETag"]}
        )
        assert again.status_code == 304
    assert {last.headers["Cache-Control"], end.headers["Cache-Control"]} == {"no-store"}
    assert (end.json, "Link" in end.headers) == ([], False)
    assert [e["position"] for e in all_events(sample)] == list(range(1, all_events(sample)[-1]["position"] + 1))


@pytest.mark.parametrize("query", WAYS)
def test_json_lines_contain_the_same_events_as_pages(sample, query):
    batches = [event for answer in pages(sample, query) for event in events_of(answer)]
    lines = [event for answer in pages(sample, query, headers=LINES) for event in events_of(answer)]
    assert lines == batches != []


@pytest.mark.parametrize("query", WAYS)
def test_filters_return_exactly_the_matching_events(sample, query):
    filters = dict(part.split("=") for part in query.split("&") if part)

    def matches(event):
        return (
            filters.get("fund") in (None, event["data"]["fund"])
            and filters.get("project") in (None, event["subject"].removeprefix("project/"))
            and event["type"] in filters.get("type", event["type"]).split(",")
        )

    filtered = [event for answer in pages(sample, query) for event in events_of(answer)]
    assert filtered == [event for event in all_events(sample) if matches(event)]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_the_digest_of_a_range_equals_the_digest_of_the_events_a_follower_received(sample, data):
    query = data.draw(st.sampled_from(WAYS))
    everything = [event for answer in pages(sample, query) for event in events_of(answer)]
    last = all_events(sample)[-1]["position"]
    after = data.draw(st.integers(0, last))
    upto = data.draw(st.integers(after, last))
    digest = sample.get(f"/v1/events/digest?after={after}&upto={upto}&{query}").json
    in_range = [event for event in everything if after < event["position"] <= upto]
    assert (digest["count"], digest["sha256"]) == (len(in_range), hashed(in_range))


def test_a_digest_beyond_the_log_or_of_too_many_events_is_refused(sample):
    assert sample.get("/v1/events/digest?upto=999999&after=950000").status_code == 404
    assert sample.get("/v1/events/digest?upto=999999").json["parameter"] == "upto"
    assert sample.get("/v1/events/digest").json["parameter"] == "upto"


def test_a_limited_key_can_follow_only_events_within_its_limits(api):
    with psycopg.connect(api.url, autocommit=True, row_factory=dict_row) as conn:
        api.keys["limited"] = api_keys.create(conn, SECRET, "limited", grant(["read"], funds=["f"]))
    assert api.post(founding(api), "fund-office").status_code == 201
    assert api.get("/v1/events", "limited").status_code == 403
    assert api.get("/v1/events?fund=g", "limited").status_code == 403
    assert [e["type"] for e in api.get("/v1/events?fund=f", "limited").json] == ["FundEstablished"]
    assert api.get("/v1/events/digest?fund=f&upto=1", "limited").json["count"] == 1


def test_a_key_limited_to_a_fund_cannot_read_a_project_of_another_by_naming_both(sample):
    with psycopg.connect(sample.url, autocommit=True, row_factory=dict_row) as conn:
        sample.keys["of-another"] = api_keys.create(conn, SECRET, "of-another", grant(["read"], funds=["another"]))
    query = f"fund=another&project={PROJECT}"
    assert sample.get(f"/v1/events?{query}", "of-another").json == []
    assert sample.get(f"/v1/events/digest?upto=400&{query}", "of-another").json["count"] == 0


def test_a_request_that_does_not_accept_the_stream_type_by_name_gets_a_page(sample):
    for accept in ("text/*", "*/*"):
        headers = {**sample.headers("auditor"), "Accept": accept, "Last-Event-ID": "300"}
        answer = sample.client.get("/v1/events?limit=1&after=5", headers=headers)
        assert [each["position"] for each in answer.json] == [6]


@pytest.mark.parametrize(
    "query", ["type=Nothing", "type=", "timeout=31", "limit=0", "limit=20001", "fund=", "colour=red"]
)
def test_a_wrong_parameter_is_answered_with_400(sample, query):
    assert sample.get(f"/v1/events?{query}").status_code == 400


def test_an_invalid_last_event_id_is_answered_with_400(sample):
    assert sample.get("/v1/events", "auditor").status_code == 200
    answer = sample.client.get("/v1/events", headers={**sample.headers("auditor"), **STREAM, "Last-Event-ID": "x"})
    assert answer.status_code == 400


def test_a_long_poll_is_answered_at_the_next_event_or_at_its_timeout(shared_server):  # noqa: F811
    api = shared_server.api
    at = shared_server.call("GET", "/v1/events?limit=1000", key="auditor")[2]
    after = max((e["position"] for e in json.loads(at)), default=0)
    started = time.monotonic()
    assert shared_server.call("GET", f"/v1/events?after={after}&timeout=1", key="auditor")[2] == b"[]\n"
    assert time.monotonic() - started > 0.9

    def establish():
        time.sleep(0.5)
        event = json.loads(founding(api))
        shared_server.call("POST", "/v1/events", json.dumps({**event, "subject": f"fund/poll-{after}"}), "fund-office")

    poster = threading.Thread(target=establish)
    poster.start()
    started = time.monotonic()
    status, headers, body = shared_server.call("GET", f"/v1/events?after={after}&timeout=20", key="auditor")
    assert (status, [e["type"] for e in json.loads(body)]) == (200, ["FundEstablished"])
    assert time.monotonic() - started < 20, "answered at the event, not at the timeout"
    assert headers["Link"]
    poster.join()


def test_a_hundred_long_polls_block_no_other_request(shared_server):  # noqa: F811
    api, answers = shared_server.api, []
    head = json.loads(shared_server.call("GET", "/readyz")[2])["log_position"]

    def wait():
        answers.append(shared_server.call("GET", f"/v1/events?after={head}&timeout=30", None, "auditor", 60)[0])

    waiting = [threading.Thread(target=wait) for _ in range(100)]
    for each in waiting:
        each.start()
    while len(answers) < 36:
        time.sleep(0.01)
    assert shared_server.call("GET", "/v1/funds", key="auditor")[0] == 200
    assert set(answers) <= {429, 503}, "a key has at most 64 long polls, and they still wait"
    event = json.loads(founding(api)) | {"subject": f"fund/polled-{head}"}
    assert shared_server.call("POST", "/v1/events", json.dumps(event), "fund-office")[0] == 201
    for each in waiting:
        each.join()
    assert answers.count(200) == 64


class Stream:
    """A reader of server-sent events."""

    def __init__(self, served, last=None, key="auditor", query=""):
        self.connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=40)
        resumed = {"Last-Event-ID": str(last)} if last is not None else {}
        self.connection.request("GET", f"/v1/events?{query}", headers={**served.api.headers(key), **STREAM, **resumed})
        self.answer = self.connection.getresponse()

    def read(self, events):
        """The ids and events of the next messages that have data, but no more than `events` messages."""
        messages, fields = [], {}
        while len(messages) < events:
            line = self.answer.readline().decode()
            if not line:
                break
            name, _, value = line.rstrip("\n").partition(": ")
            if name in ("id", "data"):
                fields[name] = value
            elif not line.strip() and "data" in fields:
                messages.append((int(fields["id"]), json.loads(fields["data"])))
                fields = {}
        return messages

    def close(self):
        self.connection.close()


def fill(served, how_many, beginning=0):
    """Establish `how_many` funds, each with a long name, numbered from `beginning`."""
    upto = beginning + how_many
    for first in range(beginning, upto, 100):
        events = []
        for number in range(first, min(first + 100, upto)):
            event = json.loads(founding(served.api))
            event["data"]["name"] = "专" * 200
            events.append({**event, "subject": f"fund/n{number}"})
        body = json.dumps(events)
        kind = {"Content-Type": "application/cloudevents-batch+json"}
        status, _, answer = served.call("POST", "/v1/events", body, "fund-office", **kind)
        assert status == 201, answer


@pytest.fixture
def served(api):
    server = Served(api)
    yield server
    if server.process.poll() is None:
        server.stop()


def test_a_stream_sends_new_events_and_resumes_after_the_last_event_id(served):
    fill(served, 3)
    stream = Stream(served)
    assert stream.answer.headers["Content-Type"] == "text/event-stream"
    assert [at for at, _ in stream.read(3)] == [1, 2, 3]
    served.call("POST", "/v1/events", founding(served.api), "fund-office")
    [(at, event)] = stream.read(1)
    assert (at, event["subject"], event["position"]) == (4, "fund/f", 4)
    stream.close()
    again = Stream(served, last=2, query="after=0")
    assert [at for at, _ in again.read(2)] == [3, 4]
    again.close()


def test_a_stream_ends_when_its_key_is_revoked(served):
    fill(served, 1)
    stream = Stream(served)
    assert stream.read(1)
    with psycopg.connect(served.api.url, autocommit=True, row_factory=dict_row) as conn:
        api_keys.revoke(conn, "auditor")
    time.sleep(2.5)
    served.call("POST", "/v1/events", founding(served.api), "fund-office")
    assert stream.read(1) == []
    stream.close()


def memory(served):
    """The resident memory of the server and its workers together, in MiB."""
    process = psutil.Process(served.process.pid)
    return sum(each.memory_info().rss for each in [process, *process.children(recursive=True)]) / 2**20


@pytest.mark.long("fills the buffers of thirty sockets")
def test_stream_clients_that_do_not_read_cost_a_bounded_amount_of_memory(served):
    fill(served, 4_000)
    Stream(served).close()
    before = memory(served)
    dead = [Stream(served) for _ in range(30)]
    time.sleep(3)
    grown = memory(served) - before
    assert grown < 120, "about 1 MiB for each stream, and the pages that are being built"
    started = time.monotonic()
    assert served.call("GET", "/v1/funds?min_position=0", key="auditor")[0] == 200
    assert time.monotonic() - started < 2
    for each in dead:
        each.close()


def test_a_long_log_is_read_completely_by_resuming_the_stream(served):
    fill(served, 3_000)
    at, rounds = 0, 0
    while at < 3_000:
        stream = Stream(served, last=at)
        events = stream.read(3_000 - at)
        stream.close()
        assert [position for position, _ in events] == list(range(at + 1, at + 1 + len(events)))
        at, rounds = events[-1][0], rounds + 1
    assert 1 < rounds < 12


@pytest.mark.long("waits for a heartbeat")
def test_a_stream_without_events_sends_heartbeats(served):
    stream = Stream(served)
    started = time.monotonic()
    lines = [stream.answer.readline() for _ in range(3)]
    assert lines[:2] == [b"retry: 1000\n", b"\n"]
    assert lines[2] == b": \n"
    assert 10 < time.monotonic() - started < 25
    stream.close()


def test_the_follower_of_the_docs_survives_restarts_of_both_sides(served, tmp_path):
    """The follower prints every event in order and at least once.

    The event that it is printing when it is killed is printed again.
    """
    fill(served, 200)
    printed, cursor = [], tmp_path / "cursor"

    def start():
        url = f"http://127.0.0.1:{served.port}"
        command = [sys.executable, FOLLOWER, url, served.api.keys["auditor"], cursor]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def read(process, upto):
        while not printed or printed[-1] < upto:
            line = process.stdout.readline()
            assert line, "the follower has ended"
            printed.append(int(re.match(r"\d+", line)[0]))

    follower = start()
    read(follower, 50)
    os.kill(follower.pid, signal.SIGKILL)
    printed += [int(line.split()[0]) for line in follower.communicate()[0].splitlines()]
    follower = start()
    read(follower, 200)
    workers = psutil.Process(served.process.pid).children(recursive=True)
    served.process.kill()
    served.process.wait()
    psutil.wait_procs(workers, timeout=10)  # a worker holds the port until it notices that the supervisor has ended
    again = Served(served.api, served.port)
    try:
        again.call("POST", "/v1/events", founding(again.api), "fund-office")
        read(follower, 201)
    finally:
        follower.kill()
        follower.communicate()
        again.stop()
    assert sorted(set(printed)) == list(range(1, 202))
    repeated = [b for a, b in pairwise(printed) if b <= a]
    assert len(repeated) <= 1, "only the kill caused an event to be printed again"


def test_the_follower_of_the_docs_is_short():
    text = FOLLOWER.read_text(encoding="utf-8").splitlines()
    code = [line for line in text if line.strip() and not line.strip().startswith(("import", "from", '"""'))]
    assert len(code) <= 50


def test_readers_ahead_of_a_restored_log_are_answered_with_404_and_stop(served, tmp_path):
    """Without the error, the readers would silently skip new events at positions that they have already read."""
    fill(served, 20)
    lose(served.api.url, 12)
    key, cursor = served.api.keys["auditor"], tmp_path / "cursor"
    cursor.write_text("20")
    for accept in ("application/json", STREAM["Accept"]):
        status, _, body = served.call("GET", "/v1/events?after=13&timeout=5", None, "auditor", Accept=accept)
        assert (status, json.loads(body)["head"]) == (404, 12)
    assert served.call("GET", "/v1/events?after=12", key="auditor")[0] == 200
    url = f"http://127.0.0.1:{served.port}"
    client = "import sys; sys.path.insert(0, sys.argv.pop(1)); from client import Suyuan; from pathlib import Path;"
    client += "list(Suyuan(sys.argv[1], sys.argv[2]).follow(Path(sys.argv[3])))"
    for command in ([FOLLOWER], ["-c", client, FOLLOWER.parent]):
        ended = subprocess.run(
            [sys.executable, *command, url, key, cursor], capture_output=True, text=True, check=False, timeout=60
        )
        assert ended.returncode == 1
        assert "日志中尚无此位置" in ended.stderr
    assert cursor.read_text() == "20"


def test_a_reader_that_waits_is_answered_when_the_log_is_restored_without_the_events_it_has_read(served):
    """Without the 404, and the end of the stream, it would skip the first events of the new history."""
    fill(served, 20)
    answers = []

    def wait():
        answers.append(served.call("GET", "/v1/events?after=20&timeout=30", key="auditor"))

    stream = Stream(served)
    stream.read(20)
    waiting = threading.Thread(target=wait)
    waiting.start()
    time.sleep(0.5)
    lose(served.api.url, 12)
    waiting.join(timeout=10)
    [(status, _, body)] = answers
    assert (status, json.loads(body)["head"]) == (404, 12)
    fill(served, 10, beginning=100)
    assert stream.read(1) == [], "the stream has ended"
    stream.close()


@pytest.mark.parametrize("path", ["/v1/events?limit=20", "/v1/events?limit=15&type=FundEstablished"])
def test_a_cursor_with_its_history_is_refused_by_a_log_that_has_other_events_there(served, path):
    fill(served, 20)
    _, headers, _ = served.call("GET", path, key="auditor")
    after = re.search(r"<(.*)>", headers["Link"])[1]
    assert served.call("GET", after, key="auditor")[0] == 200
    lose(served.api.url, 12)
    fill(served, 20, beginning=100)
    status, _, body = served.call("GET", after, key="auditor")
    assert (status, json.loads(body)["type"], json.loads(body)["head"]) == (404, "/v1/problems/not-in-the-log", 32)


@pytest.mark.parametrize("program", ["follower", "client"])
def test_the_programs_of_the_docs_stop_at_a_restored_log_that_has_grown_beyond_their_cursor(served, tmp_path, program):
    fill(served, 20)
    url, key, cursor = f"http://127.0.0.1:{served.port}", served.api.keys["auditor"], tmp_path / "cursor"
    client = "import sys; sys.path.insert(0, sys.argv.pop(1)); from client import Suyuan; from pathlib import Path;"
    client += "list(Suyuan(sys.argv[1], sys.argv[2]).follow(Path(sys.argv[3])))"
    command = {"follower": [FOLLOWER], "client": ["-c", client, FOLLOWER.parent]}[program]
    first = subprocess.Popen([sys.executable, *command, url, key, cursor], stdout=subprocess.DEVNULL)
    for _ in range(200):
        if cursor.exists() and cursor.read_text().startswith("20&"):
            break
        time.sleep(0.05)
    first.kill()
    first.wait()
    lose(served.api.url, 12)
    fill(served, 20, beginning=100)
    again = subprocess.run(
        [sys.executable, *command, url, key, cursor], capture_output=True, text=True, check=False, timeout=60
    )
    assert again.returncode == 1
    assert "日志中尚无此位置" in again.stderr


def test_the_follower_of_the_docs_follows_with_a_key_that_is_limited_to_a_fund(served, tmp_path):
    served.call("POST", "/v1/events", founding(served.api), "fund-office")
    fill(served, 5)
    with psycopg.connect(served.api.url, autocommit=True, row_factory=dict_row) as conn:
        key = api_keys.create(conn, SECRET, "limited", grant(["read"], funds=["f"]))
    url, cursor = f"http://127.0.0.1:{served.port}", tmp_path / "cursor"
    command = [sys.executable, FOLLOWER, url, key, cursor, "&fund=f"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as follower:
        assert "FundEstablished fund/f" in follower.stdout.readline()
        follower.kill()
