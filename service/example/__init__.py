"""The example: the real plan of one district, and an invented life of its fund, plainly marked 示例.

It is posted like any other sender's facts, by keys with the same scopes, and every post has a fixed id: playing it
again records nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
from psycopg import Connection

from service import keys
from service.api import cloudevents
from service.api.facts import SCHEMAS
from service.api.problems import of_outcome
from service.config import write_private
from service.keys import Principal
from service.ledger import Conflicts, Counted, Ledger

PLAN = Path(__file__).with_name("yx-ip-2018.yaml")

DEMO_KEYS = {
    "fund-office": ("post:fund", "read"),
    "call-desk": ("post:call", "read"),
    "award-board": ("post:award", "read"),
    "acceptance-panel": ("post:acceptance", "read"),
    "treasury": ("post:payment", "read"),
    "approver": ("approve:payment", "read"),
    "auditor": ("read",),
}


def ensure_demo_keys(conn: Connection[Any], secret: bytes, file: Path) -> None:
    """The demo keys in `file` (mode 600), made on the first run. Written before they count, so a crash loses none."""
    if not file.exists():
        made = {name: keys.PREFIX + secrets.token_urlsafe(32) for name in DEMO_KEYS}
        write_private(file, msgspec.json.format(msgspec.json.encode(made)).decode() + "\n")
    for name, key in msgspec.json.decode(file.read_bytes(), type=dict[str, str]).items():
        keys.ensure(conn, secret, name, key, DEMO_KEYS.get(name, ()))


class Refused(Exception):
    """The plan, or the life played on it, was refused: they do not fit the rules or each other."""


class PlayedOtherwise(Exception):
    """An earlier version of the example was played here: what it recorded stays as it is."""


def poster(ledger: Ledger, secret: bytes, posted: Callable[[], None]) -> Callable[[Mapping[str, Any]], int]:
    """A function that posts one CloudEvent under the demo key whose business it is, and gives the stream's version."""
    by_scope = {scopes[0]: Principal(name, frozenset(scopes)) for name, scopes in DEMO_KEYS.items()}

    def post(event: Mapping[str, Any]) -> int:
        principal = by_scope[SCHEMAS[event["type"]].scope]
        [outcome] = ledger.post([cloudevents.read(event, principal, secret)])
        if isinstance(outcome, Conflicts):
            raise PlayedOtherwise
        if not isinstance(outcome, Counted):
            raise Refused(event["id"], of_outcome(outcome))
        posted()
        return outcome.version

    return post
