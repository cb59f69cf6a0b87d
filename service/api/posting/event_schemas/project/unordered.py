"""Schema of a payment that nobody ordered."""

from __future__ import annotations

from domain.posting import COMMITTED, LINE, PAYABLE, POOL
from domain.project import unordered
from service.api.posting.event_schemas.event_schema import ActualPayeeShape, FactSchema
from service.api.posting.fields import Amount, Choice, Integer, Name, Text
from service.api.posting.shapes import One


class UnorderedPaymentFound(FactSchema):
    fact = unordered.UnorderedPaymentFound
    scope = "post:irregular"
    payment = Name(required=True)
    award = Name(required=True)
    batch = Integer(1, 99, required=True)
    account = Choice(PAYABLE, COMMITTED, LINE, POOL, required=True)
    amount = Amount(required=True)
    payee = One(ActualPayeeShape, required=True)
    reason = Text(max_length=1_000, required=True)
    repeats = Name()


SCHEMAS = (UnorderedPaymentFound,)
