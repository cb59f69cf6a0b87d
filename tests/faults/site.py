"""A ledger as it is operated: a PostgreSQL server, a proxy, a pooler, two web processes and a projector."""

from __future__ import annotations

import http.client
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil
import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import dict_row

from service.auth import api_keys
from service.auth.grants import SCOPES, grant
from service.postgres.migrate import migrate
from tests.faults.part import Part, kill, words
from tests.faults.senders import SOURCE, Sender
from tests.faults.server import DATABASE, Server
from tests.faults.waiting import wait_until
from tests.faults.web import Web
from tests.proxy import Proxy
from tests.service.test_kill import free_port
from tests.service.test_pooler import PROGRAM as PGBOUNCER
from tests.service.test_pooler import SETTINGS as POOLER

SECRET = "a secret of the fault campaign, 48 characters long"
POOLER_LIMITS = """
default_pool_size = 60
server_login_retry = 1
query_wait_timeout = 5
"""
"""Settings of PgBouncer as docs/operations.md recommends them."""
SUYUAN = [sys.executable, "-m", "service"]


class Site:
    """The parts of the site, and the senders that post to it.

    One web process reaches the database through a proxy, the other through PgBouncer and a second proxy, if PgBouncer
    is installed. `disk` has the servers, `home` the logs of the other parts.
    """

    def __init__(self, stack: ExitStack, folder: Path, disk: Path, home: Path, seed: int) -> None:
        self.folder, self.disk, self.home = folder, disk, home
        self.archive = folder / "archive"
        self.archive.mkdir()
        self._copies = 0
        self._stack = stack
        self.server = self.start_server(disk / "server")
        self.server.ask(f"create database {DATABASE}", database="postgres")
        migrate(self.server.url)
        with psycopg.connect(self.server.url, autocommit=True, row_factory=dict_row) as conn:
            self.key = api_keys.create(conn, SECRET.encode(), "campaign", grant(SCOPES, sources=[SOURCE]))
        self.proxy, self.proxy_of_pooler = Proxy(self.server.url), Proxy(self.server.url)
        self.proxies = (self.proxy, self.proxy_of_pooler)
        for proxy in self.proxies:
            stack.callback(proxy.close)
        self.pooler = self._start_pooler(stack) if PGBOUNCER else None
        pooled = make_conninfo(self.proxy.url, port=str(self._pooler_port)) if self.pooler else self.proxy.url
        self.webs = [self._start_web(stack, "web 1", self.proxy.url), self._start_web(stack, "web 2", pooled)]
        self.projector = Part(
            stack, "projector", [*SUYUAN, "projector"], home / "projector.log", self._settings(self.proxy.url)
        )
        self.await_ready()
        self.senders = [Sender(self.webs, self.key, number, seed) for number in range(3)]
        for each in self.senders:
            stack.callback(each.finish)
            each.start()
        # A fault may post to their funds too: a plan is adopted by the version of its draft, which would be another.
        wait_until(lambda: all(each.is_founded for each in self.senders), "founded")

    def _settings(self, url: str) -> dict[str, str]:
        settings = {"DATABASE_URL": url, "SUYUAN_SECRET": SECRET, "SUYUAN_HOME": str(self.home), "HEALTH_PORT": "0"}
        return {**settings, "SUYUAN_RATE": "100000", "SUYUAN_CHECK_HOURS": "0"}

    def _start_web(self, stack: ExitStack, name: str, url: str) -> Web:
        port = free_port()
        log = self.home / f"{name}.log"
        web = Web(stack, name, [*SUYUAN, "serve"], log, {**self._settings(url), "PORT": str(port)})
        web.port = port
        return web

    def _start_pooler(self, stack: ExitStack) -> Part:
        self._pooler_port = free_port()
        file = self.folder / "pgbouncer.ini"
        target = conninfo_to_dict(self.proxy_of_pooler.url)
        settings = POOLER.format(host=target["host"], port=target["port"], listen=self._pooler_port, mode="session")
        file.write_text(f"{settings}{POOLER_LIMITS}")
        command = [str(PGBOUNCER), "-q", str(file)]
        return Part(stack, "pooler", command, self.folder / "pooler.log", {}, **self.server.account)

    # The parts ---------------------------------------------------------------

    def parts(self) -> list[Part]:
        return [*self.webs, self.projector, *([self.pooler] if self.pooler else [])]

    def workers(self) -> list[psutil.Process]:
        """The processes of the web servers that receive requests."""
        return [worker for web in self.webs for main in web.processes()[:1] for worker in main.children()]

    def read_processes(self) -> list[psutil.Process]:
        return [reads for worker in self.workers() for keeper in worker.children() for reads in keeper.children()]

    def checker(self) -> list[psutil.Process]:
        """The processes of the check that runs now."""
        return [each for each in self.projector.processes()[1:] if "check" in words(each)]

    def restart(self) -> None:
        """Kill everything, so that it starts again with the environment of this process."""
        kill([*(each for part in self.parts() for each in part.processes()), *self.server.processes()])

    # Another server in place of the current one ------------------------------

    def new_folder(self) -> Path:
        """A folder for another server."""
        self._copies += 1
        return self.disk / f"copy{self._copies}"

    def start_server(self, folder: Path) -> Server:
        """Start a server on `folder`; it is stopped at the end, unless before."""
        server = Server(folder, self.archive)
        self._stack.callback(server.stop)
        server.start()
        return server

    @contextmanager
    def offline(self) -> Iterator[None]:
        """No part reaches a database; afterwards the one that `server` is then. What it lacks, the senders lost."""
        for proxy in self.proxies:
            proxy.cut(new=True)
        yield
        head = self.server.ask("select coalesce(max(position), 0) from event")
        for sender in self.senders:
            sender.lose(head)
        for proxy in self.proxies:
            proxy.lead_to(self.server.url)
            proxy.admit()

    def replace_server(self, server: Server) -> None:
        """Take this running server in place of the current one, whose data is removed."""
        old, self.server = self.server, server
        old.stop()
        shutil.rmtree(old.data.parent)

    # Questions ---------------------------------------------------------------

    def ready(self, web: Web, position: int) -> bool:
        """Whether this web process says that it is ready and the projections have reached this position."""
        with suppress(OSError, http.client.HTTPException, ValueError):
            status, answer = web.ask("GET", "/readyz")
            return status == 200 and answer["projected_position"] >= position
        return False

    def await_ready(self) -> None:
        """Wait until both web processes are ready and the projections have reached what the log has now."""
        position = self.server.ask("select coalesce(max(position), 0) from event")
        wait_until(lambda: all(self.ready(web, position) for web in self.webs), "ready", pause=0.1)

    def await_acknowledged(self, count: int) -> None:
        """Wait until each sender has `count` more events acknowledged."""
        goals = [(each, len(each.acknowledged) + count) for each in self.senders]

        def reached() -> bool:
            assert not (wrong := [text for each in self.senders for text in each.wrong]), wrong[:3]
            return all(len(each.acknowledged) >= goal for each, goal in goals)

        wait_until(reached, "posts are acknowledged")

    def log_ends(self) -> str:
        """The last lines of the parts' logs, without those of single requests."""
        ends = []
        for file in (*sorted(self.home.glob("*.log")), self.server.data / "postgres.log"):
            lines = file.read_text(errors="replace").splitlines() if file.exists() else []
            others = [line for line in lines if '"event":"request"' not in line]
            ends.append(f"{file.name}:\n" + "\n".join(others[-15:]))
        return "\n".join(ends)
