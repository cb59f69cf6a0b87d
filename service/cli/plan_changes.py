"""What differs between a plan file and the plan that was loaded from it before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from psycopg import Connection
from psycopg.rows import DictRow

from domain.event import Fact, Header, Reference
from service.cli.plan_check import post_of
from service.ledger.states import entries
from service.plans.plan_file import PlanEvent, PlanFile
from service.plans.plan_location import path_of_error
from service.postgres.queries import QUERIES
from service.yaml_file.document import MAX_LISTED, FileWrong
from service.yaml_file.kinds import Wrong, short

ADVICE = (
    "这份计划已载入过，登记过的不能改：请改回原来的内容和经办人；计划调整应提交 PlanRevised（计划调整）"
    "或 FundsReallocated（调剂）；另一项资金换一个代码\n"
    "This plan was loaded before, and what is recorded is never edited: restore the original content and actor; to "
    "change the plan, post PlanRevised or FundsReallocated; for another fund, choose another code"
)


def changed(file: PlanFile, events: Iterable[PlanEvent], conn: Connection[DictRow]) -> FileWrong:
    """The error that lists how `events` differ from what is recorded.

    `events`: events of the plan file that are recorded already, but with other content.
    """
    wrong: set[Wrong] = set()
    for event in events:
        wrong |= set(_differences(file, event, conn))
        if len(wrong) > MAX_LISTED:
            break
    return FileWrong(file.path, wrong, ADVICE)


def _differences(file: PlanFile, event: PlanEvent, conn: Connection[DictRow]) -> Iterator[Wrong]:
    post = post_of(event)
    identity = {"source": post.identity.source, "id": post.identity.id}
    row = conn.execute(QUERIES["post"], identity).fetchone()
    assert row is not None, "a post that conflicts is recorded"
    [recorded] = entries(conn, [Reference(row["stream"], row["version"])]).values()
    before, now = _content(recorded.header, recorded.fact), _content(post.posted.header, post.posted.fact)
    found = list(_pointers(before, now, ""))
    for pointer, value in found or [("", None)]:
        was = "" if value is None or isinstance(value, dict | tuple) else f"，登记的是 {short(str(value))}"
        was_en = "" if not was else f": {short(str(value))}"
        path = path_of_error(event, f"/data{pointer}", file.plan)
        yield file.at(path, f"与已登记的不同{was}", f"it differs from what is recorded{was_en}")


def _content(header: Header, fact: Fact) -> Any:
    """The fields of an event that its sender wrote, as builtin values; amounts are in yuan."""
    sent = {"occurred_on": header.occurred_on, "actor": header.actor, "documents": header.documents}
    return msgspec.to_builtins({**sent, **msgspec.structs.asdict(fact)}, enc_hook=str)


def _pointers(before: Any, now: Any, at: str) -> Iterator[tuple[str, Any]]:
    """Yields the JSON pointer and the old value of each place where `before` and `now` differ.

    `at`: the JSON pointer of `before` and `now` themselves.
    """
    if isinstance(before, dict) and isinstance(now, dict):
        for name in before.keys() | now.keys():
            yield from _pointers(before.get(name), now.get(name), f"{at}/{name}")
    elif isinstance(before, tuple) and isinstance(now, tuple) and len(before) == len(now):
        for index, pair in enumerate(zip(before, now, strict=True)):
            yield from _pointers(*pair, f"{at}/{index}")
    elif before != now:
        yield at, before
