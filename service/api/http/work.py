"""The kinds of work that requests ask for. Each kind has places of its own (docs/decisions/0135, 0149).

A place is a thread, and a database connection if the work needs one. The gateway begins no more requests than there
are places, so no kind of work can take the places of another, and a request that was begun never waits for a
connection.
"""

from __future__ import annotations

from typing import NamedTuple


class Work(NamedTuple):
    """A kind of work, and its limits in each web process.

    `places`: how many requests are processed at a time. `per_sender`: how many requests of one sender are processed at
    a time. `waiting`, `waiting_per_sender`: how many may wait for a place, in total and per sender. `shared`: whether
    the time that requests take counts towards their sender's share (server/shares.py).
    """

    name: str
    places: int
    per_sender: int
    waiting: int
    waiting_per_sender: int
    shared: bool = False


POST = Work("post", places=1, per_sender=1, waiting=256, waiting_per_sender=128)
"""Posting single events that are short enough to be decided together: one thread answers all that wait."""
BUNDLE = Work("bundle", places=4, per_sender=3, waiting=128, waiting_per_sender=64, shared=True)
"""Posting bundles, long events, and what is not recorded together with others: posts that the application must answer,
and all posts of a sender that has used up its share of the time for posting."""
BULK = Work("bulk", places=1, per_sender=1, waiting=32, waiting_per_sender=8, shared=True)
"""Posting events in large bodies."""
READ = Work("read", places=6, per_sender=2, waiting=128, waiting_per_sender=64, shared=True)
EXPENSIVE = Work("expensive", places=2, per_sender=1, waiting=32, waiting_per_sender=8, shared=True)
"""What may take seconds: exports, checks, digests, statements, dry runs of large bodies."""
OPEN = Work("open", places=2, per_sender=1, waiting=64, waiting_per_sender=64, shared=True)
"""What needs no key, and no database: the published contract."""
MONITOR = Work("monitor", places=1, per_sender=1, waiting=16, waiting_per_sender=8, shared=True)
"""What operators watch: readiness and metrics."""
ALL = (POST, BUNDLE, BULK, READ, EXPENSIVE, OPEN, MONITOR)
POSTING = (POST, BUNDLE, BULK)
READING = (READ, EXPENSIVE, OPEN)
"""What is done in the read process (server/read_process.py)."""
