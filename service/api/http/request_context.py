"""Accessors for the objects of the application and of the current request that views use."""

from __future__ import annotations

from flask import current_app, g, request

from service.auth.grants import Principal
from service.ledger.application import Ledger
from service.observability.request_ids import FIELDS
from service.postgres.session import Pool
from service.postgres.snapshots import Reader

PRINCIPAL = "suyuan.principal"
"""Key of the WSGI environment: the principal that the gateway has authenticated."""


def ledger() -> Ledger:
    return current_app.extensions["ledger"]  # type: ignore[no-any-return]


def reader() -> Reader:
    return current_app.extensions["reader"]  # type: ignore[no-any-return]


def keys() -> Pool:
    """The pool of connections that look up API keys."""
    return current_app.extensions["keys"]  # type: ignore[no-any-return]


def request_id() -> str:
    return request.environ[FIELDS]["request_id"]  # type: ignore[no-any-return]


def principal() -> Principal:
    """The authenticated principal of this request.

    It is set before the view runs, on all routes that need a key.
    """
    return g.principal  # type: ignore[no-any-return]
