"""The example: the real plan of one district and an invented history of its fund, with all inventions marked 示例.

Its events are posted like those of any sender: each with a key that has the scope for the event. Every post has a fixed
id, so posting the example again records nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
from psycopg import Connection

from service.api.http.problems import outcome_problem
from service.api.posting import cloudevents
from service.api.posting.event_schemas import SCHEMAS
from service.auth import api_keys
from service.auth.grants import POSTING, Grant, grant
from service.config import write_private
from service.ledger.application import Ledger
from service.ledger.outcomes import Committed, IdentityConflict

PLAN = Path(__file__).with_name("yx-ip-2018.yaml")
STATEMENT = Path(__file__).with_name("yx-ip-2018-2019-09.csv")
"""An invented bank statement of one month. Most of its lines match the ledger; each kind of difference occurs once."""
FUND = "yx-ip-2018"

SOURCES = ("/example/sender", "/yuexiu/accounting", "/yuexiu/treasury")
"""The sources that the demo keys may post under: those of the published examples and of the documents."""
DEMO_KEYS: dict[str, Grant] = {
    "fund-office": grant(["post:fund", "post:note", "read"], sources=SOURCES),
    "call-desk": grant(["post:call", "read"], sources=SOURCES),
    "award-board": grant(["post:award", "read"], sources=SOURCES),
    "acceptance-panel": grant(["post:acceptance", "read"], sources=SOURCES),
    "treasury": grant(["post:payment", "read"], sources=SOURCES),
    "approver": grant(["approve:payment", "read"], sources=SOURCES),
    "final-approver": grant(["approve:payment", "read"], sources=SOURCES),
    "waiver-board": grant(["post:waiver", "read"], sources=SOURCES),
    "corrections": grant(["post:reversal", "read"], sources=SOURCES),
    "inspection": grant(
        [*sorted(POSTING - {"approve:payment", "post:waiver", "post:reversal", "post:note"}), "read"], sources=SOURCES
    ),
    "auditor": grant(["read"]),
    "operator": grant(["admin"]),
}
DEMO_PERSONS = {
    "fund-office": "示例-1008 赵某",
    "award-board": "示例-1001 孙某",
    "treasury": "示例-1002 周某",
    "approver": "示例-1003 吴某",
    "final-approver": "示例-1006 许某",
    "waiver-board": "示例-1004 李某",
    "corrections": "示例-1005 郑某",
    "inspection": "示例-1007 秦某",
}
"""The invented people who use the demo keys, where rules for two people may compare them."""


OF_LEVEL = {"审批": "final-approver"}
"""The demo keys of approval levels; the other levels are approved with the key `approver`."""


def key_of(event: Mapping[str, Any]) -> str:
    """The name of the demo key with which this event of the example is posted."""
    if "irregular" in event["data"]:
        return "inspection"
    scope = SCHEMAS[event["type"]].scope
    may_post = (name for name, granted in DEMO_KEYS.items() if scope in granted.scopes & POSTING)
    return OF_LEVEL.get(event["data"].get("level", ""), next(may_post))


def ensure_demo_keys(conn: Connection[Any], secret: bytes, file: Path) -> None:
    """Ensure that the demo keys are in `file` (mode 600) and in the database. Existing keys are kept.

    New keys are written to the file, atomically, before they are stored in the database, so that a crash loses none.
    """
    keys = msgspec.json.decode(file.read_bytes(), type=dict[str, str]) if file.exists() else {}
    if new := {name: api_keys.new(secret) for name in DEMO_KEYS if name not in keys}:
        keys |= new
        write_private(file, msgspec.json.format(msgspec.json.encode(keys)).decode() + "\n")
    for name, key in keys.items():
        api_keys.ensure(conn, secret, name, key, DEMO_KEYS.get(name, grant(())), person=DEMO_PERSONS.get(name))


class Refused(Exception):
    """The ledger refused an event of the example. The arguments are the event's id and the problem."""


class OtherHistory(Exception):
    """An earlier version of the example was posted to this ledger; its events remain unchanged."""


def poster(ledger: Ledger, secret: bytes, on_post: Callable[[], None]) -> Callable[[Mapping[str, Any]], int]:
    """A function that posts one CloudEvent and returns the new version of the event's stream.

    The function uses the demo key that has the required scope, calls `on_post` after each successful post, and raises
    OtherHistory or Refused.
    """

    def post(event: Mapping[str, Any]) -> int:
        sender = key_of(event)
        envelope = cloudevents.parse_envelope(event)
        [outcome] = ledger.post([cloudevents.parse_post(envelope, sender, secret, DEMO_PERSONS.get(sender))])
        if isinstance(outcome, IdentityConflict):
            raise OtherHistory
        if not isinstance(outcome, Committed):
            raise Refused(event["id"], outcome_problem(outcome))
        on_post()
        return outcome.version

    return post
