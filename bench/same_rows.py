"""The limit of appending: the rows that the ledger writes, copied into tables like its own without any decision.

The rows are those of posts that the ledger has just recorded. Each copy of them has other names, so that no row is
written twice. They are formatted before they are timed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
CLAIMS = "select source, kind, number, shared from claim where stream = %s and version = %s"
COPIES = {
    "event": "copy event (position, stream, version, type, recorded_at, fact) from stdin",
    "post": "copy post (source, id, digest, first_position, last_position) from stdin",
    "claim": "copy claim (source, kind, number, stream, version, shared) from stdin",
}
RECORDED_AT = "2026-01-01 00:00:00+00"


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
            steps = [
                [lambda conn=conn, rows=rows: _write(conn, rows) for rows in islice(_bundles(copies, each), how_many)]
                for conn in connections[:writers]
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


def _copies(templates: Sequence[Template]) -> Iterator[dict[str, bytes]]:
    """The rows of each post by table, in the format of COPY, again and again with other names."""
    for position, template in enumerate(cycle(templates)):
        mark = f"~{position // len(templates)}"
        stream, version, type_, fact = template.event
        source, id_, digest = template.post
        yield {
            "event": _line(position + 1, stream + mark, version, type_, RECORDED_AT, fact),
            "post": _line(source, id_ + mark, f"\\x{digest.hex()}", position + 1, position + 1),
            "claim": b"".join(
                _line(of, kind, number + mark, stream + mark, version, "t" if shared else "f")
                for of, kind, number, shared in template.claims
            ),
        }


def _line(*values: object) -> bytes:
    escaped = (str(value).replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n") for value in values)
    return ("\t".join(escaped) + "\n").encode()


def _bundles(copies: Iterator[dict[str, bytes]], each: int) -> Iterator[dict[str, bytes]]:
    while bundle := list(islice(copies, each)):
        yield {table: b"".join(rows[table] for rows in bundle) for table in COPIES}


def _write(conn: psycopg.Connection[Any], rows: dict[str, bytes]) -> object:
    with conn.transaction():
        for table, copy_from in COPIES.items():
            with conn.cursor().copy(copy_from.encode()) as copy:
                copy.write(rows[table])
    return rows
