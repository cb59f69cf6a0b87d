"""/v1/calendars: the imported holiday calendars, and the position from which each was in force."""

from __future__ import annotations

from flask import Blueprint, Response

from service.api import response_types
from service.api.http.operation import operation
from service.api.http.request_context import reader
from service.api.http.responses import answer
from service.calendar import imports

bp = Blueprint("calendars", __name__)


@bp.get("/v1/calendars")
@operation(
    "List the imported holiday calendars, also those that were replaced", "已导入的放假安排", response_types.Calendars
)
def imported() -> Response:
    with reader().at() as snapshot:
        return answer({"calendars": imports.as_json(imports.history(snapshot.conn))})
