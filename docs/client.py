"""A client of Suyuan to copy, plain Python: posts until it has an answer, never twice; follows the log."""

import http.client
import json
import logging
import random
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

log = logging.getLogger("suyuan")
RETRIED = {408, 429, 500, 502, 503, 504}
"""Statuses after which the same request is sent again: it is unknown whether the post was recorded; it counts once."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: a post would be repeated as a read, and the key would be sent to another host."""

    def redirect_request(self, *_: Any) -> None:
        return None


OPENER = urllib.request.build_opener(_NoRedirect)


class Refused(Exception):
    """The ledger refused the request; `problem` says why and what to do, in English and Chinese."""

    def __init__(self, problem: dict) -> None:
        super().__init__(f"{problem['title']} {problem['title_zh']}")
        self.problem = problem


class Suyuan:
    """The ledger at `url`, used with an API key. Retries for ever; its own pauses grow to `longest` seconds."""

    def __init__(self, url: str, key: str, longest: float = 30.0) -> None:
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"not the address of a service: {url!r}")
        self.url, self.key, self.longest = url.rstrip("/"), key.strip(), longest

    def post(self, event: dict) -> dict:
        """Post one CloudEvent and return its outcome. `source` and `id` identify the post: derive the id from your own
        record of the fact, so that after a crash the same fact has the same id. Raises Refused."""
        return self._send("/v1/events", json.dumps(event).encode())[0]

    def follow(self, cursor: Path, pause: float = 1.0, only: str = "") -> Iterator[dict]:
        """The log, event by event and for ever, from the file `cursor`. Asking for the next event marks the last one as
        processed; after a crash, that event comes again. `only`: `&fund=CODE` or `&project=CODE` for a limited key.
        Raises Refused, also when the log was restored from a backup without the event at `cursor`."""
        after = cursor.read_text() if cursor.exists() else "0"
        while True:
            page, link = self._send(f"/v1/events?after={after}&limit=500{only}")
            for event in page:
                yield event
                after = _keep(cursor, str(event["position"]))
            if read := re.search(r"after=(\d+&history=\d+)", link):  # `history` names the last event of the page
                after = _keep(cursor, read[1])
            if not page:
                time.sleep(pause)

    def _send(self, path: str, body: bytes | None = None) -> tuple[Any, str]:
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/cloudevents+json"}
        request = urllib.request.Request(self.url + path, body, headers)
        pause = 0.1
        while True:
            try:
                with OPENER.open(request, timeout=30) as answer:
                    return json.load(answer), answer.headers.get("Link") or ""
            except urllib.error.HTTPError as error:
                problem = _problem(error)
                if error.code not in RETRIED and problem:
                    raise Refused(problem) from None
                if 300 <= error.code < 400:
                    raise ValueError(f"{self.url} has moved to {error.headers.get('Location')}") from None
                retry_after = error.headers.get("Retry-After") or ""
                pause = max(pause, float(retry_after)) if retry_after.isdigit() else pause
                log.warning("%s %s: status %s, retried", request.get_method(), path, error.code)
            except (OSError, http.client.HTTPException, json.JSONDecodeError, UnicodeDecodeError) as error:
                log.warning("%s %s: no answer or an incomplete one (%s), retried", request.get_method(), path, error)
            time.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(2 * pause, self.longest)


def _keep(cursor: Path, after: str) -> str:
    (written := cursor.with_suffix(".new")).write_text(after)
    written.replace(cursor)
    return after


def _problem(error: urllib.error.HTTPError) -> dict | None:
    """The problem document of an answer, or None if the answer is incomplete."""
    try:
        return json.load(error)
    except (OSError, http.client.HTTPException, json.JSONDecodeError, UnicodeDecodeError):
        return None
