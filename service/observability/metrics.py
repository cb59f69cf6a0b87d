"""The metrics in the Prometheus text format: of this process, of the ledger, and of the connection pools."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

disable_created_metrics()  # type: ignore[no-untyped-call]
REGISTRY = CollectorRegistry()
REQUESTS = Counter("suyuan_requests", "Requests answered.", ("method", "route", "status"), registry=REGISTRY)
SECONDS = Histogram(
    "suyuan_request_seconds",
    "Processing time of a request, without its time in the queue.",
    ("route",),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    registry=REGISTRY,
)
ACTIVE = Gauge("suyuan_requests_active", "Requests being processed.", registry=REGISTRY)
WAITING = Gauge("suyuan_requests_waiting", "Requests in the queue, not being processed yet.", registry=REGISTRY)
KEY_SECONDS = Counter("suyuan_key_seconds", "Processing time of requests, by key.", ("key",), registry=REGISTRY)
MAX_KEYS = 500
"""Maximum number of keys with a sample of their own. The time of all further keys is counted as that of `others`."""
POSTS = Counter("suyuan_posts", "Posted events by outcome.", ("outcome",), registry=REGISTRY)
REFUSALS = Counter("suyuan_refusals", "Posted events that a rule refused.", ("rule",), registry=REGISTRY)
OUTCOMES = ("recorded", "replayed", "refused", "conflict", "stale", "not_recorded", "malformed", "forbidden")
for _outcome in OUTCOMES:
    POSTS.labels(_outcome)
LEDGER = {
    "suyuan_database_up": "1 if the database answers, otherwise 0.",
    "suyuan_log_position": "The log's last position.",
    "suyuan_projected_position": "The position that every projection has folded.",
    "suyuan_projector_lag_events": "Events that the projections have not folded yet.",
    "suyuan_projector_lag_seconds": "Age of the oldest event that the projections have not folded yet.",
    "suyuan_calendar_days": "Days from today to the last day that the calendar covers; negative after it.",
    "suyuan_serials_used_ratio": "Part of all serial numbers of fen that is used, from 0 to 1.",
    "suyuan_funds_held": "Funds that are held because an event cannot be folded.",
}
SNAPSHOTS = {"suyuan_snapshots_unreadable": "Snapshots that could not be read, so that the log was replayed."}
READ_PROCESS = {"suyuan_read_process_up": "1 if the read process answers, otherwise 0."}
POOLS = {
    "suyuan_pool_connections": "Database connections by pool and state.",
    "suyuan_pool_waiting": "Requests that wait for a database connection.",
}
NAMES = frozenset(
    {
        "suyuan_requests_total",
        *(f"suyuan_request_seconds_{part}" for part in ("bucket", "sum", "count")),
        "suyuan_requests_active",
        "suyuan_requests_waiting",
        "suyuan_key_seconds_total",
        "suyuan_posts_total",
        "suyuan_refusals_total",
        *LEDGER,
        *READ_PROCESS,
        *POOLS,
        *(f"{name}_total" for name in SNAPSHOTS),
    }
)
"""The names of all samples that `/metrics` returns, as Prometheus shows them."""


MEASURED = "suyuan.measured"
"""Key of the WSGI environment: the arguments with which count_request() has counted the request."""
_keys: set[str] = set()


def count_request(method: str, route: str, status: int, key: str | None, seconds: float) -> None:
    """Count an answered request and its processing time. `key`: the name of its sender's key; None if it had none."""
    REQUESTS.labels(method, route, status).inc()
    SECONDS.labels(route).observe(seconds)
    name = key or "none"
    if name not in _keys:
        if len(_keys) >= MAX_KEYS:
            name = "others"
        _keys.add(name)
    KEY_SECONDS.labels(name).inc(seconds)


def active() -> float:
    """The number of requests being processed."""
    [metric] = ACTIVE.collect()
    return metric.samples[0].value


class ProcessState(NamedTuple):
    """What each process tells of itself.

    `pools`: psycopg's statistics of each connection pool, by its name. `unreadable_snapshots`: how many snapshots
    (saved states of streams) could not be read.
    """

    pools: Mapping[str, Mapping[str, int]]
    unreadable_snapshots: int


class State(Collector):
    """At each scrape, collects the metrics in LEDGER and the state of each process.

    `ledger` returns values by metric name, and raises if the database does not answer. `own` returns the state of this
    process. `of_reads`, if it is set, returns that of the read process, and raises if this does not answer.
    """

    def __init__(
        self,
        ledger: Callable[[], Mapping[str, float]],
        own: Callable[[], ProcessState],
    ) -> None:
        self._ledger, self.own = ledger, own
        self.of_reads: Callable[[], ProcessState] | None = None

    def collect(self) -> Iterator[Metric]:
        try:
            figures: Mapping[str, float] = {"suyuan_database_up": 1, **self._ledger()}
        except Exception:  # noqa: BLE001 - after any error, the scrape must report that the database does not answer
            figures = {"suyuan_database_up": 0}
        for name, value in figures.items():
            yield GaugeMetricFamily(name, LEDGER[name], value=value)
        own, reads = self.own(), self._of_reads()
        if self.of_reads:
            [(name, about)] = READ_PROCESS.items()
            yield GaugeMetricFamily(name, about, value=int(reads is not None))
        states = [own, reads] if reads else [own]
        for name, about in SNAPSHOTS.items():
            yield CounterMetricFamily(name, about, value=sum(state.unreadable_snapshots for state in states))
        of_reads = {f"read process: {name}": stats for name, stats in reads.pools.items()} if reads else {}
        yield from self._pool_metrics({**own.pools, **of_reads})

    def _of_reads(self) -> ProcessState | None:
        """The state of the read process; None if there is none, or if it does not answer."""
        try:
            return self.of_reads() if self.of_reads else None
        except Exception:  # noqa: BLE001 - after any error, the scrape must report that it does not answer
            return None

    def _pool_metrics(self, pools: Mapping[str, Mapping[str, int]]) -> Iterable[Metric]:
        connections = GaugeMetricFamily(
            "suyuan_pool_connections", POOLS["suyuan_pool_connections"], labels=("pool", "state")
        )
        waiting = GaugeMetricFamily("suyuan_pool_waiting", POOLS["suyuan_pool_waiting"], labels=("pool",))
        for name, stats in pools.items():
            idle = stats.get("pool_available", 0)
            connections.add_metric((name, "idle"), idle)
            connections.add_metric((name, "in_use"), stats.get("pool_size", 0) - idle)
            waiting.add_metric((name,), stats.get("requests_waiting", 0))
        return connections, waiting


def exposition(state: State) -> bytes:
    """All samples in the Prometheus text format."""
    own = CollectorRegistry()
    own.register(state)
    return generate_latest(REGISTRY) + generate_latest(own)
