"""A proxy before PostgreSQL that can stop forwarding, as a network does that swallows packets: nothing is closed."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

from psycopg.conninfo import conninfo_to_dict, make_conninfo


class Proxy:
    """Forwards connections to `socket_path`. `url`: the database's URL through the proxy."""

    def __init__(self, url: str) -> None:
        target = conninfo_to_dict(url)
        self._path = f"{target['host']}/.s.PGSQL.{target['port']}"
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = make_conninfo(url, host="127.0.0.1", port=str(self.port))
        self._gates: list[Event] = []
        self._sockets: list[socket.socket] = []
        self._forwards_new = True
        Thread(target=self._accept, daemon=True).start()

    def silence(self, *, new: bool) -> None:
        """Stop forwarding on all connections that are open now and, if `new`, on later ones until `resume`."""
        self._forwards_new = not new
        for gate in self._gates:
            gate.clear()

    def resume(self) -> None:
        """Forward again, on all connections."""
        self._forwards_new = True
        for gate in self._gates:
            gate.set()

    def close(self) -> None:
        self._listener.close()
        self.resume()
        for each in self._sockets:
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._path)
                gate = Event()
                if self._forwards_new:
                    gate.set()
                self._gates.append(gate)
                self._sockets += (client, server)
                for source, target in ((client, server), (server, client)):
                    Thread(target=_forward, args=(source, target, gate), daemon=True).start()


def _forward(source: socket.socket, target: socket.socket, gate: Event) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            gate.wait()
            target.sendall(data)
        gate.wait()
        target.shutdown(socket.SHUT_WR)


@contextmanager
def proxied(url: str) -> Iterator[Proxy]:
    proxy = Proxy(url)
    try:
        yield proxy
    finally:
        proxy.close()


@contextmanager
def black_hole() -> Iterator[int]:
    """A port of 127.0.0.1 on which a connection attempt is neither accepted nor refused."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        filling = []
        for _ in range(4):  # once the queue of the listener is full, the kernel answers no more
            each = socket.socket()
            each.settimeout(0)
            each.connect_ex(listener.getsockname())
            filling.append(each)
        try:
            yield listener.getsockname()[1]
        finally:
            for each in filling:
                each.close()
