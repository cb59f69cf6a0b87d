"""A web process of the site, and requests to it."""

from __future__ import annotations

import http.client
import json
from typing import Any

from tests.faults.part import Part

REQUEST_SECONDS = 15
"""How long a client waits for an answer. The service promises one within 10 s."""


class Web(Part):
    """A web process at `port`."""

    port: int

    def ask(self, method: str, path: str, body: Any = None, key: str = "") -> tuple[int, Any]:
        """The status and the JSON document of the answer; raises OSError or HTTPException without an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=REQUEST_SECONDS)
        kind = "cloudevents-batch" if isinstance(body, list) else "cloudevents"
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        if body is not None:
            headers["Content-Type"] = f"application/{kind}+json"
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            answer = response.read()
        finally:
            connection.close()
        return response.status, json.loads(answer)
