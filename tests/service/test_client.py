"""The example client in docs. Despite kills and lost answers, each event is recorded once, and no event is missed."""

import os
import select
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from random import Random

import psycopg
import pytest

from service.postgres.embedded import _conninfo
from tests import partner
from tests.partner import FILE
from tests.service.test_gateway import Served, founding
from tests.service.test_kill import running

FACTS = 1_000


class LossyProxy:
    """A TCP proxy to the service that drops some answers and truncates others."""

    def __init__(self, port, random):
        self.port, self.random, self.lost = port, random, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.forward, args=(near,), daemon=True).start()

    def forward(self, near):
        fate = self.random.random()
        with near, suppress(OSError), socket.create_connection(("127.0.0.1", self.port)) as far:
            while True:
                for ready in select.select([near, far], [], [], 30)[0]:
                    data = ready.recv(65_536)
                    if not data:
                        return
                    if ready is near:
                        far.sendall(data)
                    elif fate < 0.05:
                        self.lost += 1
                        return
                    elif fate < 0.1:
                        self.lost += 1
                        near.sendall(data[: self.random.randrange(len(data))])
                        return
                    else:
                        near.sendall(data)


class Program:
    """The partner's program, run as a process that can be killed and started again."""

    def __init__(self, what, url, key, folder):
        self.command = [sys.executable, partner.__file__, what, url, key, str(folder)]
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.command, env={**os.environ, "FACTS": str(FACTS)})

    def kill(self):
        self.process.kill()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()


def lines(file):
    return file.read_text().split("\n")[:-1] if file.exists() else []


@pytest.mark.long("posts a thousand events while both sides are killed")
def test_random_kills_of_both_sides_neither_lose_nor_duplicate_an_event(folder):
    random = Random(3)
    with (
        running(folder) as service,
        LossyProxy(service.port, random) as line,
        Program("post", line.url, service.keys()["fund-office"], folder) as sender,
        Program("follow", line.url, service.keys()["auditor"], folder) as follower,
    ):
        deadline = time.monotonic() + 900
        victims = ["worker", "postgres", "sender", "serve", "follower", "sender", "worker", "follower", "projector"]
        while sender.process.poll() is None:
            assert time.monotonic() < deadline, f"only {len(lines(folder / 'posted'))} were posted"
            time.sleep(random.uniform(0.3, 1.2))
            victim = random.choice(victims)
            if victim == "follower":
                follower.kill()
                follower.start()
            elif victim != "sender":
                service.kill(victim)
            elif sender.process.poll() is None:
                sender.kill()
                sender.start()
        assert sender.process.returncode == 0
        service.await_folded()  # a process that was just killed has been restarted
        recorded, head = log(folder)
        while int((lines(folder / "followed") or ["0"])[-1]) < head:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert line.lost > 20, "answers were lost"
    posted = dict(each.split() for each in lines(folder / "posted"))
    assert recorded == {f"fact-{number}": int(position) for number, position in posted.items()}
    assert len(recorded) == FACTS
    followed = [int(position) for position in lines(folder / "followed")]
    assert sorted(set(followed)) == list(range(1, head + 1))


def log(folder):
    """The position of each event of the partner by id, and the last position of the log.

    Also checks that no event is recorded twice.
    """
    with psycopg.connect(_conninfo(folder / "postgres")) as conn:
        rows = conn.execute(
            "select fact ->> 'source_id', position from event where fact ->> 'source' = '/example/sender'"
        ).fetchall()
        head = conn.execute("select max(position) from event").fetchone()[0]
    assert len(dict(rows)) == len(rows), "no event is recorded twice"
    return dict(rows), head


def test_the_client_returns_outcomes_and_replays_and_raises_refusals(api, tmp_path):
    served = Served(api)
    try:
        served.call("POST", "/v1/events", founding(api), "fund-office")
        copied = partner.client()
        suyuan = copied.Suyuan(f"http://127.0.0.1:{served.port}", api.keys["fund-office"])
        fact = {**partner.fact(1), "subject": "fund/f"}
        assert suyuan.post(fact)["outcome"] == "recorded"
        assert suyuan.post(fact)["outcome"] == "replayed"
        with pytest.raises(copied.Refused) as refused:
            suyuan.post({**fact, "data": {**fact["data"], "amount": "2.00"}})
        assert refused.value.problem["type"] == "/v1/problems/identity-conflict"
        log = suyuan.follow(tmp_path / "cursor")
        assert [next(log)["type"], next(log)["type"]] == ["FundEstablished", "AppropriationReceived"]
        again = suyuan.follow(tmp_path / "cursor")
        assert next(again)["position"] == 2, "the event in progress is delivered again after a crash"
    finally:
        served.stop()


def test_the_client_is_short_and_needs_only_the_standard_library():
    source = FILE.read_text(encoding="utf-8")
    code = [line for line in source.splitlines() if line.strip()]
    assert len(code) <= 80
    imported = {line.split()[1].partition(".")[0] for line in code if line.startswith(("import ", "from "))}
    assert imported <= sys.stdlib_module_names
