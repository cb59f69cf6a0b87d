"""Schema of the reversal of an entry."""

from __future__ import annotations

from domain import entry_reversed
from service.api.posting.event_schemas.event_schema import FactSchema
from service.api.posting.fields import Amount, Integer, Text


class EntryReversed(FactSchema):
    fact = entry_reversed.EntryReversed
    scope = "post:reversal"
    version = Integer(1, 2**53, required=True)
    amount = Amount()
    reason = Text(max_length=1_000, required=True)


SCHEMAS = (EntryReversed,)
