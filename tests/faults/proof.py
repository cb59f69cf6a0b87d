"""What must be true after every fault: the log has each acknowledged event once and no other, and the books agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import psycopg

import projections
from service.check import check
from tests.faults.senders import SOURCE, Sender

POSTS = "select id, first_position, last_position from post where source = %s"
EVENTS = """
    select fact ->> 'source_id', array_agg(position order by position)
    from event where fact ->> 'source' = %s group by 1
"""


def differences(url: str, senders: Sequence[Sender]) -> list[str]:
    """How the log differs from what the senders know; empty if it does not. The senders must be paused."""
    with psycopg.connect(url) as conn:
        posts = {id_: list(range(first, last + 1)) for id_, first, last in conn.execute(POSTS, [SOURCE])}
        events = dict(conn.execute(EVENTS, [SOURCE]).fetchall())
        [first, last, count] = conn.execute("select min(position), max(position), count(*) from event").fetchone() or ()
    found = [] if (first, last) == (1, count) else [f"positions {first} to {last} of {count} events"]
    found += [f"{id_} has events {events.get(id_)} and a post of {posts.get(id_)}" for id_ in differing(posts, events)]
    acknowledged = {id_: position for sender in senders for id_, position in sender.acknowledged.items()}
    for id_, position in acknowledged.items():
        if posts.get(id_, [])[:1] != [position]:
            found.append(f"{id_} was acknowledged at {position} and is at {posts.get(id_)}")
    found += [f"{id_} at {posts[id_]} was not acknowledged" for id_ in posts if id_ not in acknowledged]
    return found + [wrong for sender in senders for wrong in sender.wrong]


def differing(one: Mapping[str, object], other: Mapping[str, object]) -> list[str]:
    """The keys whose values differ."""
    return sorted(key for key in one.keys() | other.keys() if one.get(key) != other.get(key))


def wrong_books(url: str) -> list[str]:
    """What the check finds, and which tables differ from a fold of the whole log; empty if nothing."""
    found = [finding.en for finding in check(url).findings if finding.kind not in ("refused-today", "says-otherwise")]
    with psycopg.connect(url, autocommit=True) as conn:
        live = tables(conn)
        with conn.transaction(force_rollback=True):
            for name in (*projections.ORDER, "projection"):
                conn.execute(f"delete from {name}")
            while projections.advance(conn):
                pass
            rebuilt = tables(conn)
    return found + [f"{name} differs from a rebuild" for name in projections.ORDER if live[name] != rebuilt[name]]


def tables(conn: psycopg.Connection[tuple[object, ...]]) -> dict[str, list[str]]:
    """The rows of each projection as text, in a fixed order."""
    return {name: sorted(map(repr, conn.execute(f"select * from {name}"))) for name in projections.ORDER}
