"""A client that costs little: many connections in one thread, requests made ready before, answers read by their length.

Written for the benches, where client, service and database share the cores: a usual client costs as much as a post.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context

import msgspec


@dataclass(frozen=True)
class Told:
    """What a run of requests was like: seconds each took, statuses, and the processor time of the client in all."""

    seconds: float
    took: list[float]
    statuses: dict[int, int]
    processor_seconds: float

    @property
    def a_second(self) -> float:
        return len(self.took) / self.seconds

    def percentile(self, part: float) -> float:
        """In milliseconds."""
        return sorted(self.took)[int(len(self.took) * part)] * 1000


def request(method: str, path: str, body: object = None, **headers: str) -> bytes:
    """The bytes of a request; the body as JSON."""
    content = b"" if body is None else msgspec.json.encode(body)
    lines = [f"{method} {path} HTTP/1.1", "Host: bench", f"Content-Length: {len(content)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def load(port: int, connections: Sequence[Sequence[bytes]], seconds: float) -> Told:
    """Send each connection's requests one after the other, for so long, from a process of its own."""
    return _process().submit(_load, port, connections, seconds).result()


@cache
def _process() -> ProcessPoolExecutor:
    """Begun once: it reads all of the bench's modules first, which takes longer than a round."""
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"))


class _Connection:
    def __init__(self, port: int, requests: Iterator[bytes]) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._requests, self._got, self._last, self._begun = requests, b"", b"", 0.0

    def send(self) -> bool:
        """Whether there was another request to send."""
        request = next(self._requests, None)
        if request is None:
            return False
        self._begun = time.perf_counter()
        self.socket.sendall(request)
        return True

    def receive(self) -> tuple[int, float] | None:
        """The status of the answer and the seconds it took, once it is whole."""
        part = self.socket.recv(1 << 20)
        assert part, f"the service closed the connection after: {self._last!r}"
        self._got += part
        head, found, body = self._got.partition(b"\r\n\r\n")
        if not found:
            return None
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0] or 0)
        if len(body) < length:
            return None
        self._last, self._got = self._got[:2_000], b""
        return int(head[9:12]), time.perf_counter() - self._begun


def _load(port: int, connections: Sequence[Sequence[bytes]], seconds: float) -> Told:
    took: list[float] = []
    statuses = Counter[int]()
    with selectors.DefaultSelector() as selector:
        begun, processor = time.perf_counter(), time.process_time()
        until = begun + seconds
        for requests in connections:
            connection = _Connection(port, iter(requests))
            selector.register(connection.socket, selectors.EVENT_READ, connection)
            connection.send()
        left = len(connections)
        while left:
            for key, _ in selector.select():
                answered = key.data.receive()
                if answered is None:
                    continue
                statuses[answered[0]] += 1
                took.append(answered[1])
                if time.perf_counter() > until or not key.data.send():
                    selector.unregister(key.fileobj)
                    key.data.socket.close()
                    left -= 1
        return Told(time.perf_counter() - begun, took, dict(statuses), time.process_time() - processor)
