"""Measures several programs (contenders) in turns. The machine's speed drifts, so only adjacent runs are comparable."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache, partial
from multiprocessing import get_context
from statistics import median
from typing import Any, NamedTuple

from service.server import worker

RAW_INSERT, RAW_ROWS, COPY = "raw INSERT", "raw multi-row INSERT", "raw COPY"
SAME_ROWS = "the same rows by SQL"
LIBRARY, EMMETT, MESSAGE_DB, BARE = "eventsourcing's recorder", "Emmett", "message-db", "bare Flask + INSERT"


MESSAGE_DB_16 = "message-db, 16 categories"
ON_THE_CLOCK = {
    "append in process: Suyuan": "deciding, JSON, the transaction; not reading the post, half of its Python over HTTP",
    f"append in process: {LIBRARY}": "the transaction; its JSON was made before",
    f"append in process: {MESSAGE_DB}": "the transaction; its JSON was made before; one lock per category",
    f"append in process: {EMMETT}": "JSON, the transaction; in Node",
    f"append in process: {RAW_INSERT}": "JSON, the transaction",
    f"append in process: {RAW_ROWS}": "JSON, the transaction",
    f"append in process: {COPY}": "JSON, the transaction; a bare table",
    f"append in process: {SAME_ROWS}": "the transaction, by COPY if several; our rows, tables and keys, decided before",
    "POST over HTTP": "from the first byte of the request to the last of the answer",
}
"""What is timed, by the beginning of a row's section, work and name. All else was done before."""


class Run(NamedTuple):
    """The figures of one program in one round: the items (events or requests) done per second, and some times.

    `p99_ms`: the 99th percentile of the time of one step, such as one request. `processor_us`: the processor time of
    the measuring client for each item, in microseconds; `service_us` and `database_us` the same of the service and of
    PostgreSQL, with what it does in the background. `slowest_ms`: the longest time of a step. 0 is not measured.
    `loop_seconds`: those of the calibration loop beside the round. `items`: how many were done.
    """

    a_second: float
    p99_ms: float
    processor_us: float
    slowest_ms: float = 0.0
    service_us: float = 0.0
    database_us: float = 0.0
    loop_seconds: float = 0.0
    items: int = 0


LOOPS, TRIES = 400_000, 3


def calibrated(run: Callable[[], Run]) -> Run:
    """The figures of `run`, with the seconds of the calibration loop just before or after it: the longer of both.

    The loop is always the same work, on all cores at once. Other work on the machine makes it slower.
    """
    before = loop_seconds()
    figures = run()
    return figures._replace(loop_seconds=max(before, loop_seconds()))


def loop_seconds() -> float:
    """The seconds of the calibration loop on the slowest of the cores."""
    cores = os.cpu_count() or 1
    return max(_cores(cores).map(_loop, range(cores)))


@cache
def _cores(how_many: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(how_many, mp_context=get_context("spawn"))


def _loop(_: int) -> float:
    """The loop's seconds, at its fastest of TRIES: what a round has left to do in the background is short."""
    took = []
    for _ in range(TRIES):
        started = time.perf_counter()
        for _ in range(LOOPS):
            pass
        took.append(time.perf_counter() - started)
    return min(took)


class Pace(NamedTuple):
    """The number of rounds, and the seconds that each contender works in each round."""

    rounds: int
    seconds: float


class Contender(NamedTuple):
    """A program that takes part in a race. `run` works for the given seconds and returns the figures of this round."""

    name: str
    run: Callable[[float], Run]


@dataclass
class Row:
    """The figures of one program at one work: a Run for each round. The properties sum them up, mostly by the median.

    `ratios`: the ratio of this program's rate to the rate of each other program that did the same work, by the other
    program's name. `p99_ratios`: the same for the 99th percentile. Each is the median of the rounds' ratios.
    """

    section: str
    work: str
    name: str
    runs: list[Run] = field(default_factory=list)
    ratios: dict[str, float] = field(default_factory=dict)
    p99_ratios: dict[str, float] = field(default_factory=dict)

    @property
    def a_second(self) -> float:
        return median(run.a_second for run in self.runs)

    @property
    def range(self) -> tuple[float, float]:
        """The lowest and the highest rate of all rounds."""
        return min(run.a_second for run in self.runs), max(run.a_second for run in self.runs)

    @property
    def loop_seconds(self) -> float:
        return median(run.loop_seconds for run in self.runs)

    @property
    def items(self) -> int:
        return sum(run.items for run in self.runs)

    @property
    def p99_ms(self) -> float:
        return median(run.p99_ms for run in self.runs)

    @property
    def slowest_ms(self) -> float:
        """The time of the longest step of all rounds, in ms."""
        return max(run.slowest_ms for run in self.runs)

    @property
    def processor_us(self) -> float:
        return median(run.processor_us for run in self.runs)

    @property
    def service_us(self) -> float:
        return median(run.service_us for run in self.runs)

    @property
    def database_us(self) -> float:
        return median(run.database_us for run in self.runs)

    def as_dict(self) -> dict[str, Any]:
        """The row as it is saved as JSON: the names, the figures of all rounds together, and the ratios."""
        figures = {name: getattr(self, name) for name in Run._fields}
        ratios = {"times_the_rate_of": self.ratios, "times_the_p99_of": self.p99_ratios}
        names = {"section": self.section, "work": self.work, "who": self.name, "on_the_clock": on_the_clock(self)}
        return {**names, **figures, "range": self.range, **ratios}


def on_the_clock(row: Row) -> str | None:
    """What is timed in the row, if it is not the whole of its work."""
    names = (f"{row.section}: {row.name}", row.section)
    return next((text for name in names for begin, text in ON_THE_CLOCK.items() if name.startswith(begin)), None)


def race(section: str, work: str, contenders: Sequence[Contender], pace: Pace, *, slowed: bool = False) -> list[Row]:
    """Run all contenders in each round, in every second round in reverse order. Returns a row for each contender.

    `slowed`: the machine is made slow on purpose, so the rounds are not calibrated.
    """
    rows = [Row(section, work, contender.name) for contender in contenders]
    for round_ in range(pace.rounds):
        order = list(zip(rows, contenders, strict=True))
        for row, contender in order if round_ % 2 == 0 else reversed(order):
            run = partial(contender.run, pace.seconds)
            row.runs.append(run() if slowed else calibrated(run))
    for row in rows:
        for other in rows:
            if other is not row:
                pairs = list(zip(row.runs, other.runs, strict=True))
                row.ratios[other.name] = median(mine.a_second / its.a_second for mine, its in pairs)
                row.p99_ratios[other.name] = median(mine.p99_ms / its.p99_ms for mine, its in pairs)
    return rows


def in_threads(steps: Sequence[Iterable[Callable[[], object]]], seconds: float, each: int = 1) -> Run:
    """Run each sequence of steps in a thread of its own for `seconds`; return the figures of all threads together.

    Each step does `each` items.
    """
    took: list[float] = []

    def work(own_steps: Iterable[Callable[[], object]]) -> None:
        for step in own_steps:
            started = time.perf_counter()
            if started > until:
                return
            step()
            took.append(time.perf_counter() - started)

    settle_memory()
    started, processor = time.perf_counter(), time.process_time()
    until = started + seconds
    with ThreadPoolExecutor(len(steps)) as threads:
        for done in [threads.submit(work, own_steps) for own_steps in steps]:
            done.result()
    return summed(took, time.perf_counter() - started, time.process_time() - processor, each)


def settle_memory() -> None:
    """Make garbage collection behave as in a web worker.

    The objects that exist now, such as prepared posts, are exempted, because a web worker would not have them. The
    thresholds are those of a web worker.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*worker.GC_THRESHOLDS)


def summed(took: Sequence[float], seconds: float, processor: float, each: int = 1) -> Run:
    """The figures of a round of `seconds` in which each step did `each` items.

    `took`: the seconds of each step. `processor`: the processor seconds of the client in the whole round.
    """
    done = len(took) * each
    in_order = sorted(took)
    p99, slowest = in_order[int(len(took) * 0.99)], in_order[-1]
    return Run(done / seconds, p99 * 1000, processor / done * 1e6, slowest * 1000, items=done)
