"""Tries a property on a life; if it fails, the error tells how to replay it, in as few posts as were found to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from random import Random

from domain.event import Posted
from tests.random_life.life import RandomLife, Witness
from tests.random_life.script import script

Check = Callable[[RandomLife], None]
Replay = Callable[[list[Posted]], RandomLife | None]
"""The life of these posts if it fails too, else None."""
MAX_REPLAYS = 1_000


def nothing(_: RandomLife) -> None:
    """What always holds."""


def prove(
    random: Random,
    steps: int,
    each: Check = nothing,
    end: Check = nothing,
    witness: Callable[[], Witness] | None = None,
) -> RandomLife:
    """`each` holds after every post that counts in a life of so many steps, and `end` at its end.

    `witness` makes the one who looks on, also at each replay.
    """

    def unborn(random: Random) -> RandomLife:
        return RandomLife(random, *([witness()] if witness else ()), born=False)

    life = unborn(random)
    try:
        _live(life, chain(life.begin(), life.live(steps)), each, end)
    except Exception as error:
        kind = type(error)

        def replay(posts: list[Posted]) -> RandomLife | None:
            again = unborn(Random(0))
            again.numbers = life.numbers
            try:
                _live(again, _replayed(again, posts), each, end)
            except Exception as other:  # noqa: BLE001 - whatever it is, it is the same or another
                return again if isinstance(other, kind) else None
            return None

        error.add_note(f"To replay it:\n\n{script(_shortest(life, replay))}")
        raise
    return life


def _live(life: RandomLife, posts: Iterable[bool], each: Check, end: Check) -> None:
    for counted in posts:
        if counted:
            each(life)
    end(life)


def _replayed(life: RandomLife, posts: Iterable[Posted]) -> Iterator[bool]:
    for posted in posts:
        life.wait_until(posted.header.occurred_on)
        yield life.try_(posted)


def _shortest(life: RandomLife, replay: Replay) -> RandomLife:
    """The life without posts that the failure does not need: chunk by chunk, the last first, each half as large."""
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
        if size > 1 or len(posts) == before:  # singly until no one can be spared
            size //= 2
    return life
