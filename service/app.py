"""The composition root: everything is built here, once, and nowhere else."""

from __future__ import annotations

from flask import Flask, g, request
from stdnum.cn import uscc

from service import calendar, console, logs
from service.api import events, fen, funds, health, problems, projects
from service.api.parameters import CodeConverter
from service.api.problems import Problem
from service.config import Config
from service.keys import Keyring, Principal
from service.ledger import Ledger
from service.reads import Reader, open_pool

MOST_BYTES = 8 * 1024 * 1024
"""The largest body that is read."""


def open_ledger(url: str) -> Ledger:
    """The ledger on this database, with today's date, the Chinese calendar and the check digits of USCC."""
    return Ledger(url, today=calendar.today, working_days=calendar.working_days, valid_uscc=uscc.is_valid)


def create_app(config: Config) -> Flask:
    """The web service on `config.database_url`. Open it after any fork: it holds connections."""
    assert config.database_url is not None, "the database is chosen before the app is built"
    app = Flask(__name__, static_folder=None)
    app.config.update(SECRET=config.secret, SOURCE=config.source, MAX_CONTENT_LENGTH=MOST_BYTES)
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    # What answers without a key; the page does only where it shows the example, on loopback.
    shows_example = config.example and config.host in ("127.0.0.1", "::1", "localhost")
    open_to_all = ("health", "console") if shows_example else ("health",)
    app.url_map.converters["code"] = CodeConverter
    pool = open_pool(config.database_url, size=8)
    keyring = Keyring(pool, config.secret)
    app.extensions["ledger"] = open_ledger(config.database_url)
    app.extensions["reader"] = Reader(pool)
    logs.install(app)
    problems.install(app)

    @app.before_request
    def _let_in() -> None:
        if request.blueprint not in open_to_all:
            g.principal = _principal(keyring)

    for module in (events, funds, projects, fen, health, console):
        app.register_blueprint(module.bp)
    return app


def _principal(keyring: Keyring) -> Principal:
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    principal = keyring.principal(key.strip()) if scheme.lower() == "bearer" and key.isascii() else None
    if principal is None:
        raise Problem("no-key", {"WWW-Authenticate": 'Bearer realm="suyuan"'})
    if request.method in ("GET", "HEAD") and "read" not in principal.scopes:
        raise Problem("wrong-scope", scope="read")
    return principal
