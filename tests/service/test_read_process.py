"""The read process: ended, stopped or busy, it keeps no post waiting. It ends with the web process, and not before."""

import json
import os
import pickle
import signal
import socket
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import psutil
import pytest
from psycopg import OperationalError

from service.api.http import work
from service.api.http.work import ALL, MONITOR, POSTING, READING
from service.app import close, create_app
from service.config import Config
from service.postgres import roles
from service.postgres.snapshots import NotInTheLog
from service.server import read_process
from service.server.read_process import NICENESS, OOM_SCORE
from tests.conftest import as_role
from tests.service.conftest import SECRET
from tests.service.test_gateway import Served, appropriation, founding

READ = "/v1/funds"


@contextmanager
def serving(api, **settings):
    server = Served(api, **settings)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.stop()


@pytest.fixture
def served(api):
    with serving(api) as server:
        yield server


class Processes:
    """The worker of a running server, the keeper below it, and the read process below that."""

    def __init__(self, served):
        [self.worker] = psutil.Process(served.process.pid).children()
        [self.keeper] = self.worker.children()
        self.reads = until(self.keeper.children)[0]


def until(condition, seconds=30):
    """The first value of `condition` that is true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.01)
    return pytest.fail("it did not become true")


def stop(process):
    """Stop the process, and wait until each of its threads stands still."""
    process.suspend()
    tasks = list(Path("/proc", str(process.pid), "task").iterdir())
    until(lambda: {(task / "stat").read_text().rpartition(")")[2].split()[0] for task in tasks} == {"T"})


def active(served):
    """How many requests are being processed, this one included."""
    text = served.call("GET", "/metrics", key="all")[2].decode()
    [line] = [line for line in text.splitlines() if line.startswith("suyuan_requests_active ")]
    return float(line.split()[1])


def is_answered(served):
    return served.call("GET", READ, key="auditor")[0] == 200


def test_a_killed_read_process_is_started_again_and_posts_go_on_meanwhile(served, api):
    assert is_answered(served)
    before = Processes(served)
    before.reads.kill()
    assert served.call("POST", "/v1/events", founding(api), "fund-office")[0] == 201
    assert served.call("GET", "/readyz")[0] == 200
    until(lambda: is_answered(served))
    after = Processes(served)
    assert (after.worker, after.keeper) == (before.worker, before.keeper)
    assert after.reads != before.reads


def test_a_request_whose_read_process_is_killed_is_answered_503_and_can_be_sent_again(served):
    assert is_answered(served)
    reads = Processes(served).reads
    stop(reads)
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(served.call, "GET", READ, key="auditor")
        until(lambda: active(served) == 2)
        reads.kill()
        status, headers, _ = waiting.result()
    assert (status, headers["Retry-After"]) == (503, "1")
    assert until(lambda: is_answered(served))


def test_posts_do_not_wait_for_a_read_process_that_is_stopped(served, api):
    assert is_answered(served)
    reads = Processes(served).reads
    stop(reads)
    try:
        with ThreadPoolExecutor(20) as threads:
            stuck = [threads.submit(served.call, "GET", READ, key="auditor") for _ in range(20)]
            until(lambda: active(served) == 1 + work.READ.per_sender)
            assert served.call("POST", "/v1/events", founding(api), "fund-office")[0] == 201
            assert served.call("POST", "/v1/events", appropriation(api), "fund-office")[0] == 201
            assert served.call("GET", "/readyz")[0] == 200
            assert not any(each.done() for each in stuck)
            reads.resume()
            assert {each.result()[0] for each in stuck} == {200}
    finally:
        reads.resume()


def test_posts_come_before_reads_where_time_or_memory_is_short(served):
    processes = Processes(served)
    assert is_answered(served)
    assert processes.reads.nice() == NICENESS + processes.worker.nice()
    scores = [
        int(Path("/proc", str(each.pid), "oom_score_adj").read_text()) for each in (processes.worker, processes.reads)
    ]
    assert scores[0] < scores[1] == OOM_SCORE


def test_what_a_post_has_recorded_is_read_at_once(served, api):
    served.call("POST", "/v1/events", founding(api), "fund-office")
    status, _, answer = served.call("GET", "/v1/events", key="auditor")
    assert (status, len(json.loads(answer))) == (200, 1)


def test_reads_are_counted_in_the_metrics_of_the_web_process(served):
    for _ in range(3):
        assert is_answered(served)
    text = served.call("GET", "/metrics", key="all")[2].decode()
    assert 'suyuan_requests_total{method="GET",route="/v1/funds",status="200"} 3.0' in text
    assert 'suyuan_request_seconds_count{route="/v1/funds"} 3.0' in text
    [seconds] = [line for line in text.splitlines() if line.startswith('suyuan_key_seconds_total{key="auditor"}')]
    assert float(seconds.split()[-1]) > 0


def test_stop_signals_end_neither_the_read_process_nor_its_keeper(served):
    assert is_answered(served)
    processes = Processes(served)
    for each in (processes.keeper, processes.reads):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            each.send_signal(number)
    assert is_answered(served)
    assert Processes(served).reads == processes.reads


@pytest.mark.parametrize("stopped", [False, True], ids=["running", "stopped"])
@pytest.mark.parametrize("ended", ["worker", "keeper"])
def test_without_its_worker_or_keeper_nothing_of_the_web_process_is_left(served, ended, stopped):
    assert is_answered(served)
    processes = Processes(served)
    if stopped:
        stop(processes.reads)
    getattr(processes, ended).kill()
    served.process.wait(30)
    _, alive = psutil.wait_procs([processes.worker, processes.keeper, processes.reads], 10)
    assert not alive


def test_the_read_process_and_its_keeper_hold_no_file_of_the_web_process(served):
    """Otherwise it would occupy the port of a web process that was killed."""
    assert is_answered(served)
    processes = Processes(served)
    for each in (processes.keeper, processes.reads):
        assert not [found for found in each.net_connections() if found.status == psutil.CONN_LISTEN]
    assert processes.keeper.num_fds() <= 4


@pytest.mark.parametrize(
    "works", [READING, (*POSTING, MONITOR), ALL], ids=["read process", "web process", "one process"]
)
def test_a_process_has_a_connection_of_each_pool_for_each_of_its_places(api, works):
    config = Config(Path(), "127.0.0.1", 8000, as_role(api.url, roles.WEB), SECRET, "/suyuan")
    app = create_app(config, works)
    places = sum(each.places for each in works)
    sizes = {app.extensions["ledger"]._datastore.pool.max_size, app.extensions["reader"]._pool.max_size}
    close(app)
    assert sizes == {places}


def test_the_metrics_say_whether_the_read_process_answers_and_what_its_pools_do(served):
    def figures():
        return served.call("GET", "/metrics", key="all")[2].decode()

    assert is_answered(served)
    text = figures()
    assert "suyuan_read_process_up 1.0" in text
    assert 'suyuan_pool_connections{pool="read process: reads",state="idle"}' in text
    reads = Processes(served).reads
    stop(reads)
    text = figures()
    assert "suyuan_read_process_up 0.0" in text
    assert "read process: reads" not in text
    reads.resume()
    until(lambda: "suyuan_read_process_up 1.0" in figures())


def test_a_read_process_is_started_again_although_nothing_can_be_logged(api):
    """Its keeper would otherwise end, and the web process with it."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as log, serving(api, log=log) as served:
        assert is_answered(served)
        os.close(reading)
        before = Processes(served)
        before.reads.kill()
        until(lambda: is_answered(served))
        assert Processes(served).worker == before.worker


def test_a_connection_for_which_no_thread_can_be_started_is_closed(monkeypatch):
    def no_thread(_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", no_thread)
    ours, theirs = socket.socketpair()
    with ours:
        read_process._answer_in_thread(None, Connection(theirs.detach()))
        assert ours.recv(1) == b"", "so the web process does not wait for an answer"


class Large:
    pass


received = []


def remember(_, large):
    received.append(weakref.ref(large))


def test_no_request_is_kept_in_memory_after_its_answer():
    ours, theirs = (Connection(each.detach()) for each in socket.socketpair())
    with ours:
        threading.Thread(target=read_process._answer_all, args=(None, theirs), daemon=True).start()
        ours.send((remember, (Large(),)))
        assert ours.recv() == (None, None)
        until(lambda: received[0]() is None)


def test_the_read_process_is_not_forked_once_there_are_threads():
    stop = threading.Event()
    other = threading.Thread(target=stop.wait)
    other.start()
    try:
        with pytest.raises(AssertionError, match="thread"):
            read_process.fork(None)
    finally:
        stop.set()
        other.join()


class Unpicklable(Exception):
    def __init__(self, one, two):
        super().__init__(one)
        self.lock = threading.Lock()


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (NotInTheLog(7), NotInTheLog),
        (OperationalError("gone"), OperationalError),
        (Unpicklable(1, 2), RuntimeError),
    ],
    ids=["own", "psycopg's", "one that cannot be sent"],
)
def test_an_error_in_the_read_process_is_raised_where_the_answer_is_waited_for(error, expected):
    def fail():
        raise error

    raised, _ = pickle.loads(pickle.dumps(read_process._outcome(fail)))
    assert type(raised) is expected
    assert str(error) in str(raised)


def test_it_is_logged_that_the_read_process_was_started_again(api, tmp_path):
    log = tmp_path / "log"
    with log.open("wb") as stream, serving(api, log=stream) as served:
        assert is_answered(served)
        Processes(served).reads.kill()
        until(lambda: b'"event":"restarted"' in log.read_bytes())
    [line] = [json.loads(line) for line in log.read_text().splitlines() if '"event":"restarted"' in line]
    assert (line["process"], line["code"]) == ("reads", -signal.SIGKILL)


def test_the_log_lines_of_the_last_reads_are_written_when_the_service_is_stopped(api, tmp_path):
    log = tmp_path / "log"
    with log.open("wb") as stream, serving(api, log=stream) as served:
        assert is_answered(served)
        served.call("GET", READ, key="auditor", **{"X-Request-Id": "the-last-one"})
        served.stop()
        assert b"the-last-one" in log.read_bytes()


def test_a_read_process_that_may_open_no_more_files_keeps_its_connections_and_does_not_end(served):
    assert is_answered(served)
    reads = Processes(served).reads
    _, hard = reads.rlimit(psutil.RLIMIT_NOFILE)
    reads.rlimit(psutil.RLIMIT_NOFILE, (3, hard))
    with ThreadPoolExecutor(8) as threads:
        statuses = {
            each.result()[0] for each in [threads.submit(served.call, "GET", READ, key="auditor") for _ in range(8)]
        }
    assert statuses <= {200, 503}
    reads.rlimit(psutil.RLIMIT_NOFILE, (hard, hard))
    assert until(lambda: is_answered(served))
    assert Processes(served).reads == reads
