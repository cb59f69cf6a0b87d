"""What a view may ask for of the application and of the request it answers."""

from __future__ import annotations

from flask import current_app, g

from service.auth.grants import Principal
from service.ledger.application import Ledger
from service.postgres.snapshots import Reader


def ledger() -> Ledger:
    return current_app.extensions["ledger"]  # type: ignore[no-any-return]


def reader() -> Reader:
    return current_app.extensions["reader"]  # type: ignore[no-any-return]


def principal() -> Principal:
    """The authenticated sender of this request; set before every route that needs a key."""
    return g.principal  # type: ignore[no-any-return]
