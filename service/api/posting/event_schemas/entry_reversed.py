"""Schema of the reversal of an entry."""

from __future__ import annotations

from domain import entry_reversed
from service.api.posting.event_schemas.event_schema import FactSchema
from service.api.posting.fields import Amount, Text, Whole


class EntryReversed(FactSchema):
    fact = entry_reversed.EntryReversed
    scope = "post:reversal"
    version = Whole(1, 2**53, required=True)
    amount = Amount()
    reason = Text(most=1_000, required=True)


SCHEMAS = (EntryReversed,)
