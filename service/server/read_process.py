"""The read process: answers all requests but posts, health and metrics, so that reading cannot stop posts.

It has an interpreter and memory of its own. The web process has a child process, the keeper. The keeper forks the read
process, and forks it again whenever it is killed. All three share the memory of what is imported. The web process sends
one request at a time on each connection to the read process. A connection ends with either process, so no request waits
for a process that has ended.
"""

from __future__ import annotations

import gc
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
from psycopg import OperationalError

from service import supervisor
from service.api.http.work import READING, Work
from service.api.resources.feed import FOLLOW, WAIT, Cursor, Follow
from service.app import create_app
from service.config import Config
from service.observability import logs, metrics
from service.observability.metrics import ProcessState
from service.postgres.snapshots import NotInTheLog
from service.server import memory, wsgi
from service.server.application import Local
from service.server.wsgi import Answer
from service.supervisor import PAUSE_SECONDS

log = structlog.get_logger()

NICENESS, OOM_SCORE = 10, 500
"""The operating system prefers the posts to the read process when processor time is short, and ends the read process
first when memory is."""
PR_SET_PDEATHSIG = 1
"""The option of prctl(2) that sets the signal which a process gets when its parent has ended."""
NOT_STARTED = 1 << 8
"""The status of a process that ended with the exit code 1."""
STOP_SECONDS = 5.0
"""At the end, the web process waits so long for the read process to write its log."""
STATE_SECONDS = 1.0
"""The read process tells its state within this time, or the metrics say that it does not answer."""
SET_BY_VIEWS = (WAIT, FOLLOW, metrics.MEASURED)
"""The keys of the WSGI environment by which views tell the gateway something."""
EXPECTED = (NotInTheLog, OperationalError)
"""Errors that are not logged here, because the web process answers them."""
Message = tuple[Callable[..., Any], tuple[Any, ...]]
"""A function that the read process calls with its application and these arguments."""


class ReadProcessEnded(Exception):
    """The read process has ended before it answered, or does not answer. The request can be sent again."""


class ReadProcess:
    """The application in the read process, called from the web process. Thread-safe."""

    def __init__(self, control: socket.socket, keeper: int) -> None:
        self._control, self._is_closed = control, False
        self._idle: deque[Connection[Message, Any]] = deque()
        self._watch = threading.Thread(target=self._watch_keeper, args=(keeper,), name="read process", daemon=True)
        self._watch.start()

    def close(self) -> None:
        """End the read process, and wait until it has written its log."""
        self._is_closed = True
        self._control.close()
        self._watch.join(STOP_SECONDS)

    def answer(self, environment: dict[str, Any], work: Work) -> Answer:
        """As Local.answer. Raises ReadProcessEnded."""
        sent = {name: value for name, value in environment.items() if name not in wsgi.CONSTANTS}
        answer, added = self._call(_answer, sent, work)
        if measured := added.pop(metrics.MEASURED, None):
            metrics.count_request(*measured)
        environment.update(added)
        return answer  # type: ignore[no-any-return]

    def following(self, fields: Mapping[str, str], follow: Follow, after: Cursor) -> tuple[bytes, Cursor]:
        """As Local.following. Raises ReadProcessEnded."""
        return self._call(Local.following, fields, follow, after)  # type: ignore[no-any-return]

    def state(self) -> ProcessState:
        """As Local.state. Raises ReadProcessEnded, also if there is no answer within STATE_SECONDS."""
        try:
            with self._connect() as connection:
                connection.send((Local.state, ()))
                if not connection.poll(STATE_SECONDS):
                    raise ReadProcessEnded
                return _result_of(connection.recv())  # type: ignore[no-any-return]
        except (EOFError, OSError) as ended:
            raise ReadProcessEnded from ended

    def _call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """The result of `function` in the read process. Raises what it raises, and ReadProcessEnded."""
        try:
            connection = self._send((function, arguments))
            outcome = connection.recv()
        except (EOFError, OSError) as ended:
            raise ReadProcessEnded from ended
        self._idle.append(connection)
        return _result_of(outcome)

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

    def _watch_keeper(self, keeper: int) -> None:
        """End this process if the keeper ends: the read process would not be started again."""
        os.waitpid(keeper, 0)
        if not self._is_closed:
            log.error("the keeper of the read process has ended")
            logs.BACKGROUND.finish()
            os._exit(1)


def fork(config: Config) -> ReadProcess:
    """Start the read process. This process must not have started a thread yet, because it forks."""
    assert threading.active_count() == 1, "only the thread that forks goes on in the child process"
    ours, theirs = socket.socketpair()
    gc.freeze()  # a collection would write to the objects that exist now, and so copy their memory
    keeper = os.fork()
    if not keeper:
        _keep(config, theirs)
    theirs.close()
    return ReadProcess(ours, keeper)


def _keep(config: Config, control: socket.socket) -> NoReturn:
    """Fork the read process until it ends by itself, because the web process has ended."""
    code = 1
    try:
        _end_with_parent()
        logs.configure()
        _ignore_stop_signals()
        _close_all_but(control)
        while status := _run(config, control):
            with suppress(OSError, ValueError):  # a full disk or a closed pipe
                log.warning("restarted", process="reads", code=os.waitstatus_to_exitcode(status))
            time.sleep(PAUSE_SECONDS)
        code = 0
    finally:  # what called fork() goes on in the web process only
        os._exit(code)


def _close_all_but(control: socket.socket) -> None:
    """Close all files of the web process, such as the socket on which it listens, but standard ones and `control`."""
    os.closerange(3, control.fileno())
    os.closerange(control.fileno() + 1, os.sysconf("SC_OPEN_MAX"))


def _run(config: Config, control: socket.socket) -> int:
    """The status with which the read process ended (os.wait). 0: it ended by itself."""
    try:
        child = os.fork()
    except OSError:  # there is no memory, or there are too many processes
        return NOT_STARTED
    if not child:
        _serve(config, control)
    return os.waitpid(child, 0)[1]


def _end_with_parent() -> None:
    """Have the kernel kill this process when its parent has ended, also if this process stands still. Linux only."""
    if hasattr(memory.LIBRARY, "prctl"):
        memory.LIBRARY.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _ignore_stop_signals() -> None:
    """Only the web process is stopped by signals. It finishes its requests, and this process ends after it."""
    for number in supervisor.STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _serve(config: Config, control: socket.socket) -> NoReturn:
    """Answer the requests on all connections that arrive on `control`, until the web process has ended."""
    code = 1
    try:
        _end_with_parent()
        _ignore_stop_signals()  # after a fork, the web server's hook has set the default
        _lower_priority()
        logs.configure(in_background=True)
        app = Local(create_app(config, READING))
        while (descriptors := _receive(control)) is not None:
            for each in descriptors:
                _answer_in_thread(app, Connection(each))
        code = 0
    except Exception:
        log.exception("read process")
    finally:
        logs.BACKGROUND.finish()
        os._exit(code)


def _receive(control: socket.socket) -> list[int] | None:
    """The next descriptors from the web process; None if it has ended.

    The list is empty if this process may open no more files: then the web process finds its connection closed.
    """
    data, descriptors, _, _ = socket.recv_fds(control, 1, 1)
    return descriptors if data else None


def _lower_priority() -> None:
    """Leave processor time and memory to the posts."""
    os.nice(NICENESS)
    for name, value in (("autogroup", NICENESS), ("oom_score_adj", OOM_SCORE)):
        with suppress(OSError):  # this system has no such file
            Path("/proc/self", name).write_text(str(value), encoding="ascii")


def _answer_in_thread(app: Local, connection: Connection[Any, Message]) -> None:
    """Answer all requests on the connection, in a thread of its own; close it if none can be started."""
    try:
        threading.Thread(target=_answer_all, args=(app, connection), daemon=True).start()
    except RuntimeError as error:
        log.warning("no thread for reads", reason=str(error))
        connection.close()


def _answer_all(app: Local, connection: Connection[Any, Message]) -> None:
    """Answer the requests on the connection, until the web process closes it."""
    with connection, suppress(EOFError, OSError):
        while True:
            _answer_next(app, connection)


def _answer_next(app: Local, connection: Connection[Any, Message]) -> None:
    """Answer the next request. When this function ends, nothing keeps the request or the answer in memory."""
    function, arguments = connection.recv()
    connection.send(_outcome(function, app, *arguments))


def _outcome(function: Callable[..., Any], *arguments: Any) -> tuple[Exception | None, Any]:
    """The error that the function raises, or None, and its result."""
    try:
        return None, function(*arguments)
    except Exception as error:
        if not isinstance(error, EXPECTED):
            log.exception("unexpected")  # its traceback is not sent
        return _as_picklable(error), None


def _as_picklable(error: Exception) -> Exception:
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - its own pickle
    except Exception:  # noqa: BLE001 - classes are free to fail in any way
        return RuntimeError(repr(error))
    return error


def _result_of(outcome: tuple[Exception | None, Any]) -> Any:
    """The result of the function that had this outcome. Raises the error that the function raised."""
    error, result = outcome
    if error is None:
        return result
    try:
        raise error
    finally:
        del error, outcome  # the error's traceback has this frame: the cycle would keep the objects of all callers


def _answer(app: Local, sent: Mapping[str, Any], work: Work) -> tuple[Answer, dict[str, Any]]:
    """The answer to the request with this environment, and what views added to the environment."""
    environment = {**wsgi.CONSTANTS, **sent}
    answer = app.answer(environment, work)
    return answer, {name: environment[name] for name in SET_BY_VIEWS if name in environment}
