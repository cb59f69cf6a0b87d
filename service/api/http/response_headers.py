"""The headers of every response: entity tag, caching, compression, and the security policy for browsers."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, request

from service.observability import request_ids

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

COMPRESSED_FROM = 1_000
"""Body size in bytes from which compression is worthwhile."""
SECURITY = {
    "Server": "suyuan",  # otherwise the web server sends its own name
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
}
REVALIDATE = "private, no-cache"
"""Cache-Control of an answer that the next event may change: it may be cached, but is revalidated before each use."""
IMMUTABLE = "private, max-age=31536000, immutable"
"""Cache-Control of an answer that no later event changes."""
NO_STORE = "no-store"
VARY = ("Authorization", "Accept-Encoding")
OF_POSTS = (("Vary", ", ".join(VARY)), ("Cache-Control", NO_STORE))
"""The headers of this module that the answer to a post has, besides SECURITY."""


def install(app: Flask) -> None:
    """Add the headers of this module and the request id to every response of the application.

    They are added outside Flask, because Flask would take a few microseconds for each of them.
    """
    inner = app.wsgi_app

    def wsgi_app(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        fields = environ.get(request_ids.FIELDS)
        if fields is None:  # not called by the gateway
            fields = request_ids.fields_of(environ.get("HTTP_X_REQUEST_ID"), environ.get("HTTP_TRACEPARENT"))
            environ[request_ids.FIELDS] = fields

        def begin(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            return start(status, [*headers, *SECURITY.items(), (request_ids.HEADER, fields["request_id"])], *rest)

        return request_ids.with_fields(fields, inner)(environ, begin)

    app.wsgi_app = wsgi_app  # type: ignore[assignment, method-assign]

    @app.after_request
    def _finish(response: Response) -> Response:
        if "Vary" in response.headers:
            response.vary.update(VARY)
        else:
            response.headers["Vary"] = ", ".join(VARY)
        if request.method not in ("GET", "HEAD") or response.status_code != 200:
            response.headers.setdefault("Cache-Control", NO_STORE)
            return response
        response.headers.setdefault("Cache-Control", REVALIDATE)
        if not response.is_streamed and response.cache_control.no_store is not True:
            body = response.get_data()
            # Weak: the compressed body has other bytes but the same content.
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
