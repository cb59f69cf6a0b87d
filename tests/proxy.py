"""A proxy before PostgreSQL that fails as a network does: it swallows packets, cuts connections, or loses answers."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Lock, Thread

from psycopg.conninfo import conninfo_to_dict, make_conninfo


class Proxy:
    """Forwards connections to the server of `url`, which has a Unix socket. Its own URL is `self.url`."""

    def __init__(self, url: str) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = make_conninfo(url, host="127.0.0.1", port=str(self.port))
        self._connections: list[_Connection] = []
        self._forwards_new = self._admits = True
        self._answers_to_lose, self._lock = 0, Lock()
        self.lead_to(url)
        Thread(target=self._accept, daemon=True).start()

    def lead_to(self, url: str) -> None:
        """Forward later connections to the server of `url`."""
        target = conninfo_to_dict(url)
        self._path = f"{target['host']}/.s.PGSQL.{target['port']}"

    def silence(self, *, new: bool) -> None:
        """Stop forwarding on all connections that are open now and, if `new`, on later ones until `resume`."""
        self._forwards_new = not new
        for each in list(self._connections):
            each.gate.clear()

    def resume(self) -> None:
        """Forward again, on all connections."""
        self._forwards_new = True
        for each in list(self._connections):
            each.gate.set()

    def cut(self, *, new: bool = False) -> None:
        """Close all connections and, if `new`, also later ones until `admit`."""
        self._admits = not new
        for each in list(self._connections):
            each.close()

    def close_silent(self) -> None:
        """Close the connections that `silence` has stopped and nothing has resumed."""
        for each in list(self._connections):
            if not each.gate.is_set():
                each.close()

    def forget(self, connection: _Connection) -> None:
        with suppress(ValueError):  # it was forgotten before
            self._connections.remove(connection)

    def admit(self) -> None:
        """Forward new connections again after `cut`."""
        self._admits = True

    def lose_answers(self, count: int) -> None:
        """Close the connections of the next `count` commits after the server has received the commit."""
        self._answers_to_lose = count

    def must_lose_answer(self) -> bool:
        """Whether the answer of the commit that is forwarded now must be lost."""
        with self._lock:
            must = self._answers_to_lose > 0
            self._answers_to_lose -= must
            return must

    def close(self) -> None:
        self._listener.close()
        self.resume()
        self.cut()

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                connection = _Connection(self, client, server)
                try:
                    server.connect(self._path)
                except OSError:  # the server is down
                    connection.close()
                    continue
                if not self._admits:
                    connection.close()
                    continue
                if self._forwards_new:
                    connection.gate.set()
                self._connections.append(connection)
                connection.start()


class _Connection:
    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy, self._client, self._server = proxy, client, server
        self.gate, self._loses_answer = Event(), False

    def start(self) -> None:
        for forward in (self._forward_requests, self._forward_answers):
            Thread(target=forward, daemon=True).start()

    def close(self) -> None:
        self._proxy.forget(self)
        self.gate.set()
        for each in (self._client, self._server):
            with suppress(OSError):  # closed by the other end
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _forward_requests(self) -> None:
        try:
            while data := self._client.recv(65_536):
                self.gate.wait()
                if b"COMMIT" in data.upper() and self._proxy.must_lose_answer():
                    self._loses_answer = True
                self._server.sendall(data)
            self.gate.wait()
            self._server.shutdown(socket.SHUT_WR)
        except OSError:  # reset by one end: the other must see it
            self.close()

    def _forward_answers(self) -> None:
        try:
            while data := self._server.recv(65_536):
                self.gate.wait()
                if self._loses_answer:
                    break
                self._client.sendall(data)
        except OSError:
            pass
        self.gate.wait()
        self.close()


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
