"""/v1/documents: the events that cite a document, found by its number 文号 in normalized form."""

from __future__ import annotations

from flask import Blueprint, Response
from msgspec.structs import asdict

from domain.documents import normal, official
from service.api import response_types
from service.api.http import pagination
from service.api.http.held_funds import absent, as_of, tables
from service.api.http.operation import operation
from service.api.http.parameters import FUND, MIN_POSITION, PROJECT, text, whole
from service.api.http.problems import Problem
from service.api.http.visibility import must_read

bp = Blueprint("documents", __name__, url_prefix="/v1/documents")


@bp.get("/<path:number>")
@operation(
    "List the events that cite a document",
    "引用某文件的事件",
    response_types.Cited,
    fund=FUND,
    project=PROJECT,
    kind=text("Filter by kind of document", "仅限该类文件", 20),
    after=whole("Cursor: return only what comes after this log position", "从该位置之后开始"),
    limit=pagination.LIMIT,
    min_position=MIN_POSITION,
)
def cited(
    number: str,
    *,
    fund: str | None,
    project: str | None,
    kind: str | None,
    after: int | None,
    limit: int | None,
    min_position: int | None,
) -> Response:
    must_read(fund, project)
    size = limit or pagination.DEFAULT_ROWS
    if "\x00" in number:
        raise Problem("not-found")
    filters = {"number": number, "fund": fund, "stream": project and f"project/{project}", "kind": kind}
    with tables(min_position, fund, project) as snapshot:
        rows = snapshot.rows("citations", **filters, after=after or 0, limit=size)
        parts = official(number)
        members = {
            "number": normal(number),
            "official": parts and asdict(parts),
            "as_of": as_of(snapshot, fund, project),
        }
        if not rows and not after:
            raise absent(snapshot, number=number)
    return pagination.answer_rows("citations", rows, members, size, lambda row: str(row["position"]))
