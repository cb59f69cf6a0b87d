"""Posting at a steady rate, both alone and while other work is done.

Each post is sent when it is due, or as soon as its writer is free. A post is timed from when it is sent. So if writers
are late, the times do not show it, but the rate does: it is lower than the rate asked for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event as Flag
from typing import NamedTuple

from bench import appends
from bench.race import Pace, Row, Run, race, settle_memory, summed
from bench.workload import Payments, read
from service.ledger.application import Ledger
from service.ledger.outcomes import Committed, Post

WRITERS = 16
ALONE_SECONDS = 1.0


class Answer(NamedTuple):
    """When a post was sent and answered, by `time.perf_counter`, and the position of its event."""

    sent: float
    answered: float
    position: int


class Timed(NamedTuple):
    """When some work began and ended, by `time.perf_counter`; `events` is the number of events that it handled."""

    events: int
    started: float
    ended: float

    @property
    def seconds(self) -> float:
        return self.ended - self.started

    def as_run(self) -> Run:
        """The figures of a round whose only step was this work. The rate is in events per second."""
        milliseconds = self.seconds * 1000
        return Run(self.events / self.seconds, milliseconds, 0.0, milliseconds)


def limit(section: str, about: str, ledger: Ledger, payments: Payments, pace: Pace) -> Row:
    """Measures how many posts per second all writers can send together. Returns the row with this rate.

    Each writer sends its next post as soon as the one before it is answered.
    """
    contender = appends.contender("Suyuan", ledger, payments, WRITERS)
    contender.run(pace.seconds)
    [row] = race(section, f"{WRITERS} writers, one event, {about}", [contender], pace)
    return row


def prepared(payments: Payments, writers: int, how_many: int) -> list[list[Post]]:
    """For each writer, the list of its posts. Each list has `how_many` / `writers` posts, rounded down."""
    posts = [[read(event) for event in events] for events in payments.for_writers(writers, how_many // writers)]
    settle_memory()
    return posts


def post_evenly(ledger: Ledger, posts: Sequence[Sequence[Post]], a_second: float, stop: Flag) -> list[Answer]:
    """Send the posts of all writers evenly, `a_second` per second together, until `stop` is set or none is left.

    Each writer has a thread of its own. Fails if a post is refused.
    """
    answers: list[Answer] = []
    writers = len(posts)

    def write(number: int) -> None:
        for nth, post in enumerate(posts[number]):
            due = started + (nth * writers + number) / a_second
            time.sleep(max(0.0, due - time.perf_counter()))
            if stop.is_set():
                return
            sent = time.perf_counter()
            [outcome] = ledger.post([post])
            assert isinstance(outcome, Committed), outcome
            answers.append(Answer(sent, time.perf_counter(), outcome.last))

    with ThreadPoolExecutor(writers) as threads:
        started = time.perf_counter()
        for done in [threads.submit(write, number) for number in range(writers)]:
            done.result()
    return answers


def beside(
    ledger: Ledger, posts: Sequence[Sequence[Post]], a_second: float, work: Callable[[], Timed]
) -> tuple[Timed, list[Answer]]:
    """Post evenly, first for ALONE_SECONDS, then while `work` is done. Returns the work's times and all answers.

    Fails if the posts run out before the work has ended.
    """
    stop = Flag()
    with ThreadPoolExecutor(1) as thread:
        posting = thread.submit(post_evenly, ledger, posts, a_second, stop)
        try:
            time.sleep(ALONE_SECONDS)
            timed = work()
            early = posting.done()
        finally:
            stop.set()  # else all other posts would be sent before an error of `work` is seen
        answers = posting.result()
        assert not early, "the posts ran out before the work ended"
        return timed, answers


def between(answers: Iterable[Answer], since: float, until: float) -> Run:
    """The figures of the posts that waited for their answer at any time from `since` to `until`.

    The rate counts only the posts that were answered in this time.
    """
    waiting = [each for each in answers if each.sent < until and each.answered > since]
    answered = sum(since < each.answered <= until for each in waiting)
    run = summed([each.answered - each.sent for each in waiting], until - since, 0.0)
    return run._replace(a_second=answered / (until - since))
