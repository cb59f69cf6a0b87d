"""A cheap HTTP client: one thread for many connections, prepared requests, and answers delimited by Content-Length.

In the benchmarks, the client shares the processor cores with the service and the database. A usual HTTP client would
take as much processor time as a post.
"""

from __future__ import annotations

import asyncio
import selectors
import socket
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from itertools import cycle
from multiprocessing import get_context

import msgspec

PRESS_STARTS_SECONDS = 1.0


@dataclass(frozen=True)
class LoadResult:
    """The result of a run of requests, which lasted `seconds`.

    `took`: the seconds of each request. `statuses`: the number of answers by status. `processor_seconds`: the processor
    time of the client.
    """

    seconds: float
    took: list[float]
    statuses: dict[int, int]
    processor_seconds: float

    @property
    def a_second(self) -> float:
        return len(self.took) / self.seconds

    def percentile(self, part: float) -> float:
        """The request time, in ms, that the share `part` of the requests (from 0 to 1) did not exceed."""
        return sorted(self.took)[int(len(self.took) * part)] * 1000


def request(method: str, path: str, body: object = None, **headers: str) -> bytes:
    """The bytes of an HTTP request. `body` is sent as JSON; an underscore in the name of a header becomes a hyphen."""
    content = b"" if body is None else msgspec.json.encode(body)
    lines = [f"{method} {path} HTTP/1.1", "Host: bench", f"Content-Length: {len(content)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def load(port: int, connections: Sequence[Sequence[bytes]], seconds: float) -> LoadResult:
    """Send requests to `port` of this machine on several connections for `seconds`, from a separate process.

    `connections`: the requests of each connection; each is sent when the one before it is answered.
    """
    return _process().submit(_load, port, connections, seconds).result()


@cache
def _process() -> ProcessPoolExecutor:
    """The client process, started only once because importing the modules takes longer than a round."""
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"))


class _Connection:
    """A connection that sends one request after the other. `ends`: the service ends it after the last answer."""

    def __init__(self, port: int, requests: Iterator[bytes]) -> None:
        self._port, self._requests, self._received, self._last, self._started = port, requests, b"", b"", 0.0
        self.open()

    def open(self) -> None:
        self.ends = False
        self.socket = socket.create_connection(("127.0.0.1", self._port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self) -> bool:
        """Send the next request. Returns False if there is no request left."""
        request = next(self._requests, None)
        if request is None:
            return False
        self._started = time.perf_counter()
        self.socket.sendall(request)
        return True

    def receive(self) -> tuple[int, float] | None:
        """Receive a part of the answer. Returns None while the answer is incomplete.

        Once the answer is complete, returns its status and the seconds since the request was sent.
        """
        part = self.socket.recv(1 << 20)
        assert part, f"the service closed the connection after: {self._last!r}"
        self._received += part
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found:
            return None
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0] or 0)
        if len(body) < length:
            return None
        self._last, self._received, self.ends = self._received[:2_000], b"", b"connection: close" in head.lower()
        return int(head[9:12]), time.perf_counter() - self._started


def _load(port: int, connections: Sequence[Sequence[bytes]], seconds: float) -> LoadResult:
    took: list[float] = []
    statuses = Counter[int]()
    with selectors.DefaultSelector() as selector:
        started, processor = time.perf_counter(), time.process_time()
        until = started + seconds
        for requests in connections:
            connection = _Connection(port, iter(requests))
            selector.register(connection.socket, selectors.EVENT_READ, connection)
            connection.send()
        open_connections = len(connections)
        while open_connections:
            for key, _ in selector.select():
                answered = key.data.receive()
                if answered is None:
                    continue
                statuses[answered[0]] += 1
                took.append(answered[1])
                if key.data.ends:  # as after a large answer
                    selector.unregister(key.fileobj)
                    key.data.socket.close()
                    key.data.open()
                    selector.register(key.data.socket, selectors.EVENT_READ, key.data)
                if time.perf_counter() > until or not key.data.send():
                    selector.unregister(key.data.socket)
                    key.data.socket.close()
                    open_connections -= 1
        return LoadResult(time.perf_counter() - started, took, dict(statuses), time.process_time() - processor)


@contextmanager
def pressing(port: int, requests: Sequence[bytes], connections: int) -> Iterator[None]:
    """Context manager: a separate process sends `requests` in turn on so many connections, until the context ends.

    Each connection sends its next request as soon as the one before it is answered, whatever the answer is.
    """
    process = get_context("spawn").Process(target=_press, args=(port, requests, connections), daemon=True)
    process.start()
    time.sleep(PRESS_STARTS_SECONDS)
    try:
        yield
    finally:
        process.kill()
        process.join()


def _press(port: int, requests: Sequence[bytes], connections: int) -> None:
    async def press() -> None:
        async with asyncio.TaskGroup() as group:
            for nth in range(connections):
                group.create_task(_press_on(port, cycle([*requests[nth % len(requests) :], *requests])))

    asyncio.run(press())


async def _press_on(port: int, requests: Iterator[bytes]) -> None:
    """Send `requests` on one connection, which is opened again whenever the service closes it."""
    while True:
        with suppress(OSError, asyncio.IncompleteReadError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
            for request in requests:
                writer.write(request)
                await writer.drain()
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0] or 0))
                if b"connection: close" in head.lower():
                    writer.close()
                    break
