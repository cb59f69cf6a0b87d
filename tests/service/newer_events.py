"""Records events as a newer version of the program would: of types and with fields that this version does not know."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from domain.fund.lifecycle import FundEstablished

NEWER = """
    with newer as (
        insert into event (position, stream, version, type, recorded_at, fact)
        select
            (select max(position) + 1 from event),
            stream,
            (select max(version) + 1 from event where stream = %(stream)s),
            %(type)s,
            (select greatest(now(), max(recorded_at)) from event),
            fact - %(omitted)s::text[]
            || jsonb_build_object('source_id', 'newer-' || (select max(position) from event))
            || %(more)s
        from event
        where stream = %(stream)s and version = 1
        returning position, fact
    )
    insert into post (source, id, digest, first_position, last_position)
    select
        fact ->> 'source',
        fact ->> 'source_id',
        coalesce(decode(fact ->> 'content_sha256', 'hex'), ''),
        position,
        position
    from newer
    returning first_position
"""


def record_newer(url: str, stream: str, type_: str = "TaxLevied", **more: Any) -> int:
    """Append an event of the type `type_` to the fund's stream `stream`, with its post, and return its position.

    The event has the header of the first event of the stream, and the fields `more`. If it is of the same type, it has
    the other fields of the first event too.
    """
    omitted = [] if type_ == FundEstablished.__name__ else list(FundEstablished.__struct_fields__)
    parameters = {"stream": stream, "type": type_, "omitted": omitted, "more": Jsonb(more)}
    with psycopg.connect(url, autocommit=True) as conn:
        row = conn.execute(NEWER, parameters).fetchone()
    assert row is not None
    position: int = row[0]
    return position
