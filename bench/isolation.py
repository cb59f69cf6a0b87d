"""Posting over HTTP while another key does its worst: 40 connections that send one kind of request without a pause."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import count
from typing import Any
from urllib.parse import quote, urlencode

import psycopg
from psycopg.rows import dict_row

from bench import client
from bench.posts import MAX_PER_SECOND, as_run, over_http
from bench.posts import requests as prepared
from bench.race import Contender, Pace, Row, Run, race
from bench.served import Served
from bench.workload import SECRET, Fund, Payments
from service.api.http.limits import BUNDLE
from service.app import contract
from service.auth import api_keys
from service.auth.grants import SCOPES, grant

SECTION = "isolation"
ALONE, BESIDE = "Suyuan, alone", "Suyuan, beside another key"
CONNECTIONS, ATTACKING = 8, 40
Requests = list[bytes]
SAMPLES = """
    select
        (select max(position) / 2 from event) as position,
        least((select max(position) from event), 100000) as upto,
        (select payment from payment limit 1) as payment,
        (select id from post limit 1) as id
"""
"""Values of parameters whose addresses then have something to answer."""


def rows(served: Served, url: str, funds: Sequence[Fund], read: Fund, pace: Pace) -> Iterator[Row]:
    """Measures posts, alone and while another key requests each address; `read` is a fund with a life.

    The posts go to one of `funds` after the other: with all of them in one fund, its projects would in the end have
    more events than the service keeps cached, and posts would be slow for that reason. Yields two rows for each
    address.
    """
    with psycopg.connect(url, autocommit=True, row_factory=dict_row) as conn:
        key = api_keys.create(conn, SECRET, "other", grant(sorted(SCOPES), sources=["/bench"]))
        samples = _samples(conn, read)
    found = list(attacks(key, read, samples).items())
    for number, (name, requests) in enumerate(found):
        if number * len(funds) % len(found) < len(funds):
            payments = Payments(funds[number * len(funds) // len(found)])
            poster = over_http(ALONE, served, payments, CONNECTIONS)
            poster.run(pace.seconds)
        beside = Contender(BESIDE, partial(_beside, served, payments, requests))
        yield from race(SECTION, name, [poster, beside], pace)


def _samples(conn: psycopg.Connection[dict[str, Any]], fund: Fund) -> dict[str, Any]:
    """A value of each parameter that an address must have."""
    of_log = conn.execute(SAMPLES).fetchone()
    assert of_log is not None
    named = {"fund": fund.code, "project": fund.project(0), "batch": 1, "serial": 100, "number": 1, "source": "/bench"}
    return {**of_log, **named, "type_": "PaymentConfirmed", "kind": "not-found", "rule": "SamePerson"}


def _beside(served: Served, payments: Payments, requests: Requests, seconds: float) -> Run:
    posts = payments.for_writers(CONNECTIONS, int(seconds * MAX_PER_SECOND / CONNECTIONS))
    with client.pressing(served.port, requests, ATTACKING):
        result = client.load(served.port, [prepared(served.key, events, 1) for events in posts], seconds)
    assert set(result.statuses) == {201}, result.statuses
    return as_run(result, 1)


def attacks(key: str, fund: Fund, samples: Mapping[str, Any]) -> dict[str, Requests]:
    """The requests of each attack, by its name: every address that the contract has for GET, posts, and a wrong key.

    They are sent with the key `key`. `samples`: a value of each parameter that an address must have.
    """
    found = {path: [_get(key, path)] for path in addresses(samples)}
    found["/v1/funds, with a key that does not exist"] = [_get("suyuan_none", "/v1/funds")]
    ids, headers = count(), {"Authorization": f"Bearer {key}", "Content_Type": BUNDLE}
    for events in (1, 100, 1_000):
        dry = [{**event, "id": f"dry-{next(ids)}"} for event in Payments(fund).events([0], events)]
        found[f"dry runs of {events:,} events"] = [client.request("POST", "/v1/events?dry_run=true", dry, **headers)]
    bundles = {
        "1,000 malformed events": [{}] * 1_000,
        "1,000 numbers": [1] * 1_000,
        "one refused event": [{**next(fund.founding()), "id": "founded-again"}],
        "one event, recorded before": list(Payments(fund).events([0], 1)),
        "20 events, recorded before": list(Payments(fund).events([0], 20)),
    }
    for name, bundle in bundles.items():
        found[f"bundles of {name}"] = [client.request("POST", "/v1/events", bundle, **headers)]
    return found


def addresses(samples: Mapping[str, Any]) -> Iterator[str]:
    """Each address that the contract has for GET, with the most rows that it gives, and balances of the past."""
    for path, operations in contract()["paths"].items():
        parameters = operations.get("get", {}).get("parameters", [])
        query = {each["name"]: samples[each["name"]] for each in parameters if _is_sent(each)}
        query |= {each["name"]: each["schema"]["maximum"] for each in parameters if each["name"] == "limit"}
        query |= {"by": "award"} if path.endswith("/balances") else {}  # which have no limit otherwise
        if "get" in operations:
            filled = path.format_map({name: quote(str(value)) for name, value in samples.items()})
            yield f"{filled}?{urlencode(query)}" if query else filled
    yield "/openapi.json"
    yield f"/v1/funds/{samples['fund']}/balances?by=award&position={samples['position']}"


def _is_sent(parameter: Mapping[str, Any]) -> bool:
    return parameter["in"] == "query" and (parameter.get("required", False) or parameter["name"] in ("source", "id"))


def _get(key: str, path: str) -> bytes:
    return client.request("GET", path, Authorization=f"Bearer {key}")
