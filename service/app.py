"""The composition root: everything is built here, once, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask, g, request
from stdnum.cn import uscc

from service import calendar, console, logs, metrics
from service.access import tokens
from service.access.door import Door
from service.access.keys import Keyring
from service.api import (
    allocations,
    attention,
    awards,
    checks,
    documents,
    events,
    feed,
    fen,
    funds,
    health,
    http,
    intake,
    journals,
    operations,
    payments,
    problems,
    projects,
    reconciliations,
    refusals,
    rules,
    why,
)  # fmt: skip
from service.api.contract import catalogue, description, explanations
from service.api.limits import MOST_BYTES
from service.api.parameters import CodeConverter, NameConverter
from service.config import Config
from service.ledger import Ledger
from service.reads import Reader, keys_pool, open_pool

OPEN = (health, catalogue, rules, description, explanations)
"""What answers without a key: whether it is alive, and what it promises."""
BY_KEY = (
    intake, events, funds, journals, attention, projects, why, allocations, payments, awards, documents, fen, checks,
    reconciliations, refusals, operations,
)  # fmt: skip


def open_ledger(url: str) -> Ledger:
    """The ledger on this database, with today's date, the Chinese calendar and the check digits of USCC."""
    return Ledger(url, today=calendar.today, working_days=calendar.working_days, valid_uscc=uscc.is_valid)


class _Synchronous(Flask):
    """None of its functions is a coroutine; Flask would ask each of them, five times a request."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func


def create_app(config: Config) -> Flask:
    """The web service on `config.database_url`. Open it after any fork: it holds connections."""
    assert config.database_url is not None, "the database is chosen before the app is built"
    app = _Synchronous(__name__, static_folder=None)
    app.config.update(DATABASE_URL=config.database_url, SECRET=config.secret, SOURCE=config.source)
    app.config["MAX_CONTENT_LENGTH"] = MOST_BYTES
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.url_map.merge_slashes = False  # else `//` is answered by a redirect to whatever host the client named
    app.url_map.converters |= {"code": CodeConverter, "name": NameConverter}

    reads, keys = open_pool(config.database_url, size=8), keys_pool(config.database_url)
    ledger, reader = open_ledger(config.database_url), Reader(reads)
    issuer = tokens.read(config.oidc) if config.oidc else None
    door = Door(Keyring(keys, config.secret), issuer, config.rate)
    pools = {"ledger": ledger.pool_stats, "reads": reads.get_stats, "keys": keys.get_stats}
    state = metrics.State(reader.lag, pools)
    app.extensions.update(ledger=ledger, reader=reader, door=door, keys=keys, metrics=state)

    logs.install(app)
    http.install(app)
    problems.install(app)
    open_to_all = {module.bp.name for module in OPEN}
    # The page is open only where it shows the example, on loopback.
    if config.example and config.host in ("127.0.0.1", "::1", "localhost"):
        open_to_all.add(console.bp.name)

    @app.before_request
    def _let_in() -> None:
        if request.blueprint not in open_to_all:
            g.principal = who = door.principal(request.headers.get("Authorization", ""))
            if feed.COUNTED not in request.environ:
                door.count(who)

    for module in (*OPEN, *BY_KEY, console):
        app.register_blueprint(module.bp)
    return app


def close(app: Flask) -> None:
    """Give back what the application holds."""
    app.extensions["ledger"].close()
    app.extensions["reader"].close()
    app.extensions["keys"].close()
