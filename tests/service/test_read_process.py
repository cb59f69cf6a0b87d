"""The read process: ended, stopped or busy, it keeps no post waiting. It ends with the web process, and not before."""

import json
import pickle
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from psycopg import OperationalError

from service.postgres.snapshots import NotInTheLog
from service.server import read_process
from service.server.read_process import NICENESS, OOM_SCORE
from tests.service.test_gateway import Served, appropriation, founding

READ = "/v1/funds"


@pytest.fixture
def served(api):
    server = Served(api)
    yield server
    if server.process.poll() is None:
        server.stop()


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
    reads.suspend()
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(served.call, "GET", READ, key="auditor")
        time.sleep(0.3)
        reads.kill()
        status, headers, _ = waiting.result()
    assert (status, headers["Retry-After"]) == (503, "1")
    assert until(lambda: is_answered(served))


def test_posts_do_not_wait_for_a_read_process_that_is_stopped(served, api):
    assert is_answered(served)
    reads = Processes(served).reads
    reads.suspend()
    try:
        with ThreadPoolExecutor(20) as threads:
            stuck = [threads.submit(served.call, "GET", READ, key="auditor") for _ in range(20)]
            time.sleep(0.3)
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


def test_stop_signals_do_not_reach_it_before_its_requests_are_answered(served):
    assert is_answered(served)
    processes = Processes(served)
    for each in (processes.keeper, processes.reads):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            each.send_signal(number)
    assert is_answered(served)
    assert Processes(served).reads == processes.reads


@pytest.mark.parametrize("ended", ["worker", "keeper"])
def test_without_its_worker_or_keeper_nothing_of_the_web_process_is_left(served, ended):
    assert is_answered(served)
    processes = Processes(served)
    getattr(processes, ended).kill()
    served.process.wait(30)
    _, alive = psutil.wait_procs([processes.worker, processes.keeper, processes.reads], 10)
    assert not alive


def test_it_holds_no_file_of_the_web_process(served):
    """Otherwise it would occupy the port of a web process that was killed."""
    assert is_answered(served)
    processes = Processes(served)
    for each in (processes.keeper, processes.reads):
        assert not [found for found in each.net_connections() if found.status == psutil.CONN_LISTEN]
    assert processes.keeper.num_fds() <= 4


def test_it_is_not_forked_once_there_are_threads():
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
    with log.open("wb") as stream:
        server = Served(api, log=stream)
        assert is_answered(server)
        Processes(server).reads.kill()
        until(lambda: b'"event":"restarted"' in log.read_bytes())
        server.stop()
    [line] = [json.loads(line) for line in log.read_text().splitlines() if '"event":"restarted"' in line]
    assert (line["process"], line["code"]) == ("reads", -signal.SIGKILL)


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
