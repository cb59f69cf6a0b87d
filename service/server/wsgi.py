"""Calls the WSGI application with the request of an RSGI server."""

from __future__ import annotations

import io
import string
import sys
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import quote


class Answer(NamedTuple):
    """A complete response."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


CONSTANTS = {
    "SCRIPT_NAME": "",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "wsgi.version": (1, 0),
    "wsgi.errors": sys.stderr,
    "wsgi.multithread": True,
    "wsgi.multiprocess": False,
    "wsgi.run_once": False,
}
"""The part of a WSGI environment that is the same for every request."""


def environment(scope: Any, body: bytes) -> dict[str, Any]:
    """The WSGI environment of the request `scope`, whose body is `body`."""
    server, _, port = scope.server.rpartition(":")
    variables = {
        **CONSTANTS,
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
            variables[key] = f"{variables[key]},{value}" if key in variables else value
    return variables


@lru_cache(maxsize=256)
def _key(header: str) -> str | None:
    """The key that the HTTP header `header` has in the WSGI environment.

    None if the header's name has an underscore, which WSGI cannot tell from a hyphen.
    """
    if "_" in header:
        return None
    name = header.upper().replace("-", "_")
    return name if name in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{name}"


def call(application: Callable[..., Iterable[bytes]], variables: dict[str, Any]) -> Answer:
    """The response of the application to the request with this environment."""
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start(status: str, headers: list[tuple[str, str]], *_: Any) -> Callable[[bytes], object]:
        started.append((status, headers))
        return lambda _: None

    parts = application(variables, start)
    try:
        body = b"".join(parts)
    finally:
        if hasattr(parts, "close"):
            parts.close()
    status, headers = started[-1]
    return Answer(int(status[:3]), headers, body)
