"""The front of the web service: takes requests in without a thread each, so that slow clients hold up nobody.

A body is read whole here, with a limit on its size, on its time and on all that is being read at once; then the
application answers in one of a few threads. What is too much is refused before it is read.
"""

from __future__ import annotations

import asyncio
import io
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import unquote_to_bytes

import msgspec
import structlog

from service import keeper, logs, metrics
from service.access import Refused
from service.api import http, problems
from service.api.limits import LIMITS, MOST_BYTES
from service.app import create_app
from service.config import from_environment

log = structlog.get_logger()

THREADS = 16
MOST_WAITING = 128
"""Requests that may wait for a thread; the next is told to come again."""
MOST_RECEIVING = 8 * MOST_BYTES
"""Bytes of all bodies that are being received at once."""
WELCOME_BYTES = 64 * 1024
"""A larger body is received only from who has a valid key."""
PATIENCE_SECONDS = 10.0
BYTES_A_SECOND = 64 * 1024
"""A body may take PATIENCE_SECONDS and as long as this rate allows."""

Answer = tuple[int, list[tuple[str, str]], bytes]


class _Declined(Exception):
    """The request is answered with this kind of problem before the application sees it."""

    def __init__(self, kind: str, **facts: Any) -> None:
        super().__init__(kind)
        self.kind, self.facts = kind, facts


class Front:
    """An RSGI application around a WSGI one. `let_in` raises Refused for an Authorization header that opens nothing."""

    def __init__(self, app: Callable[..., Iterable[bytes]], let_in: Callable[[str], object]) -> None:
        self._app, self._let_in = app, let_in
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="answer")
        self._under_way = self._receiving = 0

    def __rsgi_del__(self, _: Any) -> None:
        self._threads.shutdown(wait=True)

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        try:
            answer = await self._answer(scope, protocol)
        except _Declined as declined:
            answer = _decline(declined)
            log.info("request", method=scope.method, path=scope.path, status=answer[0], problem=declined.kind)
        status, headers, body = answer
        if body:
            protocol.response_bytes(status, headers, body)
        else:
            protocol.response_empty(status, headers)

    async def _answer(self, scope: Any, protocol: Any) -> Answer:
        if self._under_way >= THREADS + MOST_WAITING:
            raise _Declined("overloaded")
        self._under_way += 1
        try:
            body = await self._body(scope.headers, protocol)
            metrics.WAITING.inc()
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, self._call, _environment(scope, body))
        finally:
            self._under_way -= 1

    async def _body(self, headers: Any, protocol: Any) -> bytes:
        """The request's body. Raises _Declined if it says no length, or is too much or too slow."""
        if headers.get("transfer-encoding") is not None:
            raise _Declined("length-required")
        given = headers.get("content-length") or "0"
        length = int(given) if given.isascii() and given.isdigit() and len(given) < 16 else MOST_BYTES + 1
        if length == 0:
            return b""
        if length > MOST_BYTES:
            raise _Declined("too-large", limits=LIMITS)
        if length > WELCOME_BYTES:
            await self._welcome(headers.get("authorization") or "")
        if self._receiving + length > MOST_RECEIVING:
            raise _Declined("overloaded")
        self._receiving += length
        try:
            return await asyncio.wait_for(protocol(), PATIENCE_SECONDS + length / BYTES_A_SECOND)
        except TimeoutError as error:
            raise _Declined("slow-request") from error
        finally:
            self._receiving -= length

    async def _welcome(self, authorization: str) -> None:
        try:
            await asyncio.get_running_loop().run_in_executor(self._threads, self._let_in, authorization)
        except Refused as refused:
            raise _Declined(refused.kind) from refused
        except Exception:  # noqa: BLE001 - the application meets the same fault, and answers it
            log.warning("a large body is received unseen")

    def _call(self, environment: dict[str, Any]) -> Answer:
        metrics.WAITING.dec()
        with metrics.ACTIVE.track_inprogress():
            return self._answered(environment)

    def _answered(self, environment: dict[str, Any]) -> Answer:
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


def _environment(scope: Any, body: bytes) -> dict[str, Any]:
    """The request in WSGI's words."""
    environment = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope.path).decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "SERVER_NAME": scope.server.rpartition(":")[0],
        "SERVER_PORT": scope.server.rpartition(":")[2],
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": scope.client.rpartition(":")[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, values in _grouped(scope.headers.items()).items():
        key = name.upper().replace("-", "_")
        environment[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = ",".join(values)
    return environment


def _grouped(headers: Iterable[tuple[str, str]]) -> Mapping[str, list[str]]:
    """Headers by name. Those with an underscore are dropped: in WSGI they would pass for their namesakes."""
    grouped: dict[str, list[str]] = {}
    for name, value in headers:
        if "_" not in name:
            grouped.setdefault(name, []).append(value)
    return grouped


def _decline(declined: _Declined) -> Answer:
    document = problems.document(declined.kind, **declined.facts)
    headers = {**http.SECURITY, "Content-Type": "application/problem+json", "Cache-Control": http.NEVER}
    headers |= {401: problems.CHALLENGE, 503: problems.SOON}.get(document["status"], {})
    return document["status"], [*headers.items(), ("Connection", "close")], msgspec.json.encode(document) + b"\n"


def build() -> Front:
    """What a worker of the web server loads: the application that the environment configures, built after the fork."""
    logs.configure()
    keeper.watch_parent(lambda: os._exit(1))  # a worker whose server was killed would hold its port for ever
    app = create_app(from_environment())
    return Front(app.wsgi_app, app.extensions["door"].principal)
