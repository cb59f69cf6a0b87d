"""Checks a property on a random life; if it fails, a note on the error has a short script that replays the failure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from random import Random

from domain.event import Posted
from tests.random_life.base import Observer
from tests.random_life.life import RandomLife
from tests.random_life.script import script

Check = Callable[[RandomLife], None]
Replay = Callable[[list[Posted]], RandomLife | None]
"""A function that replays posts. It returns the life of these posts if that life fails in the same way, else None."""
MAX_REPLAYS = 1_000


def no_check(_: RandomLife) -> None:
    """A check that every life passes."""


def prove(
    random: Random,
    steps: int,
    each: Check = no_check,
    end: Check = no_check,
    observer: Callable[[], Observer] | None = None,
) -> RandomLife:
    """Check `each` after every accepted post of a life of `steps` steps, and `end` at its end. Returns the life.

    `observer` creates an observer for the life, and a new observer for each replay. A failure is raised again with a
    note, which has the script of a shorter life that fails with the same type of error.
    """

    def new_life(random: Random) -> RandomLife:
        return RandomLife(random, *([observer()] if observer else ()), start=False)

    life = new_life(random)
    try:
        _live(life, chain(life.begin(), life.live(steps)), each, end)
    except Exception as error:
        kind = type(error)

        def replay(posts: list[Posted]) -> RandomLife | None:
            again = new_life(Random(0))
            again.document_count = life.document_count
            try:
                _live(again, _replayed(again, posts), each, end)
            except Exception as other:  # noqa: BLE001 - compared with the first error below
                return again if isinstance(other, kind) else None
            return None

        error.add_note(f"To replay it:\n\n{script(_shortest(life, replay))}")
        raise
    return life


def _live(life: RandomLife, posts: Iterable[bool], each: Check, end: Check) -> None:
    for accepted in posts:
        if accepted:
            each(life)
    end(life)


def _replayed(life: RandomLife, posts: Iterable[Posted]) -> Iterator[bool]:
    for posted in posts:
        life.wait_until(posted.header.occurred_on)
        yield life.try_(posted)


def _shortest(life: RandomLife, replay: Replay) -> RandomLife:
    """The life without the posts that the failure does not need.

    Chunks of posts are left out one after another, from the last to the first. A chunk stays left out if the life still
    fails. Then the same is done with chunks of half the size, down to single posts.
    """
    posts = [*life.accepted, *([life.last] if life.last and life.last not in life.accepted[-1:] else ())]
    size, replays = len(posts), 0
    while size and replays < MAX_REPLAYS:
        before, start = len(posts), len(posts) - size
        while start > -size and replays < MAX_REPLAYS:
            replays += 1
            fewer = posts[: max(start, 0)] + posts[start + size :]
            if again := replay(fewer):
                life, posts = again, fewer
            start -= size
        if size > 1 or len(posts) == before:  # single posts are tried until none can be left out
            size //= 2
    return life
