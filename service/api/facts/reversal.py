"""Schema of the reversal of an entry."""

from __future__ import annotations

from domain.reversal import fact
from service.api.facts.schema import FactSchema
from service.api.fields import Amount, Text, Whole


class EntryReversed(FactSchema):
    fact = fact.EntryReversed
    scope = "post:reversal"
    version = Whole(1, 2**53, required=True)
    amount = Amount()
    reason = Text(most=1_000, required=True)


SCHEMAS = (EntryReversed,)
