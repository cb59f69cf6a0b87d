"""Checks the head of a request, its request line and headers, before anything in it is used."""

from __future__ import annotations

import re
from typing import Any

from service.api.http.limits import MAX_HEAD_BYTES
from service.app import Route
from service.server.declined import Declined

HOST = re.compile(r"(\[[0-9a-f:.]+\]|[\w.-]+)(:[0-9]*)?", re.ASCII | re.IGNORECASE)
"""The values that the header Host may have: the name or address of a server, perhaps with a port."""


def check(scope: Any, route: Route) -> None:
    """Raises Declined if the request `scope`, whose route is `route`, may be understood in two ways or is too large.

    The web server has parsed the request, but it does not use, and so does not check, the method and the header Host.
    Its limit on the size is not exact: it depends on how the bytes arrive.
    """
    fields = sum(len(name) + len(value) + 4 for name, value in scope.headers.items())
    if len(scope.path) + len(scope.query_string) + fields > MAX_HEAD_BYTES:
        raise Declined("headers-too-large")
    if not scope.method.isupper():  # methods are case-sensitive, and Werkzeug would take `get` for GET
        raise _not_allowed(route)
    if not _names_one_host(scope):
        raise Declined("bad-header", header="Host", detail="It must name one host, once. 须且只能指明一个主机。")


def check_may_have_body(method: str, route: Route) -> None:
    """Raises Declined if the request has one of the methods with which a body means nothing: it would take memory."""
    if method in ("GET", "HEAD"):
        raise _not_allowed(route) if route.methods else Declined("bad-request")


def _not_allowed(route: Route) -> Declined:
    return Declined("method-not-allowed", {"Allow": ", ".join(route.methods)})


def _names_one_host(scope: Any) -> bool:
    """Whether the request has one valid header Host, which agrees with the host in its target if that has one.

    HTTP/1.0 allows a request without it.
    """
    hosts = scope.headers.get_all("host")
    if "host" not in scope.headers:
        return bool(scope.http_version == "1")
    named = len(hosts) == 1 and HOST.fullmatch(hosts[0]) is not None
    return named and (scope.authority is None or scope.authority.lower() == hosts[0].lower())
