"""/healthz: whether the process responds. /readyz: whether the database is reachable, and the projections' position."""

from __future__ import annotations

from flask import Blueprint, Response, current_app
from psycopg import Error

from service import __version__
from service.api import response_types
from service.api.http.operation import operation
from service.api.http.request_context import keys, ledger, reader
from service.api.http.responses import answer
from service.api.http.work import MONITOR
from service.ledger.application import Unavailable
from service.postgres.queries import QUERIES

bp = Blueprint("health", __name__)


@bp.get("/healthz")
@operation("Check that the process responds", "进程是否存活", response_types.Alive, scope=None, work=MONITOR)
def alive() -> Response:
    return answer({"status": "ok", "version": __version__})


@bp.get("/readyz")
@operation("Check that the database is reachable", "数据库是否可用", response_types.Ready, scope=None, work=MONITOR)
def ready() -> Response:
    """Whether the database is reachable and the service is ready, with the positions of the log and the projections.

    Every connection pool of this process is used as a post would use it, so that a working pool does not hide a broken
    one. The read process is not asked: posts go on without it, and `suyuan_read_process_up` tells.
    """
    warming = current_app.extensions.get("warming")
    if warming and warming.is_alive():
        return answer({"status": "reading the longest streams"}, 503)
    try:
        with keys().connection() as conn:
            conn.execute(QUERIES["find_key"], {"digest": b""})
        ledger().execute("head")
        with reader().at() as snapshot:
            positions = {"log_position": snapshot.head, "projected_position": snapshot.position}
        return answer({"status": "ready", **positions})
    except (Error, Unavailable):
        return answer({"status": "database out of reach"}, 503)
