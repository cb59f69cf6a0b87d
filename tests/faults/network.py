"""Faults between the parts: silence, cut connections, lost answers, clients that leave."""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random

from domain.fund.funding import AppropriationReceived
from tests.faults.fault import fault
from tests.faults.senders import SOURCE
from tests.faults.site import Site
from tests.lives import yuan
from tests.proxy import Proxy
from tests.scenario import post
from tests.service.test_random_lives_api import wire


@contextmanager
def both(site: Site, begin: Callable[[Proxy], None], end: Callable[[Proxy], None]) -> Iterator[None]:
    """Do `begin` to both proxies, and `end` afterwards."""
    for each in site.proxies:
        begin(each)
    try:
        yield
    finally:
        for each in site.proxies:
            end(each)


@fault("the database swallows all packets")
def black_hole(site: Site, _: Random, seconds: float) -> None:
    with both(site, lambda proxy: proxy.silence(new=True), Proxy.resume):
        time.sleep(seconds)


@fault("the database's open connections fall silent for ever")
def half_open(site: Site, _: Random, seconds: float) -> None:
    """Except those of the pooler, which would find out by TCP: the proxy still answers on that level."""
    site.proxy.silence(new=False)
    time.sleep(seconds)


@fault("all database connections are cut")
def cut(site: Site, _: Random, seconds: float) -> None:
    with both(site, lambda proxy: proxy.cut(new=True), Proxy.admit):
        time.sleep(seconds)


@fault("acknowledgements of commits are lost")
def lost_answers(site: Site, random: Random, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        random.choice(site.proxies).lose_answers(1)
        time.sleep(0.2)
    for each in site.proxies:
        each.lose_answers(0)


@fault("clients leave in the middle of a request")
def clients_leave(site: Site, random: Random, seconds: float) -> None:
    """Half of them before the body is complete, half of them before the answer; then a sender asks what counted."""
    until, sender, number = time.monotonic() + seconds, site.senders[0], 0
    while time.monotonic() < until:
        number += 1
        fact = AppropriationReceived(yuan("0.01"), 2018)
        event = {**wire(post("fund/f0", fact, "1-7")), "source": SOURCE, "id": f"left-{time.time_ns()}-{number}"}
        body = json.dumps(event).encode()
        head = (
            "POST /v1/events HTTP/1.1\r\nHost: campaign\r\nContent-Type: application/cloudevents+json\r\n"
            f"Authorization: Bearer {site.key}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        whole = number % 2 == 0
        leave(random.choice(site.webs).port, head.encode() + (body if whole else body[: random.randrange(len(body))]))
        sender.send_later(event)
        time.sleep(0.05)


def leave(port: int, request: bytes) -> None:
    """Send this and reset the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.sendall(request)
