"""Schemas of holds and their release."""

from __future__ import annotations

from domain.project import hold
from service.api.posting.event_schemas.event_schema import FactSchema
from service.api.posting.fields import Amount, Day, Name, Text


class HoldSchema(FactSchema):
    scope = "post:award"
    hold = Name(required=True)
    reason = Text(max_length=1_000, required=True)


class FundsHeld(HoldSchema):
    fact = hold.FundsHeld
    award = Name()
    amount = Amount()
    until = Day()
    authority = Text(max_length=100, required=True)


class HoldReleased(HoldSchema):
    fact = hold.HoldReleased


SCHEMAS = (FundsHeld, HoldReleased)
