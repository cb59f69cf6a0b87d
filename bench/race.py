"""Runs contenders in alternating rounds: the machine's speed drifts, so that only adjacent runs are comparable."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from statistics import median
from typing import Any, NamedTuple

from service.server import gateway

RAW_INSERT, RAW_ROWS, COPY = "raw INSERT", "raw multi-row INSERT", "raw COPY"
LIBRARY, EMMETT, MESSAGE_DB, BARE = "eventsourcing's recorder", "Emmett", "message-db", "bare Flask + INSERT"


class Run(NamedTuple):
    """One round: the rate per second, the 99th percentile of a step, and the client's processor time per item.

    `slowest_ms` is the longest step, 0 if it was not measured.
    """

    a_second: float
    p99_ms: float
    processor_us: float
    slowest_ms: float = 0.0


class Pace(NamedTuple):
    """The number of rounds, and the seconds of each contender in each round."""

    rounds: int
    seconds: float


class Contender(NamedTuple):
    """`run` works for the given seconds and returns its figures."""

    name: str
    run: Callable[[float], Run]


@dataclass
class Row:
    """One contender's rounds at one work, its medians, and its median ratios to the others in the same rounds."""

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
    def p99_ms(self) -> float:
        return median(run.p99_ms for run in self.runs)

    @property
    def slowest_ms(self) -> float:
        """The longest step of all rounds."""
        return max(run.slowest_ms for run in self.runs)

    @property
    def processor_us(self) -> float:
        return median(run.processor_us for run in self.runs)

    def as_dict(self) -> dict[str, Any]:
        """The row as it is saved to a file."""
        figures = {name: getattr(self, name) for name in Run._fields}
        ratios = {"times_the_rate_of": self.ratios, "times_the_p99_of": self.p99_ratios}
        return {"section": self.section, "work": self.work, "who": self.name, **figures, **ratios}


def race(section: str, work: str, contenders: Sequence[Contender], pace: Pace) -> list[Row]:
    """Run each contender in each round, in alternating order."""
    rows = [Row(section, work, contender.name) for contender in contenders]
    for round_ in range(pace.rounds):
        order = list(zip(rows, contenders, strict=True))
        for row, contender in order if round_ % 2 == 0 else reversed(order):
            row.runs.append(contender.run(pace.seconds))
    for row in rows:
        for other in rows:
            if other is not row:
                pairs = list(zip(row.runs, other.runs, strict=True))
                row.ratios[other.name] = median(mine.a_second / its.a_second for mine, its in pairs)
                row.p99_ratios[other.name] = median(mine.p99_ms / its.p99_ms for mine, its in pairs)
    return rows


def in_threads(steps: Sequence[Iterable[Callable[[], object]]], seconds: float, each: int = 1) -> Run:
    """Run each sequence of steps in its own thread for `seconds`; a step does `each` items."""
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
    """Exempt prepared objects from collection, which a web worker would not have, and use its collection thresholds."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*gateway.GC_THRESHOLDS)


def summed(took: Sequence[float], seconds: float, processor: float, each: int = 1) -> Run:
    """The run of steps with these durations, each of which did `each` items."""
    done = len(took) * each
    in_order = sorted(took)
    p99, slowest = in_order[int(len(took) * 0.99)], in_order[-1]
    return Run(done / seconds, p99 * 1000, processor / done * 1e6, slowest * 1000)
