"""The gateway: receives requests without a thread per request, so that slow clients do not block others.

It checks the head of a request (head.py), authenticates its sender, counts the request towards the rate limit, reads
the body, and then has a single event posted (single_posts.py), or runs the application in a place for this kind of work
(api/http/work.py). A request is declined before its body is read if its sender is not authenticated or the body is too
large.
"""

from __future__ import annotations

import asyncio
import io
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from socket import socket
from typing import Any
from urllib.parse import parse_qs

import structlog
from granian.rsgi import ProtocolClosed  # type: ignore[attr-defined]
from psycopg import OperationalError

from service.api.http import work
from service.api.http.request_context import PRINCIPAL
from service.api.http.work import Work
from service.api.resources.feed import FOLLOW, WAIT, WAITED_AFTER, Follow
from service.app import Route
from service.auth.authenticator import Authenticator
from service.auth.grants import NotAuthenticated, Principal
from service.auth.rate_limit import RateLimit, RateLimited
from service.observability import logs, request_ids
from service.observability.request_ids import MAX_LOGGED, with_fields
from service.postgres.snapshots import KEY_READERS, NotInTheLog
from service.server import bodies, declined, head, probes, unread, wsgi
from service.server.application import Local
from service.server.brake import Brake
from service.server.declined import Declined, Disconnected
from service.server.held_bytes import HeldBytes
from service.server.log_watcher import LogWatcher
from service.server.places import REQUEST_SECONDS, Places
from service.server.read_process import ReadProcess
from service.server.single_posts import SinglePosts, single_post
from service.server.wsgi import Answer

log = structlog.get_logger()

NOBODY, PROBES = "", "/readyz"
"""The senders, for their share of the time, of requests that need no key: readiness checks have a share of their own.
"""
MAX_OPEN_PER_SECOND, MAX_DECLINED_PER_SECOND = 50, 100
"""How many requests that need no key, and how many declined requests, are answered per second without a delay."""
UPLOAD_SECONDS, PROBE_SECONDS = 45.0, 5.0
"""A statement file is answered within UPLOAD_SECONDS, because a separate process reads it; a readiness check within
PROBE_SECONDS."""
READY_SECONDS = 1.0
"""Readiness checks that arrive within this time share an answer."""

MAX_FOLLOWERS, MAX_FOLLOWERS_PER_SENDER = 128, 64
"""Maximum number of readers, in total and per sender, that wait for events or follow the log. Any further reader is
rejected as overloaded."""
MAX_STREAM_BYTES = 1024 * 1024
MAX_STREAM_SECONDS, HEARTBEAT_SECONDS = 600.0, 15.0
"""A response that streams events ends after MAX_STREAM_BYTES or MAX_STREAM_SECONDS. While there are no events, it has a
comment every HEARTBEAT_SECONDS."""


class Gateway:
    """An RSGI application that wraps two others. It receives bodies only from authenticated senders.

    `reads` does the kinds of work in READING, `app` all others. `route` finds the Route of a request, from its method
    and path. `share`: how many seconds of reading, and of posting what is expensive, each sender has per second while
    others are at work. `probes_socket`: where health and metrics are asked for in addition, if anywhere.
    """

    def __init__(
        self,
        app: Local,
        reads: ReadProcess,
        *,
        route: Callable[[str, str], Route],
        authenticator: Authenticator,
        log_watcher: LogWatcher,
        single_posts: SinglePosts,
        rate_limit: RateLimit,
        share: float,
        probes_socket: socket | None = None,
    ) -> None:
        self._app, self._reads, self._route = app, reads, route
        self._authenticator, self._log_watcher = authenticator, log_watcher
        self._rate_limit = rate_limit
        self._places = Places(share, single_posts.answer)
        self._bodies = HeldBytes(
            small=bodies.SMALL_BODY_BYTES,
            per_sender=bodies.MAX_LARGE_BYTES_PER_SENDER,
            in_total=bodies.MAX_LARGE_BYTES,
        )
        self._connections = unread.Connections()
        self._unread = HeldBytes(
            small=unread.SMALL_ANSWER_BYTES, per_sender=unread.MAX_UNREAD_PER_SENDER, in_total=unread.MAX_UNREAD
        )
        self._key_threads = ThreadPoolExecutor(KEY_READERS, thread_name_prefix="keys")
        self._open_brake, self._declined_brake = Brake(MAX_OPEN_PER_SECOND), Brake(MAX_DECLINED_PER_SECOND)
        self._readiness: dict[str, asyncio.Future[Answer]] = {}
        self._following: Counter[str] = Counter()
        self._probes_socket = probes_socket

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._probes_socket:
            loop.run_until_complete(probes.listen(self._probe, self._probes_socket))
        loop.call_soon(unread.limit_connections)  # by then granian listens too

    def __rsgi_del__(self, _: Any) -> None:
        self._places.close()
        self._key_threads.shutdown(wait=True)
        self._reads.close()
        logs.BACKGROUND.finish()

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        fields = _fields(scope)
        try:
            await self._serve(scope, protocol, fields)
        except (Disconnected, ProtocolClosed):
            return
        except Declined as problem:
            await self._declined_brake.pass_by()
            await bodies.discard(scope.headers, protocol)
            _send(protocol, declined.answer(scope, fields, problem))
        except Exception:
            log.exception("unexpected", **fields, path=scope.path[:MAX_LOGGED])
            _send(protocol, declined.answer(scope, fields, Declined("internal-error")))

    async def _serve(self, scope: Any, protocol: Any, fields: Mapping[str, str]) -> None:
        """Receive the request and send the answer of the application. Raises Declined or Disconnected."""
        route = self._route(scope.method, scope.path)
        head.check(scope, route)
        length = bodies.length_of(scope.headers)
        if length:
            head.check_may_have_body(scope.method, route)
        principal = await self._admit(scope, route, length, fields)
        sender = principal.name if principal else NOBODY
        with self._bodies.reserved(sender, length):
            body = await bodies.receive(protocol, length)
            received = time.monotonic()
            kind = _kind_of_post(scope, body) if route.work is work.POST else route.work
            if kind is work.POST:
                if answered := await self._post(scope, route, principal, body, fields):
                    _send(protocol, answered)
                    return
                kind = work.BUNDLE
            environment = {**wsgi.environment(scope, body), PRINCIPAL: principal, request_ids.FIELDS: fields}
            del body  # the environment has it, until the request is answered
            answer = await self._answer(environment, kind, received)
        if (follow := environment.get(FOLLOW)) and scope.method == "GET":
            with self._follower_slot(environment):
                await self._stream(follow, environment, protocol, answer)
                await self._connections.ended(scope.server, scope.client)
            return
        del environment  # it has the body
        must_arrive = scope.method == "POST" and _has_recorded(answer)
        if len(answer.body) <= unread.SMALL_ANSWER_BYTES or must_arrive:
            _send(protocol, answer)
            return
        with self._unread.reserved(sender, len(answer.body)):
            _send(protocol, answer._replace(headers=[*answer.headers, ("Connection", "close")]))
            del answer  # granian has a copy
            await self._connections.ended(scope.server, scope.client)

    async def _admit(self, scope: Any, route: Route, length: int, fields: Mapping[str, str]) -> Principal | None:
        """The sender of the request; None if it needs no key and has no body.

        Raises Declined if the sender is not authenticated, or may not send a body to this address.
        """
        if not length and not route.needs_key:
            return None
        principal = await self._authenticate(scope.headers.get("authorization") or "", fields)
        try:
            self._rate_limit.count(principal)
        except RateLimited as error:
            raise Declined("too-many-requests") from error
        if route.work is work.POST and not principal.may_post:
            raise Declined("wrong-scope", scope="post")
        return principal

    async def _post(
        self, scope: Any, route: Route, principal: Principal | None, body: bytes, fields: Mapping[str, str]
    ) -> Answer | None:
        """The answer to a request that posts a single event, if the event is recorded. Raises Declined."""
        assert principal is not None, "a request that posts has a body, and so a sender"
        single = single_post(scope, route, principal, body, fields)
        if single is None:
            return None
        self._places.note(principal.name, work.POST)
        answer = await self._places.post(principal.name, single, REQUEST_SECONDS)
        if isinstance(answer, Declined):
            raise answer
        return answer

    async def _answer(self, environment: dict[str, Any], kind: Work, received: float) -> Answer:
        """The response of the application to a request that was received at this time.

        For a long poll, the application sets WAIT in `environment`. The response to a long poll is returned once there
        are new events, or at its deadline.
        """
        if not self._note(environment, kind):
            await self._open_brake.pass_by()
        if kind is work.MONITOR:
            return await self._monitor(environment)
        application = self._reads if kind in work.READING else self._app
        call = partial(application.answer, environment, kind)
        allowed = _seconds(environment["REQUEST_METHOD"], environment["PATH_INFO"])
        deadline, seconds = None, max(0.0, received + allowed - time.monotonic())
        while True:
            answer = await self._places.run(kind, _sender(environment), call, seconds)
            wait = environment.pop(WAIT, None)
            if wait is None:
                return answer
            deadline = deadline or time.monotonic() + wait.seconds
            with self._follower_slot(environment):
                if not await self._log_watcher.wait_beyond(wait.after.position, deadline - time.monotonic()):
                    return answer
            await self._identify(environment)
            seconds = allowed
            environment |= {WAITED_AFTER: wait.after, "wsgi.input": io.BytesIO()}

    def _note(self, environment: Mapping[str, Any], kind: Work) -> bool:
        """Note that the request's sender is at work. Returns False if the request has no sender."""
        if sender := _sender(environment):
            self._places.note(sender, kind)
        return bool(sender)

    async def _probe(self, scope: probes.Scope) -> Answer:
        """The answer to a request on the port for health and metrics. Nothing else is to be had there.

        No brake delays it: the brakes count what the clients of the main port send.
        """
        fields = _fields(scope)
        try:
            route = self._route(scope.method, scope.path)
            head.check(scope, route)
            if route.work is not work.MONITOR:
                return declined.answer(scope, fields, Declined("not-found"))
            principal = await self._admit(scope, route, 0, fields)
            return await self._monitor(
                {**wsgi.environment(scope, b""), PRINCIPAL: principal, request_ids.FIELDS: fields}
            )
        except Declined as problem:
            return declined.answer(scope, fields, problem)
        except Exception:
            log.exception("unexpected", **fields, path=scope.path[:MAX_LOGGED])
            return declined.answer(scope, fields, Declined("internal-error"))

    async def _monitor(self, environment: dict[str, Any]) -> Answer:
        """The answer to a request for health or metrics."""
        call = partial(self._app.answer, environment, work.MONITOR)
        match environment["PATH_INFO"]:
            case "/healthz":
                return call()  # needs no thread and no database: it says that this process answers
            case "/readyz":
                answer = await self._ready(environment["REQUEST_METHOD"], call)
                own = environment[request_ids.FIELDS]["request_id"]  # the answer may be that to another request
                named = [(name, own if name == request_ids.HEADER else value) for name, value in answer.headers]
                return answer._replace(headers=named)
        return await self._places.run(work.MONITOR, _sender(environment), call)

    async def _ready(self, method: str, call: Callable[[], Answer]) -> Answer:
        """The answer of `call`, which is a readiness check, or an answer of the last READY_SECONDS to this method."""
        if method not in self._readiness:
            run = self._places.run(work.MONITOR, PROBES, call, PROBE_SECONDS)
            forget = partial(asyncio.get_running_loop().call_later, READY_SECONDS, self._readiness.pop, method)
            self._readiness[method] = asyncio.ensure_future(run)
            self._readiness[method].add_done_callback(lambda _: forget())
        return await asyncio.shield(self._readiness[method])

    @contextmanager
    def _follower_slot(self, environment: Mapping[str, Any]) -> Iterator[None]:
        """Occupy a slot for a reader that waits for events or follows the log.

        Slots are limited per sender and in total. Raises Declined if no slot is free.
        """
        sender = _sender(environment)
        if self._following[sender] >= MAX_FOLLOWERS_PER_SENDER or self._following.total() >= MAX_FOLLOWERS:
            raise Declined("overloaded")
        self._following[sender] += 1
        try:
            yield
        finally:
            self._following[sender] -= 1
            self._following += Counter()  # removes the zero entries

    async def _stream(self, follow: Follow, environment: dict[str, Any], protocol: Any, first: Answer) -> None:
        """Send `first`, then new events, up to MAX_STREAM_BYTES and MAX_STREAM_SECONDS.

        When the stream has ended, the reader reconnects with `Last-Event-ID`. The bytes are limited because the web
        server buffers, without a limit, everything that a slow reader has not read yet.
        """
        status, headers, part = first
        headers = [each for each in headers if each[0].lower() != "content-length"]
        out = protocol.response_stream(status, [*headers, ("Connection", "close")])
        sent, cursor, deadline = 0, follow.after, time.monotonic() + MAX_STREAM_SECONDS
        fields = environment[request_ids.FIELDS]
        try:
            while sent < MAX_STREAM_BYTES and time.monotonic() < deadline:
                if part:
                    await out.send_bytes(part)
                    sent += len(part)
                await self._identify(environment)
                following = partial(self._reads.following, fields, follow, cursor)
                part, reached = await self._places.run(work.READ, _sender(environment), following)
                if reached == cursor and not await self._log_watcher.wait_beyond(cursor.position, HEARTBEAT_SECONDS):
                    part = b": \n\n"
                cursor = reached
        except Declined as problem:  # the response has begun, so it can only be ended
            log.info("stream ended", **fields, problem=problem.kind)
        except NotInTheLog as error:  # the client gets 404 when it reconnects
            log.warning("stream ended: the log was restored", **fields, position=cursor.position, head=error.head)
        except OperationalError as error:
            log.warning("stream ended", **fields, reason=str(error).strip())
        finally:
            del out  # the response ends when nothing refers to it, and an error's traceback may refer to this frame

    async def _identify(self, environment: dict[str, Any]) -> None:
        """Authenticate the request again. Raises Declined."""
        fields, authorization = environment[request_ids.FIELDS], environment.get("HTTP_AUTHORIZATION", "")
        environment[PRINCIPAL] = await self._authenticate(authorization, fields)

    async def _authenticate(self, authorization: str, fields: Mapping[str, str]) -> Principal:
        """The principal with these credentials. Raises Declined if they are invalid or cannot be checked now."""
        if cached := self._authenticator.cached(authorization):
            return cached
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                return await asyncio.get_running_loop().run_in_executor(
                    self._key_threads, with_fields(fields, self._authenticator.authenticate), authorization
                )
        except NotAuthenticated as error:
            raise Declined(error.kind) from error
        except Exception as error:  # the database or the identity provider cannot be reached
            raise Declined("unavailable") from error


def _fields(scope: Any) -> dict[str, str]:
    """The log fields of the request."""
    return request_ids.fields_of(*(",".join(scope.headers.get_all(name)) for name in request_ids.READ))


def _send(protocol: Any, answer: Answer) -> None:
    """Have the web server send the answer."""
    if answer.body:
        protocol.response_bytes(*answer)
    else:
        protocol.response_empty(answer.status, answer.headers)


def _sender(environment: Mapping[str, Any]) -> str:
    principal: Principal | None = environment[PRINCIPAL]
    return principal.name if principal else NOBODY


def _has_recorded(answer: Answer) -> bool:
    """Whether the post whose answer this is has recorded events, now or before."""
    return any(name == "Event-Position" for name, _ in answer.headers)


def _seconds(method: str, path: str) -> float:
    """How many seconds answering this request may take."""
    return UPLOAD_SECONDS if (method, path) == ("POST", "/v1/reconciliations") else REQUEST_SECONDS


def _kind_of_post(scope: Any, body: bytes) -> Work:
    """The kind of work of a request that posts events: POST if it has one short event.

    A dry run records nothing, and is not decided in a batch.
    """
    is_small = len(body) <= bodies.SMALL_BODY_BYTES
    if parse_qs(scope.query_string).get("dry_run") == ["true"]:
        return work.READ if is_small else work.EXPENSIVE
    if not is_small:
        return work.BULK
    is_event = body[:16].lstrip().startswith(b"{") and body.count(b",") + body.count(b"[") <= bodies.MAX_SMALL_VALUES
    return work.POST if is_event else work.BUNDLE
