"""The example: the real plan of one district, and an invented life of its fund, plainly marked 示例.

It is posted like any other sender's facts, by keys with the same scopes, and every post has a fixed id: playing it
again records nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
from psycopg import Connection

from service.api.http.problems import of_outcome
from service.api.posting import cloudevents
from service.api.posting.event_schemas import SCHEMAS
from service.auth import api_keys
from service.auth.grants import Grant, grant
from service.config import write_private
from service.ledger.application import Ledger
from service.ledger.outcomes import Conflicts, Counted

PLAN = Path(__file__).with_name("yx-ip-2018.yaml")
STATEMENT = Path(__file__).with_name("yx-ip-2018-2019-09.csv")
"""What an invented bank says of one month: mostly right, with one of every kind of exception."""
FUND = "yx-ip-2018"

DEMO_KEYS: dict[str, Grant] = {
    "fund-office": grant(["post:fund", "read"]),
    "call-desk": grant(["post:call", "read"]),
    "award-board": grant(["post:award", "read"]),
    "acceptance-panel": grant(["post:acceptance", "read"]),
    "treasury": grant(["post:payment", "read"]),
    "approver": grant(["approve:payment", "read"]),
    "waiver-board": grant(["post:waiver", "read"]),
    "corrections": grant(["post:reversal", "read"]),
    "auditor": grant(["read"]),
    "operator": grant(["admin"]),
}


def ensure_demo_keys(conn: Connection[Any], secret: bytes, file: Path) -> None:
    """The demo keys in `file` (mode 600), made on the first run that knows them; those it has are kept.

    Written, whole or not at all, before they count: so a crash loses none.
    """
    made = msgspec.json.decode(file.read_bytes(), type=dict[str, str]) if file.exists() else {}
    if new := {name: api_keys.new(secret) for name in DEMO_KEYS if name not in made}:
        made |= new
        write_private(file, msgspec.json.format(msgspec.json.encode(made)).decode() + "\n")
    for name, key in made.items():
        api_keys.ensure(conn, secret, name, key, DEMO_KEYS.get(name, grant(())))


class Refused(Exception):
    """The plan, or the life played on it, was refused: they do not fit the rules or each other."""


class PlayedOtherwise(Exception):
    """An earlier version of the example was played here: what it recorded stays as it is."""


def poster(ledger: Ledger, secret: bytes, posted: Callable[[], None]) -> Callable[[Mapping[str, Any]], int]:
    """A function that posts one CloudEvent under the demo key whose business it is, and gives the stream's version."""
    by_scope = {scope: name for name, each in DEMO_KEYS.items() for scope in each.scopes - {"read", "admin"}}

    def post(event: Mapping[str, Any]) -> int:
        sender = by_scope[SCHEMAS[event["type"]].scope]
        [outcome] = ledger.post([cloudevents.read(cloudevents.opened(event), sender, secret)])
        if isinstance(outcome, Conflicts):
            raise PlayedOtherwise
        if not isinstance(outcome, Counted):
            raise Refused(event["id"], of_outcome(outcome))
        posted()
        return outcome.version

    return post
