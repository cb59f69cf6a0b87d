"""Schema of the award list."""

from __future__ import annotations

from domain.project import award, eligibility
from service.api.posting import fields
from service.api.posting.event_schemas.event_schema import FactSchema, PayeeShape
from service.api.posting.fields import Amount, Flag, Name, One, Rows, Shape, Text, Whole


class BatchAmountShape(Shape):
    makes = eligibility.BatchAmount
    batch = Whole(1, 99, required=True)
    amount = Amount(required=True)


class AwardedShape(Shape):
    makes = eligibility.Awarded
    award = Name(required=True)
    application = Name(required=True)
    payee = One(PayeeShape, required=True)
    score = fields.Score(required=True)
    rank = Whole(1, 100_000, required=True)
    amounts = Rows(One(BatchAmountShape), most=20, required=True)


class AwardListDecided(FactSchema):
    fact = award.AwardListDecided
    scope = "post:award"
    review = Whole(1, 2**53, required=True)
    notice = Whole(1, 2**53, load_default=None, allow_none=False)
    method = Text(required=True)
    quantum = Amount()
    tie_order = Text()
    by_score = Flag()
    shared_among = Rows(Name(), most=10_000, load_default=())
    awards = Rows(One(AwardedShape), most=10_000, required=True)


SCHEMAS = (AwardListDecided,)
