"""/v1/events: the log, and each stream's own, as CloudEvents."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, current_app

from service.api import answer, cloudevents, http, page, reader
from service.api.contract import shapes
from service.api.contract.operation import operation
from service.api.limits import BUNDLE, MOST_PAGE_BYTES, ONE
from service.api.parameters import MOST, whole
from service.api.problems import Problem
from service.api.reach import must_find, must_read

bp = Blueprint("events", __name__, url_prefix="/v1")

AFTER = whole("After this position", "从该位置之后开始")
AFTER_VERSION = whole("After this version of the stream", "从该版本之后开始")


@bp.get("/events")
@operation("The log from one position on", "日志", shapes.Events, after=AFTER, limit=page.LIMIT)
def log(*, after: int | None, limit: int | None) -> Response:
    must_read()
    size = limit or page.USUAL
    with reader().at() as snapshot:
        rows = snapshot.rows("events", after=after or 0, limit=size, bytes=MOST_PAGE_BYTES)
    return _page(rows, "position", whole=len(rows) == size)


@bp.get("/events/<int:position>")
@operation("One event", "单个事件", shapes.Event)
def one(position: int) -> Response:
    with reader().at() as snapshot:
        row = snapshot.one("event", position=min(position, MOST))
    if row is None:
        raise Problem("not-found")
    must_find(row["fact"]["fund"], _project_of(row["stream"]))
    return answer(_served(row), 200, ONE, {"Cache-Control": http.FOR_EVER})


@bp.get("/funds/<code:fund>/events")
@operation("A fund's own stream", "专项资金的事件流", shapes.Events, after=AFTER_VERSION, limit=page.LIMIT)
def of_fund(fund: str, *, after: int | None, limit: int | None) -> Response:
    must_read(fund)
    return _stream(f"fund/{fund}", after, limit)


@bp.get("/projects/<code:project>/events")
@operation("A project's own stream", "项目的事件流", shapes.Events, after=AFTER_VERSION, limit=page.LIMIT)
def of_project(project: str, *, after: int | None, limit: int | None) -> Response:
    return _stream(f"project/{project}", after, limit)


def _stream(stream: str, after: int | None, limit: int | None) -> Response:
    size = limit or page.USUAL
    with reader().at() as snapshot:
        first = snapshot.one("stream_fund", stream=stream)
        if first is None:
            raise Problem("not-found")
        must_find(first["fund"], _project_of(stream))
        rows = snapshot.rows("stream_events", stream=stream, after=after or 0, limit=size, bytes=MOST_PAGE_BYTES)
        version = snapshot.one("stream_version", stream=stream)
    response = _page(rows, "version", whole=len(rows) == size)
    response.headers["Stream-Version"] = str(version["version"] if version else 0)
    return response


def _page(rows: list[dict[str, Any]], by: str, *, whole: bool) -> Response:
    """A page as a CloudEvents batch, with the address of the next. A whole one never changes."""
    headers = {"Cache-Control": http.FOR_EVER if whole else http.ANEW}
    if rows:
        headers["Link"] = f'<{page.next_address(str(rows[-1][by]))}>; rel="next"'
    return answer([_served(row) for row in rows], 200, BUNDLE, headers)


def _served(row: dict[str, Any]) -> dict[str, Any]:
    return cloudevents.write(row, current_app.config["SOURCE"])


def _project_of(stream: str) -> str | None:
    kind, _, code = stream.partition("/")
    return code if kind == "project" else None
