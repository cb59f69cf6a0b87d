"""The read process: answers everything but posts, so that reading cannot take the interpreter or the memory of posts.

The web process has a child process, the keeper. The keeper forks the read process, and forks it again whenever it is
killed. All three share the memory of what is imported. Each place of the web process (places.py) has a connection to
the read process, and sends one request at a time on it. A connection ends with either process, so no request waits for
a process that has ended.
"""

from __future__ import annotations

import os
import pickle
import signal
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NoReturn

import structlog

from service import supervisor
from service.api.http.work import Work
from service.api.resources.feed import FOLLOW, WAIT, Cursor, Follow
from service.app import create_app
from service.config import Config
from service.observability import logs, metrics
from service.server import wsgi
from service.server.application import Local
from service.server.wsgi import Answer

log = structlog.get_logger()

NICENESS, OOM_SCORE = 10, 500
"""The operating system prefers the posts to the read process when processor time is short, and ends the read process
first when memory is."""
NOT_STARTED = 1 << 8
"""The status of a process that ended with the exit code 1."""
PAUSE_SECONDS = 0.5
"""The read process is started again after this time."""
SET_BY_VIEWS = (WAIT, FOLLOW, metrics.MEASURED)
"""The keys of the WSGI environment by which views tell the gateway something."""
Message = tuple[Callable[..., Any], tuple[Any, ...]]
"""A function of this module, which gets the application and these arguments."""


class ReadProcessEnded(Exception):
    """The read process has ended before it answered. The request can be sent again."""


class ReadProcess:
    """The application in the read process. Thread-safe."""

    def __init__(self, control: socket.socket, keeper: int) -> None:
        self._control = control
        self._idle: deque[Connection[Message, Any]] = deque()
        threading.Thread(target=_watch, args=(keeper,), name="read process", daemon=True).start()

    def answer(self, environment: dict[str, Any], work: Work) -> Answer:
        """As Application.answer. Raises ReadProcessEnded."""
        sent = {name: value for name, value in environment.items() if name not in wsgi.CONSTANTS}
        answer, added = self._call(_answer, sent, work)
        if measured := added.pop(metrics.MEASURED, None):
            metrics.count_request(*measured)
        environment.update(added)
        return answer  # type: ignore[no-any-return]

    def following(self, fields: Mapping[str, str], follow: Follow, after: Cursor) -> tuple[bytes, Cursor]:
        """As Application.following. Raises ReadProcessEnded."""
        return self._call(Local.following, fields, follow, after)  # type: ignore[no-any-return]

    def _call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """The result of `function` in the read process. Raises what it raises, and ReadProcessEnded."""
        try:
            connection = self._send((function, arguments))
            error, result = connection.recv()
        except (EOFError, OSError) as ended:
            raise ReadProcessEnded from ended
        self._idle.append(connection)
        if error is None:
            return result
        try:
            raise error
        finally:
            del error  # its traceback has this frame: the cycle would keep the objects of all callers

    def _send(self, message: Message) -> Connection[Message, Any]:
        """The connection on which the message was sent. Raises OSError."""
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                break
            with suppress(OSError):  # it leads to a process that has ended
                connection.send(message)
                return connection
        connection = self._connect()
        connection.send(message)
        return connection

    def _connect(self) -> Connection[Message, Any]:
        ours, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(self._control, [b"+"], [theirs.fileno()])
        return Connection(ours.detach())


def _watch(keeper: int) -> None:
    """End this process if the keeper ends: the read process would not be started again."""
    os.waitpid(keeper, 0)
    log.error("the keeper of the read process has ended")
    logs.BACKGROUND.finish()
    os._exit(1)


def fork(config: Config) -> ReadProcess:
    """Start the read process. This process must not have started a thread yet, because it forks."""
    assert threading.active_count() == 1, "only the thread that forks goes on in the child process"
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    keeper = os.fork()
    if not keeper:
        _keep(config, theirs)
    theirs.close()
    return ReadProcess(ours, keeper)


def _keep(config: Config, control: socket.socket) -> NoReturn:
    """Fork the read process until it ends by itself, because the web process has ended."""
    code = 1
    try:
        logs.configure()
        _outlive_signals()
        _close_all_but(control)
        while status := _run(config, control):
            log.warning("restarted", process="reads", code=os.waitstatus_to_exitcode(status))
            time.sleep(PAUSE_SECONDS)
        code = 0
    finally:  # what called fork() goes on in the web process only
        os._exit(code)


def _run(config: Config, control: socket.socket) -> int:
    """The status with which the read process ended (os.wait). 0: it ended by itself."""
    try:
        child = os.fork()
    except OSError:  # there is no memory, or there are too many processes
        log.exception("read process")
        return NOT_STARTED
    if not child:
        _serve(config, control)
    _outlive_signals()
    return os.waitpid(child, 0)[1]


def _close_all_but(control: socket.socket) -> None:
    """Close all files of the web process, such as the socket on which it listens, but standard ones and `control`."""
    for descriptor in [int(path.name) for path in Path("/proc/self/fd").iterdir()]:
        if descriptor not in (0, 1, 2, control.fileno()):
            with suppress(OSError):  # it was that of the folder
                os.close(descriptor)


def _outlive_signals() -> None:
    """Ignore stop signals: the web process is stopped by them, finishes its requests, and then ends this process."""
    for number in supervisor.STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _serve(config: Config, control: socket.socket) -> NoReturn:
    """Answer the requests on all connections that arrive on `control`, until the web process has ended."""
    code = 1
    try:
        _outlive_signals()
        _step_back()
        logs.configure(in_background=True)
        app = Local(create_app(config))
        while (descriptors := _received(control)) is not None:
            for each in descriptors:
                threading.Thread(target=_answer_all, args=(app, Connection(each)), daemon=True).start()
        code = 0
    except Exception:
        log.exception("read process")
    finally:
        logs.BACKGROUND.finish()
        os._exit(code)


def _received(control: socket.socket) -> list[int] | None:
    """The next descriptors from the web process; None if it has ended.

    The list is empty if this process may open no more files: then the web process finds its connection closed.
    """
    data, descriptors, _, _ = socket.recv_fds(control, 1, 1)
    return descriptors if data else None


def _step_back() -> None:
    """Leave processor time and memory to the posts."""
    os.nice(NICENESS)
    for name, value in (("autogroup", NICENESS), ("oom_score_adj", OOM_SCORE)):
        with suppress(OSError):  # this system has no such file
            Path("/proc/self", name).write_text(str(value), encoding="ascii")


def _answer_all(app: Local, connection: Connection[Any, Message]) -> None:
    """Answer the requests on the connection, until the web process closes it."""
    with suppress(EOFError, OSError):
        while True:
            function, arguments = connection.recv()
            connection.send(_outcome(function, app, *arguments))


def _outcome(function: Callable[..., Any], *arguments: Any) -> tuple[Exception | None, Any]:
    """The error that the function raises, or None, and its result."""
    try:
        return None, function(*arguments)
    except Exception as error:  # noqa: BLE001 - raised again in the web process
        return _that_can_be_sent(error), None


def _that_can_be_sent(error: Exception) -> Exception:
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - its own pickle
    except Exception:  # noqa: BLE001 - classes are free to fail in any way
        return RuntimeError(repr(error))
    return error


def _answer(app: Local, sent: Mapping[str, Any], work: Work) -> tuple[Answer, dict[str, Any]]:
    """The answer to the request with this environment, and what the application added to the environment."""
    environment = {**wsgi.CONSTANTS, **sent}
    answer = app.answer(environment, work)
    return answer, {name: environment[name] for name in SET_BY_VIEWS if name in environment}
