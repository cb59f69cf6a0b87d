"""Turns posts of the domain tests into posts for the ledger, which have an identity as those of the intake have."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from domain.event import Posted
from service.ledger.application import Ledger
from service.ledger.outcomes import Committed, Post
from service.ledger.recorder import Identity
from service.look_alikes import alike
from tests.scenario import TODAY, calendar_days


@contextmanager
def open_ledger(url: str, pool_size: int = 4) -> Iterator[Ledger]:
    """A ledger with the clock, the calendar and the check of social credit codes that the domain tests use."""
    ledger = Ledger(
        url,
        today=lambda: TODAY,
        working_days=calendar_days,
        valid_uscc=lambda code: not code.startswith("0"),
        alike=alike,
        pool_size=pool_size,
    )
    try:
        yield ledger
    finally:
        ledger.close()


def identified(posted: Posted, expected_version: int | None = None) -> Post:
    """The post with the identity from its header."""
    digest = hashlib.sha256(repr((posted.stream, posted.fact)).encode()).digest()
    identity = Identity(posted.header.source, posted.header.source_id, digest)
    return Post(posted, identity, expected_version)


def put(ledger: Ledger, posts: Iterable[Posted]) -> int:
    """Post `posts` one by one. Each must be recorded. Returns the last position."""
    last = 0
    for posted in posts:
        [outcome] = ledger.post([identified(posted)])
        assert isinstance(outcome, Committed), outcome
        last = outcome.last
    return last
