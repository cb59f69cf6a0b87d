"""HTTP. Each module is one resource: its schemas, and the routes that use them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec
from flask import Response, current_app, g

from service.access import Principal
from service.ledger import Ledger
from service.reads import Reader

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment
    from werkzeug.datastructures import Headers


def ledger() -> Ledger:
    return current_app.extensions["ledger"]  # type: ignore[no-any-return]


def reader() -> Reader:
    return current_app.extensions["reader"]  # type: ignore[no-any-return]


def principal() -> Principal:
    """Who sent this request; set before any route that is not open to all."""
    return g.principal  # type: ignore[no-any-return]


def answer(
    body: Any,
    status: int = 200,
    content_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A JSON answer: amounts are strings already, dates ISO, Chinese as it is."""
    return _Whole(msgspec.json.encode(body) + b"\n", status, headers, content_type=content_type)


class _Whole(Response):
    """An answer that is whole, its length known and its addresses ASCII: its headers go out as they are."""

    def get_wsgi_headers(self, environ: WSGIEnvironment) -> Headers:
        return super().get_wsgi_headers(environ) if self.status_code == 304 else self.headers
