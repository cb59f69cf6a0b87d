"""The targets of the measurements: what the ratio of a figure to a peer's, or to another figure, should be.

An absolute figure is shown and not judged: it is another one on every machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from bench import appends, folding, growth, isolation, memory, posts, reads, rebuild, replay
from bench.race import BARE, LIBRARY, SAME_ROWS, Row

MAX_SLOWNESS = 1.3
"""A target is not judged if the machine was slower than this, in the median of the rounds: other work ran on it."""


class Target(NamedTuple):
    """A target for a figure of the program `who` at `work`. `of`: the rate or the 99th percentile.

    With a `peer`, the target is for the ratio of this figure to the peer's figure; if `than` names another work, for
    this ratio in relation to the ratio at that work. Without a peer, it is for the ratio of the figure to the same
    figure at the work `than`. `least` is the required value, and `wanted` is the desired value. A rate must be at least
    the required value, and a time at most. A work that measures memory has the MB as its rate; these must be at most
    the required value.
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

    def slowness(self, rows: Sequence[Row]) -> float:
        """How many times as slow as at its fastest the machine was while the figures were measured."""
        fastest = min(run.loop_seconds for row in rows for run in row.runs if run.loop_seconds)
        own = [row.loop_seconds or fastest for row in rows if f"{row.section}: {row.work}" in (self.work, self.than)]
        return max(own) / fastest

    def _at(self, work: str, rows: Sequence[Row]) -> float | None:
        row = next((each for each in rows if f"{each.section}: {each.work}" == work and each.name == self.who), None)
        if row is None:
            return None
        if self.peer is None:
            return {"rate": row.a_second, "p99": row.p99_ms}[self.of]
        return (row.p99_ratios if self.of == "p99" else row.ratios).get(self.peer)


MANY, SUYUAN = appends.MANY, "Suyuan"
SIXTEEN, THOUSANDS = "append in process: 16 writers, one event", "append in process: one writer, bundles of 1,000"
ONE, OVER_HTTP = (f"{posts.WORK}: {posts.one_event(many)}" for many in (1, 16))
LIFE, LOG = "length of a project's life: one writer, one event", "length of the log: 16 writers, one event"
MEMORY_AFTER = {many: f"{memory.SECTION}: {memory.after(many)}" for many in memory.POSTS}
WAITED_FOR = (
    "balances of the fund", "a fen's trace", "balances as of a position", "balances by award", "the fund's alerts",
    "the fund's appropriations", "a page of payments", "a page of awards", "the project", reads.BY_SOURCE,
)  # fmt: skip
"""The reads that people had to wait for."""
TARGETS = (
    Target(SIXTEEN, MANY, LIBRARY, 4.5, 6),
    Target(SIXTEEN, MANY, SAME_ROWS, 0.5, 0.8),
    Target(THOUSANDS, MANY, SAME_ROWS, 0.5, 0.7),
    Target(OVER_HTTP, SUYUAN, BARE, 0.5, 0.7),
    Target(ONE, SUYUAN, BARE, 0.45, 0.6),
    *(Target(f"{posts.WORK}: {posts.one_event(many)}", SUYUAN, BARE, 0.9, 1, than=OVER_HTTP) for many in (32, 128)),
    *(Target(f"{posts.HELD}: {posts.one_event(many)}", SUYUAN, BARE, 0.9, 1, than=OVER_HTTP) for many in (16, 32, 128)),
    Target(OVER_HTTP, SUYUAN, BARE, 1.5, 1.5, "p99"),
    Target(LIFE, growth.LONG, growth.SHORT, 0.9, 0.95),
    Target(LOG, "1,000,000 events", "10,000 events", 0.8, 0.95),
    Target(f"{folding.SECTION}: {folding.WORK}", folding.FOLDED, folding.PLAIN, 0.8, 1),
    Target("replay: rebuild all", SUYUAN, replay.BATCHED, 1, 2),
    *(Target(f"reads: {name}", SUYUAN, reads.BARE_SQL, 3, 2, "p99") for name in WAITED_FOR),
    Target(MEMORY_AFTER[100_000], SUYUAN, None, 1.05, 1, than=MEMORY_AFTER[50_000]),
    Target(f"rebuild: {rebuild.WORK}", rebuild.BESIDE, rebuild.SILENT, 1 / 3, 1 / 2),
)


def verdicts(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Each target as a dict, with the figure `found` in `rows`, the `slowness` of the machine meanwhile, and `met`.

    `met`: whether the figure reaches the required value. A target whose work was not run is left out.
    """
    results = []
    for target in (*TARGETS, *_of_isolation(rows)):
        found = target.found(rows)
        if found is not None:
            met = found <= target.least if target.lower_is_better else found >= target.least
            results.append({**target._asdict(), "found": found, "slowness": target.slowness(rows), "met": met})
    return results


def _of_isolation(rows: Sequence[Row]) -> Iterator[Target]:
    """The targets for posts beside another key, which are the same for each address."""
    for row in rows:
        if row.section == isolation.SECTION and row.name == isolation.BESIDE:
            work = f"{row.section}: {row.work}"
            yield Target(work, row.name, isolation.ALONE, 0.8, 0.9)
            yield Target(work, row.name, isolation.ALONE, 2, 1.5, "p99")
