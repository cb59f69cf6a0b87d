"""The limit of appending: the rows that the ledger writes, written into tables like its own without any decision.

The rows are those of posts that the ledger has just recorded. Each copy of them has other names, so that no row is
written twice. They are made before they are timed. Several posts are written by COPY, a single one by one statement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle, islice
from typing import Any, NamedTuple

import psycopg

from bench.peers import MakeContender
from bench.race import SAME_ROWS, Contender, Run, in_threads
from bench.server import new_ledger

SOME = 3_000
MAX_PER_SECOND = 12_000
EVENTS = """
    select e.position, e.stream, e.version, e.type, e.fact::text, p.source, p.id, p.digest
    from event as e
    join post as p on p.first_position = e.position
    where e.position > (select max(position) from event) - %s
    order by e.position
"""
CLAIMS = """
    select source, kind, number, shared, issuer, own_bank, day, event_day from claim where stream = %s and version = %s
"""
COPIES = {
    "event": "copy event (position, stream, version, type, recorded_at, fact) from stdin",
    "post": "copy post (source, id, digest, first_position, last_position) from stdin",
    "claim": (
        "copy claim (source, kind, number, stream, version, shared, issuer, own_bank, day, event_day) from stdin"
    ),
}
RECORDED_AT = "2026-01-01 00:00:00+00"
ONE = """
    with e as (
        insert into event (position, stream, version, type, recorded_at, fact) values (%s, %s, %s, %s, %s, %s)
    ), p as (
        insert into post (source, id, digest, first_position, last_position) values (%s, %s, %s, %s, %s)
    )
    insert into claim (source, kind, number, stream, version, shared, issuer, own_bank, day, event_day)
    select * from unnest(
        %s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::boolean[],
        %s::text[], %s::text[], %s::text[], %s::text[]
    )
"""
Rows = dict[str, list[tuple[Any, ...]]]
"""The rows of some posts, by table."""


class Template(NamedTuple):
    """The rows of one post: of its event, of the post itself, and of the numbers that it claims."""

    event: tuple[Any, ...]
    post: tuple[Any, ...]
    claims: list[tuple[Any, ...]]


@contextmanager
def same_rows(url: str, server_url: str, writers: int) -> Iterator[dict[str, MakeContender]]:
    """Yields the peer that copies the rows of the last posts of the ledger at `url` into a database of its own."""
    templates = _templates(url)
    own = new_ledger(server_url, "same_rows")
    connections = [psycopg.connect(own, autocommit=True) for _ in range(writers)]
    copies = _copies(templates)

    def made(writers: int, each: int) -> Contender:
        def run(seconds: float) -> Run:
            how_many = max(1, int(MAX_PER_SECOND * seconds * (1 if each == 1 else 5) / each / writers))
            prepare = _one if each == 1 else _many
            steps = [
                [prepare(conn, list(islice(copies, each))) for _ in range(how_many)] for conn in connections[:writers]
            ]
            return in_threads(steps, seconds, each)

        return Contender(SAME_ROWS, run)

    try:
        yield {SAME_ROWS: made}
    finally:
        for connection in connections:
            connection.close()


def _templates(url: str) -> list[Template]:
    with psycopg.connect(url) as conn:
        found = []
        for _, stream, version, type_, fact, source, id_, digest in conn.execute(EVENTS, [SOME]).fetchall():
            claims = conn.execute(CLAIMS, [stream, version]).fetchall()
            found.append(Template((stream, version, type_, fact), (source, id_, digest), claims))
        return found


def _copies(templates: Sequence[Template]) -> Iterator[Rows]:
    """The rows of each post, again and again with other names."""
    for at, template in enumerate(cycle(templates)):
        mark, position = f"~{at // len(templates)}", at + 1
        stream, version, type_, fact = template.event
        source, id_, digest = template.post
        yield {
            "event": [(position, stream + mark, version, type_, RECORDED_AT, fact)],
            "post": [(source, id_ + mark, digest, position, position)],
            "claim": [
                (of, kind, number + mark, stream + mark, version, shared, *apart)
                for of, kind, number, shared, *apart in template.claims
            ],
        }


def _one(conn: psycopg.Connection[Any], posts: Sequence[Rows]) -> Callable[[], object]:
    [rows] = posts
    claims = [list(column) for column in zip(*rows["claim"], strict=True)] or [[] for _ in range(10)]
    values = [*rows["event"][0], *rows["post"][0], *claims]
    return lambda: conn.execute(ONE, values)


def _many(conn: psycopg.Connection[Any], posts: Sequence[Rows]) -> Callable[[], object]:
    lines = {table: b"".join(_line(row) for rows in posts for row in rows[table]) for table in COPIES}

    def write() -> object:
        with conn.transaction():
            for table, copy_from in COPIES.items():
                with conn.cursor().copy(copy_from.encode()) as copy:
                    copy.write(lines[table])
        return lines

    return write


def _line(row: Sequence[object]) -> bytes:
    texts = (f"\\x{value.hex()}" if isinstance(value, bytes) else str(value) for value in row)
    escaped = (text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n") for text in texts)
    return ("\t".join(escaped) + "\n").encode()
