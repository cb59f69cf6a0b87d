"""Keeps the posts that did not count, beside the log, with the problems they were answered with."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from service.api.http.request_context import ledger
from service.ledger import coalescing
from service.ledger.application import Ledger
from service.ledger.outcomes import Post
from service.postgres.snapshots import Row

OF_EVERY_PROBLEM = frozenset({"type", "title", "title_zh", "status", "remedy", "remedy_zh"})


def keep(refused: Iterable[tuple[Post, Mapping[str, Any]]]) -> None:
    """Keep posts that did not count with the problems they were answered with. Raises Unavailable."""
    rows = {_name(row): row for row in itertools.starmap(_row, refused)}  # a bundle may say the same twice
    if rows:
        coalescing.submit(_write, (ledger(), rows))


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
