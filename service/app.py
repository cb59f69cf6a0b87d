"""The composition root: the only module that builds the application from its parts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import lru_cache, partial
from typing import Any, NamedTuple

from flask import Flask, g, request
from stdnum.cn import uscc
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import MapAdapter

from domain.ledger_view import LedgerView
from service import calendar, console
from service.api.contract import event_types, openapi, problem_pages
from service.api.http import problems, response_headers
from service.api.http.limits import MAX_BODY_BYTES
from service.api.http.parameters import CodeConverter, NameConverter, NumberConverter
from service.api.http.request_context import PRINCIPAL
from service.api.http.work import ALL, OPEN, POST, POSTING, READ, Work
from service.api.posting import intake, refusal_log
from service.api.resources import (
    alerts,
    allocations,
    annexes,
    applications,
    awards,
    calendars,
    checks,
    documents,
    events,
    fen,
    findings,
    funds,
    health,
    identities,
    interest,
    journals,
    keys,
    metrics,
    notes,
    payments,
    projects,
    reconciliations,
    refusals,
    rules,
    why,
)
from service.auth import tokens
from service.auth.api_keys import Keyring
from service.auth.authenticator import Authenticator
from service.calendar.imports import calendar_of, history
from service.calendar.working_days import Calendar, packaged_working_days
from service.config import Config
from service.ledger.application import Ledger
from service.look_alikes import alike
from service.observability import request_log
from service.observability.metrics import ProcessState, State
from service.postgres.snapshots import Reader, keys_pool, open_pool

OPEN_MODULES = (health, event_types, rules, openapi, problem_pages)
"""Modules whose endpoints need no API key: health checks and the published contract."""
BY_KEY = (
    intake, events, funds, annexes, journals, alerts, projects, why, allocations, payments, awards, applications,
    identities, documents, notes, fen, checks, reconciliations, refusals, calendars, keys, metrics, findings, interest,
)  # fmt: skip
"""Modules whose endpoints need an API key or a token."""


MAX_ROUTES = 256
"""How many routes of requests are kept: Werkzeug takes 10 µs to find one."""


def open_ledger(url: str, *, connections: int = 8, kept: int = 8) -> Ledger:
    """The ledger in the database at `url`, with at most so many connections, of which it keeps `kept` open.

    The ledger uses today's date, the Chinese calendar, the check digits of social credit codes (USCC), and Unicode's
    table of characters that look alike.
    """
    return Ledger(
        url,
        today=calendar.today,
        working_days=packaged_working_days,
        valid_uscc=uscc.is_valid,
        alike=alike,
        pool_size=connections,
        kept=kept,
    )


def empty_view() -> LedgerView:
    """A view of an empty ledger without imported calendars. With it, posts can be decided without a database."""
    return LedgerView(calendar.today(), Calendar().working_days, uscc.is_valid, alike)


class _Synchronous(Flask):
    """A Flask application that skips Flask's check for coroutine functions, because all functions here are synchronous.

    Flask makes the check five times per request.
    """

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func


def create_app(config: Config, works: Collection[Work] = ALL) -> Flask:
    """Build the web service on the database `config.database_url`.

    `works`: the kinds of work that this process does. Each pool has a connection for each of their places, so that no
    request waits for one. The service opens connections, so call this function only after forking.
    """
    assert config.database_url is not None, "the database is chosen before the app is built"
    app = _routes()
    app.config.update(DATABASE_URL=config.database_url, SECRET=config.secret, SOURCE=config.source)
    app.config["EXAMPLE"] = config.example
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.config["REFUSALS"] = refusal_log.Limits(config.refusals, config.refusal_mb * 2**20)

    places, posting = (sum(work.places for work in kinds) for kinds in (works, {*works} & {*POSTING}))
    ledger = open_ledger(config.database_url, connections=places, kept=max(posting, 1))
    reads, key_reads = open_pool(config.database_url, size=places), keys_pool(config.database_url)
    reader = Reader(reads)
    issuer = tokens.read(config.oidc) if config.oidc else None
    authenticator = Authenticator(Keyring(key_reads, config.secret), issuer)
    pools = {"ledger": ledger.pool_stats, "reads": reads.get_stats, "keys": key_reads.get_stats}
    state = State(partial(_figures, reader), partial(_process_state, pools, ledger))
    app.extensions.update(ledger=ledger, reader=reader, authenticator=authenticator)
    app.extensions.update(keys=key_reads, metrics=state)

    request_log.install(app)
    response_headers.install(app)
    problems.install(app)
    open_to_all = {module.bp.name for module in OPEN_MODULES}
    # The console needs no key only if it shows the example ledger and listens on loopback.
    if config.example and config.host in ("127.0.0.1", "::1", "localhost"):
        open_to_all.add(console.bp.name)

    @app.before_request
    def _authenticate() -> None:
        if request.blueprint not in open_to_all:
            g.principal = request.environ.get(PRINCIPAL) or authenticator.authenticate(
                request.headers.get("Authorization", "")
            )

    route = partial(_route, app.url_map.bind(""), app.view_functions, open_to_all)
    app.extensions["route"] = lru_cache(MAX_ROUTES)(route)
    return app


class Route(NamedTuple):
    """What the gateway must know of a request's address: the kind of work, and whether a key is needed.

    `methods`: the methods that the address supports; empty if the request's is one of them or the address is unknown.
    `rule`: the address with the names of its parameters. `stream`: the stream that it names, if events are posted to
    one.
    """

    work: Work
    needs_key: bool
    methods: tuple[str, ...] = ()
    rule: str = "none"
    stream: str | None = None


def _route(
    urls: MapAdapter, views: Mapping[str, Any], open_blueprints: Collection[str], method: str, path: str
) -> Route:
    """The route of a request; that of an ordinary read if the path or method is unknown.

    Methods are case-sensitive; Werkzeug's are not.
    """
    try:
        rule, arguments = urls.match(path, method if method.isupper() else "unknown", return_rule=True)
    except MethodNotAllowed as error:
        return Route(READ, needs_key=True, methods=tuple(error.valid_methods or ()))
    except HTTPException:
        return Route(READ, needs_key=True)
    declared = getattr(views[rule.endpoint], "operation", None)
    needs_key = rule.endpoint.rpartition(".")[0] not in open_blueprints
    work = declared.work if declared else READ
    streams = [f"{kind}/{code}" for kind, code in arguments.items()] if work is POST else []
    stream = next(iter(streams), None)
    return Route(work if needs_key or work is not READ else OPEN, needs_key, (), rule.rule, stream)


def _process_state(pools: Mapping[str, Callable[[], Mapping[str, int]]], ledger: Ledger) -> ProcessState:
    return ProcessState({name: stats_of() for name, stats_of in pools.items()}, ledger.unreadable_snapshots())


def _figures(reader: Reader) -> dict[str, float]:
    """The ledger's metrics by name. Raises psycopg.Error if the database does not answer."""
    return {**reader.lag(), "suyuan_calendar_days": _calendar_days(reader)}


def _calendar_days(reader: Reader) -> int:
    """The number of days from today that the calendar still covers.

    The calendar is read with `reader`, because all connections of the ledger itself may be in use.
    """
    with reader.at() as snapshot:
        known = calendar_of(history(snapshot.conn), packaged_working_days)
    return LedgerView(calendar.today(), known.working_days, uscc.is_valid, alike).calendar_days_left()


def _routes() -> Flask:
    """The application with all its routes, but without a database, authentication or error handlers."""
    app = _Synchronous(__name__, static_folder=None)
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.url_map.merge_slashes = False  # otherwise `//` redirects to any host that the client names
    app.url_map.converters |= {"code": CodeConverter, "name": NameConverter, "int": NumberConverter}
    for module in (*OPEN_MODULES, *BY_KEY, console):
        app.register_blueprint(module.bp)
    return app


def contract() -> dict[str, Any]:
    """The OpenAPI document. Needs no database."""
    with _routes().app_context():
        return openapi.document()


def close(app: Flask) -> None:
    """Close the application's database connections."""
    app.extensions["ledger"].close()
    app.extensions["reader"].close()
    app.extensions["keys"].close()
