"""Schema of the decision on the award list."""

from __future__ import annotations

from domain.project import award, eligibility
from service.api.posting import fields
from service.api.posting.event_schemas.event_schema import FactSchema, OfOrigin, PayeeShape
from service.api.posting.fields import Amount, Boolean, Integer, Name, Text
from service.api.posting.shapes import One, Rows, Shape


class BatchAmountShape(Shape):
    makes = eligibility.BatchAmount
    batch = Integer(1, 99, required=True)
    amount = Amount(required=True)


class AwardedShape(Shape, OfOrigin):
    makes = eligibility.Awarded
    award = Name(required=True)
    application = Name(required=True)
    payee = One(PayeeShape, required=True)
    score = fields.Score()
    rank = Integer(1, 100_000, required=True)
    amounts = Rows(One(BatchAmountShape), max_items=20, required=True)


class AwardListDecided(FactSchema):
    fact = award.AwardListDecided
    scope = "post:award"
    review = Integer(1, 2**53, load_default=None, allow_none=False)
    notice = Integer(1, 2**53, load_default=None, allow_none=False)
    method = Text(required=True)
    quantum = Amount()
    tie_order = Text()
    by_score = Boolean()
    shared_among = Rows(Name(), max_items=10_000, load_default=())
    awards = Rows(One(AwardedShape), max_items=10_000, required=True)


SCHEMAS = (AwardListDecided,)
