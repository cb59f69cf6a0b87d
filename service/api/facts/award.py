"""Schemas of the award list and the agreement."""

from __future__ import annotations

from domain.project import award
from service.api import fields
from service.api.facts.schema import FactSchema, PayeeShape
from service.api.fields import Amount, Day, Name, One, Rows, Shape, Text, Whole


class BatchAmountShape(Shape):
    makes = award.BatchAmount
    batch = Whole(1, 99, required=True)
    amount = Amount(required=True)


class AwardedShape(Shape):
    makes = award.Awarded
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
    notice = Whole(1, 2**53, required=True)
    method = Text(required=True)
    quantum = Amount()
    tie_order = Text()
    awards = Rows(One(AwardedShape), most=10_000, required=True)


class AgreementSigned(FactSchema):
    fact = award.AgreementSigned
    scope = "post:award"
    award = Name(required=True)
    starts_on = Day(required=True)
    ends_on = Day(required=True)


SCHEMAS = (AwardListDecided, AgreementSigned)
