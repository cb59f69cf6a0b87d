"""The front of the web service: takes requests in without a thread each, so that slow clients hold up nobody.

A body is read whole here, with a limit on its size, on its time and on all that is being read at once; then the
application answers in one of a few threads. What is too much is refused before it is read.
"""

from __future__ import annotations

import asyncio
import gc
import io
import os
import string
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache, partial
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec
import structlog
from granian.rsgi import ProtocolClosed, ProtocolError  # type: ignore[attr-defined]
from psycopg import OperationalError

from service import keeper, logs, metrics
from service.access import Refused
from service.access.door import Door
from service.api import http, problems
from service.api.feed import COUNTED, FOLLOW, WAIT, Follow
from service.api.limits import LIMITS, MOST_BYTES
from service.app import create_app
from service.company import Company
from service.config import from_environment
from service.tail import Tail

log = structlog.get_logger()

THREADS = 16
MOST_WAITING = 128
"""Requests that may wait for a thread; the next is told to come again."""
SMALL_BYTES = 64 * 1024
"""Larger bodies are counted while they are received: those of one sender, and of all; and answered by themselves."""
MOST_OF_ONE, MOST_OF_ALL = 2 * MOST_BYTES, 16 * MOST_BYTES
PATIENCE_SECONDS = 10.0
BYTES_A_SECOND = 64 * 1024
"""A body may take PATIENCE_SECONDS and as long as this rate allows."""

COLLECTED_AFTER = 20_000, 50, 20
"""When garbage is looked for: rarely, since posts leave little that only this frees; it was a sixth of their time."""

MOST_FOLLOWING, MOST_FOLLOWING_OF_ONE = 128, 64
"""Readers that may wait for the log, or follow it, at a time; the next is told to come again."""
MOST_STREAMED = 1024 * 1024
LONGEST_STREAM, HEARTBEAT = 600.0, 15.0
"""A stream ends after so many bytes or seconds; without an event it says every so often that it lives."""

T = TypeVar("T")
Answer = tuple[int, list[tuple[str, str]], bytes]


class _Declined(Exception):
    """The request is answered with this kind of problem before the application sees it."""

    def __init__(self, kind: str, **facts: Any) -> None:
        super().__init__(kind)
        self.kind, self.facts = kind, facts


class _Gone(Exception):
    """The client has left before it had sent its request: there is nobody to answer."""


class Front:
    """An RSGI application around a WSGI one, behind a door: a body is received only from who has a key."""

    def __init__(self, app: Callable[..., Iterable[bytes]], door: Door, tail: Tail) -> None:
        self._app, self._door, self._tail = app, door, tail
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="answer")
        self._posts = Company[Answer](self._threads)
        self._under_way = 0
        self._following: Counter[str] = Counter()
        self._receiving: Counter[str] = Counter()

    def __rsgi_del__(self, _: Any) -> None:
        self._threads.shutdown(wait=True)
        logs.BACKGROUND.finish()

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        try:
            environment = await self._taken_in(scope, protocol)
            status, headers, body = await self._answer(environment)
            if (follow := environment.get(FOLLOW)) and environment["REQUEST_METHOD"] == "GET":
                with self._place_to_wait(environment):
                    await self._stream(follow, environment, protocol, (status, headers, body))
                return
        except (_Gone, ProtocolClosed):
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

    async def _taken_in(self, scope: Any, protocol: Any) -> dict[str, Any]:
        return _environment(scope, await self._body(scope.headers, protocol))

    async def _answer(self, environment: dict[str, Any]) -> Answer:
        """The answer; where nothing is there yet, and the reader would wait, once something is."""
        call = partial(self._call, environment)
        if _is_small_post(environment):
            return await self._in_company(call)
        until = None
        while True:
            answer = await self._in_thread(call)
            wait = environment.pop(WAIT, None)
            if wait is None:
                return answer
            until = until or time.monotonic() + wait.seconds
            with self._place_to_wait(environment):
                if not await self._tail.beyond(wait.after, until - time.monotonic()):
                    return answer
            environment |= {COUNTED: True, "wsgi.input": io.BytesIO()}

    @contextmanager
    def _place_to_wait(self, environment: Mapping[str, Any]) -> Iterator[None]:
        """One of a bounded number of places for those who wait or follow, in all and for each key. Raises _Declined."""
        who = environment.get("HTTP_AUTHORIZATION", "")
        if self._following[who] >= MOST_FOLLOWING_OF_ONE or self._following.total() >= MOST_FOLLOWING:
            raise _Declined("overloaded")
        self._following[who] += 1
        try:
            yield
        finally:
            self._following[who] -= 1
            self._following += Counter()  # forgets who has none

    async def _stream(self, follow: Follow, environment: Mapping[str, Any], protocol: Any, begun: Answer) -> None:
        """Send what comes, until so much is sent or so long has passed: then the reader takes it up again.

        The web server takes in whatever it is given for a reader that does not read: so the bytes are counted here.
        """
        status, headers, part = begun
        out = protocol.response_stream(status, [each for each in headers if each[0].lower() != "content-length"])
        sent, cursor, until = 0, follow.after, time.monotonic() + LONGEST_STREAM
        try:
            while sent < MOST_STREAMED and time.monotonic() < until:
                if part:
                    await out.send_bytes(part)
                    sent += len(part)
                await self._welcome(environment.get("HTTP_AUTHORIZATION", ""))
                part, reached = await self._in_thread(partial(follow.next, cursor))
                if reached == cursor and not await self._tail.beyond(cursor, HEARTBEAT):
                    part = b": \n\n"
                cursor = reached
        except _Declined as declined:  # what is under way cannot become another answer: it ends
            log.info("stream ended", problem=declined.kind)
        except OperationalError as error:
            log.warning("stream ended", reason=str(error).strip())

    async def _in_thread(self, work: Callable[[], T]) -> T:
        self._take_place()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._begun, work)
        finally:
            self._under_way -= 1

    async def _in_company(self, work: Callable[[], Answer]) -> Answer:
        self._take_place()
        try:
            return await self._posts.made(partial(self._begun, work))
        finally:
            self._under_way -= 1

    def _take_place(self) -> None:
        """Raises _Declined if as many are under way as may."""
        if self._under_way >= THREADS + MOST_WAITING:
            raise _Declined("overloaded")
        self._under_way += 1
        metrics.WAITING.inc()

    async def _body(self, headers: Any, protocol: Any) -> bytes:
        """The request's body. Raises _Declined if it says no length, is nobody's, or is too much or too slow."""
        if headers.get("transfer-encoding") is not None:
            raise _Declined("length-required")
        given = headers.get("content-length") or "0"
        length = int(given) if given.isascii() and given.isdigit() and len(given) < 16 else MOST_BYTES + 1
        if length == 0:
            return b""
        if length > MOST_BYTES:
            raise _Declined("too-large", limits=LIMITS)
        authorization = headers.get("authorization") or ""
        await self._welcome(authorization)
        if length <= SMALL_BYTES:
            return await _received(protocol, length)
        with self._reserved(authorization, length):
            return await _received(protocol, length)

    @contextmanager
    def _reserved(self, authorization: str, length: int) -> Iterator[None]:
        """Room for a large body. Raises _Declined if this sender, or all of them, have too many on their way."""
        if self._receiving[authorization] + length > MOST_OF_ONE or self._receiving.total() + length > MOST_OF_ALL:
            raise _Declined("overloaded")
        self._receiving[authorization] += length
        try:
            yield
        finally:
            self._receiving[authorization] -= length
            self._receiving += Counter()  # forgets who has none on the way

    async def _welcome(self, authorization: str) -> None:
        """Raises _Declined for a sender without a valid key: nothing of theirs is received."""
        if self._door.remembers(authorization):
            return
        try:
            await asyncio.get_running_loop().run_in_executor(self._threads, self._door.principal, authorization)
        except Refused as refused:
            raise _Declined(refused.kind) from refused
        except Exception as error:  # the database, or the tokens' issuer, is away
            raise _Declined("unavailable") from error

    def _begun(self, work: Callable[[], T]) -> T:
        metrics.WAITING.dec()
        with metrics.ACTIVE.track_inprogress():
            return work()

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


async def _received(protocol: Any, length: int) -> bytes:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS + length / BYTES_A_SECOND):
            body: bytes = await protocol()
    except TimeoutError as error:
        raise _Declined("slow-request") from error
    except (ProtocolClosed, ProtocolError) as error:
        raise _Gone from error
    return body


ALWAYS = {
    "SCRIPT_NAME": "",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "wsgi.version": (1, 0),
    "wsgi.errors": sys.stderr,
    "wsgi.multithread": True,
    "wsgi.multiprocess": False,
    "wsgi.run_once": False,
}
"""What WSGI says of every request."""


def _environment(scope: Any, body: bytes) -> dict[str, Any]:
    """The request in WSGI's words."""
    server, _, port = scope.server.rpartition(":")
    environment = {
        **ALWAYS,
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
    """A header's name in WSGI; None for one with an underscore, which would pass for its namesake."""
    if "_" in header:
        return None
    name = header.upper().replace("-", "_")
    return name if name in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{name}"


def _is_small_post(environment: Mapping[str, Any]) -> bool:
    """Whether it is answered in company: not a dry run either, which reads by itself."""
    of_events = environment["REQUEST_METHOD"] == "POST" and environment["PATH_INFO"].endswith("/events")
    is_dry = "dry_run" in environment["QUERY_STRING"]
    return of_events and not is_dry and len(environment["wsgi.input"].getbuffer()) <= SMALL_BYTES


def _decline(scope: Any, declined: _Declined) -> Answer:
    document = problems.document(declined.kind, **declined.facts)
    headers = {**http.SECURITY, "Content-Type": "application/problem+json", "Cache-Control": http.NEVER}
    headers |= {401: problems.CHALLENGE, 503: problems.SOON}.get(document["status"], {})
    metrics.REQUESTS.labels("any", "front", document["status"]).inc()
    log.info("request", method=scope.method, path=scope.path, status=document["status"], problem=declined.kind)
    return document["status"], [*headers.items(), ("Connection", "close")], msgspec.json.encode(document) + b"\n"


def build() -> Front:
    """What a worker of the web server loads: the application that the environment configures, built after the fork."""
    logs.configure(in_background=True)
    keeper.watch_parent(lambda: os._exit(1))  # a worker whose server was killed would hold its port for ever
    app = create_app(from_environment())
    gc.freeze()  # what is here now stays
    gc.set_threshold(*COLLECTED_AFTER)
    return Front(app.wsgi_app, app.extensions["door"], Tail(app.config["DATABASE_URL"]))
