"""/v1/refusals and /v1/posts: what was posted and did not count, and what became of a post whose answer was lost."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from service.api import response_types
from service.api.http import pagination
from service.api.http.operation import operation
from service.api.http.parameters import FUND, PROJECT, one_of, text, whole
from service.api.http.problems import Problem
from service.api.http.request_context import principal, reader
from service.api.http.responses import answer
from service.api.http.visibility import may_read, must_read
from service.api.posting.event_schemas import SCHEMAS

bp = Blueprint("refusals", __name__, url_prefix="/v1")


@bp.get("/refusals")
@operation(
    "Posts that did not count",
    "被拒绝的提交",
    response_types.Refusals,
    fund=FUND,
    project=PROJECT,
    key=text("A key's name", "密钥名称"),
    type=one_of("Only this event type", "仅限该事件类型", *sorted(SCHEMAS)),
    after=whole("After this id", "从该编号之后开始"),
    limit=pagination.LIMIT,
)
def refusals(*, fund: str | None, project: str | None, after: int | None, limit: int | None, **of: Any) -> Response:
    must_read(fund, project)
    size = limit or pagination.DEFAULT_ROWS
    with reader().at() as snapshot:
        wanted = {**of, "fund": fund, "stream": project and f"project/{project}", "source": None, "post_id": None}
        rows = snapshot.rows("refusals", **wanted, after=after or 0, limit=size)
    return pagination.answer_rows("refusals", rows, {}, size, lambda row: str(row["id"]))


@bp.get("/posts")
@operation(
    "What became of a post",
    "查询某次提交的结果",
    response_types.PostFound,
    scope=None,
    source=text("The event's source", "事件的 source"),
    id=text("The event's id", "事件的 id"),
)
def post(*, source: str | None, id: str | None) -> Response:  # noqa: A002 - its name on the wire
    if source is None or id is None:
        raise Problem("bad-parameter", parameter="source" if source is None else "id", detail="It is required. 必填。")
    with reader().at() as snapshot:
        found = snapshot.one("post", source=source, id=id)
        anything = dict.fromkeys(("fund", "stream", "key", "type"))
        refused = snapshot.rows("refusals", **anything, source=source, post_id=id, after=0, limit=pagination.MAX_ROWS)
        head = snapshot.head
    mine = principal().name
    refused = [row for row in refused if row["key"] == mine or may_read(row["fund"])]
    if found and found.pop("key") != mine and not may_read(found["fund"]):
        found = None
    if not found and not refused:
        raise Problem("no-such-post", source=source, id=id, as_of={"position": head})
    return answer(
        {
            "source": source,
            "id": id,
            "outcome": "recorded" if found else "refused",
            **(found or {}),
            "refusals": refused,
            "as_of": {"position": head},
        }
    )
