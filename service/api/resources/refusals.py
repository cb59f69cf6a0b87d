"""/v1/refusals: the refused posts. /v1/posts: the outcome of a post, for a client that lost the response."""

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
from service.api.http.visibility import fund_of, is_limited, is_within_limits, may_read, must_read
from service.api.posting import concealment
from service.api.posting.event_schemas import SCHEMAS
from service.postgres.session import Row

bp = Blueprint("refusals", __name__, url_prefix="/v1")


@bp.get("/refusals")
@operation(
    "List refused posts",
    "被拒绝的提交",
    response_types.Refusals,
    fund=FUND,
    project=PROJECT,
    key=text("Filter by key name", "密钥名称"),
    type=one_of("Filter by event type", "仅限该事件类型", *sorted(SCHEMAS)),
    after=whole("Cursor: return only refusals after this id", "从该编号之后开始"),
    limit=pagination.LIMIT,
)
def refusals(
    *, fund: str | None, project: str | None, after: int | None, limit: int | None, **filters: Any
) -> Response:
    must_read(fund, project)
    size = limit or pagination.DEFAULT_ROWS
    with reader().at() as snapshot:
        stream = project and f"project/{project}"
        of_fund = fund_of(stream) if stream and is_limited() else None
        filters |= {"fund": fund, "stream": stream, "of_fund": of_fund, "source": None, "post_id": None}
        rows = snapshot.rows("refusals", **filters, after=after or 0, limit=size)
        dropped = snapshot.rows("dropped_refusals", **filters, own_key=principal().name)
    rows = [concealment.of_row(row) for row in rows]
    return pagination.answer_rows("refusals", rows, {"dropped": dropped}, size, lambda row: str(row["id"]))


@bp.get("/posts")
@operation(
    "Get the outcome of a post",
    "查询某次提交的结果",
    response_types.PostFound,
    scope=None,
    source=text("The `source` of the event", "事件的 source"),
    id=text("The `id` of the event", "事件的 id"),
)
def post(*, source: str | None, id: str | None) -> Response:  # noqa: A002 - the published parameter name
    if source is None or id is None:
        raise Problem("bad-parameter", parameter="source" if source is None else "id", detail="It is required. 必填。")
    with reader().at() as snapshot:
        recorded = snapshot.one("post", source=source, id=id)
        no_filters = dict.fromkeys(("fund", "stream", "of_fund", "key", "type"))
        refused = snapshot.rows("refusals", **no_filters, source=source, post_id=id, after=0, limit=pagination.MAX_ROWS)
        head = snapshot.head
    own_key = principal().name
    refused = [
        _to_sender(row) if row["key"] == own_key else concealment.of_row(row)
        for row in refused
        if row["key"] == own_key or may_read(row["fund"])
    ]
    if recorded and recorded.pop("key") != own_key and not may_read(recorded["fund"]):
        recorded = None
    if not recorded and not refused:
        raise Problem("no-such-post", source=source, id=id, as_of={"position": head})
    return answer(
        {
            "source": source,
            "id": id,
            "outcome": "recorded" if recorded else "refused",
            **(recorded or {}),
            "refusals": refused,
            "as_of": {"position": head},
        }
    )


def _to_sender(row: Row) -> Row:
    """A refusal as its sender may see it: without the fund of a project that the sender's key does not cover.

    Such a refusal is one of ProjectOpened that was stored by version 0.2 for the fund that has the project.
    """
    shown = is_within_limits(row["stream"]) or is_within_limits(f"fund/{row['fund']}")
    return {**concealment.of_row(row, own=True), "fund": row["fund"] if shown else None}
