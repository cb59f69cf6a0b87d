"""/v1/events/{position}, and the events of one fund's or project's stream, as CloudEvents."""

from __future__ import annotations

from flask import Response, current_app

from service.api import response_types
from service.api.http import pagination, response_headers
from service.api.http.limits import BUNDLE, EVENT, MAX_PAGE_BYTES
from service.api.http.operation import operation
from service.api.http.parameters import MAX_INTEGER, whole
from service.api.http.problems import Problem
from service.api.http.request_context import reader
from service.api.http.visibility import must_find, must_read, project_of
from service.api.resources.feed import bp

__all__ = ["bp"]

AFTER_VERSION = whole("Cursor: return only events after this version of the stream", "从该版本之后开始")


@bp.get("/events/<int:position>")
@operation("Get an event", "单个事件", response_types.Event)
def one(position: int) -> Response:
    with reader().at() as snapshot:
        row = snapshot.one("event", position=min(position, MAX_INTEGER), source=current_app.config["SOURCE"])
    if row is None:
        raise Problem("not-found")
    must_find(row["fund"], project_of(row["stream"]))
    return Response(f"{row['line']}\n", 200, {"Cache-Control": response_headers.IMMUTABLE}, content_type=EVENT)


@bp.get("/funds/<code:fund>/events")
@operation(
    "List the events of a fund's stream",
    "专项资金的事件流",
    response_types.Events,
    after=AFTER_VERSION,
    limit=pagination.LIMIT,
)
def of_fund(fund: str, *, after: int | None, limit: int | None) -> Response:
    must_read(fund)
    return _stream(f"fund/{fund}", after, limit)


@bp.get("/projects/<code:project>/events")
@operation(
    "List the events of a project's stream",
    "项目的事件流",
    response_types.Events,
    after=AFTER_VERSION,
    limit=pagination.LIMIT,
)
def of_project(project: str, *, after: int | None, limit: int | None) -> Response:
    return _stream(f"project/{project}", after, limit)


def _stream(stream: str, after: int | None, limit: int | None) -> Response:
    size, source = limit or pagination.DEFAULT_ROWS, current_app.config["SOURCE"]
    params = {"stream": stream, "after": after or 0, "limit": size, "bytes": MAX_PAGE_BYTES, "source": source}
    with reader().at() as snapshot:
        first = snapshot.one("stream_fund", stream=stream)
        if first is None:
            raise Problem("not-found")
        must_find(first["fund"], project_of(stream))
        rows = snapshot.rows("stream_events", **params)
        version = snapshot.one("stream_version", stream=stream)
    headers = {
        "Cache-Control": response_headers.IMMUTABLE if len(rows) == size else response_headers.REVALIDATE,
        "Stream-Version": str(version["version"] if version else 0),
    }
    if rows:
        headers["Link"] = f'<{pagination.next_url(str(rows[-1]["cursor"]))}>; rel="next"'
    return Response(f"[{','.join(row['line'] for row in rows)}]\n", 200, headers, content_type=BUNDLE)
