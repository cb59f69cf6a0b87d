"""JSON responses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from wsgiref.types import WSGIEnvironment

import msgspec
from flask import Response
from werkzeug.datastructures import Headers


def answer(
    body: Any,
    status: int = 200,
    content_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A JSON response with `body`.

    Amounts in `body` must already be strings. Dates become ISO 8601. Chinese is not escaped.
    """
    return _Complete(msgspec.json.encode(body) + b"\n", status, headers, content_type=content_type)


class _Complete(Response):
    """A response with its length set and only ASCII URLs, so that Werkzeug need not recompute its headers."""

    def get_wsgi_headers(self, environ: WSGIEnvironment) -> Headers:
        return super().get_wsgi_headers(environ) if self.status_code == 304 else self.headers
