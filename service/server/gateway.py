"""The gateway: receives requests without a thread per request, so that slow clients do not block others.

The gateway reads each body completely; then the application answers in one of THREADS threads. A body must arrive
within a time limit. A request is rejected before its body is read if the sender is not authenticated, if the length of
the body is not given or too large, or if the bodies that are being received would together be too large.
"""

from __future__ import annotations

import asyncio
import gc
import io
import os
import string
import sys
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from functools import lru_cache, partial
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec
import structlog
from flask import Flask
from granian.rsgi import ProtocolClosed, ProtocolError  # type: ignore[attr-defined]
from psycopg import OperationalError

from service import supervisor
from service.api.http import problems, response_headers
from service.api.http.limits import LIMITS, MAX_BODY_BYTES
from service.api.resources.feed import COUNTED, FOLLOW, WAIT, WAITED_AFTER, Follow
from service.app import create_app
from service.auth.authenticator import Authenticator
from service.auth.grants import NotAuthenticated
from service.config import OF_SERVER, from_environment
from service.observability import logs, metrics
from service.postgres.snapshots import NotInTheLog
from service.server.log_watcher import LogWatcher
from service.server.microbatch import MicroBatcher

log = structlog.get_logger()

THREADS = 16
MAX_QUEUED = 128
"""Maximum number of requests that wait for a thread. If so many wait already, a request is rejected as overloaded."""
SMALL_BODY_BYTES = 64 * 1024
"""Bodies larger than this count towards the limits on bytes that are being received, per sender and in total. A post
with such a body is never handled together with other posts."""
MAX_RECEIVING_BYTES_PER_SENDER, MAX_RECEIVING_BYTES = 2 * MAX_BODY_BYTES, 16 * MAX_BODY_BYTES
REQUEST_SECONDS, UPLOAD_SECONDS, PROBE_SECONDS = 10.0, 45.0, 5.0
"""A request is answered within REQUEST_SECONDS, whatever the database does: with 503 if the application has no answer
by then. A statement file has UPLOAD_SECONDS, because a separate process reads it. A readiness check has PROBE_SECONDS.
"""
BODY_SECONDS = 10.0
MIN_BYTES_PER_SECOND = 64 * 1024
"""A body must arrive within BODY_SECONDS plus its length divided by this rate."""

GC_THRESHOLDS = 20_000, 50, 20
"""The thresholds of the garbage collector. It runs rarely, because posts create few reference cycles, and frequent
collections took a sixth of the processing time of posts."""

MAX_FOLLOWERS, MAX_FOLLOWERS_PER_SENDER = 128, 64
"""Maximum number of readers, in total and per sender, that wait for events or follow the log. Any further reader is
rejected as overloaded."""
MAX_STREAM_BYTES = 1024 * 1024
MAX_STREAM_SECONDS, HEARTBEAT_SECONDS = 600.0, 15.0
"""A response that streams events ends after MAX_STREAM_BYTES or MAX_STREAM_SECONDS. While there are no events, it has a
comment every HEARTBEAT_SECONDS."""

T = TypeVar("T")
Answer = tuple[int, list[tuple[str, str]], bytes]


class _Declined(Exception):
    """The gateway answers the request with a problem of type `kind`, instead of an answer of the application."""

    def __init__(self, kind: str, **facts: Any) -> None:
        super().__init__(kind)
        self.kind, self.facts = kind, facts


class _Disconnected(Exception):
    """The client closed the connection before it had sent its request, so that no response can be sent."""


class Gateway:
    """An RSGI application that wraps a WSGI application. It receives bodies only from authenticated senders."""

    def __init__(
        self, app: Callable[..., Iterable[bytes]], authenticator: Authenticator, log_watcher: LogWatcher
    ) -> None:
        self._app, self._authenticator, self._log_watcher = app, authenticator, log_watcher
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="answer")
        self._probe_thread = ThreadPoolExecutor(1, thread_name_prefix="probe")
        self._posts = MicroBatcher[Answer](self._threads)
        self._in_progress = 0
        self._following: Counter[str] = Counter()
        self._receiving: Counter[str] = Counter()
        metrics.WAITING.set_function(lambda: max(0, self._in_progress - metrics.active()))

    def __rsgi_del__(self, _: Any) -> None:
        self._threads.shutdown(wait=True)
        self._probe_thread.shutdown(wait=True)
        logs.BACKGROUND.finish()

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        try:
            environment = await self._receive(scope, protocol)
            status, headers, body = await self._answer(environment)
            if (follow := environment.get(FOLLOW)) and environment["REQUEST_METHOD"] == "GET":
                with self._follower_slot(environment):
                    await self._stream(follow, environment, protocol, (status, headers, body))
                return
        except (_Disconnected, ProtocolClosed):
            return
        except _Declined as declined:
            status, headers, body = _decline(scope, declined)
        except Exception:
            log.exception("unexpected", path=scope.path)
            status, headers, body = _decline(scope, _Declined("internal-error"))
        if body:
            protocol.response_bytes(status, headers, body)
        else:
            protocol.response_empty(status, headers)

    async def _receive(self, scope: Any, protocol: Any) -> dict[str, Any]:
        return _environment(scope, await self._body(scope.headers, protocol))

    async def _answer(self, environment: dict[str, Any]) -> Answer:
        """The response of the application.

        For a long poll, the application sets WAIT in `environment`. The response to a long poll is returned once there
        are new events, or at its deadline.
        """
        call = partial(self._call, environment)
        if environment["PATH_INFO"] == "/healthz":
            return call()  # needs no thread and no database: it says that this process answers
        if environment["PATH_INFO"] == "/readyz":
            return await self._probed(call)
        if _is_small_post(environment):
            return await self._in_batch(call)
        deadline = None
        while True:
            answer = await self._in_thread(call, _seconds(environment))
            wait = environment.pop(WAIT, None)
            if wait is None:
                return answer
            deadline = deadline or time.monotonic() + wait.seconds
            with self._follower_slot(environment):
                if not await self._log_watcher.wait_beyond(wait.after.position, deadline - time.monotonic()):
                    return answer
            environment |= {COUNTED: True, WAITED_AFTER: wait.after, "wsgi.input": io.BytesIO()}

    @contextmanager
    def _follower_slot(self, environment: Mapping[str, Any]) -> Iterator[None]:
        """Occupy a slot for a reader that waits for events or follows the log.

        Slots are limited per sender and in total. Raises _Declined if no slot is free.
        """
        sender = environment.get("HTTP_AUTHORIZATION", "")
        if self._following[sender] >= MAX_FOLLOWERS_PER_SENDER or self._following.total() >= MAX_FOLLOWERS:
            raise _Declined("overloaded")
        self._following[sender] += 1
        try:
            yield
        finally:
            self._following[sender] -= 1
            self._following += Counter()  # removes the zero entries

    async def _stream(self, follow: Follow, environment: Mapping[str, Any], protocol: Any, first: Answer) -> None:
        """Send `first`, then new events, up to MAX_STREAM_BYTES and MAX_STREAM_SECONDS.

        When the stream has ended, the reader reconnects with `Last-Event-ID`. The bytes are limited because the web
        server buffers, without a limit, everything that a slow reader has not read yet.
        """
        status, headers, part = first
        out = protocol.response_stream(status, [each for each in headers if each[0].lower() != "content-length"])
        sent, cursor, deadline = 0, follow.after, time.monotonic() + MAX_STREAM_SECONDS
        try:
            while sent < MAX_STREAM_BYTES and time.monotonic() < deadline:
                if part:
                    await out.send_bytes(part)
                    sent += len(part)
                await self._authenticate(environment.get("HTTP_AUTHORIZATION", ""))
                part, reached = await self._in_thread(partial(follow.next, cursor))
                if reached == cursor and not await self._log_watcher.wait_beyond(cursor.position, HEARTBEAT_SECONDS):
                    part = b": \n\n"
                cursor = reached
        except _Declined as declined:  # the response has begun, so it can only be ended
            log.info("stream ended", problem=declined.kind)
        except NotInTheLog as error:  # the client gets 404 when it reconnects
            log.warning("stream ended: the log was restored", position=cursor.position, head=error.head)
        except OperationalError as error:
            log.warning("stream ended", reason=str(error).strip())

    async def _in_thread(self, work: Callable[[], T], seconds: float = REQUEST_SECONDS) -> T:
        async with self._admitted(seconds):
            return await asyncio.get_running_loop().run_in_executor(self._threads, _active, work)

    async def _in_batch(self, work: Callable[[], Answer]) -> Answer:
        async with self._admitted(REQUEST_SECONDS):
            return await self._posts.call(partial(_active, work))

    async def _probed(self, work: Callable[[], Answer]) -> Answer:
        """The answer of `work`, which is a readiness check.

        These checks have a thread of their own and never wait for other requests.
        """
        async with _deadline(PROBE_SECONDS):
            return await asyncio.get_running_loop().run_in_executor(self._probe_thread, work)

    @asynccontextmanager
    async def _admitted(self, seconds: float) -> AsyncIterator[None]:
        """Context manager: admits one request and limits it to `seconds`.

        Raises _Declined if too many requests are in progress, or if this one takes longer.
        """
        if self._in_progress >= THREADS + MAX_QUEUED:
            raise _Declined("overloaded")
        self._in_progress += 1
        try:
            async with _deadline(seconds):
                yield
        finally:
            self._in_progress -= 1

    async def _body(self, headers: Any, protocol: Any) -> bytes:
        """The request's body.

        Raises _Declined if the length is not given, if the sender is not authenticated, or if a limit is exceeded.
        """
        if headers.get("transfer-encoding") is not None:
            raise _Declined("length-required")
        given = headers.get("content-length") or "0"
        length = int(given) if given.isascii() and given.isdigit() and len(given) < 16 else MAX_BODY_BYTES + 1
        if length == 0:
            return b""
        if length > MAX_BODY_BYTES:
            raise _Declined("too-large", limits=LIMITS)
        authorization = headers.get("authorization") or ""
        await self._authenticate(authorization)
        if length <= SMALL_BODY_BYTES:
            return await _received(protocol, length)
        with self._reserved(authorization, length):
            return await _received(protocol, length)

    @contextmanager
    def _reserved(self, authorization: str, length: int) -> Iterator[None]:
        """Context manager: reserves `length` bytes for a large body that is being received.

        Raises _Declined if the limit on such bytes, per sender or in total, would be exceeded.
        """
        own, total = self._receiving[authorization] + length, self._receiving.total() + length
        if own > MAX_RECEIVING_BYTES_PER_SENDER or total > MAX_RECEIVING_BYTES:
            raise _Declined("overloaded")
        self._receiving[authorization] += length
        try:
            yield
        finally:
            self._receiving[authorization] -= length
            self._receiving += Counter()  # removes the zero entries

    async def _authenticate(self, authorization: str) -> None:
        """Check the credentials in `authorization`. Raises _Declined if they are invalid or cannot be checked now."""
        if self._authenticator.is_cached(authorization):
            return
        try:
            await asyncio.get_running_loop().run_in_executor(
                self._threads, self._authenticator.authenticate, authorization
            )
        except NotAuthenticated as error:
            raise _Declined(error.kind) from error
        except Exception as error:  # the database or the identity provider cannot be reached
            raise _Declined("unavailable") from error

    def _call(self, environment: dict[str, Any]) -> Answer:
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start(status: str, headers: list[tuple[str, str]], *_: Any) -> Callable[[bytes], object]:
            started.append((status, headers))
            return lambda _: None

        parts = self._app(environment, start)
        try:
            body = b"".join(parts)
        finally:
            if hasattr(parts, "close"):
                parts.close()
        status, headers = started[-1]
        return int(status[:3]), headers, body


def _active(work: Callable[[], T]) -> T:
    with metrics.ACTIVE.track_inprogress():
        return work()


@asynccontextmanager
async def _deadline(seconds: float) -> AsyncIterator[None]:
    """Limit the time of the `with` block: after `seconds`, raise _Declined.

    A thread that already works on the request goes on, within the limits of its database session. A post may therefore
    be recorded although its sender got a 503. As after any 503, the sender sends the post again.
    """
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise _Declined("unavailable") from error


def _seconds(environment: Mapping[str, Any]) -> float:
    """How many seconds answering this request may take."""
    is_statement = environment["REQUEST_METHOD"] == "POST" and environment["PATH_INFO"] == "/v1/reconciliations"
    return UPLOAD_SECONDS if is_statement else REQUEST_SECONDS


async def _received(protocol: Any, length: int) -> bytes:
    try:
        async with asyncio.timeout(BODY_SECONDS + length / MIN_BYTES_PER_SECOND):
            body: bytes = await protocol()
    except TimeoutError as error:
        raise _Declined("slow-request") from error
    except (ProtocolClosed, ProtocolError) as error:
        raise _Disconnected from error
    return body


WSGI_CONSTANTS = {
    "SCRIPT_NAME": "",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "wsgi.version": (1, 0),
    "wsgi.errors": sys.stderr,
    "wsgi.multithread": True,
    "wsgi.multiprocess": False,
    "wsgi.run_once": False,
}
"""The part of a WSGI environment that is the same for every request."""


def _environment(scope: Any, body: bytes) -> dict[str, Any]:
    """The WSGI environment of a request."""
    server, _, port = scope.server.rpartition(":")
    environment = {
        **WSGI_CONSTANTS,
        "REQUEST_METHOD": scope.method,
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": quote(scope.query_string, safe=string.printable),
        "SERVER_NAME": server,
        "SERVER_PORT": port,
        "REMOTE_ADDR": scope.client.rpartition(":")[0],
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": io.BytesIO(body),
    }
    for name, value in scope.headers.items():
        if key := _key(name):
            environment[key] = f"{environment[key]},{value}" if key in environment else value
    return environment


@lru_cache(maxsize=256)
def _key(header: str) -> str | None:
    """The key that the HTTP header `header` has in the WSGI environment.

    None if the header's name has an underscore, which WSGI cannot tell from a hyphen.
    """
    if "_" in header:
        return None
    name = header.upper().replace("-", "_")
    return name if name in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{name}"


def _is_small_post(environment: Mapping[str, Any]) -> bool:
    """Whether the request is a post of events that is small enough to be handled together with other posts.

    A dry run is always handled alone, because it queries the database on its own.
    """
    of_events = environment["REQUEST_METHOD"] == "POST" and environment["PATH_INFO"].endswith("/events")
    is_dry = "dry_run" in environment["QUERY_STRING"]
    return of_events and not is_dry and len(environment["wsgi.input"].getbuffer()) <= SMALL_BODY_BYTES


def _decline(scope: Any, declined: _Declined) -> Answer:
    document = problems.document(declined.kind, **declined.facts)
    headers = {
        **response_headers.SECURITY,
        "Content-Type": "application/problem+json",
        "Cache-Control": response_headers.NO_STORE,
    }
    headers |= {401: problems.CHALLENGE, 503: problems.RETRY_SOON}.get(document["status"], {})
    metrics.REQUESTS.labels("any", "gateway", document["status"]).inc()
    log.info("request", method=scope.method, path=scope.path, status=document["status"], problem=declined.kind)
    return document["status"], [*headers.items(), ("Connection", "close")], msgspec.json.encode(document) + b"\n"


def _warm_up(app: Flask) -> None:
    """Cache the states of the longest streams. `/readyz` answers 503 until this function ends.

    If caching fails, the service still works, but the first post to each of these streams waits until the stream is
    replayed.
    """
    try:
        app.extensions["ledger"].warm_up()
    except Exception:
        log.exception("warming up")


def build() -> Gateway:
    """The gateway that the web server's worker loads.

    The worker calls this function after the fork. Environment variables configure the gateway.
    """
    logs.configure(in_background=True)
    supervisor.watch_parent(lambda: os._exit(1))  # an orphaned worker would occupy the port for ever
    app = create_app(from_environment(variables=OF_SERVER))
    app.extensions["warming"] = threading.Thread(target=_warm_up, args=(app,), name="warm up", daemon=True)
    app.extensions["warming"].start()
    gc.freeze()  # objects created so far are never garbage
    gc.set_threshold(*GC_THRESHOLDS)
    return Gateway(app.wsgi_app, app.extensions["authenticator"], LogWatcher(app.config["DATABASE_URL"]))
