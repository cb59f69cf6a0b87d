"""A real failover. While two writers post, a streaming standby is promoted that lacks acknowledged commits."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import contextmanager, suppress
from random import Random
from threading import Event, Thread

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from domain.fund.funding import AppropriationReceived, FundsAllotted, SurplusSurrendered
from service.check import check
from service.ledger.application import Unavailable
from service.ledger.outcomes import Committed
from service.postgres import embedded
from service.postgres.migrate import migrate
from service.workers import projector
from tests.conftest import PROGRAMS, open_folder
from tests.lives import FUND, founded, line, yuan
from tests.posting import identified, open_ledger, put
from tests.scenario import post

SETTINGS = ("fsync=off", "full_page_writes=off")


@contextmanager
def running(data):
    """A server without a supervisor, so that it is not started again after it was killed.

    Yields the process and the conninfo of the server.
    """
    options = [f"--{setting}" for setting in ("port=5432", f"unix_socket_directories={data}", *SETTINGS)]
    with (data / "postgres.log").open("ab") as output:
        command = [PROGRAMS / "postgres", "-D", data, *options]
        server = subprocess.Popen(command, stdout=output, stderr=output, cwd="/", **embedded._account(data))
    conninfo = make_conninfo(host=str(data), port="5432", user="postgres")
    try:
        await_connection(make_conninfo(conninfo, dbname="postgres"))
        yield server, conninfo
    except BaseException:
        print((data / "postgres.log").read_text())
        raise
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(60)


def await_connection(conninfo):
    while True:
        with suppress(psycopg.OperationalError):
            return psycopg.connect(conninfo).close()
        time.sleep(0.1)


def copy(primary, server, standby):
    """Make a streaming standby, in the folder `standby`, of the server with the folder `primary`."""
    account = embedded._account(primary)
    standby.mkdir(mode=0o700)
    if account:
        os.chown(standby, account["user"], account["group"])
    command = [PROGRAMS / "pg_basebackup", "-D", standby, "-R", "-X", "stream", "-c", "fast", "-d", server]
    subprocess.run(command, check=True, cwd="/", stderr=subprocess.DEVNULL, **account)
    (standby / ".s.PGSQL.5432.lock").unlink()


def ask(conninfo, *statements):
    with psycopg.connect(conninfo, autocommit=True) as conn:
        for statement in statements:
            result = conn.execute(statement)
        return result.fetchone() if result.description else None


class Writer(Thread):
    """A thread that posts to `ledger` until `enough` is set. `acknowledged` has the acknowledged posts by identity."""

    def __init__(self, ledger, seed):
        super().__init__(daemon=True)
        self.ledger, self.random, self.enough = ledger, Random(seed), Event()
        self.acknowledged, self.errors = {}, []
        self.go_on = Event()
        self.go_on.set()

    def run(self):
        while not self.enough.is_set():
            self.go_on.wait()
            amount = yuan(f"{self.random.randint(1, 200) / 100:.2f}")
            fact = self.random.choice(
                (SurplusSurrendered("pool", amount), FundsAllotted("p", 1, amount), AppropriationReceived(amount, 2018))
            )
            self.send(identified(post(FUND, fact, "1-7")))

    def send(self, posted):
        """Send the post, and repeat this until the outcome of the post is known."""
        while not self.enough.is_set():
            try:
                [outcome] = self.ledger.post([posted])
            except Unavailable:
                time.sleep(0.1)
            except Exception as error:  # noqa: BLE001 - the test fails on it
                self.errors.append(error)
                return
            else:
                if isinstance(outcome, Committed):
                    self.acknowledged[posted.identity.id] = posted
                return


def positions_by_id(url):
    with psycopg.connect(url) as conn:
        return dict(conn.execute("select id, first_position from post"))


@pytest.mark.long("runs two database servers")
def test_after_a_failover_that_loses_acknowledged_commits_nothing_is_doubled_and_every_writer_follows_the_log():
    with open_folder() as folder:
        primary, standby = folder / "primary", folder / "standby"
        account = embedded._account(primary)
        embedded._allow_traversal(account, PROGRAMS, primary) if account else None
        embedded._create(primary, PROGRAMS, account)
        with running(primary) as (process, server):
            ask(make_conninfo(server, dbname="postgres"), "create database suyuan")
            migrate(make_conninfo(server, dbname="suyuan"))
            copy(primary, server, standby)
            with running(standby) as (_, replica):
                fail_over(process, make_conninfo(server, dbname="suyuan"), make_conninfo(replica, dbname="suyuan"))


def fail_over(process, primary, standby):
    """Kill the primary while two writers post, and promote the standby.

    Before that, the standby stops receiving, so that it lacks the latest commits.
    """
    hosts = ",".join(str(conninfo_to_dict(each)["host"]) for each in (primary, standby))
    url = make_conninfo(primary, host=hosts, port="5432,5432", target_session_attrs="read-write")
    with open_ledger(url) as first, open_ledger(url) as second:
        put(first, founded(line()))
        lose_the_primary(process, primary, standby, [Writer(first, 1), Writer(second, 2)])


def lose_the_primary(process, primary, standby, writers):
    for writer in writers:
        writer.start()
    time.sleep(2)
    ask(standby, "alter system set primary_conninfo = ''", "select pg_reload_conf()")
    while ask(primary, "select count(*) from pg_stat_replication") != (0,):
        time.sleep(0.05)
    before = [len(writer.acknowledged) for writer in writers]
    while any(len(writer.acknowledged) < count + 30 for writer, count in zip(writers, before, strict=True)):
        time.sleep(0.05)
    first, second = writers
    second.go_on.clear()  # it holds states of the lost history, until the log has passed their versions
    held = second.ledger.view(FUND).stream(FUND).version
    process.send_signal(signal.SIGQUIT)
    process.wait()
    ask(standby, "select pg_promote()")
    while ask(standby, f"select max(version) from event where stream = '{FUND}'")[0] < held + 10:
        time.sleep(0.05)
        assert first.errors == []
    second.go_on.set()
    count = len(second.acknowledged)
    while len(second.acknowledged) < count + 30:
        time.sleep(0.05)
        assert [writer.errors for writer in writers] == [[], []]
    for writer in writers:
        writer.enough.set()
        writer.join()
    recorded = positions_by_id(standby)
    lost = [each for writer in writers for each in writer.acknowledged.values() if each.identity.id not in recorded]
    assert len(lost) >= 60, "the standby lacked them"
    projector.catch_up(standby)
    assert check(standby).errors == 0
    with open_ledger(standby) as cold:
        for writer in writers:
            assert writer.ledger.view(FUND).stream(FUND) == cold.view(FUND).stream(FUND)
        for posted in lost:
            cold.post([posted])
    projector.catch_up(standby)
    assert check(standby).errors == 0
