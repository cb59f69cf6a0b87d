"""The targets of the measurements: the required and the desired value of a figure, or of its ratio to a peer's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from bench import appends, cold, growth, isolation, posts, reads, rebuild, replay
from bench.race import BARE, LIBRARY, RAW_INSERT, RAW_ROWS, Row


class Target(NamedTuple):
    """A target for a figure of the program `who` at `work`. `of`: the rate, the 99th percentile or the slowest step.

    With a `peer`, the target is for the ratio of this figure to the peer's figure; if `than` names another work, for
    this ratio in relation to the ratio at that work. Without a peer, a rate is per
    second, and a 99th percentile or slowest step is in ms. `least` is the required value, and `wanted` is the desired
    value. A rate must be at least the required value, and a time at most. A work that measures memory has the MB as
    its rate; these must be at most the required value.
    """

    work: str
    who: str
    peer: str | None
    least: float
    wanted: float
    of: str = "rate"
    than: str = ""

    @property
    def lower_is_better(self) -> bool:
        return self.of != "rate" or "MB" in self.work

    def found(self, rows: Sequence[Row]) -> float | None:
        """The figure in `rows`; None if the work was not run."""
        found = self._at(self.work, rows)
        if found is None or not self.than:
            return found
        other = self._at(self.than, rows)
        return found / other if other else None

    def _at(self, work: str, rows: Iterable[Row]) -> float | None:
        row = next((each for each in rows if f"{each.section}: {each.work}" == work and each.name == self.who), None)
        if row is None:
            return None
        if self.peer is None:
            return {"rate": row.a_second, "p99": row.p99_ms, "slowest": row.slowest_ms}[self.of]
        return (row.p99_ratios if self.of == "p99" else row.ratios).get(self.peer)


MANY, SUYUAN = appends.MANY, "Suyuan"
SIXTEEN, THOUSANDS = "append in process: 16 writers, one event", "append in process: one writer, bundles of 1,000"
ONE, OVER_HTTP, BUNDLED = (
    f"{posts.WORK}: {work}" for work in (posts.one_event(1), posts.one_event(16), "2 connections, bundles of 1,000")
)
LIFE, LOG = "length of a project's life: one writer, one event", "length of the log: 16 writers, one event"
BALANCES, TRACE, AS_OF = (
    f"reads: {name}" for name in ("balances of the fund", "a fen's trace", "balances as of a position")
)
LAG = "projector: lag while 1,000 posts a second are asked for, 8 writers"
TARGETS = (
    Target(SIXTEEN, MANY, LIBRARY, 4, 6),
    Target(SIXTEEN, MANY, RAW_INSERT, 0.5, 0.8),
    Target(OVER_HTTP, SUYUAN, BARE, 0.5, 0.7),
    Target(ONE, SUYUAN, BARE, 0.45, 0.6),
    *(Target(f"{posts.WORK}: {posts.one_event(many)}", SUYUAN, BARE, 0.9, 1, than=OVER_HTTP) for many in (32, 128)),
    *(Target(f"{posts.HELD}: {posts.one_event(many)}", SUYUAN, BARE, 0.9, 1, than=OVER_HTTP) for many in (16, 32, 128)),
    Target(OVER_HTTP, SUYUAN, BARE, 1.5, 1.5, "p99"),
    Target(BUNDLED, SUYUAN, None, 6_000, 15_000),
    Target(BUNDLED, SUYUAN, RAW_ROWS, 0.15, 0.15),
    Target(THOUSANDS, MANY, RAW_ROWS, 0.5, 0.7),
    Target(LIFE, growth.LONG, growth.SHORT, 0.9, 0.95),
    Target(LOG, "1,000,000 events", "10,000 events", 0.8, 0.95),
    Target(f"projector: {replay.SPANS}", SUYUAN, None, 40_000, 100_000),
    Target(LAG, SUYUAN, None, 250, 250, "p99"),
    *(Target(work, SUYUAN, reads.BARE_SQL, 1 / 3, 1 / 3) for work in (BALANCES, TRACE, AS_OF)),
    Target(BALANCES, SUYUAN, None, 20, 20, "p99"),
    Target(TRACE, SUYUAN, None, 5, 5, "p99"),
    Target(AS_OF, SUYUAN, None, 100, 100, "p99"),
    Target("memory of the web worker, MB: after 100,000 posts", SUYUAN, None, 250, 150),
    Target(f"rebuild: {rebuild.WORK}", rebuild.BESIDE, rebuild.SILENT, 1 / 3, 1 / 2),
    Target(f"rebuild: {rebuild.POSTS}", rebuild.MEANWHILE, None, 1_000, 250, "slowest"),
    Target(f"rebuild: {rebuild.TURN}", SUYUAN, None, 1_000, 250, "slowest"),
    Target(f"{cold.SECTION}: {cold.POSTS('a tenth')}", cold.MEANWHILE, None, 1_000, 250, "slowest"),
)


def verdicts(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Each target as a dict, with the figure `found` in `rows`, and `met`: whether it reaches the required value.

    A target whose work was not run is left out.
    """
    results = []
    for target in (*TARGETS, *_of_isolation(rows)):
        found = target.found(rows)
        if found is not None:
            met = found <= target.least if target.lower_is_better else found >= target.least
            results.append({**target._asdict(), "found": found, "met": met})
    return results


def _of_isolation(rows: Sequence[Row]) -> Iterator[Target]:
    """The targets for posts beside another key, which are the same for each address."""
    for row in rows:
        if row.section == isolation.SECTION and row.name == isolation.BESIDE:
            work = f"{row.section}: {row.work}"
            yield Target(work, row.name, isolation.ALONE, 0.8, 0.9)
            yield Target(work, row.name, isolation.ALONE, 2, 1.5, "p99")
