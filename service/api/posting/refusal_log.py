"""Stores refused posts, each with the problem that was sent in response, in a table next to the log.

What one key fills there is limited: its oldest refusals are dropped, and never those of another key.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec
from flask import current_app

from service.api.http.request_context import ledger
from service.api.http.visibility import is_limited, is_within_limits
from service.ledger.outcomes import Post
from service.postgres.session import Row

COMMON_MEMBERS = frozenset({"type", "title", "title_zh", "status", "remedy", "remedy_zh"})
"""The members that every problem document has; the other members of a refusal's document are its facts."""

MAX_FACTS_BYTES, MAX_TITLE_CHARACTERS = 8 * 1024, 1_000
"""Of one refusal, so many bytes of facts are kept, as JSON, and so many characters of each sentence. So the refusals of
a bundle of 1 000 events fit in the smallest limit that a ledger may set for a key."""


class Limits(NamedTuple):
    """What is kept of the refusals of one key, at most."""

    max_kept: int
    max_bytes: int


def store(refused: Iterable[tuple[Post, Mapping[str, Any]]]) -> None:
    """Store refused posts with their problem documents. Raises Unavailable if the database cannot be reached."""
    rows = {_identity(row): row for row in itertools.starmap(_row, refused)}  # a bundle may repeat a post
    if rows:
        # The same order in every statement, so that two concurrent statements cannot deadlock.
        ordered = [rows[identity] for identity in sorted(rows)]
        ledger().execute("keep_refusals", **{column: [row[column] for row in ordered] for column in ordered[0]})
        limits: Limits = current_app.config["REFUSALS"]
        ledger().execute("drop_refusals", keys=sorted({row["keys"] for row in ordered}), **limits._asdict())


def _row(post: Post, problem: Mapping[str, Any]) -> Row:
    fund = getattr(post.posted.fact, "fund", None)
    members = {key: value for key, value in problem.items() if key not in COMMON_MEMBERS}
    facts = members.get("facts", members)
    kept = _that_fit(facts)
    return {
        "keys": post.posted.header.key,
        "sources": post.identity.source,
        "ids": post.identity.id,
        "digests": post.identity.digest,
        "problems": problem["type"].rpartition("/")[2],
        "facts": msgspec.json.encode(kept, order="sorted").decode(),
        "types": type(post.posted.fact).__name__,
        "streams": post.posted.stream,
        "actors": post.posted.header.actor,
        "days": post.posted.header.occurred_on,
        "funds": fund,
        "own_funds": fund if fund and is_limited() and is_within_limits(f"fund/{fund}") else None,
        "rules": problem.get("rule"),
        "titles": problem["title"][:MAX_TITLE_CHARACTERS],
        "titles_zh": problem["title_zh"][:MAX_TITLE_CHARACTERS],
        "not_kept": ",".join(sorted(facts.keys() - kept.keys())),
    }


def _that_fit(facts: Mapping[str, Any]) -> Mapping[str, Any]:
    """The facts without the largest ones, so many that the others have at most MAX_FACTS_BYTES as JSON."""
    sizes = {name: len(msgspec.json.encode({name: value})) for name, value in facts.items()}
    left, size = dict(facts), sum(sizes.values())
    for name in sorted(sizes, key=sizes.__getitem__, reverse=True):
        if size <= MAX_FACTS_BYTES:
            break
        size -= sizes[name]
        del left[name]
    return left


def _identity(row: Row) -> tuple[Any, ...]:
    """The identity of a refusal: two refusals with the same identity are one row of the table `refusal`, with a count.

    It consists of the name of the sender's API key, of the source, id and digest of the post, and of the type and facts
    of the problem.
    """
    return tuple(row.values())[:6]
