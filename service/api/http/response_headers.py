"""What every answer carries, whatever it says: its validator, caching and compression, and what browsers may do."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, request

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

COMPRESSED_FROM = 1_000
"""Bytes from which an answer is worth compressing."""
SECURITY = {
    "Server": "suyuan",  # else the web server names itself
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
}
ANEW = "private, no-cache"
"""May be kept, but asked about before each use: what the next event changes."""
FOR_EVER = "private, max-age=31536000, immutable"
"""What no later event changes."""
NEVER = "no-store"


VARY = ("Authorization", "Accept-Encoding")


def install(app: Flask) -> None:
    """The headers that never change are added at the end, as they are: through Flask each costs a few microseconds."""
    inner = app.wsgi_app

    def wsgi_app(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        def begin(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            return start(status, [*headers, *SECURITY.items()], *rest)

        return inner(environ, begin)

    app.wsgi_app = wsgi_app  # type: ignore[assignment, method-assign]

    @app.after_request
    def _finish(response: Response) -> Response:
        if "Vary" in response.headers:
            response.vary.update(VARY)
        else:
            response.headers["Vary"] = ", ".join(VARY)
        if request.method not in ("GET", "HEAD") or response.status_code != 200:
            response.headers.setdefault("Cache-Control", NEVER)
            return response
        response.headers.setdefault("Cache-Control", ANEW)
        if not response.is_streamed and response.cache_control.no_store is not True:
            body = response.get_data()
            # Weak: the compressed form has other bytes, and says the same.
            etag = hashlib.sha256(body).hexdigest()[:32]
            response.set_etag(etag, weak=True)
            if request.if_none_match.contains_weak(etag):
                response.status_code = 304
                response.set_data(b"")
            else:
                _compress(response, body)
        return response


def _compress(response: Response, body: bytes) -> None:
    if len(body) >= COMPRESSED_FROM and request.accept_encodings["gzip"] > 0:
        response.set_data(gzip.compress(body, compresslevel=5, mtime=0))
        response.headers["Content-Encoding"] = "gzip"
