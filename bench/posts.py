"""Posting over HTTP, on few or many connections, one event per request or several (a bundle).

Posting single events is compared with a bare Flask route (`bare.py`). Posting bundles is compared with an INSERT of
several rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bench import client
from bench.client import LoadResult
from bench.peers import MakeContender
from bench.processor import metered
from bench.race import BARE, RAW_ROWS, Contender, Pace, Row, Run, race, summed
from bench.served import Served
from bench.slowed import held_to_a_third
from bench.workload import Event, Fund, Payments
from service.api.http.limits import BUNDLE, EVENT

CONNECTIONS = (1, 8, 16, 32, 128)
BUNDLES = ((50, 2), (1_000, 2))
"""Each number of events per request that is measured besides one, with the number of connections."""
SUYUAN = "Suyuan"
WORK, HELD = "POST over HTTP", "POST over HTTP, held to a third of a core"
MAX_PER_SECOND = 6_000
MAX_BUNDLED_PER_SECOND = 12_000


def over_http(name: str, served: Served, payments: Payments, connections: int, each: int = 1) -> Contender:
    """A program to measure: it sends prepared requests to `served`, on `connections` connections.

    A connection sends its next request when the previous one is answered. A request has `each` events.
    """

    def run(seconds: float) -> Run:
        limit = int((MAX_PER_SECOND if each == 1 else MAX_BUNDLED_PER_SECOND) * seconds * (3 if not served.key else 1))
        events = payments.for_writers(connections, max(limit // connections, 2 * each))
        result = client.load(served.port, [requests(served.key, batch, each) for batch in events], seconds)
        assert set(result.statuses) == {201}, result.statuses
        return as_run(result, each)

    return metered(Contender(name, run), served.database, served.process)


def requests(key: str, events: list[Event], each: int) -> list[bytes]:
    """The HTTP requests that post `events` with the API key `key`, `each` events in one request.

    Events left over for an incomplete last request are dropped.
    """
    if each == 1:
        bodies: list[tuple[object, str]] = [(event, EVENT) for event in events]
    else:
        starts = range(0, len(events) - each + 1, each)
        bodies = [(events[first : first + each], BUNDLE) for first in starts]
    return [
        client.request("POST", "/v1/events", body, Authorization=f"Bearer {key}", Content_Type=kind)
        for body, kind in bodies
    ]


def as_run(result: LoadResult, each: int) -> Run:
    return summed(result.took, result.seconds, result.processor_seconds, each)


def rows(
    ours: Served, bare: Served, funds: tuple[Fund, Fund], peers: Mapping[str, MakeContender], pace: Pace
) -> Iterator[Row]:
    """Measures posting: one event per request on each number of CONNECTIONS, then bundles of each size in BUNDLES.

    The last three numbers of connections are measured again while both services are held to a third of a core. Yields a
    row of figures for each program. `ours` is Suyuan's web service, `bare` the bare Flask route. The bundles go to the
    second of `funds`: after the single events, the projects of the first have more events than the service keeps
    cached.
    """
    payments, of_bundles = map(Payments, funds)
    over_http(SUYUAN, ours, payments, 16).run(pace.seconds)
    for connections in CONNECTIONS:
        yield from race(WORK, one_event(connections), _against(bare, ours, payments, connections), pace)
    with held_to_a_third([ours.process, bare.process]):
        for connections in CONNECTIONS[-3:]:
            contenders = _against(bare, ours, payments, connections)
            yield from race(HELD, one_event(connections), contenders, pace, slowed=True)
    for each, connections in BUNDLES:
        raw = metered(peers[RAW_ROWS](1, each), ours.database)
        contenders = [over_http(SUYUAN, ours, of_bundles, connections, each), raw]
        work = f"{connections} connections, bundles of {each:,}"
        yield from race(WORK, work, contenders, Pace(pace.rounds, 2 * pace.seconds))


def one_event(connections: int) -> str:
    return f"{connections} connections, one event"


def _against(bare: Served, ours: Served, payments: Payments, connections: int) -> list[Contender]:
    return [over_http(name, server, payments, connections) for name, server in ((SUYUAN, ours), (BARE, bare))]
