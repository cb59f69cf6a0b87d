"""A listener of its own for health and metrics, which clients of the service's main port cannot occupy.

It runs in the event loop of the gateway: if the worker process hangs, it does not answer either.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from socket import socket
from typing import cast
from wsgiref.headers import Headers

import h11

from service.api.http.limits import MAX_HEAD_BYTES
from service.server.wsgi import Answer

MAX_CONNECTIONS = 64
"""When a further client connects, the connection that has been open longest is closed. So silent clients keep no probe
out: they would have to open this many connections while the probe is sent and answered."""
CONNECTION_SECONDS = 10.0
"""A connection is closed after this time, whether its client has sent and read everything or not."""
BACKLOG = 1_024
"""How many connections may wait to be accepted. Were they fewer, a burst of silent ones would let the kernel drop that
of a probe, which would be tried again after a second."""


@dataclass(frozen=True, slots=True)
class Scope:
    """A request, in the form of RSGI."""

    method: str
    path: str
    query_string: str
    headers: Headers
    http_version: str
    server: str
    client: str
    scheme: str = "http"
    authority: str | None = None


Respond = Callable[[Scope], Awaitable[Answer]]


async def listen(respond: Respond, listening: socket) -> asyncio.Server:
    """Answer each request on the socket `listening` with what `respond` returns for it, one request per connection."""
    connections: dict[_Connection, None] = {}
    return await asyncio.get_running_loop().create_server(
        lambda: _Connection(respond, connections), sock=listening, backlog=BACKLOG
    )


class _Connection(asyncio.Protocol):
    """A connection. `connections`: all that are open, the oldest first."""

    _transport: asyncio.Transport
    _deadline: asyncio.TimerHandle

    def __init__(self, respond: Respond, connections: dict[_Connection, None]) -> None:
        self._respond, self._connections = respond, connections
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD_BYTES)
        self._answering: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if len(self._connections) >= MAX_CONNECTIONS:
            oldest = next(iter(self._connections))
            oldest.abort()
        self._transport, self._connections[self] = cast("asyncio.Transport", transport), None
        self._deadline = asyncio.get_running_loop().call_later(CONNECTION_SECONDS, self.abort)

    def connection_lost(self, _: Exception | None) -> None:
        self._forget()

    def data_received(self, data: bytes) -> None:
        if self._answering:
            return  # one request per connection, and none that is listened to has a body
        self._http.receive_data(data)
        try:
            event = self._http.next_event()
        except h11.RemoteProtocolError as error:
            self._send(Answer(error.error_status_hint, [("Content-Length", "0")], b""))
            return
        if isinstance(event, h11.Request):
            self._answering = asyncio.get_running_loop().create_task(self._answer(event))

    def abort(self) -> None:
        """Close the connection at once; what was not read yet is lost."""
        self._forget()
        self._transport.abort()

    def _forget(self) -> None:
        self._connections.pop(self, None)
        self._deadline.cancel()

    async def _answer(self, request: h11.Request) -> None:
        path, _, query = request.target.decode("latin-1").partition("?")
        answer = await self._respond(
            Scope(
                method=request.method.decode(),
                path=path,
                query_string=query,
                headers=Headers([(name.decode(), value.decode("latin-1")) for name, value in request.headers]),
                http_version="1" if request.http_version == b"1.0" else "1.1",
                server=_address(self._transport, "sockname"),
                client=_address(self._transport, "peername"),
            )
        )
        self._send(answer if request.method != b"HEAD" else answer._replace(body=b""))

    def _send(self, answer: Answer) -> None:
        if self._transport.is_closing():
            return
        others = [each for each in answer.headers if each[0].lower() != "connection"]
        begun = h11.Response(status_code=answer.status, headers=[*others, ("Connection", "close")])
        for event in (begun, h11.Data(data=answer.body), h11.EndOfMessage()):
            self._transport.write(self._http.send(event) or b"")
        self._transport.close()


def _address(transport: asyncio.Transport, end: str) -> str:
    host, port, *_ = transport.get_extra_info(end)
    return f"{host}:{port}"
