"""The service behind PgBouncer. In the mode `session`, everything works.

In the mode `transaction`, the service names the reason and stops.
"""

import os
import shutil
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from service.config import Config
from service.postgres import embedded
from service.postgres.connect import TransactionPooler, database
from tests.conftest import open_folder
from tests.lives import founded, line
from tests.posting import open_ledger, put
from tests.service.commands import run_command
from tests.service.conftest import SECRET
from tests.service.test_kill import free_port

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="pgbouncer is a Debian package; .ci/run installs it")

SETTINGS = """
[databases]
* = host={host} port={port} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
ignore_startup_parameters = extra_float_digits
"""


@contextmanager
def pooled(url, mode):
    """Runs a PgBouncer in this mode. Yields the URL of the database through the PgBouncer."""
    target, listen = conninfo_to_dict(url), free_port()
    with open_folder() as folder:
        file = folder / "pgbouncer.ini"
        file.write_text(SETTINGS.format(host=target["host"], port=target["port"], listen=listen, mode=mode))
        account = embedded._account(Path(target["host"]))
        pooler = subprocess.Popen([PROGRAM, "-q", file], cwd="/", stderr=subprocess.DEVNULL, **account)
        through = make_conninfo(url, host="127.0.0.1", port=str(listen), user="postgres")
        try:
            wait_for(through)
            yield through
        finally:
            pooler.terminate()
            pooler.wait(30)


def wait_for(url):
    until = time.monotonic() + 30
    while True:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            assert time.monotonic() < until, "the pooler did not start"
            time.sleep(0.05)
        else:
            return


def settings_of(url):
    return {**os.environ, "DATABASE_URL": url, "SUYUAN_SECRET": SECRET.decode(), "SUYUAN_HOME": "/nowhere"}


@pytest.mark.parametrize("command", [["serve"], ["projector"], ["migrate"], ["keys", "list"], ["check"]])
def test_in_transaction_mode_every_command_says_what_is_missing_and_stops(api, command):
    with pooled(api.url, "transaction") as url:
        answer = run_command(*command, env=settings_of(url))
    assert answer.returncode in (2, 3)
    assert "session 模式" in answer.stderr
    assert "use the mode `session`" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_transaction_mode_is_noticed_while_other_clients_use_the_pooler(api):
    with pooled(api.url, "transaction") as url:
        config = Config(Path(), "127.0.0.1", 8000, url, SECRET, "/suyuan", rate=1)
        for _ in range(5):
            with psycopg.connect(url, autocommit=True) as busy:
                busy.execute("select 1")
                with pytest.raises(TransactionPooler), database(config):
                    pytest.fail("it was not noticed")


def test_in_session_mode_posts_are_recorded_folded_and_checked(api):
    with pooled(api.url, "session") as url:
        with open_ledger(url) as ledger:
            put(ledger, founded(line()))
        answer = run_command("check", env=settings_of(url))
    assert answer.returncode in (0, 1), answer.stderr
    assert "projection-behind" in answer.stdout, "nobody has folded the posts yet"
