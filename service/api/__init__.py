"""HTTP. Each module is one resource: its schemas, and the routes that use them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from flask import Response, current_app, g

from service.access import Principal
from service.ledger import Ledger
from service.reads import Reader


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
    return Response(msgspec.json.encode(body) + b"\n", status, headers, content_type=content_type)
