"""What every answer carries, whatever it says: its validator, caching and compression, and what browsers may do."""

from __future__ import annotations

import gzip
import hashlib

from flask import Flask, Response, request

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


def install(app: Flask) -> None:
    @app.after_request
    def _finish(response: Response) -> Response:
        response.headers.update(SECURITY)
        response.vary.update(("Authorization", "Accept-Encoding"))
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
