"""What was asked of each work: at least this ratio to a peer in the same run, or this figure; and what we want."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from bench import appends, growth, reads, replay
from bench.race import BARE, LIBRARY, RAW_INSERT, RAW_ROWS, Row


class Asked(NamedTuple):
    """Of `who` at `work`: its rate as a ratio to that of `peer`, or by itself; `of`: rate, p99 ratio or p99 in ms."""

    work: str
    who: str
    peer: str | None
    least: float
    wanted: float
    of: str = "rate"

    @property
    def most(self) -> bool:
        """Whether less is better."""
        return self.of != "rate" or "MB" in self.work

    def found(self, rows: Iterable[Row]) -> float | None:
        row = next(
            (each for each in rows if f"{each.section}: {each.work}" == self.work and each.name == self.who), None
        )
        if row is None:
            return None
        if self.peer is None:
            return row.p99_ms if self.of == "p99" else row.a_second
        return (row.p99_ratios if self.of == "p99" else row.ratios).get(self.peer)


MANY, SUYUAN = appends.MANY, "Suyuan"
SIXTEEN, THOUSANDS = "append in process: 16 writers, one event", "append in process: one writer, bundles of 1,000"
OVER_HTTP, BUNDLED = "POST over HTTP: 16 connections, one event", "POST over HTTP: 2 connections, bundles of 1,000"
LIFE, LOG = "length of a project's life: one writer, one event", "length of the log: 16 writers, one event"
BALANCES, TRACE, AS_OF = (
    f"reads: {name}" for name in ("balances of the fund", "a fen's trace", "balances as of a position")
)
LAG = "projector: lag while 1,000 posts a second are asked for, 8 writers"
ASKED = (
    Asked(SIXTEEN, MANY, LIBRARY, 4, 6),
    Asked(SIXTEEN, MANY, RAW_INSERT, 0.5, 0.8),
    Asked(OVER_HTTP, SUYUAN, BARE, 0.45, 0.7),
    Asked(OVER_HTTP, SUYUAN, BARE, 1.5, 1.5, "p99"),
    Asked(BUNDLED, SUYUAN, None, 6_000, 15_000),
    Asked(BUNDLED, SUYUAN, RAW_ROWS, 0.15, 0.15),
    Asked(THOUSANDS, MANY, RAW_ROWS, 0.5, 0.7),
    Asked(LIFE, growth.LONG, growth.SHORT, 0.9, 0.95),
    Asked(LOG, "1,000,000 events", "10,000 events", 0.8, 0.95),
    Asked(f"projector: {replay.SPANS}", SUYUAN, None, 40_000, 100_000),
    Asked(LAG, SUYUAN, None, 250, 250, "p99"),
    *(Asked(work, SUYUAN, reads.BARE_SQL, 1 / 3, 1 / 3) for work in (BALANCES, TRACE, AS_OF)),
    Asked(BALANCES, SUYUAN, None, 20, 20, "p99"),
    Asked(TRACE, SUYUAN, None, 5, 5, "p99"),
    Asked(AS_OF, SUYUAN, None, 100, 100, "p99"),
    Asked("memory of the web worker, MB: after 100,000 posts", SUYUAN, None, 250, 150),
)


def verdicts(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """What was found for each, and whether it is enough; nothing where the work was not run."""
    told = []
    for asked in ASKED:
        found = asked.found(rows)
        if found is not None:
            met = found <= asked.least if asked.most else found >= asked.least
            told.append({**asked._asdict(), "found": found, "met": met})
    return told
