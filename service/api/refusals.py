"""/v1/refusals and /v1/posts: what was posted and did not count, and what became of a post whose answer was lost."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from flask import Blueprint, Response

from service import abreast
from service.api import answer, ledger, page, principal, reader
from service.api.contract import shapes
from service.api.contract.operation import operation
from service.api.facts import SCHEMAS
from service.api.parameters import FUND, PROJECT, one_of, text, whole
from service.api.problems import Problem
from service.api.reach import may_read, must_read
from service.ledger import Ledger, Post
from service.reads import Row

bp = Blueprint("refusals", __name__, url_prefix="/v1")


OF_EVERY_PROBLEM = frozenset({"type", "title", "title_zh", "status", "remedy", "remedy_zh"})


def keep(refused: Iterable[tuple[Post, Mapping[str, Any]]]) -> None:
    """Keep posts that did not count with the problems they were answered with. Raises Unavailable."""
    rows = {_name(row): row for row in itertools.starmap(_row, refused)}  # a bundle may say the same twice
    if rows:
        abreast.do(_write, (ledger(), rows))


def _row(post: Post, problem: Mapping[str, Any]) -> Row:
    facts = {key: value for key, value in problem.items() if key not in OF_EVERY_PROBLEM}
    return {
        "keys": post.posted.header.key,
        "sources": post.identity.source,
        "ids": post.identity.id,
        "digests": post.identity.digest,
        "problems": problem["type"].rpartition("/")[2],
        "facts": msgspec.json.encode(facts.get("facts", facts), order="sorted").decode(),
        "types": type(post.posted.fact).__name__,
        "streams": post.posted.stream,
        "actors": post.posted.header.actor,
        "days": post.posted.header.occurred_on,
        "funds": getattr(post.posted.fact, "fund", None),
        "rules": problem.get("rule"),
        "titles": problem["title"],
        "titles_zh": problem["title_zh"],
    }


def _name(row: Row) -> tuple[Any, ...]:
    """What tells a refusal from others: who sent which post, and why it does not count."""
    return tuple(row.values())[:6]


def _write(asked: Sequence[tuple[Ledger, dict[tuple[Any, ...], Row]]]) -> None:
    """Write what requests that are answered together want kept; what several of them say is counted for each."""
    [(books, _), *_] = asked
    left = [rows for _, rows in asked]
    while left:
        now: dict[tuple[Any, ...], Row] = {}
        later = []
        for rows in left:
            (later.append(rows) if rows.keys() & now.keys() else now.update(rows))
        ordered = [now[name] for name in sorted(now)]  # in one order, so that two statements never lock crosswise
        books.execute("keep_refusals", **{column: [row[column] for row in ordered] for column in ordered[0]})
        left = later


@bp.get("/refusals")
@operation(
    "Posts that did not count",
    "被拒绝的提交",
    shapes.Refusals,
    fund=FUND,
    project=PROJECT,
    key=text("A key's name", "密钥名称"),
    type=one_of("Only this event type", "仅限该事件类型", *sorted(SCHEMAS)),
    after=whole("After this id", "从该编号之后开始"),
    limit=page.LIMIT,
)
def refusals(*, fund: str | None, project: str | None, after: int | None, limit: int | None, **of: Any) -> Response:
    must_read(fund, project)
    size = limit or page.USUAL
    with reader().at() as snapshot:
        wanted = {**of, "fund": fund, "stream": project and f"project/{project}", "source": None, "post_id": None}
        rows = snapshot.rows("refusals", **wanted, after=after or 0, limit=size)
    return page.answer_rows("refusals", rows, {}, size, lambda row: str(row["id"]))


@bp.get("/posts")
@operation(
    "What became of a post",
    "查询某次提交的结果",
    shapes.PostFound,
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
        refused = snapshot.rows("refusals", **anything, source=source, post_id=id, after=0, limit=page.MOST)
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
