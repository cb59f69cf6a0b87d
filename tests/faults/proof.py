"""What must be true: after each fault, the log has every acknowledged event once and no other; finally, the books."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import psycopg

from service.check import check
from tests.faults.senders import SOURCE, Sender
from tests.folded import differing_from_a_fold

POSTS = "select id, first_position, last_position from post where source = %s"
EVENTS = """
    select fact ->> 'source_id', array_agg(position order by position)
    from event where fact ->> 'source' = %s group by 1
"""

CONTENTS = """
    select id, type, fact ->> 'amount' from post join event on position = first_position where post.source = %s
"""


def differences(url: str, senders: Sequence[Sender]) -> list[str]:
    """How the log differs from what the senders know; empty if it does not. The senders must be paused."""
    with psycopg.connect(url) as conn:
        posts = {id_: list(range(first, last + 1)) for id_, first, last in conn.execute(POSTS, [SOURCE])}
        events = dict(conn.execute(EVENTS, [SOURCE]).fetchall())
        contents = {id_: tuple(content) for id_, *content in conn.execute(CONTENTS, [SOURCE])}
        [first, last, count] = conn.execute("select min(position), max(position), count(*) from event").fetchone() or ()
    found = [] if (first, last) == (1, count) else [f"positions {first} to {last} of {count} events"]
    found += [f"{id_} has events {events.get(id_)} and a post of {posts.get(id_)}" for id_ in differing(posts, events)]
    acknowledged = {id_: position for sender in senders for id_, position in sender.acknowledged.items()}
    for id_, position in acknowledged.items():
        if posts.get(id_, [])[:1] != [position]:
            found.append(f"{id_} was acknowledged at {position} and is at {posts.get(id_)}")
    sent = {id_: (each["type"], each["data"].get("amount")) for s in senders for id_, each in s.sent.items()}
    found += [f"{id_} is recorded as {contents[id_]}" for id_ in contents if contents[id_] != sent.get(id_)]
    found += [f"{id_} at {posts[id_]} was not acknowledged" for id_ in posts if id_ not in acknowledged]
    return found + [wrong for sender in senders for wrong in sender.wrong]


def differing(one: Mapping[str, object], other: Mapping[str, object]) -> list[str]:
    """The keys whose values differ."""
    return sorted(key for key in one.keys() | other.keys() if one.get(key) != other.get(key))


def wrong_books(url: str) -> list[str]:
    """What the check finds, and which tables differ from a fold of the whole log; empty if nothing."""
    found = [finding.en for finding in check(url).findings if finding.kind not in ("refused-today", "says-otherwise")]
    with psycopg.connect(url, autocommit=True) as conn:
        return found + [f"{name} differs from a rebuild" for name in differing_from_a_fold(conn)]
